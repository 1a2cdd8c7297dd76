"""What comes beside the portfolios of the day, and is never in their way."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeVar

import boto3
import pytest
from prefect import flow

from flows import period_loading, portfolio
from flows.period_loading import collect_period
from flows.portfolio import daily_portfolio
from flows.portfolio_mending import mend_session
from infra.local.b3.replay import Replay
from infra.local.b3.sessions import published_portfolio
from tasks import download_period
from tasks.core.errors import BlockedError, NotConfiguredError, SourceHasNoDataError
from tasks.core.portfolio.model import from_raw_rows
from tasks.core.portfolio.period_tables import RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.turns import Budget
from tests.flows.conftest import RUN_ID, Lake
from tests.portfolios import FRIDAY, THURSDAY, VALE3
from tests.portfolios import portfolio as portfolio_of

T = TypeVar("T")
MONDAY = dt.date(2025, 8, 4)
PUBLISHED = f"published IBOV 2025-08-01, run {RUN_ID[:12]}"
DAY = RAW_PORTFOLIO.object_key(str(FRIDAY), "IBOV")
THEORETICAL = RAW_THEORETICAL.object_key(str(FRIDAY), "IBOV")
PREVIEW = RAW_PREVIEW.object_key(str(FRIDAY), "IBOV")


@pytest.fixture(autouse=True)
def beside(lake: Lake, at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the flow collect it."""
    monkeypatch.setattr(portfolio, "collect_period", collect_period)
    for step in (download_period.download_theoretical, download_period.download_preview):
        monkeypatch.setattr(step, "retry_delay_seconds", 0)
        monkeypatch.setattr(step, "retry_jitter_factor", None)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The pages about what was not had."""
    shown: dict[str, str] = {}
    monkeypatch.setattr(
        period_loading, "report_page", lambda key, page, _said: shown.update({key: page})
    )
    return shown


def run(**parameters: Any) -> Any:
    return daily_portfolio(**parameters, return_state=True)


def within_a_run(do: Callable[[], T]) -> T:
    """Do something as a flow does it: it logs."""

    @flow
    def a_run() -> T:
        return do()

    return a_run()


def calls(replay: Replay) -> Counter[str]:
    return Counter(query.call for query in replay.requests)


def test_both_go_to_landing_to_raw_and_to_readers_in_the_same_run(
    lake: Lake, replay: Replay
) -> None:
    assert run().message == PUBLISHED
    assert lake.list_keys("raw/") == sorted([DAY, PREVIEW, THEORETICAL])
    assert lake.asked == [["2025-08"]]
    for table in (RAW_THEORETICAL, RAW_PREVIEW):
        assert lake.partitions(table.name) == {
            "2025-08-01": f"s3://b3-lake/{table.folder('2025-08-01')}"
        }
    rows = lake.rows(THEORETICAL)
    assert list(rows[0]) == list(RAW_THEORETICAL.types())
    shown = from_raw_rows(FRIDAY, rows).portfolio
    assert {row.sector for row in shown.constituents} == {None}
    assert "STBP3" in {row.ticker for row in shown.constituents}
    assert calls(replay) == {
        "GetPortfolioDay": 3,  # the portfolio, and the session after each of both
        "GetTheoricalPortfolio": 1,
        "GetConfigurations": 1,
        "GetQuartelyPreview": 1,
    }


def test_where_no_preview_is_in_force_there_is_none(
    lake: Lake, replay: Replay, set_clock: Callable[[dt.datetime], None]
) -> None:
    set_clock(dt.datetime(2025, 7, 31, 15, tzinfo=dt.UTC))
    replay.show(THURSDAY)
    assert "not had" not in run().message
    assert lake.list_keys("raw/portfolio_preview/") == []
    assert lake.partitions("raw_portfolio_preview") == {}
    assert len(lake.list_keys("raw/portfolio_theoretical/")) == 1


def test_an_old_preview_that_the_call_still_answers_is_not_taken(
    lake: Lake, replay: Replay
) -> None:
    replay.say_preview(False)
    assert run().message == PUBLISHED
    assert lake.list_keys("raw/portfolio_preview/") == []
    assert "GetQuartelyPreview" not in calls(replay)


def test_once_a_session_and_index(lake: Lake, replay: Replay) -> None:
    run()
    before = lake.etags("raw/")
    replay.requests.clear()
    run()
    assert calls(replay) == {"GetPortfolioDay": 1}
    assert lake.etags("raw/") == before


def test_a_preview_that_comes_in_the_course_of_the_day_is_had_by_the_next_run(
    lake: Lake, replay: Replay
) -> None:
    replay.say_preview(False)
    run()
    replay.say_preview(True)
    replay.requests.clear()
    run()
    assert PREVIEW in lake.list_keys("raw/")
    assert calls(replay)["GetTheoricalPortfolio"] == 0


def test_another_session_has_its_own(
    lake: Lake, replay: Replay, set_clock: Callable[[dt.datetime], None]
) -> None:
    run()
    set_clock(dt.datetime(2025, 8, 4, 15, tzinfo=dt.UTC))
    replay.show(MONDAY)
    run()
    keys = lake.list_keys("raw/portfolio_theoretical/")
    assert [RAW_THEORETICAL.session_of(key) for key in keys] == [FRIDAY, MONDAY]


def test_with_a_date_that_raw_holds_b3_is_asked_for_nothing(lake: Lake, replay: Replay) -> None:
    run()
    for table in (RAW_PORTFOLIO, RAW_THEORETICAL):
        boto3.client("glue").delete_partition(
            DatabaseName="b3", TableName=table.name, PartitionValues=["2025-08-01"]
        )
    replay.requests.clear()
    run(trading_date=FRIDAY)
    assert replay.requests == []
    assert list(lake.partitions("raw_portfolio_theoretical")) == ["2025-08-01"]


def test_the_day_is_published_where_both_calls_fail(
    lake: Lake, replay: Replay, pages: dict[str, str]
) -> None:
    replay.misbehave("http_500", index="theoretical")
    replay.misbehave("http_500", index="preview")
    state = run()
    assert state.is_completed()
    assert state.message == f"{PUBLISHED}; not had: preview of IBOV, theoretical portfolio of IBOV"
    assert lake.list_keys("raw/") == [DAY]
    assert lake.asked == [["2025-08"]]
    assert "- theoretical portfolio of IBOV: " in pages["not-had"]
    assert "- preview of IBOV: " in pages["not-had"]
    assert calls(replay)["GetTheoricalPortfolio"] == 3  # tried again twice, and no more


def test_what_failed_is_had_by_the_next_run(lake: Lake, replay: Replay) -> None:
    replay.misbehave("not_json", index="theoretical")
    assert run().message.endswith("; not had: theoretical portfolio of IBOV")
    replay.behave("theoretical")
    assert run().message == PUBLISHED
    assert THEORETICAL in lake.list_keys("raw/")


@pytest.mark.parametrize(
    "fault",
    ["wrong_weight", "wrong_quantity", "duplicate_ticker", "missing_row", "other_language"],
)
def test_content_that_is_wrong_is_kept_in_landing_and_published_nowhere(
    lake: Lake, replay: Replay, fault: str
) -> None:
    replay.misbehave(fault, index="preview")
    assert run().message.endswith("; not had: preview of IBOV")
    assert lake.list_keys("raw/") == sorted([DAY, THEORETICAL])
    assert any("/IBOV/" in key for key in lake.list_keys("landing/portfolio_preview/"))


def test_the_content_of_another_index_is_refused(
    lake: Lake, replay: Replay, pages: dict[str, str]
) -> None:
    replay.misbehave("other_index", index="theoretical")
    state = run(index_codes=["SMLL"])
    assert state.message.endswith("; not had: theoretical portfolio of SMLL")
    assert "taken for another index" in pages["not-had"]


def test_what_b3_lists_for_another_index_is_that_ones(
    lake: Lake, replay: Replay, pages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.indices.find_published", lambda *_: {RAW_PORTFOLIO.name: {}})
    monkeypatch.setattr("flows.fetching.MOST_AT_ONCE", 1)  # the fault is for the first one: IBOV
    replay.list_only(["IBOV", "IDIV"])
    replay.misbehave("other_index", index="theoretical", times=1)
    state = run(index_codes=["all"])
    assert state.message.endswith("; not had: theoretical portfolio of IBOV")
    assert "its tickers are exactly those of IDIV" in pages["not-had"]


def test_a_challenge_ends_it_at_once_and_is_not_waited_out(
    lake: Lake, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_seconds: float) -> None:
        raise AssertionError("the portfolios of the day would wait")

    monkeypatch.setattr("flows.fetching.time", SimpleNamespace(sleep=sleep))
    replay.misbehave("challenge_403", index="configurations")
    assert run().message.endswith("; not had: preview of IBOV, theoretical portfolio of IBOV")
    assert calls(replay)["GetTheoricalPortfolio"] == 0


def test_who_was_turned_away_before_asks_for_nothing_more(lake: Lake, replay: Replay) -> None:
    run()
    of_the_day = {"IBOV": from_raw_rows(FRIDAY, lake.rows(DAY)).portfolio}
    lake.delete(THEORETICAL)
    replay.requests.clear()
    beside = within_a_run(lambda: collect_period(lake.settings, of_the_day, {}, is_blocked=True))
    assert replay.requests == []
    assert isinstance(beside.missing["preview"]["IBOV"], BlockedError)


def test_a_mistake_in_the_code_holds_nothing_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a mistake")

    monkeypatch.setattr(period_loading, "read_period", fail)
    state = run()
    assert state.is_completed()
    assert state.message.endswith("; not had: preview of IBOV, theoretical portfolio of IBOV")


def test_a_page_that_cannot_be_shown_holds_nothing_back(
    lake: Lake, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError("Prefect does not answer")

    monkeypatch.setattr(period_loading, "report_page", fail)
    replay.misbehave("http_500", index="preview")
    assert run().message.endswith("; not had: preview of IBOV")
    assert lake.asked == [["2025-08"]]


def test_it_has_a_budget_of_its_own(
    lake: Lake, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(period_loading, "KIND_SECONDS", 0.0)
    assert run().message.endswith("; not had: preview of IBOV, theoretical portfolio of IBOV")
    assert calls(replay) == {"GetPortfolioDay": 1}
    assert lake.asked == [["2025-08"]]


def test_one_kind_that_hangs_takes_no_time_of_the_other(
    lake: Lake, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = iter([0.0, 90.0])
    of_all = Budget.of_all
    monkeypatch.setattr(Budget, "of_all", lambda _: of_all(next(kinds)))
    shown = published_portfolio("IBOV", FRIDAY)
    assert shown
    of_the_day = portfolio_of(
        *(replace(VALE3, ticker=row.ticker) for row in shown.constituents), trading_date=FRIDAY
    )
    beside = within_a_run(lambda: collect_period(lake.settings, {"IBOV": of_the_day}, {}))
    assert [kind for kind, failed in beside.missing.items() if failed] == ["preview"]
    assert lake.list_keys("raw/portfolio_theoretical/") == [THEORETICAL]


def test_the_portfolios_of_the_day_are_registered_before_it(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(portfolio, "collect_period", kill)
    with pytest.raises(KeyboardInterrupt):
        daily_portfolio()
    assert list(lake.partitions("raw_portfolio")) == ["2025-08-01"]


@pytest.mark.parametrize("answer", [1, "", "k" * 2000, "raw/portfolio/x.parquet"])
def test_a_note_of_another_form_makes_no_raw(lake: Lake, answer: object) -> None:
    run()
    note = json.dumps({"answers": [answer], "extracted_at": "2025-08-01T00:00:00"})
    lake.put(period_loading.note_key(RAW_PREVIEW, "IBOV", FRIDAY), note.encode())
    with pytest.raises(SourceHasNoDataError, match="landing does not hold"):
        within_a_run(lambda: mend_session(lake.settings, PREVIEW))


def test_a_configuration_of_another_form_is_kept_and_says_nothing(
    lake: Lake, replay: Replay, pages: dict[str, str]
) -> None:
    replay.misbehave("null_results", index="configurations")
    assert run().message.endswith("; not had: preview of IBOV")
    assert "not in the known form: preview" in pages["not-had"]
    assert any("IBOV-configurations" in key for key in lake.list_keys("landing/"))
    assert lake.list_keys("raw/portfolio_preview/") == []


def test_what_aws_does_not_keep_holds_nothing_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise NotConfiguredError("no right to write it")

    monkeypatch.setattr(period_loading, "store_sessions", fail)
    assert run().is_completed()
    assert lake.asked == [["2025-08"]]


def test_it_is_kept_under_the_session_that_b3_went_over_to(
    lake: Lake, replay: Replay, set_clock: Callable[[dt.datetime], None]
) -> None:
    set_clock(dt.datetime(2025, 7, 31, 22, tzinfo=dt.UTC))
    replay.show(THURSDAY)
    replay.show(FRIDAY, after=1)
    run()
    assert lake.list_keys("raw/portfolio_theoretical/") == [THEORETICAL]
    assert lake.asked == [["2025-07", "2025-08"]]


def test_of_many_indices_each_fails_for_itself(lake: Lake, replay: Replay) -> None:
    replay.list_only(["IBOV", "IDIV", "SMLL", "IBXX", "IBXL"])
    replay.misbehave("wrong_weight", index="theoretical", times=1)
    state = run(index_codes=["IBOV", "IDIV", "SMLL", "IBXX", "IBXL"])
    assert state.message.count("theoretical portfolio of") == 1
    assert len(lake.list_keys("raw/portfolio_theoretical/")) == 4
    assert len(lake.list_keys("raw/portfolio_preview/")) == 5


def test_more_than_a_few_are_counted_in_the_outcome(lake: Lake, replay: Replay) -> None:
    replay.misbehave("http_500", index="preview")
    state = run(index_codes=["IBOV", "IDIV", "SMLL", "IBXX"])
    assert state.message.endswith("; not had: preview of 4 indices")


@pytest.mark.parametrize("damage", [b"", b"PAR1 garbage PAR1"])
def test_raw_that_cannot_be_read_is_asked_for_again(lake: Lake, damage: bytes) -> None:
    run()
    sound = lake.rows(PREVIEW)
    lake.put(PREVIEW, damage)
    run()
    assert lake.rows(PREVIEW) == sound


@pytest.mark.parametrize("key", [THEORETICAL, PREVIEW])
def test_raw_is_made_again_from_landing(lake: Lake, replay: Replay, key: str) -> None:
    run()
    sound = lake.rows(key)
    lake.put(key, b"")
    replay.requests.clear()
    said = within_a_run(lambda: mend_session(lake.settings, key))
    assert "made again from what landing received" in said
    assert lake.rows(key) == sound
    assert replay.requests == []


@pytest.mark.parametrize("lost", ["landing/portfolio_preview/session=", "landing/"])
def test_raw_whose_landing_is_gone_is_lost(lake: Lake, lost: str) -> None:
    run()
    for key in lake.list_keys(lost):
        lake.delete(key)
    with pytest.raises(SourceHasNoDataError, match=r"portfolio_preview.*versions"):
        within_a_run(lambda: mend_session(lake.settings, PREVIEW))


def test_landing_that_was_damaged_makes_no_raw(lake: Lake) -> None:
    run()
    before = lake.rows(PREVIEW)
    for key in lake.list_keys("landing/portfolio_preview/"):
        if key.endswith(".json.gz"):
            lake.put(key, b"damaged")
    with pytest.raises(SourceHasNoDataError):
        within_a_run(lambda: mend_session(lake.settings, PREVIEW))
    assert lake.rows(PREVIEW) == before
