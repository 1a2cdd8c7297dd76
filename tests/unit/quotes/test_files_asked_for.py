import datetime as dt

import pytest

from tasks.core.exchange import sessions_between
from tasks.core.quotes.files import plan_files

YEAR = sessions_between(dt.date(2024, 1, 1), dt.date(2024, 12, 31))
JULY = sessions_between(dt.date(2025, 7, 1), dt.date(2025, 7, 31))
LATEST = dt.date(2025, 8, 1)


def planned(wanted: list[dt.date], held: list[dt.date] | None = None) -> list[str]:
    return [str(period) for period in plan_files(wanted, held or [], LATEST)]


def test_sessions_are_those_of_the_calendar_both_ends_included() -> None:
    days = sessions_between(dt.date(2025, 7, 31), dt.date(2025, 8, 4))
    assert [str(day) for day in days] == ["2025-07-31", "2025-08-01", "2025-08-04"]
    assert sessions_between(dt.date(2025, 8, 2), dt.date(2025, 8, 1)) == []


@pytest.mark.parametrize(
    ("wanted", "held", "files"),
    [
        pytest.param(YEAR, [], ["2024"], id="a-whole-year"),
        pytest.param(YEAR, YEAR, [], id="a-year-that-is-held"),
        pytest.param(YEAR, YEAR[:100], ["2024"], id="a-year-begun"),
        pytest.param(YEAR, YEAR[:-1], ["2024-12-30"], id="a-year-but-for-a-day"),
        pytest.param(YEAR, YEAR[:-5], ["2024-12"], id="a-year-but-for-a-week"),
        pytest.param(YEAR, YEAR[:-25], ["2024"], id="a-year-but-for-two-months"),
        pytest.param(YEAR[1:40], [], [*map(str, YEAR[1:22]), *map(str, YEAR[22:40])], id="days"),
        pytest.param(JULY, [], ["2025-07"], id="a-whole-month"),
        pytest.param(JULY, JULY[1:], ["2025-07-01"], id="a-month-but-for-a-day"),
        pytest.param([*YEAR, *JULY], [], ["2024", "2025-07"], id="a-year-and-a-month"),
        pytest.param([*JULY, LATEST], [], ["2025-07", "2025-08-01"], id="a-month-and-a-day"),
    ],
)
def test_the_fewest_files_are_asked_for(
    wanted: list[dt.date], held: list[dt.date], files: list[str]
) -> None:
    assert planned(wanted, held) == files


def test_the_year_that_is_not_over_is_whole_up_to_the_latest_session() -> None:
    so_far = sessions_between(dt.date(2025, 1, 1), LATEST)
    assert planned(so_far) == ["2025"]
    assert planned(so_far[1:])[-2:] == ["2025-07", "2025-08-01"]
