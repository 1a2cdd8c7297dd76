"""Lines over an axis of ranks or sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.core.session_report.bars import find_ticks, write_ticks
from tasks.core.session_report.language import Language
from tasks.core.session_report.svg import (
    FONT_SIZE,
    GRID,
    INK,
    LETTER,
    MUTED,
    Caption,
    Margins,
    start_drawing,
    write_svg,
)

_HEIGHT = 260
_MOST_STEPS = 5  # of the axis at the left
_TOP, _RIGHT, _BOTTOM = 26, 14, 40


@dataclass(frozen=True)
class Line:
    """A line.

    Attributes:
        label: What it is of, for the legend; none if it is empty.
        points: Its points.
        color: One of `svg`.
        is_dashed: So that it is told apart without its colour.
    """

    label: str
    points: Sequence[tuple[float, float]]
    color: str
    is_dashed: bool = False


@dataclass(frozen=True)
class Note:
    """A point with a text beside it."""

    x: float
    y: float
    text: str
    side: Literal["left", "right"]


@dataclass(frozen=True)
class Plane:
    """The axes of lines.

    Attributes:
        x_label: What the axis below is in.
        y_label: What the axis at the left is in.
        x_ticks: Its numbers with their texts.
        y_range: From where to where; as the lines need it where it is None.
    """

    x_label: str
    y_label: str
    x_ticks: Sequence[tuple[float, str]]
    y_range: tuple[float, float] | None = None


def draw_lines(
    lines: Sequence[Line],
    notes: Sequence[Note],
    plane: Plane,
    caption: Caption,
    language: Language,
    *,
    has_points: bool = False,
) -> str:
    """Return lines over axes, the last in front."""
    heights = [y for line in lines for _, y in line.points]
    low, high = plane.y_range or _spread(min(heights), max(heights))
    ticks = find_ticks(low, high, _MOST_STEPS)
    texts = write_ticks(ticks, language, is_signed=False)
    left = LETTER * max(map(len, texts)) + 6
    figure, axes = start_drawing(_HEIGHT, Margins(left, _RIGHT, _TOP, _BOTTOM))
    for depth, line in enumerate(lines):
        axes.plot(
            [x for x, _ in line.points],
            [y for _, y in line.points],
            color=line.color,
            linestyle=(0, (4, 2)) if line.is_dashed else "-",
            linewidth=2,
            marker="o" if has_points else "",
            markeredgewidth=0,
            label=line.label or "_",
            zorder=3 + depth / 10,
        )
    for note in notes:
        axes.plot([note.x], [note.y], marker="o", markeredgewidth=0, color=INK, zorder=4)
        axes.annotate(
            note.text,
            (note.x, note.y),
            xytext=(8 if note.side == "right" else -8, -14),
            textcoords="offset points",
            ha="left" if note.side == "right" else "right",
            color=INK,
            fontsize=FONT_SIZE,
            zorder=5,
        )
    axes.set_ylim(low, high)
    axes.set_yticks(ticks, texts)
    axes.set_xticks([x for x, _ in plane.x_ticks], [text for _, text in plane.x_ticks])
    axes.grid(axis="y", color=GRID, linewidth=1)
    axes.set_xlabel(plane.x_label, color=MUTED)
    axes.text(
        0,
        1 + 10 / (_HEIGHT - _TOP - _BOTTOM),
        plane.y_label,
        color=MUTED,
        transform=axes.transAxes,
        ha="left",
        fontsize=FONT_SIZE,
    )
    if any(line.label for line in lines):
        axes.legend(loc="lower right", frameon=False, labelcolor=INK, fontsize=FONT_SIZE)
    return write_svg(figure, caption)


def _spread(low: float, high: float) -> tuple[float, float]:
    """Return a range in which the lines do not touch the ends."""
    margin = (high - low) / 8 or abs(high) / 100 or 1
    return low - margin, high + margin
