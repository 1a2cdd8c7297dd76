"""Drawings as SVG for a page: what matplotlib draws, less what a page does not need.

matplotlib knows axes, ticks and lines; a page knows themes and fonts. So a drawing is made in
colours that stand for others: each becomes a CSS variable of the page, and texts stay texts in the
page's font. A drawing is 400 units wide with texts of 12, so that it can be read on a phone.

matplotlib takes most of a second to import, so it is imported where it is used.
"""

import functools
import html
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 400
FONT_SIZE = 12
LETTER = 8  # about how wide a letter or a digit is, rather too much than too little

INK, MUTED, GRID, UP, DOWN, REST = (
    *("#010000", "#020000", "#030000"),
    *("#040000", "#050000", "#060000"),
)
"""What to draw in; the page says what they look like."""
COLORS = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--line)",
    UP: "var(--up)",
    DOWN: "var(--down)",
    REST: "var(--rest)",
}
_POINT_RADIUS = 3
_KEPT_STYLES = ("fill", "stroke", "stroke-width", "stroke-dasharray")
_NUMBER = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True)
class Caption:
    """What a drawing is called and shows, in words.

    Attributes:
        name: Its name in the page, in letters of which a reference may consist.
        title: What it is.
        description: What is to be seen.
    """

    name: str
    title: str
    description: str


@dataclass(frozen=True)
class Margins:
    """What lies around the axes, in units."""

    left: float
    right: float
    top: float
    bottom: float


@functools.cache
def _figure_class() -> "type[Figure]":
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # For the process and not for a drawing: reports may be drawn side by side.
    mpl.rcParams.update(
        {
            "font.family": "DejaVu Sans",  # it comes along, so a text is as wide everywhere
            "font.size": FONT_SIZE,
            "svg.fonttype": "none",
            "text.parse_math": False,
        }
    )
    return Figure


def start_drawing(height: float, margins: Margins) -> "tuple[Figure, Axes]":
    """Return a drawing with axes without frame, ticks or grid."""
    figure = _figure_class()(figsize=(WIDTH / 72, height / 72), dpi=72)
    axes = figure.add_axes(
        (
            margins.left / WIDTH,
            margins.bottom / height,
            (WIDTH - margins.left - margins.right) / WIDTH,
            (height - margins.top - margins.bottom) / height,
        )
    )
    figure.patch.set_visible(False)
    axes.patch.set_visible(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, labelcolor=MUTED, labelsize=FONT_SIZE)
    axes.set_axisbelow(True)
    return figure, axes


def write_svg(figure: "Figure", caption: Caption) -> str:
    """Return a drawing as an element of a page, that says in words what is to be seen."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - matplotlib has written it
    name = caption.name
    return "".join(
        (
            f'<svg role="img" viewBox="{root.attrib["viewBox"]}"',
            f' aria-labelledby="{name}-title {name}-text">',
            f'<title id="{name}-title">{html.escape(caption.title)}</title>',
            f'<desc id="{name}-text">{html.escape(caption.description)}</desc>',
            *_marks(root),
            "</svg>",
        )
    )


def _marks(root: ET.Element) -> list[str]:
    """Return paths, points and texts; what else there is only groups them."""
    hidden = {id(each) for defs in root.iter(_tag("defs")) for each in defs.iter()}
    writers = {_tag("path"): _path, _tag("use"): _point, _tag("text"): _text}
    return [
        writers[each.tag](each)
        for each in root.iter()
        if each.tag in writers and id(each) not in hidden
    ]


def _tag(name: str) -> str:
    return f"{{http://www.w3.org/2000/svg}}{name}"


def _path(mark: ET.Element) -> str:
    steps = " ".join(mark.attrib["d"].split())
    return f'<path d="{_shorten(steps)}" style="{_style(mark)}"/>'


def _point(mark: ET.Element) -> str:
    x, y = (_shorten(mark.attrib[name]) for name in ("x", "y"))
    return f'<circle cx="{x}" cy="{y}" r="{_POINT_RADIUS}" style="{_style(mark)}"/>'


def _text(mark: ET.Element) -> str:
    x, y = (_shorten(mark.attrib[name]) for name in ("x", "y"))
    anchor = _styles(mark)["text-anchor"]
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" style="{_style(mark)}">'
        f"{html.escape(mark.text or '')}</text>"
    )


def _styles(mark: ET.Element) -> dict[str, str]:
    pairs = (each.partition(":") for each in mark.attrib["style"].split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _style(mark: ET.Element) -> str:
    styles = _styles(mark)
    return ";".join(
        f"{name}:{COLORS.get(styles[name], styles[name])}"
        for name in _KEPT_STYLES
        if name in styles
    )


def _shorten(numbers: str) -> str:
    """Return numbers with one decimal at most, which is finer than a screen."""
    return _NUMBER.sub(lambda found: f"{float(found.group()):.1f}".removesuffix(".0"), numbers)
