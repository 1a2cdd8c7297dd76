"""The page of a report: one file of HTML that asks nothing of any host and runs no script."""

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, zip_longest
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tasks.core.plan import shorten
from tasks.core.session_report.charts import (
    draw_changes,
    draw_concentration,
    draw_contributions,
    draw_month,
    draw_rebalancing,
    draw_weights,
)
from tasks.core.session_report.language import Language, find_language
from tasks.core.session_report.model import Levels, SessionReport
from tasks.core.session_report.moves import ENTERED, LEFT, Move
from tasks.core.session_report.verdicts import (
    compare_totals,
    find_warnings,
    tell_reconciliation,
)

_MOST_NAMED = 3
_MOST_QUANTITIES = 12  # beside a chart
_DASH = "–"
_MEASURES = (
    ("top5", "top5_weight_pct"),
    ("top10", "top10_weight_pct"),
    ("hhi", "herfindahl_hirschman_index"),
    ("count", "constituent_count"),
)
_NOTES = (
    *("note_weights", "note_quantities", "note_prices", "note_contributions"),
    *("note_dashes", "note_source"),
)


@dataclass(frozen=True)
class Tile:
    """A figure at the head of a page.

    Attributes:
        name: What it is.
        value: The figure.
        text: What belongs to it.
        change: How it moved, in words and with its sign.
        direction: `up`, `down` or nothing.
    """

    name: str
    value: str
    text: str = ""
    change: str = ""
    direction: str = ""


def render_page(report: SessionReport, language: str) -> str:
    """Return the page of a report.

    Args:
        report: What it says.
        language: A code of `language.LANGUAGES`.

    Raises:
        InvalidInputError: There is no such language.
    """
    spoken = find_language(language)
    return render(
        "page.html",
        spoken,
        {
            "report": report,
            "day": _dates(spoken)(report.trading_date),
            "run": shorten(report.origin.run_id),
            "tiles": _tiles(report, spoken),
            "warnings": find_warnings(report, spoken),
            "totals": compare_totals(report, spoken),
            "reconciliation": tell_reconciliation(report.reconciliation, spoken),
            "measures": _MEASURES,
            "most_quantities": _MOST_QUANTITIES,
            "cumulative": _cumulative(report),
            "levels": _levels(report, spoken),
            "has_levels": sum(each.level is not None for each in report.month) > 1,
            "charts": _charts(report, spoken),
            "notes": _NOTES,
        },
    )


def render(template: str, language: Language, values: Mapping[str, Any]) -> str:
    """Return a page of a template, in which `t` gives a text, `n`, `c` and `d` write values.

    Texts are markup, for the dates in them are; other values in their places are escaped.
    """
    return (
        _environment()
        .get_template(template)
        .render(
            values,
            language=language,
            t=_texts(language),
            n=_or_dash(language.number),
            c=_or_dash(language.change),
            d=_dates(language),
        )
    )


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _or_dash(write: Callable[[Decimal | int], str]) -> Callable[[Decimal | int | None], str]:
    return lambda value: _DASH if value is None else write(value)


def _texts(language: Language) -> Callable[..., Markup]:
    def text(name: str, count: Decimal | int | None = None, /, **values: object) -> Markup:
        escaped = {each: escape(value) for each, value in values.items()}
        return Markup(language.text(name, count, **escaped))  # noqa: S704 - the texts are ours

    return text


def _dates(language: Language) -> Callable[[dt.date], Markup]:
    """Return what writes a date as an element, which no line breaks."""
    return lambda day: Markup('<time datetime="{}">{}</time>').format(day, language.date(day))


def _charts(report: SessionReport, language: Language) -> dict[str, Markup]:
    drawn = {
        "weights": draw_weights(report, language),
        "concentration": draw_concentration(report, language),
        "changes": draw_changes(report.moves, language) if report.moves else "",
        "contributions": draw_contributions(report, language),
        "month": draw_month(report, language),
        "rebalancing": draw_rebalancing(report.rebalancing, language) if report.rebalancing else "",
    }
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704 - escaped by `svg`


def _tiles(report: SessionReport, language: Language) -> list[Tile]:
    market = report.market
    published = market.published if market else Levels(None, report.month[-1].level)
    since = Markup()
    if market and market.previous_session:
        since = _since(market.previous_session, language)
    return [
        _level_tile("tile_level", "no_level", published, since, language),
        _level_tile(
            "tile_implied", "no_implied", market.implied if market else None, since, language
        ),
        _moves_tile("tile_entries", report, ENTERED, language),
        _moves_tile("tile_exits", report, LEFT, language),
        Tile(language.text("tile_count"), language.number(len(report.constituents))),
        Tile(language.text("tile_top5"), language.percent(report.concentration.top5_weight_pct)),
    ]


def _level_tile(
    name: str, missing: str, levels: Levels | None, since: Markup, language: Language
) -> Tile:
    name = language.text(name)
    if levels is None or levels.level is None:
        return Tile(name, _DASH, language.text(missing))
    level, move = language.number(levels.level), levels.move_pct
    if move is None:
        return Tile(name, level, language.text("no_move"))
    moved = f"{language.change(move)}%"
    if not move:
        return Tile(name, level, Markup("{} {}").format(moved, since))
    arrow, direction = ("▲", "up") if move > 0 else ("▼", "down")
    return Tile(name, level, since, f"{arrow} {moved}", direction)


def _moves_tile(name: str, report: SessionReport, kind: str, language: Language) -> Tile:
    name = language.text(name)
    if report.moves is None:
        return Tile(name, _DASH, language.text("no_session_before"))
    found = report.moves.of_kind(kind)
    since = _since(report.moves.since, language)
    told = Markup("{} {}").format(_name(found), since).strip()
    return Tile(name, language.number(len(found)), told)


def _since(day: dt.date, language: Language) -> Markup:
    return _texts(language)("since", day=_dates(language)(day))


def _name(moves: tuple[Move, ...]) -> str:
    named = ", ".join(each.ticker for each in moves[:_MOST_NAMED])
    return f"{named}, …" if len(moves) > _MOST_NAMED else named


def _cumulative(report: SessionReport) -> dict[str, Any]:
    """Return weight and cumulative weight by rank, of the session and of a month ago."""
    shown = [each for each in (report.concentration, report.month_ago) if each]
    columns = [list(zip(each.weights, accumulate(each.weights), strict=True)) for each in shown]
    return {
        "days": [each.trading_date for each in shown],
        "rows": [
            [number for pair in row for number in pair]
            for row in zip_longest(*columns, fillvalue=(None, None))
        ],
    }


def _levels(report: SessionReport, language: Language) -> list[tuple[str, str, str, str]]:
    if report.market is None:
        return []
    n, c = _or_dash(language.number), _or_dash(language.change)
    implied, published = report.market.implied, report.market.published
    return [
        ("implied", n(implied.previous), n(implied.level), c(implied.move_pct)),
        ("published", n(published.previous), n(published.level), c(published.move_pct)),
        (
            "difference",
            c(_less(implied.previous, published.previous)),
            c(_less(implied.level, published.level)),
            c(_less(implied.move_pct, published.move_pct)),
        ),
    ]


def _less(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one - other
