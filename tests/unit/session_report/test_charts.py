"""Drawings, read as a browser reads them: texts, bars, lines and what they say in words."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from tasks.core.session_report.charts import (
    draw_changes,
    draw_concentration,
    draw_contributions,
    draw_month,
    draw_rebalancing,
    draw_weights,
)
from tasks.core.session_report.language import LANGUAGES
from tasks.core.session_report.model import SessionReport
from tasks.core.session_report.moves import Move, Moves
from tests.session_reports import FRIDAY, differing, first_session, session_report, with_names

PORTUGUESE, ENGLISH = LANGUAGES["pt-BR"], LANGUAGES["en"]
SMALL, LARGE = session_report(84), session_report(222)


@dataclass(frozen=True)
class Drawing:
    """What is to be seen: bars as (left, right, colour) from the top down, and so on."""

    title: str
    description: str
    texts: list[str]
    bars: list[tuple[float, float, str]]
    lines: list[tuple[list[tuple[float, float]], str]]
    points: list[tuple[float, float]]


def read(svg: str) -> Drawing:
    root = ET.fromstring(svg)
    bars, lines = [], []
    for path in root.iter("path"):
        style = path.attrib["style"]
        steps = [
            tuple(map(float, each)) for each in re.findall(r"([-\d.]+) ([-\d.]+)", path.attrib["d"])
        ]
        if path.attrib["d"].endswith("z"):
            places = [x for x, _ in steps]
            bars.append((min(places), max(places), style))
        elif "stroke-width:2" in style:
            lines.append(([(x, y) for x, y in steps], style))
    return Drawing(
        root.findtext("title") or "",
        root.findtext("desc") or "",
        [each.text or "" for each in root.iter("text")],
        bars,
        lines,
        [(float(each.attrib["cx"]), float(each.attrib["cy"])) for each in root.iter("circle")],
    )


def drawings(report: SessionReport) -> list[str]:
    return [
        draw_weights(report, PORTUGUESE),
        draw_concentration(report, PORTUGUESE),
        draw_changes(report.moves, PORTUGUESE) if report.moves else "",
        draw_contributions(report, PORTUGUESE),
        draw_month(report, PORTUGUESE),
        draw_rebalancing(report.rebalancing, PORTUGUESE) if report.rebalancing else "",
    ]


def stayed(ticker: str, change: str) -> Move:
    return Move(
        "stayed", ticker, ticker, Decimal("1.000"), Decimal("1.000") + Decimal(change), 1, 1
    )


@pytest.mark.parametrize("report", [SMALL, LARGE, first_session(), differing()], ids=str)
def test_a_drawing_is_small_and_of_what_a_page_needs(report: SessionReport) -> None:
    for svg in filter(None, drawings(report)):
        assert len(svg.encode()) <= 12_000
        tags = {each.tag for each in ET.fromstring(svg).iter()}
        assert tags <= {"svg", "title", "desc", "path", "circle", "text"}
        assert "\n" not in svg
        assert re.findall(r"#\d+|https?:|url\(|class=|font", svg) == []
        assert set(re.findall(r"var\((.*?)\)", svg)) <= {
            *("--ink", "--muted", "--line", "--up", "--down", "--rest")
        }


def test_everything_lies_within_the_drawing() -> None:
    for svg in drawings(LARGE):
        root = ET.fromstring(svg)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        assert width == 400
        drawn = read(svg)
        for left, right, _ in drawn.bars:
            assert 0 <= left <= right <= width
        for x, y in (*drawn.points, *(each for line, _ in drawn.lines for each in line)):
            assert 0 <= x <= width
            assert 0 <= y <= height
        for text in root.iter("text"):
            x, length = float(text.attrib["x"]), 8 * len(text.text or "")
            before = {"start": 0.0, "middle": 0.5, "end": 1.0}[text.attrib["text-anchor"]]
            assert x - before * length >= -1, text.text
            assert x + (1 - before) * length <= width + 1, text.text
            assert 0 <= float(text.attrib["y"]) <= height


def test_texts_of_others_are_escaped_and_no_formulas() -> None:
    report = with_names("<script>alert(1)</script>", "A&B", "$x$")
    for svg in (draw_weights(report, ENGLISH), draw_contributions(report, ENGLISH)):
        assert "<script" not in svg
        drawn = read(svg)
        assert {"<script>alert(1)</sc…", "A&B", "$x$"} <= set(drawn.texts)
    drawn = read(draw_weights(report, ENGLISH))
    assert "A&B (A&B) 8.170%" in drawn.description


@pytest.mark.parametrize(
    ("ticker", "label"),
    [("A" * 20, "A" * 20), ("A" * 21, "A" * 20 + "…"), ("ABCDEFGHIJK3 (entra)",) * 2],
)
def test_a_label_leaves_room_for_its_bar(ticker: str, label: str) -> None:
    drawn = read(draw_changes(Moves(FRIDAY, (stayed(ticker, "0.010"),)), PORTUGUESE))
    assert label in drawn.texts
    ((left, right, _),) = drawn.bars
    assert right - left > 100


def test_the_heaviest_are_bars_and_the_rest_is_one() -> None:
    drawn = read(draw_weights(SMALL, PORTUGUESE))
    assert drawn.title == "Os ativos de maior participação"
    assert drawn.description == (
        "Barras horizontais da participação na carteira, do maior para o menor: VALE3 (VALE) "
        "10,621%, ITUB4 (ITAUUNIBANCO) 8,170%, PETR4 (PETROBRAS) 6,728%. Os outros 64 ativos "
        "somam 28,687%."
    )
    shown = SMALL.constituents[:20]
    rest = sum(each.weight_pct for each in SMALL.constituents[20:])
    weights = [*(each.weight_pct for each in shown), rest]
    for each in shown:
        assert each.ticker in drawn.texts
        assert PORTUGUESE.number(each.weight_pct) in drawn.texts
    assert {"outros 64", "28,687", "% da carteira", "0", "10", "20"} <= set(drawn.texts)
    lengths = [right - left for left, right, _ in drawn.bars]
    scale = lengths[0] / float(weights[0])
    assert lengths == pytest.approx([float(each) * scale for each in weights], abs=0.3)
    assert [style for _, _, style in drawn.bars] == ["fill:var(--up)"] * 20 + ["fill:var(--rest)"]


@pytest.mark.parametrize(
    ("count", "bars", "told"),
    [(20, 20, None), (21, 21, "outro"), (22, 21, "outros 2"), (1, 1, None)],
)
def test_the_rest_is_there_where_there_is_one(count: int, bars: int, told: str | None) -> None:
    drawn = read(draw_weights(session_report(count), PORTUGUESE))
    assert len(drawn.bars) == bars
    assert [each for each in drawn.texts if each.startswith("outro")] == ([told] if told else [])
    assert ("somam" in drawn.description) == (told == "outros 2")
    assert ("O outro ativo responde por" in drawn.description) == (told == "outro")
    assert drawn.description == drawn.description.strip()


def test_the_cumulative_weight_is_a_line_and_that_of_a_month_ago_is_dashed() -> None:
    drawn = read(draw_concentration(SMALL, ENGLISH))
    assert drawn.description == (
        "Solid line: on 2025-08-18 the 5 heaviest make up 33.977% and the 10 heaviest 50.507%. "
        "Dashed line: on 2025-07-18 the 5 heaviest made up 34.845% and the 10 heaviest 51.985%."
    )
    (now, solid), (before, dashed), *legend = drawn.lines
    assert len(legend) == 2
    assert len(now) > len(SMALL.constituents) / 2
    assert before[0] == now[0]
    assert "dasharray" not in solid
    assert "var(--up)" in solid
    assert "stroke-dasharray" in dashed
    assert "var(--down)" in dashed
    assert [y for _, y in now] == sorted((y for _, y in now), reverse=True)
    assert {"2025-08-18", "2025-07-18", "cumulative %", "constituents, heaviest first"} <= set(
        drawn.texts
    )
    assert {"0", "25", "50", "75", "100", "20", "40", "60", "80"} <= set(drawn.texts)
    assert {"5 heaviest: 33.977%", "10 heaviest: 50.507%"} <= set(drawn.texts)
    (x_5, y_5), (x_10, y_10) = drawn.points
    assert now[0][0] < x_5 < x_10
    assert y_5 > y_10


def test_without_a_month_ago_there_is_one_line() -> None:
    drawn = read(draw_concentration(first_session(), PORTUGUESE))
    assert len(drawn.lines) == 2  # itself and in the legend
    assert drawn.description.endswith("O lake não tem pregão de um mês antes.")


@pytest.mark.parametrize(
    ("count", "noted"), [(3, []), (5, []), (6, ["5 heaviest"]), (11, ["5 heaviest", "10 heaviest"])]
)
def test_ranks_are_noted_where_others_follow(count: int, noted: list[str]) -> None:
    drawn = read(draw_concentration(session_report(count), ENGLISH))
    assert [each.partition(":")[0] for each in drawn.texts if "heaviest:" in each] == noted
    assert len(drawn.points) == len(noted)


def test_ranks_at_the_axis_are_whole() -> None:
    drawn = read(draw_concentration(session_report(3, month_ago=None), ENGLISH))
    assert drawn.texts[:4] == ["0", "1", "2", "3"]


def test_changes_go_right_and_left_and_are_told_with_their_signs() -> None:
    rows = (stayed("AAAA3", "-0.500"), stayed("BBBB3", "0.250"), stayed("CCCC3", "0.000"))
    new = Move("entered", "NEWW3", "NEW", None, Decimal("0.125"), None, 1)
    old = Move("left", "OLDD3", "OLD", Decimal("0.100"), None, 1, None)
    drawn = read(draw_changes(Moves(FRIDAY, (new, old, *rows)), PORTUGUESE))
    assert drawn.title == "Maiores variações de participação desde 15/08/2025"
    assert drawn.description == (
        "Barras horizontais em pontos percentuais, altas à direita e baixas à esquerda. Maiores "
        "altas: BBBB3 +0,250, NEWW3 (entra) +0,125. Maiores baixas: AAAA3 −0,500, OLDD3 (sai) "
        "−0,100."
    )
    labels = ["BBBB3", "NEWW3 (entra)", "OLDD3 (sai)", "AAAA3"]
    assert [each for each in drawn.texts if each in labels] == labels
    assert "CCCC3" not in drawn.texts
    assert {"+0,250", "+0,125", "−0,100", "−0,500"} <= set(drawn.texts)
    assert "pontos percentuais (p.p.)" in drawn.texts
    zero = drawn.bars[0][0]
    assert [(left == zero, right == zero) for left, right, _ in drawn.bars] == [
        *[(True, False)] * 2,
        *[(False, True)] * 2,
    ]
    assert [style for _, _, style in drawn.bars] == [
        *["fill:var(--up)"] * 2,
        *["fill:var(--down)"] * 2,
    ]
    lengths = [right - left for left, right, _ in drawn.bars]
    assert lengths == pytest.approx([lengths[3] * each for each in (0.5, 0.25, 0.2, 1)], abs=0.3)


def test_ten_each_way_are_shown_the_largest_outside() -> None:
    rows = tuple(stayed(f"UUU{number:02}", f"0.{number:03}") for number in range(1, 13))
    falls = tuple(stayed(f"DDD{number:02}", f"-0.{number:03}") for number in range(1, 13))
    drawn = read(draw_rebalancing(Moves(FRIDAY, (*rows, *falls)), ENGLISH))
    assert drawn.title == "Largest changes of weight by the next rebalancing"
    shown = [each for each in drawn.texts if re.fullmatch(r"[UD]{3}\d\d", each)]
    assert shown == [
        *(f"UUU{number:02}" for number in range(12, 2, -1)),
        *(f"DDD{number:02}" for number in range(3, 13)),
    ]


def test_ties_stand_in_the_order_of_their_tickers() -> None:
    rows = tuple(stayed(ticker, "0.010") for ticker in ("CCCC3", "AAAA3", "BBBB3"))
    drawn = read(draw_changes(Moves(FRIDAY, rows), ENGLISH))
    shown = [each for each in drawn.texts if each.endswith("3")]
    assert shown == ["AAAA3", "BBBB3", "CCCC3"]
    assert "Largest rises: AAAA3 +0.010, BBBB3 +0.010, CCCC3 +0.010. No falls." in drawn.description


def test_falls_alone_are_drawn_from_the_right() -> None:
    drawn = read(draw_changes(Moves(FRIDAY, (stayed("AAAA3", "-0.010"),)), ENGLISH))
    assert drawn.description.endswith("No rises. Largest falls: AAAA3 −0.010.")
    assert len(drawn.bars) == 1


@pytest.mark.parametrize("rows", [(), (stayed("AAAA3", "0.000"),)], ids=["none", "zeros"])
def test_where_nothing_changed_there_is_no_drawing(rows: tuple[Move, ...]) -> None:
    assert draw_changes(Moves(FRIDAY, rows), ENGLISH) == ""
    assert draw_rebalancing(Moves(FRIDAY, rows), ENGLISH) == ""


def test_contributions_are_those_of_the_market() -> None:
    drawn = read(draw_contributions(SMALL, PORTUGUESE))
    assert SMALL.market
    returns = SMALL.market.returns
    assert [each.ticker for each in returns[:10]] == [
        each for each in drawn.texts if each in {one.ticker for one in returns[:10]}
    ]
    for each in (*returns[:10], *returns[-10:]):
        assert PORTUGUESE.change(each.contribution_pp) in drawn.texts
    assert drawn.description.endswith(
        "Maiores altas: VALE3 +0,1217, EMBR3 +0,0698, BBSE3 +0,0546. "
        "Maiores baixas: BBDC4 −0,0439, VIVT3 −0,0248, WEGE3 −0,0203."
    )


def test_without_quotes_there_are_no_contributions() -> None:
    assert draw_contributions(first_session(), PORTUGUESE) == ""


def test_the_month_is_a_line_of_levels_with_a_point_a_session() -> None:
    drawn = read(draw_month(SMALL, PORTUGUESE))
    assert drawn.title == "O índice no fechamento, em agosto de 2025"
    levels = [each.level for each in SMALL.month if each.level is not None]
    written = [
        PORTUGUESE.number(each) for each in (levels[0], levels[-1], min(levels), max(levels))
    ]
    assert drawn.description == (
        "Linha por pregão: de {} em 01/08/2025 a {} em 18/08/2025; mínimo {}, máximo {}.".format(
            *written
        )
    )
    assert len(drawn.points) == len(levels) == 12
    heights = [-y for _, y in drawn.points]
    assert sorted(range(12), key=heights.__getitem__) == sorted(range(12), key=levels.__getitem__)
    places = [x for x, _ in drawn.points]
    assert places == sorted(places)
    shown = [each for each in drawn.texts if "/" in each]
    assert shown == ["04/08", "06/08", "08/08", "12/08", "14/08", "18/08"]
    assert {"pontos", "pregão"} <= set(drawn.texts)


def test_sessions_without_a_level_are_left_out_of_the_line() -> None:
    month = (replace(SMALL.month[0], level=None), *SMALL.month[1:])
    assert len(read(draw_month(replace(SMALL, month=month), ENGLISH)).points) == 11


def test_without_two_levels_the_month_is_the_weight_of_the_heaviest() -> None:
    month = (*(replace(each, level=None) for each in SMALL.month[:-1]), SMALL.month[-1])
    drawn = read(draw_month(replace(SMALL, month=month), ENGLISH))
    assert drawn.title == "Weight of the 5 heaviest constituents, in August 2025"
    assert drawn.description.startswith("Line by session: from 33.100% on 2025-08-01 to 33.1")
    assert len(drawn.points) == 12
    assert "% of the index" in drawn.texts


def test_a_month_of_one_session_has_no_line() -> None:
    assert draw_month(first_session(), ENGLISH) == ""


def test_levels_that_do_not_change_are_a_line_all_the_same() -> None:
    month = tuple(replace(each, level=Decimal("100.00")) for each in SMALL.month)
    drawn = read(draw_month(replace(SMALL, month=month), ENGLISH))
    assert len({y for _, y in drawn.points}) == 1
