"""B3's list of indices, as the replay serves it: every share in an index, with its indices.

Request: `GET /indexProxy/indexCall/GetStockIndex/<base64>`, with `{"language":"pt-br"}` for all in
one answer, or `{"pageNumber":1,"pageSize":120}` in pages. The members of an index are those of its
portfolio at the session that is shown of it. `spotlight` is class and segment, without the event.
"""

import datetime as dt
from collections import defaultdict
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from infra.local.b3.format import Language
from infra.local.b3.http_answer import Answer, json_answer
from infra.local.b3.sessions import Constituent
from infra.local.b3.shown import Shown
from infra.local.b3.steering import LIST

_PERIOD_MONTHS = 4


class StockIndexQuery(BaseModel):
    """A request for the list of indices: all of it, or one page."""

    model_config = ConfigDict(frozen=True, strict=True)
    call: ClassVar[str] = "GetStockIndex"
    target: ClassVar[str] = LIST
    index_code: ClassVar[None] = None

    language: Language = "pt-br"
    page_number: PositiveInt = Field(alias="pageNumber", default=1)
    page_size: PositiveInt | None = Field(alias="pageSize", default=None)


def render_stock_index(shown: Shown | None, query: StockIndexQuery) -> Answer:
    """Put the list into B3's JSON; None is a service that has none at the moment."""
    page: dict[str, int | None] = {"pageNumber": query.page_number, "pageSize": query.page_size}
    if shown is None:
        page |= {"totalRecords": None, "totalPages": None}
        return json_answer({"page": page, "header": None, "results": None})
    rows = _rows(shown)
    page_size = query.page_size or max(1, len(rows))
    page["pageSize"] = page_size
    page |= {"totalRecords": len(rows), "totalPages": -(-len(rows) // page_size)}
    first = (query.page_number - 1) * page_size
    results = rows[first : first + page_size]
    return json_answer({"page": page, "header": _header(shown.session), "results": results})


def _header(session: dt.date) -> dict[str, str | int]:
    """Name the session, and the four months that a composition is valid for."""
    start = session.month - (session.month - 1) % _PERIOD_MONTHS
    return {
        "update": session.isoformat(),
        "startMonth": start,
        "endMonth": start + _PERIOD_MONTHS - 1,
        "year": session.year,
    }


def _rows(shown: Shown) -> list[dict[str, str]]:
    shares: dict[str, Constituent] = {}
    codes: defaultdict[str, list[str]] = defaultdict(list)
    for index_code in shown.listed_codes():
        for share in shown.members(index_code):
            shares[share.ticker] = share
            codes[share.ticker].append(index_code)
    return [
        {
            "company": share.asset_name,
            "spotlight": f"{share.share_class:<4} {share.listing_segment or ''}".rstrip(),
            "code": share.ticker,
            "indexes": ",".join(codes[share.ticker]),
        }
        for share in sorted(shares.values(), key=lambda share: (share.asset_name, share.ticker))
    ]
