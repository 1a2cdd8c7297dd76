"""What B3 is asked about the period and the next one beside files, and the JSON of its answers.

A page is as that of the day's portfolio but for a shorter header, which names no session, and
shorter rows in the order of their tickers. `cont` is a number: the row's place by its short name.
"""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from infra.local.b3.format import Content, DownloadQuery, Language
from infra.local.b3.http_answer import Answer, json_answer
from infra.local.b3.pages import cut_page, page_of, write_header, write_row

_HEADER = ("part", "theoricalQty", "reductor")
_ROW = ("cod", "asset", "type", "theoricalQty", "part")


class PeriodQuery(BaseModel):
    """A request about the period or the next one; fields that other calls have do not matter."""

    model_config = ConfigDict(frozen=True, strict=True)
    call: ClassVar[str]
    target: ClassVar[str]

    language: Language
    page_number: PositiveInt = Field(alias="pageNumber")
    page_size: PositiveInt = Field(alias="pageSize")
    index_code: str = Field(alias="index")


class TheoreticalQuery(PeriodQuery):
    """A request for one page of the portfolio of the period."""

    call = "GetTheoricalPortfolio"
    target = "theoretical"


class PreviewQuery(PeriodQuery):
    """A request for one page of the preview of the next period's portfolio."""

    call = "GetQuartelyPreview"
    target = "preview"


class ConfigurationsQuery(PeriodQuery):
    """A question about what B3 shows of an index."""

    call = "GetConfigurations"
    target = "configurations"


class TheoreticalDownloadQuery(DownloadQuery):
    """A request for the portfolio of the period as a file."""

    call = "GetDownloadPortfolioTheorical"
    target = "theoretical"


class PreviewDownloadQuery(DownloadQuery):
    """A request for the preview as a file."""

    call = "GetDownloadPreview"
    target = "preview"


def render_period_page(content: Content | None, query: PeriodQuery) -> Answer:
    """Put one page into B3's JSON; None is an index of which nothing is shown."""
    page = page_of(content, query.page_number, query.page_size)
    if content is None:
        return json_answer({"page": page, "header": None, "results": None})
    header = write_header(content)
    by_name = sorted(content.rows, key=lambda row: (row.asset_name, row.ticker))
    places = {row: place for place, row in enumerate(by_name, start=1)}
    rows: list[dict[str, Any]] = []
    for row in cut_page(content.rows, content.page_number, query.page_size):
        written = write_row(row, content)
        rows.append({name: written[name] for name in _ROW})
        if isinstance(query, TheoreticalQuery):
            rows[-1]["cont"] = places[row]
    shown = {name: header[name] for name in _HEADER}
    return json_answer({"page": page, "header": shown, "results": rows})


def render_configurations(*, has_preview: bool | None) -> Answer:
    """Say what is shown of an index; None is a service that does not know at the moment."""
    if has_preview is None:
        return json_answer({"preview": None, "theorical": None, "segments": None, "update": None})
    return json_answer(
        {
            "preview": [{"has": int(has_preview)}],
            "theorical": [{"has": 1}],
            "segments": [{"segment": "1", "has": 1}, {"segment": "2", "has": 1}],
            "update": None,
        }
    )
