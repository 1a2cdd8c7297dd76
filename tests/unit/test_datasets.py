from dataclasses import replace

import pyarrow as pa
import pytest

from tasks.core.dataset import Dataset
from tasks.core.datasets import DATASETS, TABLES
from tasks.core.plan import Month, Subject
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.audit import expected_daily, expected_monthly, expected_summary
from tasks.core.portfolio.model import to_raw_rows
from tasks.core.published import Published
from tasks.core.quotes import QUOTES
from tests.portfolios import EXTRACTED_AT, FRIDAY, THURSDAY, raw_session

SUBJECT = Subject(PORTFOLIO, ("IBOV",), "b3-lake", "b3", "b3-refine-portfolio")
SHOWN = Published("s3://b3-lake/refined/t/", "run-1", "abc")
MONTH = Month(SUBJECT, "2025-08", ("raw/k",), "abc", dict.fromkeys(SUBJECT.tables, SHOWN))


def test_every_table_has_a_name_and_a_place_of_its_own() -> None:
    assert len({table.name for table in TABLES}) == len({t.prefix for t in TABLES}) == len(TABLES)
    for dataset in DATASETS:
        assert set(dataset.tables) <= set(TABLES)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_the_first_refined_table_has_every_session_and_raw_is_one_object(dataset: Dataset) -> None:
    assert "trading_date" in dataset.refined[0].types()
    assert dataset.raw.object_name
    assert [key.name for key in dataset.raw.partition_keys][-1] == "trading_date"
    assert {table.partition_keys[-1].name for table in dataset.refined} == {"month"}


def test_the_portfolios_audit_takes_tables_as_they_lie_in_the_lake() -> None:
    raw = raw_session()
    daily = expected_daily(raw)
    rows = {
        "portfolio_daily": daily,
        "portfolio_daily_summary": [expected_summary(raw)],
        "portfolio_monthly": list(expected_monthly(daily).values()),
    }
    refined = {table: pa.Table.from_pylist(each) for table, each in rows.items()}
    stored = pa.Table.from_pylist(to_raw_rows(raw.portfolio, EXTRACTED_AT))

    def failed(published: set[object]) -> list[str]:
        checks = PORTFOLIO.audit(("IBOV",), [(FRIDAY, stored)], refined, published)  # type: ignore[arg-type]
        return [check.name for check in checks if not check.has_passed]

    assert failed({FRIDAY}) == []
    assert failed({FRIDAY, THURSDAY}) == ["published_sessions_stay"]


def test_the_quotes_audit_finds_a_run_without_rows() -> None:
    nothing = dict.fromkeys(["quotes_daily", "quotes_monthly"], pa.table({}))
    (check,) = QUOTES.audit((), [], nothing, set())
    assert (check.name, check.has_passed) == ("daily_has_rows", False)


def test_a_subject_is_named_by_its_partition_or_its_dataset() -> None:
    quotes = replace(SUBJECT, dataset=QUOTES, partition=())
    assert (str(SUBJECT), str(quotes)) == ("IBOV", "quotes")
    assert SUBJECT.job_arguments == {"--index_code": "IBOV"}
    assert quotes.job_arguments == {}


def test_a_month_says_where_its_tables_lie_and_whether_readers_see_raw() -> None:
    assert (str(MONTH), MONTH.values) == ("IBOV 2025-08", ("IBOV", "2025-08"))
    assert MONTH.prefixes("run-2")["portfolio_daily"] == (
        "refined/portfolio_daily/run_id=run-2/index_code=IBOV/month=2025-08/"
    )
    assert MONTH.is_up_to_date
    assert not replace(MONTH, raw_digest="new").is_up_to_date
    assert not replace(MONTH, published=MONTH.published | {"portfolio_daily": None}).is_up_to_date
