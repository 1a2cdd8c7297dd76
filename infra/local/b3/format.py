"""The forms in which B3's index service is asked and answers.

Request: `GET <call>/<standard base64 of a JSON object>`, e.g.
`{"language":"pt-br","pageNumber":1,"pageSize":120,"index":"IBOV","segment":"2"}`.

| call | answer |
|---|---|
| GetPortfolioDay | JSON of one page: `page`, `header`, `results`; every number is a string |
| GetDownloadPortfolioDay | base64 text of a latin-1 CSV with CRLF, without sectors |
| GetTheoricalPortfolio, GetQuartelyPreview | JSON of one page, see `period_calls` |
| GetDownloadPortfolioTheorical, GetDownloadPreview | the same file, which names a period |
| GetConfigurations | JSON: `preview[].has` is 1 while a preview is in force, else 0 |

| language | number | date | 1 August 2025 |
|---|---|---|---|
| pt-br | `1.234,567` | DD/MM/YY | 01/08/25 |
| en-us | `1,234.567` | MM/DD/YY | 08/01/25 |
"""

import base64
import binascii
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal, Protocol, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from infra.local.b3.http_answer import Answer
from infra.local.b3.kinds import DAY, Kind
from infra.local.b3.sessions import Constituent, Portfolio

Language = Literal["pt-br", "en-us"]

_DATE_FORMATS = {"pt-br": "%d/%m/%y", "en-us": "%m/%d/%y"}
TOTAL_TEXTS = {"pt-br": "Quantidade Teórica Total", "en-us": "Total Theorethical Quantity"}
DIVISOR_TEXTS = {"pt-br": "Redutor", "en-us": "Reductor"}
WHOLE_PCT = Decimal("100.000")
_SWAPPED_SEPARATORS = str.maketrans(",.", ".,")


class BadRequestError(Exception):
    """The request does not have the form that the service understands."""


class PortfolioQuery(BaseModel):
    """A request for one page of a portfolio; segment "2" asks for sectors as well."""

    model_config = ConfigDict(frozen=True, strict=True)
    call: ClassVar[str] = "GetPortfolioDay"
    target: ClassVar[None] = None

    language: Language
    page_number: PositiveInt = Field(alias="pageNumber")
    page_size: PositiveInt = Field(alias="pageSize")
    index_code: str = Field(alias="index")
    segment: Literal["1", "2"]


class DownloadQuery(BaseModel):
    """A request for the portfolio as a file; only the Portuguese file is known in full."""

    model_config = ConfigDict(frozen=True, strict=True)
    call: ClassVar[str] = "GetDownloadPortfolioDay"
    target: ClassVar[str | None] = None
    page_number: ClassVar[int] = 1

    language: Literal["pt-br"]
    index_code: str = Field(alias="index")


_Query = TypeVar("_Query", bound=BaseModel)


def decode_query(argument: str, form: type[_Query]) -> _Query:
    """Read what follows the call's name in the path.

    Raises:
        BadRequestError: It is not standard base64 of a JSON object of that form.
    """
    try:
        return form.model_validate_json(base64.b64decode(unquote(argument), validate=True))
    except (binascii.Error, ValidationError) as error:
        raise BadRequestError(
            f"The path must end in standard base64 of a JSON object with the fields of a "
            f"{form.__name__}; found {argument!r}: {error}"
        ) from error


@dataclass(frozen=True)
class Content:
    """What an answer says, before it is put into a form.

    Attributes:
        kind: Which of an index's portfolios it is of.
        title: What its file calls it; None where it is named by its date.
        portfolio: What the header speaks of.
        rows: The constituents of all pages.
        language: The language of numbers and texts.
        date_language: The language of the header's date.
        page_number: Which page of the rows is shown.
        total_records: How many rows the answer claims to have on all pages.
    """

    kind: Kind
    title: str | None
    portfolio: Portfolio
    rows: tuple[Constituent, ...]
    language: Language
    date_language: Language
    page_number: int
    total_records: int


class _PageOrFile(Protocol):
    @property
    def language(self) -> Language: ...
    @property
    def page_number(self) -> int: ...


def content_of(portfolio: Portfolio, query: _PageOrFile, kind: Kind = DAY) -> Content:
    """Return what a well-behaved answer to `query` says."""
    return Content(
        kind=kind,
        title=kind.title(portfolio.trading_date) if kind.title else None,
        portfolio=portfolio,
        rows=portfolio.constituents,
        language=query.language,
        date_language=query.language,
        page_number=query.page_number,
        total_records=len(portfolio.constituents),
    )


def render_csv(content: Content | None) -> Answer:
    """Put a whole portfolio into B3's CSV, as base64 text; nothing for an unknown index."""
    lines = [] if content is None else _csv_lines(content)
    csv = "".join(f"{line}\r\n" for line in lines).encode("latin-1")
    return Answer(200, "text/plain; charset=utf-8", base64.b64encode(csv))


def write_number(value: Decimal | int, language: Language) -> str:
    """Put a number into the form of a language, with as many decimals as it has."""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return text.translate(_SWAPPED_SEPARATORS) if language == "pt-br" else text


def _number(value: Decimal | int, content: Content) -> str:
    return write_number(value, content.language)


def write_date(content: Content) -> str:
    """Write the date of a portfolio."""
    return content.portfolio.trading_date.strftime(_DATE_FORMATS[content.date_language])


def write_type(row: Constituent) -> str:
    """Write class, event and segment, each in its columns."""
    columns = (row.share_class, row.corporate_event or "", row.listing_segment or "")
    return "{:<3} {:<3} {:<2}".format(*columns).rstrip()


def _csv_lines(content: Content) -> list[str]:
    portfolio = content.portfolio
    quantity = _number(portfolio.total_theoretical_quantity, content)
    weight = _number(WHOLE_PCT, content)
    title = content.title or f"Carteira do Dia {write_date(content)}"
    return [
        f"{portfolio.index_code} - {title}",
        "Código;Ação;Tipo;Qtde. Teórica;Part. (%)",
        *(_csv_row(row, content) for row in content.rows),
        f"{TOTAL_TEXTS[content.language]};;;{quantity};{weight}",
        f"{DIVISOR_TEXTS[content.language]};;;{_number(portfolio.index_divisor, content)}",
    ]


def _csv_row(row: Constituent, content: Content) -> str:
    quantity = _number(row.theoretical_quantity, content)
    weight = _number(row.weight_pct, content)
    return f"{row.ticker};{row.asset_name};{write_type(row)};{quantity};{weight};"
