"""Pages of reports in a real browser: light and dark, on a phone, printed, without scripts."""

from pathlib import Path

import pytest

from infra.local.pictures.page import Page
from tasks.core.session_report.model import SessionReport
from tasks.core.session_report.months import render_month
from tasks.core.session_report.page import render_page
from tests.opened import LOOKS, check_page, colours, shown_tables
from tests.pages import read_tables
from tests.session_reports import (
    MONDAY,
    differing,
    first_session,
    session_report,
    with_names,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SCRIPT = "<script>document.title='taken'</script>"
# Each report, and how many charts it has.
REPORTS: dict[str, tuple[SessionReport, int]] = {
    "with everything": (session_report(84), 6),
    "without quotes": (session_report(84, market=None, reconciliation=None), 5),
    "of the first session ever": (first_session(), 2),
    "of 222 constituents": (session_report(222), 6),
    "with a script for a name": (with_names(SCRIPT, "A&B", "$x$"), 6),
    "of a level that differs": (differing(), 6),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, each drawn once."""
    folder = tmp_path_factory.mktemp("pages")
    for name, (report, _) in REPORTS.items():
        (folder / f"{name}.html").write_text(render_page(report, "pt-BR"), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "look"),
    [
        *(("with everything", look) for look in LOOKS),
        *((name, look) for name in [*REPORTS][1:] for look in ("light", "dark phone")),
    ],
)
def test_every_chart_is_drawn_and_nobody_is_asked(
    page: Page, folder: Path, name: str, look: str
) -> None:
    path = folder / f"{name}.html"
    check_page(page, path, look, REPORTS[name][1])
    assert shown_tables(page) == read_tables(path.read_text(encoding="utf-8"))


def test_a_script_in_a_name_is_text(page: Page, folder: Path) -> None:
    page.open((folder / "with a script for a name.html").as_uri())
    assert page.run("document.scripts.length") == 0
    assert "taken" not in page.run("document.title")
    assert SCRIPT in page.run("document.querySelector('main').textContent")


def test_the_theme_is_the_readers(page: Page, folder: Path) -> None:
    found = {}
    for look in ("light", "dark", "printed"):
        page.open((folder / "with everything.html").as_uri(), LOOKS[look])
        found[look] = colours(page)
    assert found["light"] != found["dark"]
    assert found["printed"][1] in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")


def test_tables_open_by_keyboard(page: Page, folder: Path) -> None:
    page.open((folder / "with everything.html").as_uri(), LOOKS["without scripts"])
    summaries = page.run("document.querySelectorAll('details > summary').length")
    assert summaries >= 6
    assert page.run("document.querySelectorAll('[tabindex]:not([tabindex=\"0\"])').length") == 0
    page.click("document.querySelector('details > summary')")
    assert page.run("document.querySelector('details').open")


def test_at_a_desk_no_column_hides(page: Page, folder: Path) -> None:
    page.open((folder / "with everything.html").as_uri(), LOOKS["light"])
    page.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    hidden = page.run(
        "[...document.querySelectorAll('.wide')]"
        ".filter(each => each.scrollWidth > each.clientWidth)"
        ".map(each => each.getAttribute('aria-label'))"
    )
    assert hidden == []


def test_the_figures_at_the_head_stand_in_one_line(page: Page, folder: Path) -> None:
    page.open((folder / "with everything.html").as_uri(), LOOKS["light"])
    tops = page.run(
        "[...document.querySelectorAll('.tiles .big')]"
        ".map(each => each.getBoundingClientRect().top)"
    )
    assert len(tops) == 6
    assert len(set(tops)) == 1


@pytest.mark.parametrize("look", ["light", "dark phone"])
def test_the_page_of_a_month_leads_to_its_reports(page: Page, tmp_path: Path, look: str) -> None:
    codes = [f"IX{number:02}" for number in range(40)]
    path = tmp_path / "2025-08.html"
    path.write_text(render_month("2025-08", {MONDAY: codes}, "pt-BR"), encoding="utf-8")
    check_page(page, path, look, 0)
    links = page.run("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert [each for each in links if not each.startswith("#")] == [
        f"{MONDAY}/{code}.html" for code in codes
    ]
