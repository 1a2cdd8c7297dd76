import pyarrow as pa
import pytest

from flows.settings import Settings, subject_of
from tasks.core.dataset import Dataset
from tasks.core.datasets import DATASETS, TABLES
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.audit import expected_daily, expected_monthly, expected_summary
from tasks.core.portfolio.model import to_raw_rows
from tasks.core.portfolio.tables import (
    PORTFOLIO_DAILY,
    PORTFOLIO_DAILY_SUMMARY,
    PORTFOLIO_MONTHLY,
)
from tasks.core.quotes import QUOTES
from tests.portfolios import EXTRACTED_AT, FRIDAY, THURSDAY, raw_session


def test_every_table_has_a_name_and_a_place_of_its_own() -> None:
    assert len({table.name for table in TABLES}) == len({t.prefix for t in TABLES}) == len(TABLES)
    for dataset in DATASETS:
        assert set(dataset.tables) <= set(TABLES)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_a_table_says_which_sessions_there_are_and_raw_is_one_object_each(
    dataset: Dataset,
) -> None:
    assert dataset.sessions in dataset.refined
    assert "trading_date" in dataset.sessions.types()
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


def test_the_audits_expect_every_column_that_is_published() -> None:
    daily = expected_daily(raw_session())
    assert list(daily[0]) == list(PORTFOLIO_DAILY.types())
    assert list(expected_summary(raw_session())) == list(PORTFOLIO_DAILY_SUMMARY.types())
    assert list(expected_monthly(daily)["VALE3"]) == list(PORTFOLIO_MONTHLY.types())


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_every_dataset_has_a_glue_job_of_its_own(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LAKE_BUCKET", "DATABASE", "GLUE_JOB"):
        monkeypatch.setenv(f"B3_{name}", "b3-lake" if name == "LAKE_BUCKET" else "b3")
    jobs = [subject_of(Settings(), each).glue_job for each in DATASETS]
    assert len(set(jobs)) == len(DATASETS)
    assert subject_of(Settings(), dataset, "IBOV").partition == ("IBOV",)
