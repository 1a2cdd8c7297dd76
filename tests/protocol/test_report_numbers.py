"""What a report says, against the same asked in SQL of a file of views."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infra.queries import documented_queries
from tasks.core.session_report.language import LANGUAGES, Language
from tests.pages import Rows, read_tables
from tests.protocol.lake import Lake
from tests.protocol.reported import D2, D3, Scene
from tests.protocol.test_views import Analyst, ask

pytestmark = pytest.mark.timeout(600)
CODE, MONTH_AGO = "IBOV", dt.date(2025, 7, 4)
NONE = "–"
QUERIES = {query.title: query.sql for query in documented_queries()}
Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def lake_of_all(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A lake with all that a report tells of; runs have made none."""
    monkeypatch.setenv("B3_REPORTS", "none")
    for session in (MONTH_AGO, D2, D3):
        scene.portfolio(CODE, session=session)
        scene.run("quotes", trading_date=session)
    scene.run("levels", year=2025, index_codes=(CODE,))
    scene.run("reconcile", start=D2, end=D3)
    return scene


@pytest.fixture
def sql(lake_of_all: Scene, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks the views of that lake."""
    analyst = Analyst(lake, tmp_path)
    monkeypatch.setenv("B3_LAKE_FOLDER", str(analyst.folder))
    views = analyst.make()
    return lambda statement: ask(views, statement)


def read_report(scene: Scene, to: Path, language: Language) -> tuple[str, dict[str, Rows]]:
    """The page of the last session, and its tables."""
    scene.run("report", index_codes=(CODE,), language=language.code, to_folder=str(to))
    html = (to / str(D3) / f"{CODE}.html").read_text(encoding="utf-8")
    return html, read_tables(html)


def exact(value: float | Decimal | None, places: int) -> Decimal | None:
    """A number of SQL that is rounded there, with its decimals."""
    return None if value is None else Decimal(f"{value:.{places}f}")


class Writer:
    """Writes rows of SQL as a page does.

    Args:
        language: Of the page.
    """

    def __init__(self, language: Language) -> None:
        self._language = language

    def __call__(self, value: Any, how: str = "") -> str:
        if value is None:
            return NONE
        if isinstance(value, dt.date):
            return self._language.date(value)
        if isinstance(value, str):
            return " ".join(value.split())  # as a browser shows it
        return self._language.change(value) if how == "change" else self._language.number(value)

    def rows(self, found: list[tuple[Any, ...]], *changes: int) -> Rows:
        """Rows of cells, of which some are changes."""
        return [
            [self(value, "change" if place in changes else "") for place, value in enumerate(row)]
            for row in found
        ]


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_each_number_is_that_of_the_views(
    lake_of_all: Scene, sql: Ask, tmp_path: Path, language: Language
) -> None:
    html, tables = read_report(lake_of_all, tmp_path / "pages", language)
    write, text, day = Writer(language), language.text, language.date(D3)
    before, month_ago = language.date(D2), language.date(MONTH_AGO)

    totals = sql(f"""
        SELECT count(*), max(header_theorical_qty), max(header_part), max(header_reductor)
        FROM raw_portfolio WHERE index_code = '{CODE}' AND trading_date = '{D3}'
        UNION ALL
        SELECT constituent_count, total_theoretical_quantity, total_weight_pct, index_divisor
        FROM portfolio_daily_summary WHERE index_code = '{CODE}' AND trading_date = '{D3}'
    """)
    stated, held = (write.rows([row])[0] for row in totals)
    assert [row[2:4] for row in tables[text("totals_caption")][1:]] == [
        list(pair) for pair in zip(stated, held, strict=True)
    ]

    now, then = (
        sql(f"""
            SELECT sum(CASE WHEN place <= 5 THEN weight_pct END),
                   sum(CASE WHEN place <= 10 THEN weight_pct END),
                   sum(weight_pct * weight_pct), count(*)
            FROM (SELECT *, row_number() OVER (ORDER BY weight_pct DESC) AS place
                  FROM portfolio_daily
                  WHERE index_code = '{CODE}' AND trading_date = '{session}')
        """)[0]
        for session in (D3, MONTH_AGO)
    )
    caption = text("concentration_caption", day=day, before=month_ago)
    assert [row[1:] for row in tables[caption][1:]] == [
        [write(one), write(other), write(one - other, "change")]
        for one, other in zip(now, then, strict=True)
    ]

    weights = sql(f"""
        SELECT weight_rank, ticker, asset_name, weight_pct, theoretical_quantity, share_class,
               corporate_event, sector
        FROM portfolio_daily WHERE index_code = '{CODE}' AND trading_date = '{D3}'
        ORDER BY weight_pct DESC, ticker
    """)
    assert len(weights) == 84
    caption = text("weights_caption", index=CODE, day=day)
    assert tables[caption][1:] == write.rows(weights)

    moves = sql(f"""
        WITH a AS (SELECT * FROM portfolio_daily
                   WHERE index_code = '{CODE}' AND trading_date = '{D2}'),
             b AS (SELECT * FROM portfolio_daily
                   WHERE index_code = '{CODE}' AND trading_date = '{D3}')
        SELECT coalesce(b.ticker, a.ticker), coalesce(b.asset_name, a.asset_name),
               CASE WHEN a.ticker IS NULL THEN 'kind_entered'
                    WHEN b.ticker IS NULL THEN 'kind_left' ELSE 'kind_stayed' END AS kind,
               a.weight_pct, b.weight_pct,
               coalesce(b.weight_pct, 0) - coalesce(a.weight_pct, 0) AS change,
               a.theoretical_quantity, b.theoretical_quantity,
               coalesce(b.theoretical_quantity, 0) - coalesce(a.theoretical_quantity, 0) AS more
        FROM a FULL OUTER JOIN b ON a.ticker = b.ticker
        WHERE change <> 0 OR more <> 0
        ORDER BY kind, abs(change) DESC, 1
    """)
    assert {row[2] for row in moves} == {"kind_entered", "kind_left", "kind_stayed"}
    told = [(*row[:2], text(row[2]), *row[3:]) for row in moves]
    caption = text("moves_caption", before=before, day=day)
    assert tables[caption][1:] == write.rows(told, 5, 8)

    ((_, _, _, *levels),) = sql(QUERIES["Implied index move"])
    implied, published = levels[:3], levels[3:]
    assert [row[1:] for row in tables[text("levels_caption")][1:3]] == [
        [write(one), write(other), write(exact(move, 3), "change")]
        for one, other, move in (implied, published)
    ]

    returns = {
        ticker: (weight, was, close, exact(moved, 3), exact(points, 4))
        for ticker, weight, was, close, moved, points in sql(QUERIES["Returns and contributions"])
    }
    assert len(returns) == 84
    caption = text("returns_caption", before=before, day=day)
    shown = tables[caption][1:]
    assert {row[0]: row[2:] for row in shown} == {
        ticker: write.rows([row], 3, 4)[0] for ticker, row in returns.items()
    }
    contributions = [returns[row[0]][4] or Decimal(0) for row in shown]
    assert contributions == sorted(contributions, reverse=True)

    month = sql(f"""
        SELECT s.trading_date, l.level, s.top5_weight_pct, s.constituent_count, s.index_divisor
        FROM portfolio_daily_summary s
        LEFT JOIN index_levels l USING (index_code, trading_date)
        WHERE index_code = '{CODE}' AND month = '2025-08' ORDER BY 1
    """)
    assert len(month) == 2
    caption = text("month_caption", index=CODE, month=language.month("2025-08"))
    assert tables[caption][1:] == write.rows(month)

    changes = {
        ticker: (weight, then, exact(change, 3), quantity, preview)
        for _, ticker, weight, then, change, quantity, preview, _ in sql(
            QUERIES["What the next rebalancing changes"]
        )
        if change or quantity != preview
    }
    caption = text("rebalancing_caption", before=day, day=day)
    shown = tables[caption][1:]
    assert {row[0]: [*row[3:6], *row[6:8]] for row in shown} == {
        ticker: write.rows([row], 2)[0] for ticker, row in changes.items()
    }

    ((verdict, level, outside),) = sql(f"""
        SELECT verdict, published_level, (
            SELECT count(*) FROM constituent_reconciliation
            WHERE index_code = '{CODE}' AND trading_date = '{D3}' AND verdict = 'outside'
        )
        FROM index_reconciliation WHERE index_code = '{CODE}' AND trading_date = '{D3}'
    """)
    assert verdict == "equal"
    assert outside
    words = " ".join(html.split())
    assert text("reconciled_equal", computed=write(level)) in words
    assert text("reconciled_outside", outside) in words
