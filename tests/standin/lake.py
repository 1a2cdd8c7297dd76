"""Raw rows go into the lake, a plan is executed, refined rows come out."""

import io
from contextlib import suppress
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from awswrangler._data_types import athena2pyarrow

from infra.glue import refine
from tasks.core.attempt import Outcome, Output, read_outcome
from tasks.core.dataset import Dataset, Table
from tasks.core.plan import Plan, RawObject, plan_key
from tasks.core.quotes import QUOTES
from tasks.core.quotes.tables import QUOTES_OBJECT
from tests.standin.engine import StandIn
from tests.standin.glue import BUCKET
from tests.standin.golden import Rows, read_golden

Objects = dict[str, Rows]


def arrow_schema(table: Table) -> pa.Schema:
    """Return a table's columns as its Parquet files give them."""
    types = table.types().items()
    kinds = {name: athena2pyarrow(kind) for name, kind in types}
    return pa.schema(
        [(name, pa.timestamp("ns") if kind == "timestamp" else kinds[name]) for name, kind in types]
    )


def golden_raw(dataset: Dataset) -> Objects:
    """Return the golden rows of all raw tables of a dataset as `{key: rows of one object}`."""
    return {
        key: rows for table in dataset.raw_tables for key, rows in golden_objects(table).items()
    }


def golden_objects(table: Table) -> Objects:
    """Return the golden rows of a raw table as `{key: rows of one object}`."""
    date = "data" if table == QUOTES.raw else table.partition_key.name
    objects: Objects = {}
    for row in read_golden(table.name, table.types() | {date: "date"}):
        key = table.object_key(str(row[date]), row.get("index_code", QUOTES_OBJECT))
        objects.setdefault(key, []).append({name: row[name] for name in table.types()})
    return objects


def put_raw(dataset: Dataset, objects: Objects) -> None:
    """Write raw objects as flows do."""
    for key, rows in objects.items():
        body, table = io.BytesIO(), dataset.raw_table_of(key)
        pq.write_table(raw_table(table, rows), body, use_deprecated_int96_timestamps=True)
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.getvalue())


def raw_table(table: Table, rows: Rows) -> pa.Table:
    """Return raw rows in the table's types."""
    return pa.Table.from_pylist(rows, schema=arrow_schema(table))


def list_raw(table: Table) -> tuple[RawObject, ...]:
    """Return what lies in raw."""
    objects = boto3.resource("s3").Bucket(BUCKET).objects.filter(Prefix=table.prefix)
    return tuple(RawObject(each.key, each.e_tag, each.size) for each in objects)


def put_plan(dataset: Dataset) -> str:
    """Write the plan of every month that raw holds; return its address."""
    months: dict[str, list[RawObject]] = {}
    for table in dataset.raw_tables:
        for each in list_raw(table):
            months.setdefault(table.value_of(each.key)[:7], []).append(each)
    plan = Plan(dataset, {month: tuple(inputs) for month, inputs in months.items()})
    key = plan_key(plan.run_id)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=plan.to_bytes())
    return f"s3://{BUCKET}/{key}"


def execute(plan: str, engine: Any = None) -> Outcome:
    """Execute a plan; return what the job says of it, whether it failed or not."""
    before = _outcomes()
    with suppress(SystemExit):
        refine.main(["--plan", plan, "--token", "a-test"], engine or StandIn())
    (new,) = _outcomes() - before
    return read_outcome(read_body(new))


def read_outputs(outcome: Outcome, table: Table, only: str = "") -> pa.Table:
    """Return the rows of a refined table, month after month, as they lie in their files.

    Args:
        outcome: What the job said.
        table: The table.
        only: One month; all of them without it.
    """
    months = [only] if only else sorted(outcome.months)
    return pa.concat_tables([_read(outcome.months[month][table.name]) for month in months])


def columns_of(schema: pa.Schema) -> list[tuple[str, Any]]:
    """Return names and types, in order; whether one can be null is nothing to a reader."""
    return [(each.name, each.type) for each in schema]


def check_golden(dataset: Dataset, outcome: Outcome) -> None:
    """Hold what a job made to the golden tables: columns, types, values and order."""
    assert outcome.failures == {}
    for table in dataset.refined_tables:
        found = read_outputs(outcome, table)
        assert columns_of(found.schema) == columns_of(arrow_schema(table)), table.name
        assert found.to_pylist() == read_golden(table.name, table.types()), table.name


def list_keys(prefix: str) -> list[str]:
    """Return the keys under a prefix."""
    return [each.key for each in boto3.resource("s3").Bucket(BUCKET).objects.filter(Prefix=prefix)]


def read_body(key: str) -> bytes:
    """Return an object's bytes."""
    return bytes(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def _outcomes() -> set[str]:
    return {key for key in list_keys("runs/") if key.endswith("/outcome.json")}


def _read(output: Output) -> pa.Table:
    (key,) = output.objects
    return pq.read_table(io.BytesIO(read_body(key)))
