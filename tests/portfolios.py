"""Small portfolios, typed and as B3 answers them."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tasks.core.portfolio.model import Constituent, Portfolio, RawSession

PORTUGUESE, ENGLISH = "pt-br", "en-us"
FRIDAY = dt.date(2025, 8, 1)
THURSDAY = dt.date(2025, 7, 31)
EXTRACTED_AT = dt.datetime(2025, 8, 1, 12, 30)  # noqa: DTZ001 - the lake keeps UTC without a zone

VALE3 = Constituent("VALE3", "VALE", "ON      NM", "Mineração", Decimal("60.000"), 4_196_924_316)
PETR4 = Constituent("PETR4", "PETROBRAS", "PN  EJ  N2", None, Decimal("39.500"), 4_539_007_580)
BPAC11 = Constituent("BPAC11", "BTGP BANCO", "UNT", "Bancos", Decimal("0.500"), 734)


def portfolio(*rows: Constituent, **changes: Any) -> Portfolio:
    """A portfolio of `rows` with a header that fits them; without rows, of three."""
    rows = rows or (BPAC11, PETR4, VALE3)
    made = Portfolio(
        index_code="IBOV",
        trading_date=FRIDAY,
        total_weight_pct=sum((row.weight_pct for row in rows), Decimal("0.000")),
        total_theoretical_quantity=sum(row.theoretical_quantity for row in rows),
        index_divisor=Decimal("16036751.16744128"),
        constituents=tuple(sorted(rows, key=lambda row: row.ticker)),
    )
    return replace(made, **changes)


def raw_session(*rows: Constituent, **changes: Any) -> RawSession:
    return RawSession(portfolio(*rows, **changes), EXTRACTED_AT)


def write_number(value: Decimal | int, language: str = PORTUGUESE) -> str:
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return text.translate(str.maketrans(",.", ".,")) if language == PORTUGUESE else text


def write_date(date: dt.date, language: str = PORTUGUESE) -> str:
    return date.strftime("%d/%m/%y" if language == PORTUGUESE else "%m/%d/%y")


def answer(
    shown: Portfolio | None = None,
    *,
    rows: Sequence[Constituent] | None = None,
    language: str = PORTUGUESE,
    page: tuple[int, int] = (1, 1),
    **header: Any,
) -> dict[str, Any]:
    """B3's answer for a portfolio, or for the `rows` of one page of it; `header` overrides."""
    shown = shown or portfolio()
    return {
        "page": {
            "pageNumber": page[0],
            "pageSize": 120,
            "totalRecords": len(shown.constituents),
            "totalPages": page[1],
        },
        "header": {
            "date": write_date(shown.trading_date, language),
            "text": "Quantidade Teórica Total",
            "part": write_number(shown.total_weight_pct, language),
            "partAcum": write_number(shown.total_weight_pct, language),
            "textReductor": "Redutor",
            "reductor": write_number(shown.index_divisor, language),
            "theoricalQty": write_number(shown.total_theoretical_quantity, language),
        }
        | header,
        "results": [
            {
                "segment": row.sector,
                "cod": row.ticker,
                "asset": row.asset_name,
                "type": row.type,
                "part": write_number(row.weight_pct, language),
                "partAcum": None,
                "theoricalQty": write_number(row.theoretical_quantity, language),
            }
            for row in (shown.constituents if rows is None else rows)
        ],
    }


def period_answer(
    shown: Portfolio | None = None,
    *,
    rows: Sequence[Constituent] | None = None,
    language: str = PORTUGUESE,
    page: tuple[int, int] = (1, 1),
    **header: Any,
) -> dict[str, Any]:
    """B3's answer for the portfolio of a period, or a preview: no session, no sectors."""
    of_the_day = answer(shown, rows=rows, language=language, page=page)
    totals = {name: of_the_day["header"][name] for name in ("part", "theoricalQty", "reductor")}
    return {
        "page": of_the_day["page"],
        "header": totals | header,
        "results": [
            {name: row[name] for name in ("cod", "asset", "type", "theoricalQty", "part")}
            | {"cont": place}
            for place, row in enumerate(of_the_day["results"], start=1)
        ],
    }


def to_bytes(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode()
