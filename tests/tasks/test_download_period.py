"""What B3 shows beside the day's portfolio: each answer landed, its session named by the day's."""

import datetime as dt
from collections import Counter
from types import SimpleNamespace

import pytest

from infra.local.b3.replay import Replay
from tasks import download_period, http
from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    NotPublishedError,
    RetryableError,
)
from tasks.core.numbers import parse_date
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.period import PeriodDownload, parse_period
from tasks.download_period import download_preview, download_theoretical
from tasks.objects import list_etags, read_landed
from tasks.turns import Budget

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
BEFORE_PREVIEWS, FIRST_PREVIEW = dt.date(2025, 7, 31), dt.date(2025, 8, 1)
MONDAY = dt.date(2025, 8, 4)
NEW_PERIOD = dt.date(2025, 9, 1)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "time", SimpleNamespace(sleep=lambda _seconds: None))


def theoretical(
    replay: Replay, session: dt.date = FIRST_PREVIEW, index_code: str = "IBOV"
) -> PeriodDownload:
    return download_theoretical.fn(replay.url, index_code, session, BUCKET, Budget.of_all(600.0))


def preview(
    replay: Replay, session: dt.date = FIRST_PREVIEW, index_code: str = "IBOV"
) -> PeriodDownload | None:
    return download_preview.fn(replay.url, index_code, session, BUCKET, Budget.of_all(600.0))


def asked(replay: Replay) -> list[str]:
    return [query.call for query in replay.requests]


def landed(prefix: str) -> list[bytes]:
    keys = [key for key in list_etags(BUCKET, prefix) if key.endswith(".json.gz")]
    return [body for key in keys if (body := read_landed(BUCKET, key))]


def read(download: PeriodDownload, index_code: str = "IBOV") -> Portfolio:
    return parse_period(download.pages, index_code, download.trading_date, "portfolio")


def test_the_session_is_named_by_the_days_portfolio_right_after(replay: Replay) -> None:
    replay.show(FIRST_PREVIEW)
    shown = theoretical(replay)
    assert asked(replay) == ["GetTheoricalPortfolio", "GetPortfolioDay"]
    assert shown.trading_date == FIRST_PREVIEW
    assert len(read(shown).constituents) == 84


def test_every_answer_is_landed_byte_for_byte_under_its_own_name(replay: Replay) -> None:
    replay.show(FIRST_PREVIEW)
    of_period, of_next = theoretical(replay), preview(replay)
    assert of_next
    (period_key,), (preview_key,) = of_period.keys, of_next.keys
    assert period_key.startswith("landing/portfolio_theoretical/received=")
    assert "/IBOV/" in period_key
    assert "/IBOV/" in preview_key
    assert preview_key.startswith("landing/portfolio_preview/received=")
    (configurations,) = (key for key in list_etags(BUCKET, "") if "IBOV-configurations" in key)
    assert configurations.startswith("landing/portfolio_preview/received=")
    assert b'"has":1' in (read_landed(BUCKET, configurations) or b"").replace(b" ", b"")
    assert len(landed("landing/portfolio/")) == 1  # the day's, which named the session


def test_an_index_of_222_constituents_comes_whole_in_two_pages(replay: Replay) -> None:
    replay.show(FIRST_PREVIEW)
    shown = theoretical(replay, index_code="ITAG")
    assert [page.page.pageNumber for page in shown.pages] == [1, 2]
    assert len(shown.keys) == 2
    assert len(read(shown, "ITAG").constituents) == 222


def test_a_preview_is_asked_for_only_where_b3_says_that_there_is_one(replay: Replay) -> None:
    replay.show(BEFORE_PREVIEWS)
    assert preview(replay, BEFORE_PREVIEWS) is None
    assert asked(replay) == ["GetConfigurations"]
    assert len(landed("landing/portfolio_preview/")) == 1


def test_an_old_preview_is_none(replay: Replay) -> None:
    replay.show(NEW_PERIOD)  # the call answers the last one of the period before
    assert preview(replay, NEW_PERIOD) is None
    assert "GetQuartelyPreview" not in asked(replay)


def test_a_preview_in_force_is_fetched(replay: Replay) -> None:
    replay.show(FIRST_PREVIEW)
    shown = preview(replay)
    assert shown is not None
    assert asked(replay) == ["GetConfigurations", "GetQuartelyPreview", "GetPortfolioDay"]
    assert [query.page_number for query in replay.requests] == [1, 1, 1]
    assert shown.trading_date == FIRST_PREVIEW
    tickers = {row.ticker for row in read(shown).constituents}
    assert "PETZ3" not in tickers  # it leaves with the new portfolio


def test_what_came_while_b3_went_over_is_asked_for_again(
    replay: Replay,
) -> None:
    replay.show(MONDAY)  # the run saw Friday just before
    shown = theoretical(replay, FIRST_PREVIEW)
    assert shown.trading_date == MONDAY
    assert Counter(asked(replay)) == {"GetTheoricalPortfolio": 2, "GetPortfolioDay": 2}
    assert len(shown.keys) == 1  # of the round that counts


def test_whether_there_is_a_preview_is_asked_again_as_well(replay: Replay) -> None:
    replay.show(dt.date(2025, 8, 29))
    replay.show(NEW_PERIOD, after=1)
    replay.say_preview(True)

    def read(text: str) -> dt.date:
        replay.say_preview(None)
        return parse_date(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download_period, "parse_date", read)
        assert preview(replay, dt.date(2025, 8, 28)) is None
    assert Counter(asked(replay))["GetConfigurations"] == 2


def test_a_session_that_changes_in_every_round_is_none(replay: Replay) -> None:
    days = iter([MONDAY, FIRST_PREVIEW, MONDAY])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download_period, "parse_date", lambda _: next(days))
        with pytest.raises(RetryableError, match="another one in each of 3 rounds"):
            theoretical(replay, FIRST_PREVIEW)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("http_500", RetryableError),
        ("empty", RetryableError),
        ("not_json", RetryableError),
        ("challenge_403", BlockedError),
        ("null_results", NotPublishedError),
    ],
)
def test_what_is_no_answer_is_an_error(
    replay: Replay, fault: str, error: type[B3PipelineError]
) -> None:
    replay.show(FIRST_PREVIEW)
    replay.misbehave(fault, index="theoretical")
    with pytest.raises(error):
        theoretical(replay)
    replay.misbehave(fault, index="preview")
    with pytest.raises(error):
        preview(replay)


def test_what_b3_shows_none_of_is_named(replay: Replay) -> None:
    replay.show(FIRST_PREVIEW)
    replay.misbehave("null_results", index="theoretical")
    with pytest.raises(NotPublishedError, match=r"^B3 shows no theoretical portfolio of IBOV\.$"):
        theoretical(replay)
    replay.misbehave("null_results", index="preview")
    with pytest.raises(NotPublishedError, match=r"^B3 shows no preview of IBOV\.$"):
        preview(replay)


def test_a_configuration_of_another_form_says_nothing(replay: Replay) -> None:
    replay.show(FIRST_PREVIEW)
    replay.misbehave("null_results", index="configurations")
    with pytest.raises(BadDataError, match=r"configuration of IBOV.*preview.*Landing keeps"):
        preview(replay)
    assert "GetQuartelyPreview" not in asked(replay)
    assert len(landed("landing/portfolio_preview/")) == 1


def test_a_bad_answer_of_the_day_names_no_session(replay: Replay) -> None:
    replay.show(FIRST_PREVIEW)
    replay.misbehave("http_500", index="IBOV")
    with pytest.raises(RetryableError):
        theoretical(replay)


def test_an_attempt_has_a_budget_of_its_own(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_period, "ATTEMPT_SECONDS", 0.0)
    with pytest.raises(RetryableError, match="time budget"):
        theoretical(replay)
