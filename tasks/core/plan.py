"""What a run refines and how; the digest of its bytes is its name.

```
runs/<run_id>/plan.json                 what and how
runs/<run_id>/<attempt>/outcome.json    what one start of Glue made of it: tasks.core.attempt
```

The plan carries the statements, so that flow and job cannot disagree about them; who changes a
statement, a column or a raw object makes another plan.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.core.dataset import Dataset

FORMAT = 2
RUNS = "runs/"
# Text in quotes is kept as it is; a comment is white space, and that is nothing beside a sign.
_QUOTED = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)"""
_QUOTED_OR_BLANK = re.compile(_QUOTED + r"|(?:--[^\n]*|/\*.*?\*/|\s)+", re.DOTALL)
_BLANK_BESIDE_SIGN = re.compile(_QUOTED + r"""| ?([^\w\s'"`]) ?""", re.DOTALL)


@dataclass(frozen=True)
class Subject:
    """A dataset, and the lake that it is refined in.

    Attributes:
        dataset: The dataset.
        bucket: The lake's bucket.
        database: The lake's database in the Glue Data Catalog.
        glue_job: The Glue job that executes plans.
    """

    dataset: Dataset
    bucket: str
    database: str
    glue_job: str

    def __str__(self) -> str:
        return self.dataset.name


@dataclass(frozen=True, order=True)
class RawObject:
    """One object of raw as a listing shows it.

    Attributes:
        key: Its key.
        etag: S3's name for its bytes.
        size: Its size in bytes.
    """

    key: str
    etag: str
    size: int


@dataclass(frozen=True)
class Plan:
    """What a run refines and how.

    Attributes:
        dataset: Says how.
        months: `{month: its raw objects}`.
    """

    dataset: Dataset
    months: Mapping[str, tuple[RawObject, ...]]

    def to_bytes(self) -> bytes:
        """Return the plan as it is stored: the same plan gives the same bytes."""
        document = {
            "format": FORMAT,
            "dataset": self.dataset.name,
            "months": {
                month: {
                    "digest": digest_month(self.dataset, inputs),
                    "inputs": describe_inputs(self.dataset, inputs),
                }
                for month, inputs in sorted(self.months.items())
            },
            "raw": describe_raw(self.dataset),
            "tables": describe_tables(self.dataset),
        }
        return json.dumps(document, indent=1).encode()

    @property
    def run_id(self) -> str:
        """The digest of its bytes."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


def plan_key(run_id: str) -> str:
    """Return where a plan lies."""
    return f"{RUNS}{run_id}/plan.json"


def shorten(run_id: str) -> str:
    """Return as much of a run's id as people need to tell it from others."""
    return run_id[:12]


def describe_inputs(dataset: Dataset, inputs: tuple[RawObject, ...]) -> list[dict[str, Any]]:
    """Return raw objects as plans and commits name them."""
    return [
        {
            "table": dataset.raw_table_of(each.key).name,
            "key": each.key,
            "etag": each.etag,
            "size": each.size,
        }
        for each in sorted(inputs)
    ]


def describe_raw(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the raw tables as a plan carries them: a month may hold nothing of one of them."""
    return [
        {
            "name": table.name,
            "columns": [[each.name, each.type] for each in (*table.columns, table.partition_key)],
        }
        for table in dataset.raw_tables
    ]


def describe_tables(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the refined tables as a plan carries them."""
    return [
        {
            "name": each.table.name,
            "statement": each.statement.strip(),
            "columns": [list(column) for column in each.table.types().items()],
            "order": list(each.order),
        }
        for each in dataset.refined
    ]


def digest_statements(dataset: Dataset) -> str:
    """Return a digest of how a dataset is refined: statements, columns and order.

    White space and comments in a statement are no change of it.
    """
    tables = describe_tables(dataset)
    return _digest([table | {"statement": normalize(table["statement"])} for table in tables])


def digest_month(dataset: Dataset, inputs: tuple[RawObject, ...]) -> str:
    """Return a digest of what a month is made from, and how."""
    return _digest([[[each.key, each.etag] for each in sorted(inputs)], digest_statements(dataset)])


def normalize(statement: str) -> str:
    """Return a statement without comments, and without the white space that means nothing."""
    text = _QUOTED_OR_BLANK.sub(lambda match: match[1] or " ", statement).strip()
    return _BLANK_BESIDE_SIGN.sub(lambda match: match[1] or match[2], text)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
