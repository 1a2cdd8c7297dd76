import datetime as dt

import pytest

from tasks.core.errors import InvalidInputError
from tasks.core.session_report.months import render_month
from tests.unit.session_report.test_page import Page

MONDAY, TUESDAY, WEDNESDAY = (dt.date(2025, 8, day) for day in (4, 5, 6))
CODES = [f"IDX{number}" for number in range(40)]


@pytest.mark.parametrize(
    ("code", "title", "sessions"),
    [
        ("pt-BR", "Relatórios de agosto de 2025", ["05/08/2025", "04/08/2025"]),
        ("en", "Reports of August 2025", ["2025-08-05", "2025-08-04"]),
    ],
)
def test_a_month_lists_its_sessions_newest_first_with_links(
    code: str, title: str, sessions: list[str]
) -> None:
    pages = {MONDAY: {"SMLL", "IBOV", "IBXX"}, TUESDAY: ["IBOV"], WEDNESDAY: ()}
    page = Page(render_month("2025-08", pages, code))
    assert ("title", title) in page.texts
    assert ("h1", title) in page.texts
    ((head, *rows),) = page.tables.values()
    assert len(head) == 2
    assert rows == [[sessions[0], "IBOV"], [sessions[1], "IBOVIBXXSMLL"]]
    links = [each["href"] for each in page.all_of("a")]
    assert links == [
        "#content",
        "2025-08-05/IBOV.html",
        "2025-08-04/IBOV.html",
        "2025-08-04/IBXX.html",
        "2025-08-04/SMLL.html",
    ]
    assert page.all_of("a")[1]["aria-label"] in {"IBOV em 05/08/2025", "IBOV on 2025-08-05"}
    assert page.all_of("html") == [{"lang": code}]


def test_a_month_without_reports_says_so() -> None:
    page = Page(render_month("2025-08", {MONDAY: []}, "pt-BR"))
    assert "Ainda não há relatório deste mês." in page.whole()
    assert page.tables == {}


def test_codes_are_escaped_in_links_and_texts() -> None:
    page = Page(render_month("2025-08", {MONDAY: ["<a&b>/?"]}, "en"))
    assert page.all_of("a")[1]["href"] == "2025-08-04/%3Ca%26b%3E/%3F.html"
    assert ("a", "<a&b>/?") in page.texts


def test_a_month_of_40_indices_is_small_and_asks_for_nothing() -> None:
    days = [dt.date(2025, 8, day) for day in range(1, 24)]
    source = render_month("2025-08", dict.fromkeys(days, CODES), "pt-BR")
    assert len(source.encode()) < 150_000
    assert "http:" not in source
    assert "Content-Security-Policy" in source
    assert source == render_month("2025-08", dict.fromkeys(days[::-1], CODES[::-1]), "pt-BR")


def test_another_language_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="found 'es'"):
        render_month("2025-08", {}, "es")
