import datetime as dt
import re
from decimal import Decimal
from string import Formatter

import pytest

from tasks.core.errors import InvalidInputError
from tasks.core.session_report.language import LANGUAGES, TEXTS, find_language
from tests.conftest import ROOT

PORTUGUESE, ENGLISH = LANGUAGES["pt-BR"], LANGUAGES["en"]
MONDAY = dt.date(2025, 8, 4)
FOLDER = ROOT / "tasks" / "core" / "session_report"


@pytest.mark.parametrize(
    ("value", "portuguese", "english"),
    [
        (Decimal("1234.567"), "1.234,567", "1,234.567"),
        (Decimal("16036751.16744128"), "16.036.751,16744128", "16,036,751.16744128"),
        (Decimal("100.000"), "100,000", "100.000"),
        (Decimal("-0.250"), "−0,250", "−0.250"),
        (Decimal("-0.000"), "0,000", "0.000"),
        (Decimal("1E+3"), "1.000", "1,000"),
        (1_243_177_587, "1.243.177.587", "1,243,177,587"),
        (-1234, "−1.234", "−1,234"),
        (0, "0", "0"),
    ],
)
def test_a_number_is_written_whole(value: Decimal | int, portuguese: str, english: str) -> None:
    assert (PORTUGUESE.number(value), ENGLISH.number(value)) == (portuguese, english)


@pytest.mark.parametrize(
    ("value", "portuguese", "english"),
    [
        (Decimal("1234.5"), "+1.234,5", "+1,234.5"),
        (Decimal("-0.001"), "−0,001", "−0.001"),
        (Decimal("0.000"), "0,000", "0.000"),
        (Decimal("-0.000"), "0,000", "0.000"),
        (12, "+12", "+12"),
    ],
)
def test_a_change_bears_its_sign_and_zero_none(
    value: Decimal | int, portuguese: str, english: str
) -> None:
    assert (PORTUGUESE.change(value), ENGLISH.change(value)) == (portuguese, english)


def test_percent_stands_behind_the_number() -> None:
    assert PORTUGUESE.percent(Decimal("-11.412")) == "−11,412%"
    assert ENGLISH.percent(Decimal("11.412")) == "11.412%"


def test_a_date_is_written_as_readers_write_it() -> None:
    assert PORTUGUESE.date(MONDAY) == "04/08/2025"
    assert PORTUGUESE.short_date(MONDAY) == "04/08"
    assert ENGLISH.date(MONDAY) == "2025-08-04"
    assert ENGLISH.short_date(MONDAY) == "08-04"


@pytest.mark.parametrize(
    ("days_later", "portuguese", "english"),
    [
        (0, "segunda-feira", "Monday"),
        (1, "terça-feira", "Tuesday"),
        (2, "quarta-feira", "Wednesday"),
        (3, "quinta-feira", "Thursday"),
        (4, "sexta-feira", "Friday"),
        (5, "sábado", "Saturday"),
        (6, "domingo", "Sunday"),
    ],
)
def test_a_long_date_names_the_weekday(days_later: int, portuguese: str, english: str) -> None:
    day = MONDAY + dt.timedelta(days=days_later)
    assert PORTUGUESE.long_date(day) == f"{portuguese}, {day:%d/%m/%Y}"
    assert ENGLISH.long_date(day) == f"{english}, {day}"


@pytest.mark.parametrize(
    ("month", "portuguese", "english"),
    [
        ("2025-01", "janeiro de 2025", "January 2025"),
        ("2025-02", "fevereiro de 2025", "February 2025"),
        ("2025-03", "março de 2025", "March 2025"),
        ("2025-04", "abril de 2025", "April 2025"),
        ("2025-05", "maio de 2025", "May 2025"),
        ("2025-06", "junho de 2025", "June 2025"),
        ("2025-07", "julho de 2025", "July 2025"),
        ("2025-08", "agosto de 2025", "August 2025"),
        ("2025-09", "setembro de 2025", "September 2025"),
        ("2025-10", "outubro de 2025", "October 2025"),
        ("2025-11", "novembro de 2025", "November 2025"),
        ("1999-12", "dezembro de 1999", "December 1999"),
    ],
)
def test_a_month_is_named(month: str, portuguese: str, english: str) -> None:
    assert (PORTUGUESE.month(month), ENGLISH.month(month)) == (portuguese, english)


def test_a_time_is_of_utc_and_to_the_minute() -> None:
    moment = dt.datetime(2025, 8, 4, 9, 5, 59, 999_999)  # noqa: DTZ001 - UTC without a zone
    assert PORTUGUESE.time(moment) == "04/08/2025 09:05 UTC"
    assert ENGLISH.time(moment) == "2025-08-04 09:05 UTC"


@pytest.mark.parametrize(
    ("count", "portuguese", "english"),
    [
        (0, "0 entradas", "0 entries"),
        (1, "1 entrada", "1 entry"),
        (2, "2 entradas", "2 entries"),
        (1234, "1.234 entradas", "1,234 entries"),
    ],
)
def test_a_text_says_one_or_many(count: int, portuguese: str, english: str) -> None:
    texts = (PORTUGUESE.text("count_entries", count), ENGLISH.text("count_entries", count))
    assert texts == (portuguese, english)


def test_values_stand_in_their_places() -> None:
    assert PORTUGUESE.text("weights_caption", index="IBOV", day="04/08/2025") == (
        "Carteira do IBOV em 04/08/2025"
    )
    with pytest.raises(KeyError):
        PORTUGUESE.text("weights_caption", index="IBOV")


def places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_there_in_both_languages_with_the_same_places(name: str) -> None:
    assert list(TEXTS[name]) == list(LANGUAGES)
    portuguese, english = TEXTS[name].values()
    assert portuguese.strip()
    assert english.strip()
    assert places(portuguese) == places(english)
    assert portuguese.count("|") == english.count("|") == ("{count}" in english)


def test_no_text_is_left_over() -> None:
    """Each is named by a module or a template, whole or by the beginning that a call completes."""
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.iterdir())
        if path.suffix in {".py", ".html"}
    )
    named = set(re.findall(r'"([a-z_0-9]+)"', sources))
    begun = {
        *("kind_", "chart_highest", "chart_lowest", "chart_no_", "reconciled_"),
    }
    left_over = [name for name in TEXTS if name not in named and not name.startswith(tuple(begun))]
    assert left_over == []


@pytest.mark.parametrize("code", ["pt-BR", "en"])
def test_a_language_is_found_by_its_code(code: str) -> None:
    assert find_language(code).code == code


def test_another_language_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInputError, match=r"expected the language pt-BR or en .*'pt'"):
        find_language("pt")
