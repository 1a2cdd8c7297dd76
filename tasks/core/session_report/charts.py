"""The charts of a report, each in words as well: see `svg` for how they are drawn."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import accumulate

from tasks.core.session_report.bars import Bar, draw_bars, find_ticks
from tasks.core.session_report.language import Language
from tasks.core.session_report.lines import Line, Note, Plane, draw_lines
from tasks.core.session_report.model import Concentration, SessionReport
from tasks.core.session_report.moves import ENTERED, LEFT, Move, Moves
from tasks.core.session_report.svg import DOWN, REST, UP, Caption

_MOST_WEIGHTS = 20
_MOST_EACH_WAY = 10
_TOLD = 3  # so many of the largest are named in words
_NOTED_RANKS = (5, 10)
_MOST_DATES = _MOST_RANKS = 6  # at an axis

Signed = tuple[str, Decimal]


def draw_weights(report: SessionReport, language: Language) -> str:
    """Return the heaviest constituents, and the rest as one."""
    shown = report.constituents[:_MOST_WEIGHTS]
    others = report.constituents[_MOST_WEIGHTS:]
    bars = [
        Bar(each.ticker, each.weight_pct, language.number(each.weight_pct), UP) for each in shown
    ]
    rest = ""
    if others:
        weight = sum((each.weight_pct for each in others), Decimal("0.000"))
        label = language.text("rest", len(others))
        bars.append(Bar(label, weight, language.number(weight), REST))
        rest = language.text("chart_weights_rest", len(others), weight=language.percent(weight))
    heaviest = ", ".join(
        f"{each.ticker} ({each.asset_name}) {language.percent(each.weight_pct)}"
        for each in shown[:_TOLD]
    )
    text = language.text("chart_weights_text", heaviest=heaviest, rest=rest).strip()
    caption = Caption("weights", language.text("chart_weights"), text)
    return draw_bars(bars, language.text("unit_percent"), caption, language)


def draw_concentration(report: SessionReport, language: Language) -> str:
    """Return the cumulative weight by rank, now and a month ago."""
    now, before = report.concentration, report.month_ago
    lines = [Line(language.date(now.trading_date), _accumulate(now), UP)]
    told = language.text("chart_no_month_ago")
    if before:
        lines.append(
            Line(language.date(before.trading_date), _accumulate(before), DOWN, is_dashed=True)
        )
        told = language.text("chart_concentration_before", **_tell_concentration(before, language))
    told_weights = zip(_NOTED_RANKS, (now.top5_weight_pct, now.top10_weight_pct), strict=True)
    notes = [
        Note(
            rank,
            float(weight),
            language.text("heaviest", rank, weight=language.percent(weight)),
            "right",
        )
        for rank, weight in told_weights
        if rank < now.constituent_count
    ]
    count = max(len(line.points) - 1 for line in lines)
    ticks = find_ticks(0, count, _MOST_RANKS)
    ranks = [(rank, language.number(int(rank))) for rank in ticks if rank.is_integer()]
    plane = Plane(language.text("axis_rank"), language.text("axis_cumulative"), ranks, (0, 104))
    text = language.text(
        "chart_concentration_text",
        now=language.text("chart_concentration_now", **_tell_concentration(now, language)),
        before=told,
    )
    caption = Caption("concentration", language.text("chart_concentration"), text)
    return draw_lines(lines, notes, plane, caption, language)


def _accumulate(of: Concentration) -> list[tuple[float, float]]:
    return [(0, 0), *((rank, float(sum_)) for rank, sum_ in enumerate(accumulate(of.weights), 1))]


def _tell_concentration(of: Concentration, language: Language) -> dict[str, str]:
    return {
        "day": language.date(of.trading_date),
        "top5": language.percent(of.top5_weight_pct),
        "top10": language.percent(of.top10_weight_pct),
    }


def draw_changes(moves: Moves, language: Language) -> str:
    """Return the largest changes of weight since the last session; empty if none changed."""
    title = language.text("chart_changes", day=language.date(moves.since))
    return _draw_moves("changes", title, moves, language)


def draw_rebalancing(moves: Moves, language: Language) -> str:
    """Return the largest changes of weight that a preview shows; empty if there are none."""
    return _draw_moves("rebalancing", language.text("chart_rebalancing"), moves, language)


def _draw_moves(name: str, title: str, moves: Moves, language: Language) -> str:
    changes = [(_label(each, language), each.weight_change) for each in moves.rows]
    return _draw_diverging(name, title, changes, language)


def _label(move: Move, language: Language) -> str:
    named = {ENTERED: "entered_label", LEFT: "left_label"}.get(move.kind)
    return language.text(named, ticker=move.ticker) if named else move.ticker


def draw_contributions(report: SessionReport, language: Language) -> str:
    """Return the largest contributions to the session's return; empty if there are none."""
    returns = report.market.returns if report.market else ()
    changes = [(each.ticker, each.contribution_pp) for each in returns]
    title = language.text("chart_contributions")
    return _draw_diverging("contributions", title, changes, language)


def _draw_diverging(name: str, title: str, changes: Iterable[Signed], language: Language) -> str:
    ordered = sorted(changes, key=lambda each: (-each[1], each[0]))
    highest = [each for each in ordered if each[1] > 0][:_MOST_EACH_WAY]
    lowest = [each for each in ordered if each[1] < 0][-_MOST_EACH_WAY:]
    if not highest and not lowest:
        return ""
    bars = [
        Bar(label, value, language.change(value), UP if value > 0 else DOWN)
        for label, value in (*highest, *lowest)
    ]

    def tell(kind: str, some: Sequence[Signed]) -> str:
        if not some:
            return language.text(f"chart_no_{kind}")
        what = ", ".join(f"{label} {language.change(value)}" for label, value in some[:_TOLD])
        return language.text(f"chart_{kind}", what=what)

    text = language.text(
        "chart_diverging_text",
        highest=tell("highest", highest),
        lowest=tell("lowest", lowest[::-1]),
    )
    return draw_bars(bars, language.text("unit_points"), Caption(name, title, text), language)


def draw_month(report: SessionReport, language: Language) -> str:
    """Return the month so far; empty if it is one session.

    It is the index where its level is held of two sessions at least, else the five heaviest.
    """
    if len(report.month) < 2:  # a line has two ends
        return ""
    levels = [(each.trading_date, each.level) for each in report.month if each.level is not None]
    month = language.month(report.origin.month)
    if len(levels) > 1:
        title = language.text("chart_levels", month=month)
        return _draw_sessions(title, levels, "axis_level", language, language.number)
    weights = [(each.trading_date, each.top5_weight_pct) for each in report.month]
    title = language.text("chart_top5", month=month)
    return _draw_sessions(title, weights, "unit_percent", language, language.percent)


def _draw_sessions(
    title: str,
    points: Sequence[tuple[dt.date, Decimal]],
    unit: str,
    language: Language,
    write: Callable[[Decimal], str],
) -> str:
    days, values = zip(*points, strict=True)
    text = language.text(
        "chart_month_text",
        first=write(values[0]),
        first_day=language.date(days[0]),
        last=write(values[-1]),
        last_day=language.date(days[-1]),
        lowest=write(min(values)),
        highest=write(max(values)),
    )
    step = -(-len(days) // _MOST_DATES)
    dates = [
        (float(place), language.short_date(day))
        for place, day in enumerate(days)
        if (len(days) - 1 - place) % step == 0
    ]
    plane = Plane(language.text("axis_session"), language.text(unit), dates)
    line = Line("", [(place, float(value)) for place, value in enumerate(values)], UP)
    caption = Caption("month", title, text)
    return draw_lines([line], [], plane, caption, language, has_points=True)
