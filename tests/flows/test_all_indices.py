"""The portfolio flow with several indices in one run."""

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from flows import fetching, indices
from flows.portfolio import daily_portfolio
from infra.local.b3.replay import Replay
from infra.local.b3.sessions import INDEX_SIZES, WITHOUT_PORTFOLIO, published_portfolio
from tasks.core.errors import (
    BadDataError,
    BlockedError,
    CommitError,
    IncompleteError,
    NotPublishedError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.portfolio.model import to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tests.flows.conftest import RUN_ID, Lake
from tests.portfolios import EXTRACTED_AT, FRIDAY, THURSDAY, portfolio

MONDAY = dt.date(2025, 8, 4)
LISTED = ["AGFS", "IBOV", "IDIV", "ITAG", "SMLL"]  # AGFS has no portfolio, ITAG two pages
SHOWN = ["IBOV", "IDIV", "ITAG", "SMLL"]
RUN = RUN_ID[:12]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch, at_once: None) -> list[float]:
    """How long the flow has waited for B3 to let us in again."""
    waited: list[float] = []
    monkeypatch.setattr(fetching, "time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> dict[dt.date, set[str]]:
    """What readers see, by session; which months are looked at is asked of another test."""
    found: dict[dt.date, set[str]] = {}
    monkeypatch.setattr(
        indices, "find_published", lambda _subject, _months: {RAW_PORTFOLIO.name: found}
    )
    return found


@pytest.fixture(autouse=True)
def listed(replay: Replay) -> None:
    replay.list_only(LISTED)


def run(*codes: str, **parameters: Any) -> Any:
    return daily_portfolio(index_codes=codes or ("all",), return_state=True, **parameters)


def error_of(state: Any) -> Any:
    return state.result(raise_on_failure=False)


def key(code: str, day: dt.date = FRIDAY) -> str:
    return RAW_PORTFOLIO.object_key(str(day), code)


def content(lake: Lake, code: str) -> list[dict[str, Any]]:
    """What raw holds of an index, whenever it was read."""
    return [{n: v for n, v in row.items() if n != "extracted_at"} for row in lake.rows(key(code))]


def asked(replay: Replay) -> list[str]:
    return [getattr(query, "index_code", None) or "list" for query in replay.requests]


def test_all_are_what_b3_lists_and_each_is_asked_for_once(lake: Lake, replay: Replay) -> None:
    state = run()
    assert state.message == (
        f"published 4 indices of 2025-08-01, run {RUN} (B3 publishes none of AGFS)"
    )
    assert lake.list_keys("raw/") == [key(code) for code in SHOWN]
    assert sorted(asked(replay)) == sorted(["list", *LISTED, "ITAG"])
    assert asked(replay)[0] == "list"
    assert lake.asked == [["2025-08"]]
    (landed,) = lake.list_keys("landing/portfolio/received=2025-08-01/indices/")
    assert landed.endswith(".json.gz")
    for code in SHOWN:
        shown = published_portfolio(code, FRIDAY)
        assert shown
        assert {(r["cod"], r["part"], r["theorical_qty"]) for r in lake.rows(key(code))} == {
            (c.ticker, c.weight_pct, c.theoretical_quantity) for c in shown.constituents
        }


def test_forty_are_no_other_matter(lake: Lake, replay: Replay) -> None:
    replay.list_only(None)
    state = run()
    shown = INDEX_SIZES.keys() - WITHOUT_PORTFOLIO
    assert state.message == (
        f"published {len(shown)} indices of 2025-08-01, run {RUN} (B3 publishes none of AGFS)"
    )
    assert lake.list_keys("raw/") == [key(code) for code in sorted(shown)]
    assert len(replay.requests) == 1 + len(INDEX_SIZES) + 1  # the list, each, ITAG's second page


def test_one_that_fails_stops_no_other_and_has_a_line(lake: Lake, replay: Replay) -> None:
    replay.misbehave("wrong_weight", index="SMLL")
    replay.misbehave("http_404", index="IDIV")
    error = error_of(run())
    assert isinstance(error, IncompleteError)
    first, *lines = str(error).splitlines()
    assert first == (
        f"2 of 5 indices failed; published 2 indices of 2025-08-01, run {RUN} "
        f"(B3 publishes none of AGFS):"
    )
    assert [line[:8] for line in lines] == ["  IDIV: ", "  SMLL: ", "  weight"]
    assert "weights_sum_to_100" in str(error)
    assert lake.list_keys("raw/") == [key("IBOV"), key("ITAG")]
    assert lake.asked == [["2025-08"]]


def test_where_none_comes_nothing_is_published(lake: Lake, replay: Replay) -> None:
    replay.misbehave("http_404")
    error = error_of(run("IBOV", "SMLL"))
    assert str(error).startswith("2 of 2 indices failed; nothing was published:")
    assert (lake.asked, lake.list_keys("raw/")) == ([], [])


def test_a_later_run_fills_what_failed_and_asks_for_all_again(lake: Lake, replay: Replay) -> None:
    replay.misbehave("wrong_weight", index="SMLL")
    assert run().is_failed()
    replay.behave()
    before = lake.etags("raw/")
    assert run().is_completed()
    after = lake.etags("raw/")
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {key("SMLL")}


def test_a_portfolio_is_kept_under_the_session_that_it_names(lake: Lake, replay: Replay) -> None:
    replay.show(MONDAY, index="SMLL")
    message = run().message
    assert message.startswith(f"published 4 indices of 2025-08-01 and 2025-08-04, run {RUN}")
    assert key("SMLL", MONDAY) in lake.list_keys("raw/")
    assert key("SMLL") not in lake.list_keys("raw/")
    assert list(lake.partitions("raw_portfolio")) == ["2025-08-01", "2025-08-04"]


def test_the_months_of_both_sessions_are_published(
    lake: Lake, replay: Replay, set_clock: Callable[[dt.datetime], None]
) -> None:
    set_clock(dt.datetime(2025, 7, 31, 23, tzinfo=dt.UTC))
    replay.show(THURSDAY)
    replay.show(FRIDAY, index="IDIV")
    run()
    assert lake.asked == [["2025-07", "2025-08"]]


def test_a_month_that_fails_is_told_and_none_of_its_indices_called_published(
    lake: Lake, replay: Replay, set_clock: Callable[[dt.datetime], None]
) -> None:
    set_clock(dt.datetime(2025, 7, 31, 23, tzinfo=dt.UTC))
    replay.show(THURSDAY)
    replay.show(FRIDAY, index="IDIV")
    lake.failures["2025-07"] = BadDataError("the audit failed")
    assert str(error_of(run("IBOV", "IDIV", "SMLL"))).splitlines() == [
        f"0 of 3 indices failed; published IDIV 2025-08-01, run {RUN}:",
        "  2025-07: the audit failed",
    ]
    lake.failures["2025-08"] = BadDataError("this one too")
    error = error_of(run("IBOV", "IDIV"))
    assert str(error).startswith("0 of 2 indices failed; nothing was published:")


# What `all` means


@pytest.mark.parametrize("fault", ["http_500", "not_json", "null_results"])
def test_without_the_list_all_are_those_of_the_last_sessions_and_the_run_fails(
    lake: Lake, replay: Replay, published: dict[dt.date, set[str]], fault: str
) -> None:
    published[THURSDAY] = {"IBOV"}
    published[dt.date(2025, 7, 21)] = {"IDIV"}  # ten sessions, Friday among them
    published[dt.date(2025, 7, 18)] = {"SMLL"}
    replay.misbehave(fault, index="list")
    error = error_of(run())
    assert isinstance(error, IncompleteError)
    assert str(error).startswith("0 of 2 indices failed; published 2 indices of 2025-08-01, run")
    assert "\n  B3's list of indices: only those were asked for" in str(error)
    assert lake.list_keys("raw/") == [key("IBOV"), key("IDIV")]


def test_without_list_and_history_nothing_is_known(lake: Lake, replay: Replay) -> None:
    replay.misbehave("http_404", index="list")
    error = error_of(run())
    assert isinstance(error, IncompleteError)
    assert str(error).startswith("B3's list of indices: only those")
    assert lake.list_keys() == []


def test_one_that_the_list_leaves_out_is_asked_for_all_the_same(
    lake: Lake, replay: Replay, published: dict[dt.date, set[str]]
) -> None:
    published[THURSDAY] = {"IEEX"}
    state = run()
    assert state.message.startswith("published 5 indices of 2025-08-01")
    assert key("IEEX") in lake.list_keys("raw/")


def test_one_that_had_a_portfolio_and_has_none_now_is_a_failure(
    lake: Lake, replay: Replay, published: dict[dt.date, set[str]]
) -> None:
    published[THURSDAY] = {"AGFS"}
    error = error_of(run())
    assert "1 of 5 indices failed" in str(error)
    assert "AGFS: B3 publishes no portfolio for AGFS" in str(error)
    assert "What it published before is in the lake" in str(error)


def test_one_that_is_new_on_the_list_is_fetched(lake: Lake, replay: Replay) -> None:
    replay.list_only([*LISTED, "NEWX"])
    assert run().message.startswith("published 5 indices")
    assert len(lake.rows(key("NEWX"))) == 30


def test_what_cannot_be_known_of_the_past_stops_no_fetching(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise CommitError("a commit is gone")

    monkeypatch.setattr(indices, "find_published", fail)
    error = error_of(run())
    assert "\n  indices published lately: a commit is gone" in str(error)
    assert lake.list_keys("raw/") == [key(code) for code in SHOWN]


def test_the_months_of_the_last_ten_sessions_and_the_next_are_looked_at(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, set_clock: Callable[[dt.datetime], None]
) -> None:
    looked_at: list[list[str]] = []

    def find(_subject: object, months: list[str]) -> dict[str, dict[dt.date, set[str]]]:
        looked_at.append(months)
        return {RAW_PORTFOLIO.name: {}}

    monkeypatch.setattr(indices, "find_published", find)
    set_clock(dt.datetime(2025, 8, 29, 15, tzinfo=dt.UTC))  # the last session of its month
    indices.find_recent_portfolios(lake.settings, dt.date(2025, 8, 29))
    indices.find_recent_portfolios(lake.settings, dt.date(2025, 8, 5))
    indices.find_recent_portfolios(lake.settings, dt.date(2025, 8, 20))
    assert looked_at == [["2025-08", "2025-09"], ["2025-07", "2025-08"], ["2025-08"]]


# What turns everybody away


@pytest.mark.parametrize("fault", ["challenge_403", "challenge_200", "maintenance"])
def test_a_challenge_ends_the_attempt_for_all_and_is_waited_out(
    lake: Lake, replay: Replay, waits: list[float], fault: str
) -> None:
    replay.misbehave(fault, times=1, index="IBOV")
    assert run("IBOV", "IDIV", "SMLL").is_completed()
    assert waits == [30.0]
    assert len(replay.requests) <= 3 + 2  # two at a time were on their way
    assert lake.list_keys("raw/") == [key("IBOV"), key("IDIV"), key("SMLL")]


def test_a_challenge_that_stays_is_not_answered_by_many_requests(
    lake: Lake, replay: Replay, waits: list[float]
) -> None:
    replay.list_only(None)
    replay.misbehave("challenge_403")
    error = error_of(run())
    assert isinstance(error, IncompleteError)
    assert "B3's list of indices: " in str(error)
    assert waits == []  # nothing was known to ask for
    assert len(replay.requests) == 1

    codes = sorted(INDEX_SIZES)
    error = error_of(run(*codes))
    assert str(error).startswith("40 of 40 indices failed; nothing was published:")
    assert waits == [30.0, 60.0, 120.0]
    assert len(replay.requests) <= 1 + 2 * 4


def test_a_challenge_to_the_list_is_waited_out_before_the_first_index(
    lake: Lake, replay: Replay, waits: list[float], published: dict[dt.date, set[str]]
) -> None:
    published[THURSDAY] = {"IBOV", "IDIV"}
    replay.misbehave("challenge_403", times=1)
    error = error_of(run())
    assert "0 of 2 indices failed; published 2 indices" in str(error)
    assert waits == [30.0]
    assert asked(replay)[0] == "list"


def test_one_index_alone_fails_with_its_own_error(lake: Lake, replay: Replay) -> None:
    replay.misbehave("challenge_403")
    assert isinstance(error_of(run("IBOV")), BlockedError)
    replay.misbehave("http_500")
    error = error_of(run("IBOV"))
    assert isinstance(error, RetryableError)
    assert not isinstance(error, BlockedError)


# With a date


def test_what_raw_holds_comes_from_raw_and_the_rest_is_asked_for(
    lake: Lake, replay: Replay
) -> None:
    held = portfolio(trading_date=FRIDAY, index_code="IDIV")
    lake.put_rows(key("IDIV"), to_raw_rows(held, EXTRACTED_AT))
    assert run("IBOV", "IDIV", trading_date=FRIDAY).message == (
        f"published 2 indices of 2025-08-01, run {RUN}"
    )
    assert asked(replay) == ["IBOV"]


def test_of_a_session_long_gone_one_index_is_asked_for_and_the_others_are_named(
    lake: Lake, replay: Replay
) -> None:
    day = dt.date(2025, 7, 15)
    held = portfolio(trading_date=day, index_code="IDIV")
    lake.put_rows(key("IDIV", day), to_raw_rows(held, EXTRACTED_AT))
    error = error_of(run("IBOV", "IDIV", "ITAG", "SMLL", trading_date=day))
    assert asked(replay) == ["IBOV"]
    lines = str(error).splitlines()
    assert lines[0] == f"3 of 4 indices failed; published IDIV 2025-07-15, run {RUN}:"
    assert [line[:8] for line in lines[1:]] == ["  IBOV: ", "  ITAG: ", "  SMLL: "]
    assert "found 2025-08-01" in lines[1]
    assert "B3 was not asked for it" in lines[2]
    assert lake.asked == [["2025-07"]]


def test_where_b3_shows_a_session_long_gone_after_all_the_others_are_asked_for_too(
    lake: Lake, replay: Replay
) -> None:
    day = dt.date(2025, 7, 15)
    replay.show(day)
    replay.misbehave("wrong_weight", index="IBOV")  # the next one tells
    error = error_of(run("AGFS", "IBOV", "IDIV", "SMLL", trading_date=day))
    assert str(error).startswith("1 of 4 indices failed; published 2 indices of 2025-07-15")
    assert lake.list_keys("raw/") == [key("IDIV", day), key("SMLL", day)]
    assert [code for code in asked(replay) if code != "list"] == ["AGFS", "IBOV", "IDIV", "SMLL"]


def test_where_b3_does_not_answer_for_one_of_a_session_long_gone_no_other_is_asked_for(
    lake: Lake, replay: Replay
) -> None:
    replay.misbehave("http_500")
    run("IBOV", "IDIV", trading_date=dt.date(2025, 7, 15))
    assert set(asked(replay)) == {"IBOV"}


def test_of_a_session_that_b3_may_show_all_that_are_missing_are_asked_for(
    lake: Lake, replay: Replay
) -> None:
    replay.show(THURSDAY, index="SMLL")
    error = error_of(run("IBOV", "IDIV", "SMLL", trading_date=FRIDAY))
    assert sorted(asked(replay)) == ["IBOV", "IDIV", "SMLL"]
    assert str(error).startswith("1 of 3 indices failed; published 2 indices of 2025-08-01")
    assert lake.list_keys("raw/") == [key("IBOV"), key("IDIV")]


def test_of_a_session_that_b3_may_show_one_that_fails_tells_nothing_of_the_others(
    lake: Lake, replay: Replay
) -> None:
    replay.misbehave("http_404", index="IBOV")
    assert run("IBOV", "IDIV", trading_date=FRIDAY).is_failed()
    assert sorted(asked(replay)) == ["IBOV", "IDIV"]
    assert lake.list_keys("raw/") == [key("IDIV")]


@pytest.mark.parametrize("fault", ["http_500", "challenge_403"])
def test_landing_is_looked_into_where_b3_does_not_answer_either(
    lake: Lake, replay: Replay, fault: str
) -> None:
    run("IBOV")
    lake.put(key("IBOV"), b"")
    replay.misbehave(fault)
    assert run("IBOV", trading_date=FRIDAY).message == f"published IBOV 2025-08-01, run {RUN}"


def test_what_raw_has_lost_comes_from_landing_all_at_once(lake: Lake, replay: Replay) -> None:
    run()
    before = {code: content(lake, code) for code in SHOWN}
    for code in SHOWN:
        lake.put(key(code), b"")
    replay.show(dt.date(2025, 9, 1))
    state = run(*SHOWN, trading_date=FRIDAY)
    assert state.message == f"published 4 indices of 2025-08-01, run {RUN}"
    assert {code: content(lake, code) for code in SHOWN} == before


# Codes and content that are not what they should be


@pytest.mark.parametrize(("wrong", "near"), [("IBVO", "IBOV"), ("SMAL", "SMLL")])
def test_a_code_that_b3_does_not_list_takes_two_requests_and_gets_the_nearest(
    lake: Lake, replay: Replay, wrong: str, near: str
) -> None:
    error = error_of(run(wrong))
    assert isinstance(error, NotPublishedError)
    assert f"B3 publishes no portfolio for {wrong}" in str(error)
    assert f"B3 lists no {wrong}; the nearest codes are {near}" in str(error)
    assert asked(replay) == [wrong, "list"]
    assert lake.asked == []


def test_one_that_b3_lists_without_a_portfolio_is_no_failure_beside_others(
    lake: Lake, replay: Replay
) -> None:
    message = run("AGFS", "IBOV").message
    assert message == f"published IBOV 2025-08-01, run {RUN} (B3 publishes none of AGFS)"
    error = error_of(run("AGFS"))
    assert isinstance(error, NotPublishedError)
    assert str(error) == "B3 lists AGFS without publishing anything."


def test_lower_case_is_taken_as_upper_and_each_once(lake: Lake, replay: Replay) -> None:
    assert run("ibov", "IBOV").message == f"published IBOV 2025-08-01, run {RUN}"
    assert asked(replay) == ["IBOV"]


def test_the_content_of_another_index_is_refused_for_that_index(lake: Lake, replay: Replay) -> None:
    replay.list_only(None)
    replay.misbehave("other_index", index="SMLL")
    error = error_of(run())
    assert str(error).startswith("1 of 40 indices failed; published 38 indices")
    assert "its tickers are exactly those of IDIV" in str(error)
    assert key("SMLL") not in lake.list_keys("raw/")
    assert key("IDIV") in lake.list_keys("raw/")


def test_of_named_indices_the_session_before_tells_whose_content_it_is(
    lake: Lake, replay: Replay
) -> None:
    replay.show(THURSDAY)
    run("IEEX", "ITAG")
    replay.show(FRIDAY)
    replay.misbehave("other_index", index="IEEX")
    error = error_of(run("IEEX"))
    assert isinstance(error, BadDataError)
    assert "were in it on 2025-07-31" in str(error)
    assert key("IEEX") not in lake.list_keys("raw/")
    replay.behave()
    assert run("IEEX").is_completed()


def test_the_same_content_for_two_indices_is_kept_for_neither(lake: Lake, replay: Replay) -> None:
    replay.misbehave("other_index", index="IBOV")  # it shows IDIV
    error = error_of(run("IBOV", "IDIV", "SMLL"))
    assert "IBOV: Expected B3 to answer with the portfolio of IBOV" in str(error)
    assert "the same came for IBOV" in str(error)
    assert lake.list_keys("raw/") == [key("SMLL")]


def test_content_that_was_refused_is_not_taken_from_landing_either(
    lake: Lake, replay: Replay
) -> None:
    replay.show(THURSDAY)
    run("IEEX")
    replay.show(FRIDAY)
    run("IEEX")
    sound = content(lake, "IEEX")
    replay.misbehave("other_index", index="IEEX")
    assert run("IEEX").is_failed()
    lake.put(key("IEEX"), b"")
    replay.show(dt.date(2025, 9, 1))
    assert run("IEEX", trading_date=FRIDAY).is_completed()
    assert content(lake, "IEEX") == sound


def test_one_index_of_a_session_long_gone_fails_with_its_own_error(lake: Lake) -> None:
    error = error_of(run("IBOV", trading_date=dt.date(2025, 7, 1)))
    assert isinstance(error, SourceHasNoDataError)
