"""`make demo`, as a person sees it on a terminal of 80 × 24."""

import re
from pathlib import Path

import pytest

from infra.local.b3.sessions import SESSIONS
from infra.local.pictures.page import Page
from infra.queries import documented_queries
from tests.e2e.transcript import (
    COLUMNS,
    LINES,
    Shown,
    excerpt,
    mask,
    readme_excerpt,
    run_demo,
)
from tests.opened import check_page, shown_tables
from tests.pages import read_tables

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "state"


@pytest.fixture(scope="module")
def demo(state: Path) -> Shown:
    shown = run_demo(state)
    assert shown.code == 0, shown.text
    return shown


def test_each_session_is_published_and_each_question_answered(demo: Shown) -> None:
    for session in SESSIONS:
        assert f"published 3 indices of {session}" in demo.text
    for query in documented_queries():
        assert f"\n{query.title}. " in demo.text
    assert len(re.findall(r"^\d+ rows?\b", demo.text, re.M)) == len(documented_queries())


def test_nothing_is_wider_than_the_terminal_but_paths(demo: Shown, state: Path) -> None:
    lines = [line for line in demo.text.splitlines() if str(state) not in line]

    assert [line for line in lines if len(line) > COLUMNS] == []


def test_a_step_is_less_than_a_screen(demo: Shown) -> None:
    *steps, questions, what_next = demo.steps
    answers = [each for each in questions.split("\n\n") if each.strip()]

    assert len(steps) == 1 + len(SESSIONS) + 3
    for part in (*steps, *answers, what_next):
        assert len(part.strip().splitlines()) < LINES, part


def test_demo_does_not_show_variables(demo: Shown) -> None:
    assert not re.search(r"^\s*[A-Z][A-Z0-9_]+=", demo.text, re.M)


def test_it_ends_by_naming_the_page_to_open(demo: Shown, state: Path) -> None:
    report = state / "lake" / "b3-lake" / "reports" / "portfolio" / "2025-08-04" / "IBOV.html"
    assert demo.text.rstrip().endswith(f"\n\nOpen in a browser: {report}")
    assert "IBOV" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
@pytest.mark.parametrize("index", ["IBOV", "SMLL", "IDIV"])
def test_its_reports_show_all_that_there_is(
    demo: Shown, state: Path, page: Page, index: str, look: str
) -> None:
    reports = state / "lake" / "b3-lake" / "reports" / "portfolio"
    path = reports / "2025-08-04" / f"{index}.html"
    check_page(page, path, look, 6)
    assert shown_tables(page) == read_tables(path.read_text(encoding="utf-8"))


def test_readme_shows_what_the_demo_prints(demo: Shown) -> None:
    assert mask(readme_excerpt()) == mask(excerpt(demo)), (
        "run `python -m tests.e2e.transcript`, which writes it again"
    )


def test_what_to_try_next_knows_where_the_demo_keeps_everything(demo: Shown, state: Path) -> None:
    for line in (f"make demo STATE={state}", f"make local STATE={state}", f". {state}/env"):
        assert line in demo.text


def test_second_demo_finds_everything_up_to_date(demo: Shown, state: Path) -> None:
    assert demo.code == 0
    again = run_demo(state)

    assert again.code == 0
    assert not re.search(r"^published (\d|quotes|levels)", again.text, re.M)
    for session in SESSIONS:
        assert f"up to date 3 indices of {session}" in again.text
