"""What an instrument is, from B3's market type, specification and BDI code.

The Glue job says the same in SQL; the audit compares the two.

| first of these that holds | kind |
|---|---|
| market 070, 080, 012, 013 | `call`, `put`, `call_exercise`, `put_exercise` |
| market 030; 050 or 060 | `forward`; `future` |
| specification DIR…, BNS…, DR…, UNT… | `right`, `bonus`, `bdr`, `unit` |
| specification CI…, or BDI code 12, 13 or 14 | `fund` |
| specification ON…, OP…, PN… or PP… | `share` |
| none | `other` |
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_BY_MARKET = {
    "070": "call",
    "080": "put",
    "012": "call_exercise",
    "013": "put_exercise",
    "030": "forward",
    "050": "future",
    "060": "future",
}
_BY_SPECIFICATION = {"DIR": "right", "BNS": "bonus", "DR": "bdr", "UNT": "unit", "CI": "fund"}
_FUND_CODES = ["12", "13", "14"]
_SHARES = ["ON", "OP", "PN", "PP"]
_LOTS = {"010": "round", "020": "odd"}


def instrument_kinds(markets: Any, specifications: Any, bdi_codes: Any) -> Any:
    """Return the kind of each instrument, as the table above says.

    Args:
        markets: TPMERC, an Arrow column of text like the others.
        specifications: ESPECI.
        bdi_codes: CODBDI.
    """
    cases = [(pc.equal(markets, market), kind) for market, kind in _BY_MARKET.items()]
    cases += [
        (pc.starts_with(specifications, start), kind) for start, kind in _BY_SPECIFICATION.items()
    ]
    cases.append((pc.is_in(bdi_codes, pa.array(_FUND_CODES)), "fund"))
    classes = pc.utf8_slice_codeunits(specifications, 0, 2)
    cases.append((pc.is_in(classes, pa.array(_SHARES)), "share"))
    return _choose(cases, "other")


def lots(markets: Any) -> Any:
    """Return `round` for the cash market, `odd` for that of odd lots, `none` for the others."""
    return _choose([(pc.equal(markets, market), lot) for market, lot in _LOTS.items()], "none")


def _choose(cases: list[tuple[Any, str]], otherwise: str) -> Any:
    """Return for each row the value of the first case that holds."""
    chosen: Any = pa.scalar(otherwise)
    for is_so, value in reversed(cases):
        chosen = pc.if_else(is_so, value, chosen)
    return chosen
