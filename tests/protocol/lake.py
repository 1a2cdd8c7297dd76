"""A lake with one month of the portfolio, written and read as flows and readers do."""

import datetime as dt
import io
import json
from collections.abc import Iterable
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from moto.core import responses as moto_responses
from moto.s3 import models as moto_s3

from tasks.core.commit import Commit
from tasks.core.plan import Subject
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.model import to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.shelf import read_latest
from tests.portfolios import EXTRACTED_AT, portfolio
from tests.standin.glue import BUCKET, DATABASE, JOB

MONTH = "2025-08"
SUBJECT = Subject(PORTFOLIO, BUCKET, DATABASE, JOB)
DAYS = [dt.date(2025, 8, day) for day in (1, 4, 5, 6, 7, 8)]
Seen = dict[dt.date, int]


def divisor(revision: int) -> Any:
    """B3's divisor of a session, by which its revisions are told apart."""
    return portfolio().index_divisor + revision


class Lake:
    """See the module."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._ahead = dt.timedelta()
        now = moto_s3.utcnow
        for module in (moto_s3, moto_responses):
            patch.setattr(module, "utcnow", lambda: now() + self._ahead)

    def passes(self, **time: float) -> None:
        """Let time pass, by S3's clock."""
        self._ahead += dt.timedelta(**time)

    def write(self, *days: dt.date, revision: int = 0, index_code: str = "IBOV") -> None:
        """Write sessions to raw, as the flow does: one PUT each."""
        import awswrangler as wr
        import pandas as pd

        for day in days:
            session = portfolio(
                index_code=index_code, trading_date=day, index_divisor=divisor(revision)
            )
            rows = to_raw_rows(session, EXTRACTED_AT)
            types = RAW_PORTFOLIO.types()
            path = f"s3://{BUCKET}/{RAW_PORTFOLIO.object_key(str(day), index_code)}"
            frame = pd.DataFrame(rows, columns=list(types))
            wr.s3.to_parquet(frame, path=path, index=False, dtype=types)

    def damage(self, day: dt.date, index_code: str = "IBOV") -> str:
        """Cut a raw object short; return its key."""
        key = RAW_PORTFOLIO.object_key(str(day), index_code)
        body = self.body(key)
        self.put(key, body[: len(body) // 2])
        return key

    def put(self, key: str, body: bytes) -> None:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    @staticmethod
    def body(key: str) -> bytes:
        return boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()

    @staticmethod
    def keys(prefix: str = "") -> list[str]:
        pages = boto3.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=BUCKET, Prefix=prefix)
        return [each["Key"] for page in found for each in page.get("Contents", [])]

    @classmethod
    def bodies(cls, prefix: str, end: str) -> list[bytes]:
        """The objects under a prefix whose keys end so."""
        return [cls.body(key) for key in cls.keys(prefix) if key.endswith(end)]

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)

    def forget_past(self) -> None:
        """Remove all runs but the latest that is published, as the vacuum does with time."""
        attempt = self.latest.attempt
        keys = [*self.keys("runs/"), *self.keys("refined/")]
        self.delete(key for key in keys if attempt not in key)

    @property
    def latest(self) -> Commit:
        """The commit that readers see."""
        commit = read_latest(SUBJECT, MONTH).commit
        assert commit
        return commit

    def latest_of(self, month: str) -> dict[str, Any]:
        """The commit of a month that readers see, as it is stored."""
        key = max(self.keys(f"published/portfolio/{month}/"))
        commit: dict[str, Any] = json.loads(self.body(key))
        return commit

    def locations(self) -> dict[str, str]:
        """`{table: where its partition of the month points to}`."""
        glue: Any = boto3.client("glue")
        found = {}
        for table in PORTFOLIO.refined_tables:
            pages = glue.get_partitions(DatabaseName=DATABASE, TableName=table.name)["Partitions"]
            for partition in (each for each in pages if each["Values"] == [MONTH]):
                location = partition["StorageDescriptor"]["Location"]
                found[table.name] = location.removeprefix(f"s3://{BUCKET}/")
        return found

    def seen(self) -> Seen:
        """`{session: revision}` that Athena shows; every table must show the same sessions."""
        rows = {table: self._rows(prefix) for table, prefix in self.locations().items()}
        if not rows:
            return {}
        assert rows.keys() == {table.name for table in PORTFOLIO.refined_tables}
        summary = rows["portfolio_daily_summary"]
        days = {row["trading_date"] for row in rows["portfolio_daily"]}
        ends = {
            row[name]
            for row in rows["portfolio_monthly"]
            for name in ("first_trading_date", "last_trading_date")
        }
        assert days == {row["trading_date"] for row in summary}
        assert ends == ({min(days), max(days)} if days else set())
        start = divisor(0)
        return {row["trading_date"]: int(row["index_divisor"] - start) for row in summary}

    def rows(self, key: str) -> list[dict[str, Any]]:
        """The rows of one object."""
        rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(self.body(key))).to_pylist()
        return rows

    def _rows(self, prefix: str) -> list[dict[str, Any]]:
        keys = [key for key in self.keys(prefix) if key.endswith(".parquet")]
        return [row for key in keys for row in self.rows(key)]


def seen(*days: dt.date, revision: int = 0) -> Seen:
    """What `Lake.seen` is to be."""
    return dict.fromkeys(days, revision)
