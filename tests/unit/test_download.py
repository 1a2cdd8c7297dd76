import datetime as dt

import pytest

from tasks.core.download import Download


@pytest.mark.parametrize(
    ("received_at", "day"),
    [("2025-08-02T02:59:59+00:00", "2025-08-01"), ("2025-08-02T03:00:00+00:00", "2025-08-02")],
)
def test_the_day_is_the_one_where_the_exchange_is(received_at: str, day: str) -> None:
    answered: Download[str] = Download((), dt.datetime.fromisoformat(received_at))
    assert str(answered.day) == day


def test_answers_keep_their_order() -> None:
    assert Download(("b", "a"), dt.datetime(2025, 8, 1, tzinfo=dt.UTC)).pages == ("b", "a")
