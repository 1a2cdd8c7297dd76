"""What is not published is read by nobody, however they read."""

import datetime as dt
from collections import Counter

import awswrangler as wr
import pytest

from tests.e2e.cloud import Cloud
from tests.e2e.readers import rows_seen, rows_served

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

INDEX, SESSION, MONTH = "IBOV", dt.date(2025, 2, 3), "2025-02"


def rows_read() -> Counter[tuple[str, ...]]:
    """What awswrangler makes of the table; it looks at the table's location, at no partition."""
    try:
        found = wr.s3.read_parquet_table(database="b3", table="portfolio_daily")
    except wr.exceptions.NoFilesFound:
        return Counter()
    columns = ["trading_date", "ticker", "theoretical_quantity", "weight_pct"]
    return Counter(tuple(map(str, row)) for row in found[columns].itertuples(index=False))


def test_who_reads_the_table_and_not_its_partitions_gets_no_row_that_is_not_published(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cloud.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    cloud.show(SESSION)
    for arguments in ((), ("--force",), ("--force",)):
        outcome = cloud.run_portfolio("--index", INDEX, *arguments)
        assert outcome.last_line.startswith("published"), outcome.error
    published = rows_seen(cloud, INDEX, MONTH)
    assert published == rows_served(INDEX, SESSION)
    unpublished = rows_read() - published
    assert unpublished.total() == 0
