"""Colours of the pages, by the arithmetic of WCAG 2.2."""

import math
import re
from collections.abc import Sequence

import pytest

from tests.conftest import ROOT

STYLE = (ROOT / "tasks/core/session_report/style.css").read_text(encoding="utf-8")
TEXTS = ("--ink", "--muted", "--link", "--warn", "--fine", "--up", "--down")
MARKS = ("--up", "--down", "--rest", "--muted", "--warn", "--fine", "--link")
Theme = dict[str, str]


def themes() -> dict[str, Theme]:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    return {
        name: dict(re.findall(r"(--\w+): (#[0-9a-f]{6});", block))
        for name, block in (("light", light), ("dark", dark))
    }


def channels(color: str) -> list[float]:
    values = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in values]


def luminance(color: str) -> float:
    red, green, blue = channels(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_both_themes_have_the_same_colours() -> None:
    light, dark = themes().values()
    assert light.keys() == dark.keys() >= {*TEXTS, *MARKS, "--page", "--panel", "--line"}
    assert set(re.findall(r"var\((--\w+)\)", STYLE)) <= light.keys()


@pytest.mark.parametrize("theme", themes().values(), ids=themes())
@pytest.mark.parametrize("ground", ["--page", "--panel"])
def test_texts_can_be_read(theme: Theme, ground: str) -> None:
    faint = {
        name: round(contrast(theme[name], theme[ground]), 2)
        for name in TEXTS
        if contrast(theme[name], theme[ground]) < 4.5
    }
    assert faint == {}


@pytest.mark.parametrize("theme", themes().values(), ids=themes())
def test_marks_can_be_seen(theme: Theme) -> None:
    faint = {name: contrast(theme[name], theme["--page"]) for name in MARKS}
    assert {name: each for name, each in faint.items() if each < 3} == {}


# How colours look to who lacks one kind of cones: Viénot, Brettel and Mollon (1999), of linear RGB.
LACKING = {
    "red": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "green": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}


_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_WHITE = (0.9505, 1.0, 1.089)


def turn(matrix: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, values, strict=True)) for row in matrix]


def lab(linear: Sequence[float]) -> tuple[float, float, float]:
    """CIELAB, in which a distance of about 2 can just be seen."""
    shares = [each / white for each, white in zip(turn(_XYZ, linear), _WHITE, strict=True)]
    x, y, z = (each ** (1 / 3) if each > 0.008856 else 7.787 * each + 16 / 116 for each in shares)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("theme", themes().values(), ids=themes())
@pytest.mark.parametrize("kind", LACKING)
def test_marks_are_told_apart_by_the_colour_blind(theme: Theme, kind: str) -> None:
    up, down = (
        lab([max(each, 0.0) for each in turn(LACKING[kind], channels(theme[name]))])
        for name in ("--up", "--down")
    )
    assert math.dist(up, down) > 40
