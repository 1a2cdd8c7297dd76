"""What a notebook that ran shows, and lakes for it."""

import base64
import io
import re
from typing import Any

from PIL import Image

from tests.e2e.cloud import Cloud


def outputs_of(shown: Any) -> dict[str, list[Any]]:
    """What each cell shows, by the cell's id; of a picture only that there is one."""
    return {
        cell.id: [
            output.get("text") or output.data | {"image/png": "image/png" in output.data}
            for output in cell.outputs
        ]
        for cell in shown.cells
        if cell.cell_type == "code"
    }


def words_of(shown: Any, cell_id: str) -> str:
    """What a cell prints."""
    return "".join(each for each in outputs_of(shown)[cell_id] if isinstance(each, str))


def charts_of(shown: Any) -> dict[str, Image.Image]:
    """The pictures, by the cell that draws them."""
    return {
        cell.id: Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
        for cell in shown.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    }


def tables_of(shown: Any, cell_id: str) -> list[list[list[str]]]:
    """The tables that a cell shows: their rows without the number, as they are written."""
    found = [each for each in outputs_of(shown)[cell_id] if not isinstance(each, str)]
    pages = [each.get("text/html", "") for each in found]
    tables = [[re.findall(r"<td>(.*?)</td>", row) for row in page.split("<tr>")] for page in pages]
    return [rows for rows in ([row for row in table if row] for table in tables) if rows]


def make_database(cloud: Cloud, name: str, tables: dict[str, list[str]]) -> None:
    """Make a database of the lake's tables that has some of their partitions alone.

    Args:
        cloud: The local cloud.
        name: Of the database.
        tables: The values of the partitions that a table has; every table is there.
    """
    glue = cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": name})
    for table, values in tables.items():
        found = glue.get_table(DatabaseName="b3", Name=table)["Table"]
        of_table = ("Name", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
        described = {key: found[key] for key in of_table if key in found}
        glue.create_table(DatabaseName=name, TableInput=described)
        for value in values:
            at = {"DatabaseName": "b3", "TableName": table, "PartitionValues": [value]}
            found = glue.get_partition(**at)["Partition"]
            of_partition = ("Values", "StorageDescriptor", "Parameters")
            described = {key: found[key] for key in of_partition if key in found}
            glue.create_partition(DatabaseName=name, TableName=table, PartitionInput=described)
