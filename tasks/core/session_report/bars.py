"""Bars side by side on one axis, each with its name before it and its value behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tasks.core.session_report.language import Language
from tasks.core.session_report.svg import (
    FONT_SIZE,
    GRID,
    INK,
    LETTER,
    MUTED,
    WIDTH,
    Caption,
    Margins,
    start_drawing,
    write_svg,
)

_BAR = 19  # from one bar to the next
_TOP, _BOTTOM = 4, 40  # below the axes: ticks and the unit
_GAP = 4
_LONGEST = 20  # letters of a label
_TICK = 6  # letters that the text of a tick takes, with the blank after it


@dataclass(frozen=True)
class Bar:
    """A bar.

    Attributes:
        label: What it is of.
        value: How long it is, to the left below zero.
        text: The value as it is read.
        color: One of `svg`.
    """

    label: str
    value: Decimal
    text: str
    color: str


def draw_bars(bars: Sequence[Bar], unit: str, caption: Caption, language: Language) -> str:
    """Return bars from the top down.

    Args:
        bars: At least one.
        unit: What the axis is in.
        caption: What it shows.
        language: Of the numbers at the axis.
    """
    labels = [_shorten(bar.label) for bar in bars]
    margins = Margins(_width(labels) + _GAP, 8, _TOP, _BOTTOM)
    figure, axes = start_drawing(_TOP + _BOTTOM + _BAR * len(bars), margins)
    values = [float(bar.value) for bar in bars]
    places = range(len(bars))
    axes.barh(places, values, height=0.72, color=[bar.color for bar in bars])
    axes.set_ylim(len(bars) - 0.5, -0.5)
    low, high = min(0.0, *values), max(0.0, *values)
    # The text of a value stands beyond its bar, on either side: room for it, in units of the axis.
    room = _width(bar.text for bar in bars) + 2 * _GAP
    inside = WIDTH - margins.left - margins.right - room * ((low < 0) + (high > 0))
    scale = ((high - low) or 1) / inside
    axes.set_xlim(low - room * scale * (low < 0), high + room * scale * (high > 0 or low == high))
    axes.set_yticks(places, labels, color=INK)
    for place, bar in enumerate(bars):
        side = -1 if bar.value < 0 else 1
        axes.text(
            float(bar.value) + side * _GAP * scale,
            place,
            bar.text,
            color=INK,
            ha="left" if side > 0 else "right",
            va="center_baseline",
            fontsize=FONT_SIZE,
        )
    ticks = find_ticks(low, high, int(inside / (_TICK * LETTER)))
    axes.set_xticks(ticks, write_ticks(ticks, language, is_signed=low < 0))
    axes.grid(axis="x", color=GRID, linewidth=1)
    axes.axvline(0, color=MUTED, linewidth=1)
    axes.set_xlabel(unit, color=MUTED)
    return write_svg(figure, caption)


def find_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers between two, parting what lies between in `most` steps or fewer."""
    from matplotlib.ticker import MaxNLocator

    margin = (high - low) / 1000
    found = MaxNLocator(nbins=max(most, 1), steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(each) for each in found if low - margin <= each <= high + margin]


def write_ticks(ticks: Sequence[float], language: Language, *, is_signed: bool) -> list[str]:
    """Return numbers of an axis, all with as many decimals as one of them needs."""
    written = [f"{each:.6f}".rstrip("0") for each in ticks]
    decimals = max((len(each.partition(".")[2]) for each in written), default=0)
    numbers = [Decimal(f"{each:.{decimals}f}") for each in ticks]
    return [language.change(each) if is_signed else language.number(each) for each in numbers]


def _shorten(label: str) -> str:
    """Return a label that leaves room for its bar; B3's tickers do, with what is said of them."""
    return label if len(label) <= _LONGEST else f"{label[:_LONGEST]}…"


def _width(texts: Iterable[str]) -> float:
    return LETTER * max(len(each) for each in texts)
