import datetime as dt

import pytest
from prefect.logging import disable_run_logger

from infra.local.b3.replay import Replay
from tasks.core.errors import BadDataError, SourceHasNoDataError
from tasks.core.portfolio.model import Portfolio
from tasks.download import download_portfolio
from tasks.reading import read_portfolio, read_shown_session
from tests.portfolios import FRIDAY, THURSDAY, answer, to_bytes

pytestmark = pytest.mark.usefixtures("no_run_logger")


def read(replay: Replay, today: dt.date = FRIDAY) -> Portfolio:
    with disable_run_logger():
        bodies = download_portfolio.fn(replay.url, "IBOV").bodies
        return read_portfolio.fn("IBOV", bodies, today)


def test_a_right_answer_becomes_a_portfolio(replay: Replay) -> None:
    portfolio = read(replay)
    assert str(portfolio) == "IBOV 2025-08-01"
    assert len(portfolio.constituents) == 84


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("other_language", "asked for pt-br; an answer in another form is not stored"),
        ("swapped_date", "day_and_month_are_not_swapped: .* which is 2025-08-01 with day and"),
        ("missing_row", "constituent_count: expected 84; found 83"),
        ("duplicate_ticker", "tickers_are_unique: expected no ticker twice; found "),
        ("wrong_weight", "weights_sum_to_100: expected 100.000; found 100.001"),
        ("wrong_quantity", "quantities_sum_to_header: expected "),
        ("negative_quantity", "quantities_are_positive: expected every quantity above zero; found"),
        ("no_session_date", "date_is_a_session: .*found 2024-12-25, Wednesday"),
        ("bad_divisor", "divisor_is_positive: expected above zero; found 0E-8"),
    ],
)
def test_a_wrong_answer_is_refused_with_expected_and_found(
    replay: Replay, fault: str, said: str
) -> None:
    replay.misbehave(fault)
    with pytest.raises(BadDataError, match=said):
        read(replay)


def test_a_refusal_says_what_is_kept_and_what_is_untouched(replay: Replay) -> None:
    replay.misbehave("wrong_weight")
    with pytest.raises(BadDataError, match="Landing keeps the bytes; raw and refined are unt"):
        read(replay)


def test_a_session_past_the_next_one_is_refused(replay: Replay) -> None:
    with pytest.raises(BadDataError, match="date_is_not_past_next_session: expected 2025-07-31"):
        read(replay, today=dt.date(2025, 7, 30))


def test_on_a_weekend_the_next_session_is_right(replay: Replay) -> None:
    replay.show(dt.date(2025, 8, 4))
    assert read(replay, today=dt.date(2025, 8, 2)).trading_date == dt.date(2025, 8, 4)


@pytest.mark.parametrize("wanted", [None, FRIDAY])
def test_the_session_that_is_shown_is_told(wanted: dt.date | None) -> None:
    assert read_shown_session.fn("IBOV", [to_bytes(answer())], wanted) == FRIDAY


def test_another_session_than_the_one_wanted_is_told_with_what_to_do() -> None:
    with pytest.raises(SourceHasNoDataError) as error:
        read_shown_session.fn("IBOV", [to_bytes(answer())], THURSDAY)
    for said in ("IBOV of 2025-07-31", "found 2025-08-01", "import", "Nothing was written"):
        assert said in str(error.value)


def test_an_answer_that_names_no_session_is_left_to_the_reader() -> None:
    assert read_shown_session.fn("IBOV", [b"{}"], THURSDAY) is None
