"""A lake with one small dataset, for the steps of a month: AWS inside this process.

The tables hold one number a row, so that a test says in a line what raw and readers have. Beside
the raw table there is another one, of which most tests have nothing.
"""

import datetime as dt
import functools
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from botocore.client import BaseClient
from moto.core import responses as moto_responses
from moto.s3 import models as moto_s3

from tasks import shelf
from tasks.core.attempt import Outcome, attempt_key, read_outcome
from tasks.core.checks import Check, compare
from tasks.core.commit import Commit, commit_key, write_commit
from tasks.core.dataset import Column, Dataset, RawRows, Refined, Table
from tasks.core.month import Look, make_commit
from tasks.core.plan import Plan, RawObject, Subject, plan_key
from tasks.month import look_at_month
from tasks.objects import list_at, put_object

BUCKET, DATABASE, JOB, MONTH = "b3-lake", "b3", "b3-refine", "2025-08"
NOON = dt.datetime(2025, 8, 20, 12, tzinfo=dt.UTC)
D1, D2, D3 = (dt.date(2025, 8, day) for day in (1, 4, 5))
_VALUE = Column("value", "int", "A number.")


def _table(name: str, prefix: str, key: Column) -> Table:
    return Table(name, f"{name}.", "a number", ("value",), prefix, (_VALUE,), key)


RAW = _table("raw_toy", "raw/toy/", Column("trading_date", "date", "The session."))
BESIDE = _table("raw_toy_beside", "raw/toy_beside/", RAW.partition_key)
MONTH_KEY = Column("month", "string", "The month.")
DAILY = _table("toy_daily", "refined/toy_daily/", MONTH_KEY)
MONTHLY = _table("toy_monthly", "refined/toy_monthly/", MONTH_KEY)
TABLES = (DAILY.name, MONTHLY.name)


def audit(raw: Iterable[RawRows], refined: Mapping[str, pa.Table]) -> list[Check]:
    """Every table has the sum of raw, whichever table of it."""
    total = sum(pc.sum(rows["value"]).as_py() for *_, rows in raw)
    return [
        compare(f"{table}_has_the_sum", total, pc.sum(rows["value"]).as_py())
        for table, rows in refined.items()
    ]


TOY = Dataset(
    name="toy",
    raw=RAW,
    refined=(
        Refined(
            DAILY,
            "SELECT value FROM raw_toy UNION ALL SELECT value FROM raw_toy_beside",
            ("value",),
            "",
        ),
        Refined(MONTHLY, "SELECT value FROM toy_daily", ("value",), ""),
    ),
    audit=audit,
    refine_seconds_a_month=1,
    beside=(BESIDE,),
)
SUBJECT = Subject(TOY, BUCKET, DATABASE, JOB)
Values = Iterable[int]


@functools.cache
def _client(name: str) -> Any:
    """A client for every test: to make one takes longer than what it is asked."""
    return boto3.Session().client(name)  # type: ignore[call-overload]


def parquet(values: Values) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"value": pa.array(values, pa.int32())}), file)
    return file.getvalue()


class Toy:
    """The lake.

    Attributes:
        now: What time it is by S3's clock.
        calls: What AWS was asked: `(operation, key, prefix or table)`.
        glue_runs: What Glue has, the newest first.
        assets: What was said of the assets that were made.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = NOON
        self.calls: list[tuple[str, str]] = []
        self.glue_runs: list[dict[str, Any]] = []
        self.assets: dict[str, Any] = {}
        self._meetings: list[tuple[str, str, str, Callable[[], object]]] = []
        for module in (moto_s3, moto_responses):
            patch.setattr(module, "utcnow", lambda: self.now.replace(tzinfo=None))
        patch.setattr("tasks.shelf.add_asset_metadata", self.assets.__setitem__)
        make: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

        def call(client: BaseClient, operation: str, parameters: Any) -> Any:
            named = (parameters.get(name) for name in ("Key", "Prefix", "TableName", "Name"))
            about = str(next(filter(None, named), ""))
            self.calls.append((operation, about))
            self._meet("before", operation, about)
            if operation == "GetJobRuns":
                return {"JobRuns": self.glue_runs}
            answer = make(client, operation, parameters)
            self._meet("after", operation, about)
            return answer

        patch.setattr(BaseClient, "_make_api_call", call)
        patch.setattr(boto3, "client", lambda name, **_: _client(name))
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        glue: Any = boto3.client("glue")
        glue.create_database(DatabaseInput={"Name": DATABASE})
        for table in TOY.tables:
            columns = [{"Name": name, "Type": type_} for name, type_ in table.types().items()]
            where = {"Columns": columns, "Location": f"s3://{BUCKET}/{table.location}"}
            key = {"Name": table.partition_key.name, "Type": table.partition_key.type}
            described = {"PartitionKeys": [key], "StorageDescriptor": where}
            glue.create_table(DatabaseName=DATABASE, TableInput={"Name": table.name, **described})
        self.calls.clear()

    def passes(self, **time: float) -> None:
        """Let time pass, by S3's clock."""
        self.now += dt.timedelta(**time)

    def meets(self, when: str, operation: str, about: str, act: Callable[[], object]) -> None:
        """Do something once, before or after the next call of that kind."""
        self._meetings.append((when, operation, about, act))

    def _meet(self, when: str, operation: str, about: str) -> None:
        for meeting in self._meetings:
            if meeting[:2] == (when, operation) and meeting[2] in about:
                self._meetings.remove(meeting)
                meeting[3]()
                return

    def asked(self, operation: str) -> list[str]:
        """What the calls of an operation were about."""
        return [about for name, about in self.calls if name == operation]

    # Objects

    def put(self, key: str, body: bytes = b"x") -> None:
        put_object(BUCKET, key, body)

    def body(self, key: str) -> bytes:
        return boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def keys(self, prefix: str = "") -> list[str]:
        return [each.key for each in list_at(BUCKET, prefix)[0]]

    def delete(self, *keys: str) -> None:
        for key in keys:
            boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)

    def write(self, *days: dt.date, value: int = 1, table: Table = RAW) -> None:
        """Write sessions of one row to raw."""
        for day in days:
            self.put(table.object_key(str(day), "toy"), parquet([value]))

    def inputs(self, month: str = MONTH) -> tuple[RawObject, ...]:
        """What raw holds of a month."""
        found = (list_at(BUCKET, table.span_prefix(month))[0] for table in TOY.raw_tables)
        return tuple(
            RawObject(each.key, each.etag, each.size) for listed in found for each in listed
        )

    # Steps

    def look(self, *left_out: str, month: str = MONTH, dataset: Dataset = TOY, **how: Any) -> Look:
        return look_at_month.fn(subject(dataset), month, left_out, **how)

    def refine(
        self,
        attempt: str = "a",
        *,
        months: tuple[str, ...] = (MONTH,),
        values: Values | None = None,
        token: str = "flow/1",
        failed: Mapping[str, str] = {},
    ) -> Outcome:
        """Make an attempt of what raw holds, as the job does.

        Args:
            attempt: Its name.
            months: What it makes.
            values: The rows of every table; None for those of raw.
            token: Who asked for it.
            failed: `{month: why it was not made}`.
        """
        plan = Plan(TOY, {month: self.inputs(month) for month in months})
        self.put(plan_key(plan.run_id), plan.to_bytes())
        made: dict[str, Any] = {}
        for month in months:
            if month in failed:
                made[month] = {"failed": failed[month]}
                continue
            rows = [
                value
                for each in self.inputs(month)
                for value in pq.read_table(io.BytesIO(self.body(each.key)))["value"].to_pylist()
            ]
            tables = {}
            for table in TOY.refined_tables:
                key = f"{table.attempt_folder(plan.run_id, attempt, month)}part-0.parquet"
                held = rows if values is None else list(values)
                body = parquet(held)
                self.put(key, body)
                objects = [{"key": key, "size": len(body)}]
                tables[table.name] = {"objects": objects, "rows": len(held)}
            made[month] = {"tables": tables}
        document = {"plan": plan.run_id, "attempt": attempt, "token": token, "months": made}
        body = json.dumps(document).encode()
        self.put(attempt_key(plan.run_id, attempt, "outcome"), body)
        return read_outcome(body)

    def publish(self, attempt: str = "a", flow_run: str = "flow", month: str = MONTH) -> Commit:
        """Bring what raw holds to readers, as a flow does."""
        outcome = self.refine(attempt, months=(month,))
        commit = self.show(self.look(month=month), outcome, flow_run)
        assert commit
        return commit

    def commit(self, attempt: str) -> Commit:
        """Commit what raw holds, as a flow does that dies right after."""
        outcome, before = self.refine(attempt), shelf.read_latest(SUBJECT, MONTH).commit
        look = Look(TOY, MONTH, before, before is not None, self.inputs(), (), self.now)
        commit = make_commit(look, outcome, "flow")
        self.put(commit_key(TOY, MONTH, commit.number), write_commit(commit, TOY, BUCKET))
        return commit

    def show(
        self,
        look: Look,
        outcome: Outcome,
        flow_run: str = "flow",
        forced_since: dt.datetime | None = None,
    ) -> Commit | None:
        return shelf.publish(SUBJECT, look, outcome, flow_run=flow_run, forced_since=forced_since)

    def locations(self, month: str = MONTH) -> dict[str, str]:
        """`{table: attempt that its partition points to}`."""
        glue: Any = boto3.client("glue")
        return {
            table: partition["StorageDescriptor"]["Location"].split("attempt=")[-1].split("/")[0]
            for table in TABLES
            for partition in glue.get_partitions(DatabaseName=DATABASE, TableName=table)[
                "Partitions"
            ]
            if partition["Values"] == [month]
        }


def both(attempt: str) -> dict[str, str]:
    """What `Toy.locations` is to be."""
    return dict.fromkeys(TABLES, attempt)


def subject(dataset: Dataset) -> Subject:
    return Subject(dataset, BUCKET, DATABASE, JOB)
