"""The tables' schema as JSON, for the infrastructure that creates them.

Columns are written down in each dataset's `tables.py` under `tasks/core`; Terraform reads them from
`infra/terraform/tables.json`, which this command makes:

    python -m infra.tables > infra/terraform/tables.json
"""

import json
import sys
from collections.abc import Iterable

from tasks.core.dataset import Column, Table
from tasks.core.datasets import TABLES


def describe_tables(tables: Iterable[Table] = TABLES) -> str:
    """Return the tables as a JSON document: a list, in order, ending with a new line.

    Each table has `name`, `description`, `location` (relative to the bucket), `columns` and
    `partition_keys` (one); each column has `name`, `type` (Athena's) and `comment`.
    """
    document = [
        {
            "name": table.name,
            "description": table.description,
            "location": table.location,
            "columns": _describe_columns(table.columns),
            "partition_keys": _describe_columns([table.partition_key]),
        }
        for table in tables
    ]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _describe_columns(columns: Iterable[Column]) -> list[dict[str, str]]:
    return [
        {"name": column.name, "type": column.type, "comment": column.description}
        for column in columns
    ]


if __name__ == "__main__":
    sys.stdout.write(describe_tables())
