"""Answers of queries, drawn for a terminal: each within its width, and less than a screen."""

import re
import textwrap
from collections.abc import Iterable
from decimal import Decimal

import rich.box
from rich.console import Console
from rich.table import Table

from infra.queries import Query

ROWS_SHOWN = 8
_LONGEST_CELL = 16
_FEW_PLACES = 3
_MOST_HEADING_LINES = 4
_GAP = 2
_FIGURES = re.compile(r"[\d.-]+")  # numbers and dates

Columns = dict[str, list[str]]


def print_answer(console: Console, query: Query, columns: dict[str, list[object]]) -> None:
    """Print a query's title, what it asks, and the first rows of its answer."""
    texts = {name: _show(values) for name, values in columns.items()}
    asked = query.about.split(". ")[0].removesuffix(".").replace("`", "")
    console.print(f"\n[bold]{query.title}[/]. {asked}.")
    row_count = max(map(len, texts.values()), default=0)
    if row_count == 1:  # one row of many columns is read from top to bottom
        console.print(_record(texts))
        left_out: list[str] = []
    else:
        shown, lines = _fit(texts, console.width)
        console.print(_grid(shown, lines))
        left_out = [_heading(name) for name in list(texts)[len(shown) :]]
    more = f", the first {ROWS_SHOWN} shown" if row_count > ROWS_SHOWN else ""
    narrow = f"; too wide for this terminal: {', '.join(left_out)}" if left_out else ""
    console.print(f"{row_count} row{'' if row_count == 1 else 's'}{more}{narrow}", style="dim")


def _show(values: list[object]) -> list[str]:
    """Write a column; decimals alike, with the places they need and up to three that are zero."""
    places = max((_places(value) for value in values if isinstance(value, Decimal)), default=0)

    def write(value: object) -> str:
        text = f"{value:.{places}f}" if isinstance(value, Decimal) else str(value)
        return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"

    return list(map(write, values))


def _places(value: Decimal) -> int:
    written = -int(value.as_tuple().exponent)
    needed = -int(value.normalize().as_tuple().exponent)
    return max(needed, min(written, _FEW_PLACES))


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _fit(columns: Columns, width: int) -> tuple[Columns, int]:
    """Return the columns that have room, from the left, and how many lines their headings take."""
    for lines in range(1, _MOST_HEADING_LINES + 1):
        if _width(columns.items(), lines) <= width:
            return columns, lines
    shown = dict(columns)
    while len(shown) > 1 and _width(shown.items(), _MOST_HEADING_LINES) > width:
        shown.popitem()
    return shown, _MOST_HEADING_LINES


def _width(columns: Iterable[tuple[str, list[str]]], lines: int) -> int:
    widths = [max(map(len, [*_wrap(name, lines), *cells[:ROWS_SHOWN]])) for name, cells in columns]
    return sum(widths) + _GAP * (len(widths) - 1)


def _wrap(name: str, lines: int) -> list[str]:
    """Break a heading between words into at most so many lines, as narrow as that allows."""
    text = _heading(name)
    for width in range(max(map(len, text.split())), len(text) + 1):
        wrapped = textwrap.wrap(text, width)
        if len(wrapped) <= lines:
            return wrapped
    return [text]


def _record(columns: Columns) -> Table:
    table = Table.grid(padding=(0, _GAP, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for name, (value,) in columns.items():
        table.add_row(_heading(name), value)
    return table


def _grid(columns: Columns, lines: int) -> Table:
    table = Table(
        header_style="bold",
        box=rich.box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, _GAP - 1, 0, 0),
        pad_edge=False,
        collapse_padding=True,
    )
    for name, cells in columns.items():
        written = [cell for cell in cells if cell]  # where nothing is known, nothing is
        has_figures = bool(written) and all(map(_FIGURES.fullmatch, written))
        heading = "\n".join(_wrap(name, lines))
        table.add_column(
            heading, justify="right" if has_figures else "left", no_wrap=True, vertical="bottom"
        )
    for row in list(zip(*columns.values(), strict=True))[:ROWS_SHOWN]:
        table.add_row(*row)
    return table
