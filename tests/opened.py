"""A report in the browser: what must hold of its page however it is looked at."""

from dataclasses import replace
from pathlib import Path

from infra.local.pictures.page import DESK, PHONE, Page
from tests.pages import Rows

DARK = replace(DESK, scheme="dark")
LOOKS = {
    "light": DESK,
    "dark": DARK,
    "phone": PHONE,
    "dark phone": replace(PHONE, scheme="dark"),
    "printed": replace(DESK, media="print"),
    "without scripts": replace(DESK, has_scripts=False),
}
# What is drawn in each chart: marks that have a size, and texts that do not lie outside.
_CHARTS = """[...document.querySelectorAll('main svg[role=img]')].map(svg => {
    const box = svg.getBoundingClientRect();
    const marks = [...svg.querySelectorAll('path, use, circle, rect, line')].filter(mark => {
        const its = mark.getBoundingClientRect();
        const style = getComputedStyle(mark);
        const paints = ['fill', 'stroke'].some(
            how => !['none', 'rgba(0, 0, 0, 0)'].includes(style[how]));
        return its.width + its.height > 0 && paints;
    });
    const lost = [...svg.querySelectorAll('text')].filter(text => {
        const its = text.getBoundingClientRect();
        return its.left < box.left - 1 || its.right > box.right + 1
            || its.top < box.top - 1 || its.bottom > box.bottom + 1 || its.height < 7;
    });
    return {name: svg.querySelector('title').textContent, width: box.width, height: box.height,
        marks: marks.length, lost: lost.map(text => text.textContent)};
})"""
_TABLES = """Object.fromEntries([...document.querySelectorAll('table')].map(table => [
    table.caption.textContent.trim().replace(/\\s+/g, ' '),
    [...table.rows].map(row => [...row.cells].map(cell =>
        cell.textContent.trim().replace(/\\s+/g, ' ')))]))"""
_SIDEWAYS = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
_COLOURS = "['color', 'backgroundColor'].map(how => getComputedStyle(document.body)[how])"


def check_page(page: Page, path: Path, look: str, chart_count: int) -> None:
    """See that a page asks for nothing, says nothing, and shows all of its charts."""
    assert page.open(path.as_uri(), LOOKS[look])
    assert page.said == []
    assert page.asked_for == [path.as_uri()]
    charts = page.run(_CHARTS)
    assert len(charts) == chart_count
    for chart in charts:
        assert chart["width"] > 250, chart
        assert chart["height"] > 80, chart
        assert chart["marks"] >= 2, chart
        assert chart["lost"] == [], chart
    assert page.run(_SIDEWAYS) <= 0


def shown_tables(page: Page) -> dict[str, Rows]:
    """The tables of the page that is open, by their captions."""
    tables: dict[str, Rows] = page.run(_TABLES)
    return tables


def colours(page: Page) -> list[str]:
    """Text and background of the page that is open."""
    found: list[str] = page.run(_COLOURS)
    return found
