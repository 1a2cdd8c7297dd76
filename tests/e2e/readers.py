"""What readers of the portfolio's tables find: through Athena, as they would ask."""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.cloud import TABLES, Cloud, served

Answer = list[tuple[Any, ...]]


class Reader:
    """Asks again and again until it is stopped, and keeps every answer."""

    def __init__(self, cloud: Cloud, question: str) -> None:
        self.answers: list[Answer] = []
        self._cloud = cloud
        self._question = question
        self._stopped = threading.Event()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self._ask_on)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def _ask_on(self) -> None:
        while not self._stopped.is_set():
            try:
                self.answers.append(self._cloud.query(self._question))
            except Exception as error:  # noqa: BLE001 - an answer that the test does not expect
                self.answers.append([(error,)])


def sizes_question(index_code: str, month: str) -> str:
    """Ask for each session's date, rows and sum of weights in a month."""
    return f"""
        SELECT trading_date, count(*), sum(weight_pct) FROM portfolio_daily
        WHERE index_code = '{index_code}' AND month = '{month}'
        GROUP BY trading_date ORDER BY trading_date
    """


def whole_sizes(index_code: str, *sessions: dt.date) -> Answer:
    """The right answer to `sizes_question`."""
    sizes = {day: len(served(index_code, day).constituents) for day in sessions}
    return [(str(day), str(size), "100.000") for day, size in sizes.items()]


def rows_seen(cloud: Cloud, index_code: str, month: str) -> Counter[tuple[str, ...]]:
    """The rows of a month in `portfolio_daily`, by what tells whether they are right."""
    rows = cloud.query(
        "SELECT trading_date, ticker, theoretical_quantity, weight_pct FROM portfolio_daily "
        f"WHERE index_code = '{index_code}' AND month = '{month}'"
    )
    return Counter(rows)


def rows_served(index_code: str, *sessions: dt.date) -> Counter[tuple[str, ...]]:
    """What `rows_seen` is once these sessions are published."""
    return Counter(
        (str(day), each.ticker, str(each.theoretical_quantity), str(each.weight_pct))
        for day in sessions
        for each in served(index_code, day).constituents
    )


def sessions_seen(cloud: Cloud, index_code: str, month: str) -> dict[str, list[str]]:
    """The sessions of a month that each table shows; of the monthly one the first and last."""
    daily, summary, monthly = TABLES
    where = f"WHERE index_code = '{index_code}' AND month = '{month}'"
    by_session = {
        table: cloud.query(f"SELECT DISTINCT trading_date FROM {table} {where} ORDER BY 1")
        for table in (daily, summary)
    }
    ends = cloud.query(
        f"SELECT min(first_trading_date), max(last_trading_date) FROM {monthly} {where}"
    )
    return {
        **{table: [day for (day,) in rows] for table, rows in by_session.items()},
        monthly: [day for day in ends[0] if day],
    }


def objects_seen(cloud: Cloud, month: str) -> dict[tuple[str, ...], list[str]]:
    """The keys that lie where each partition of a month points to: `{(table, *values): keys}`."""
    glue, s3 = cloud.client("glue"), cloud.client("s3")
    seen = {}
    for table in TABLES:
        pages = glue.get_paginator("get_partitions").paginate(DatabaseName="b3", TableName=table)
        for partition in (found for page in pages for found in page["Partitions"]):
            location = partition["StorageDescriptor"]["Location"].rstrip("/") + "/"
            bucket, _, prefix = location.removeprefix("s3://").partition("/")
            listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
            if partition["Values"][-1] == month:
                seen[table, *partition["Values"]] = [item["Key"] for item in listed]
    return seen
