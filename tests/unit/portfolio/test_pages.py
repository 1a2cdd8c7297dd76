import base64
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.core.download import Download
from tasks.core.errors import B3PipelineError, BadDataError, RetryableError, SourceHasNoDataError
from tasks.core.portfolio.checks import check_portfolio
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.pages import (
    PATH,
    Page,
    parse_pages,
    read_page,
    read_shown,
    request_path,
)
from tests.portfolios import (
    BPAC11,
    ENGLISH,
    FRIDAY,
    PETR4,
    THURSDAY,
    VALE3,
    answer,
    portfolio,
    to_bytes,
    write_date,
)

ROWS = (VALE3, PETR4, BPAC11)


def read(payload: object) -> Portfolio:
    return parse_pages([read_page(to_bytes(payload), "IBOV")], "IBOV")


def change(path: str, value: object) -> dict[str, Any]:
    """An answer with one value replaced, e.g. at `results.0.part`; `...` removes it."""
    payload: Any = answer()
    target = payload
    *parents, name = (int(key) if key.isdigit() else key for key in path.split("."))
    for parent in parents:
        target = target[parent]
    if value is ...:
        del target[name]
    else:
        target[name] = value
    return dict(payload)


def test_asks_for_a_page_with_sectors_in_a_form_that_b3_understands() -> None:
    path = request_path("IBXX", 2)
    assert path.startswith("/indexProxy/indexCall/GetPortfolioDay/")
    assert json.loads(base64.b64decode(path.removeprefix(PATH), validate=True)) == {
        "language": "pt-br",
        "pageNumber": 2,
        "pageSize": 120,
        "index": "IBXX",
        "segment": "2",
    }


def test_reads_every_value_of_an_answer() -> None:
    assert read(answer()) == portfolio()


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda text: text, id="plain"),
        pytest.param(json.dumps, id="json-in-a-json-string"),
        pytest.param(lambda text: f"\r\n {text}\n", id="blanks-around"),
    ],
)
def test_reads_the_forms_that_b3_sends(wrap: Callable[[str], str]) -> None:
    body = wrap(json.dumps(answer(), ensure_ascii=False)).encode()
    assert parse_pages([read_page(body, "IBOV")], "IBOV") == portfolio()


def test_blanks_around_texts_are_dropped_and_an_empty_sector_is_none() -> None:
    payload = answer()
    for row in payload["results"]:
        row |= {"cod": f" {row['cod']} ", "asset": f"{row['asset']}  ", "type": f"{row['type']}  "}
        row["segment"] = f" {row['segment']}" if row["segment"] else " "
    assert read(payload) == portfolio()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \r\n", id="blank"),
        pytest.param(b"Object reference not set to an instance of an object.", id="text"),
        pytest.param(b'{"page": {', id="cut-short"),
        pytest.param(b'"{\\"page\\": "', id="cut-short-in-a-string"),
        pytest.param(b'{"page": "\xff"}', id="no-utf-8"),
    ],
)
def test_a_body_that_is_no_json_may_pass(body: bytes) -> None:
    with pytest.raises(RetryableError, match="IBOV"):
        read_page(body, "IBOV")


@pytest.mark.parametrize("total", [None, 0], ids=["null-total", "zero-total"])
def test_null_results_mean_that_there_is_no_such_portfolio(total: int | None) -> None:
    payload = answer() | {"results": None, "header": None}
    payload["page"] |= {"totalPages": None, "totalRecords": total}
    with pytest.raises(SourceHasNoDataError, match="B3 publishes no portfolio for XXXX"):
        read_page(to_bytes(payload), "XXXX")


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        pytest.param([], "answer", id="a-list"),
        pytest.param(7, "answer", id="a-number"),
        pytest.param({}, "page: Field required", id="an-empty-object"),
        pytest.param(change("header", None), "header", id="no-header"),
        pytest.param(change("header.date", ...), "header.date", id="no-date"),
        pytest.param(change("header.reductor", 1.5), "header.reductor", id="number-for-text"),
        pytest.param(change("page.totalRecords", "3"), "page.totalRecords", id="text-for-number"),
        pytest.param(change("page.pageNumber", None), "page.pageNumber", id="no-page-number"),
        pytest.param(change("results", {}), "results", id="object-for-list"),
        pytest.param(change("results.1.part", 39.5), "results.1.part", id="float-weight"),
        pytest.param(change("results.0.cod", None), "results.0.cod", id="null-ticker"),
        pytest.param(change("results.2.theoricalQty", ...), "results.2.theor", id="no-quantity"),
        pytest.param(change("page.totalPages", 0), "page.totalPages", id="no-pages"),
        pytest.param(change("page.totalPages", -1), "page.totalPages", id="pages-below-none"),
        pytest.param(change("page.totalPages", 51), "page.totalPages", id="more-pages-than-asked"),
        pytest.param(change("page.totalRecords", 0), "page.totalRecords", id="no-records"),
        pytest.param(change("page.totalRecords", 6001), "page.totalRecords", id="many-records"),
    ],
)
def test_json_of_another_form_is_bad_and_the_place_is_named(payload: object, where: str) -> None:
    with pytest.raises(BadDataError, match="is not in the known form") as error:
        read_page(to_bytes(payload), "IBOV")
    assert where in str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        pytest.param("header.date", "01/08/2025", "IBOV header date", id="four-digit-year"),
        pytest.param("header.date", "31/06/25", "IBOV header date", id="no-day-of-the-calendar"),
        pytest.param("header.part", "100.000", "IBOV header part", id="weight-of-another-language"),
        pytest.param("header.reductor", "16.036.751,1674", "IBOV header reductor", id="short"),
        pytest.param("header.theoricalQty", "8,735", "IBOV header theoricalQty", id="quantity"),
        pytest.param("results.1.part", "39.500", "IBOV PETR4 part", id="row-weight-of-another"),
        pytest.param("results.2.theoricalQty", "-", "IBOV VALE3 theoricalQty", id="dash"),
        pytest.param(
            "header.theoricalQty", "9" + ".999" * 5, "IBOV header theoricalQty", id="long-total"
        ),
        pytest.param(
            "header.reductor", "123" + ".456" * 11 + ",12345678", "header reductor", id="36-digits"
        ),
        pytest.param("results.0.part", "1" + ".000" * 5 + ",000", "BPAC11 part", id="long-weight"),
        pytest.param(
            "results.2.theoricalQty", "9.223.372.036.854.775.808", "VALE3 theor", id="over-64-bits"
        ),
    ],
)
def test_a_value_of_another_form_is_bad_and_its_place_is_named(
    path: str, value: str, where: str
) -> None:
    with pytest.raises(BadDataError, match="asked for pt-br") as error:
        read(change(path, value))
    assert where in str(error.value)
    assert repr(value) in str(error.value)


@pytest.mark.parametrize(
    ("ticker", "shown"), [("A\nB", r"'A\nB'"), ("A" * 1_000_000, "characters)")]
)
def test_a_bad_value_is_named_by_a_ticker_of_any_kind_in_few_words(ticker: str, shown: str) -> None:
    payload = change("results.0.part", "7")
    payload["results"][0]["cod"] = ticker
    with pytest.raises(BadDataError, match="part: expected a pt-br number") as error:
        read(payload)
    assert shown in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 400


def test_an_answer_in_another_language_is_refused() -> None:
    with pytest.raises(BadDataError, match="asked for pt-br"):
        read(answer(language=ENGLISH))


def test_a_swapped_date_alone_is_found_by_the_checks() -> None:
    swapped = read(answer(date=write_date(FRIDAY, ENGLISH)))
    failed = [c.name for c in check_portfolio(swapped, today=FRIDAY) if not c.has_passed]
    assert failed == ["day_and_month_are_not_swapped"]


@given(rows=st.permutations(ROWS), cut=st.integers(1, 2), swap=st.booleans())
def test_the_order_of_rows_and_pages_does_not_matter(
    rows: list[Any], cut: int, *, swap: bool
) -> None:
    pages = [
        read_page(to_bytes(answer(rows=part, page=(number, 2))), "IBOV")
        for number, part in enumerate((rows[:cut], rows[cut:]), start=1)
    ]
    assert parse_pages(pages[::-1] if swap else pages, "IBOV") == portfolio()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["page", "header", "results", "cod"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(body=st.binary(max_size=50) | json_values.map(lambda value: json.dumps(value).encode()))
@example(body=b'"\\"twice\\""')
@example(body=b'{"page": {"totalPages": ' + b"9" * 5000 + b'}, "results": [{}]}')
def test_whatever_comes_is_refused_with_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(B3PipelineError):
        read_page(body, "IBOV")


def test_reads_a_real_answer_and_all_checks_pass(samples: Path) -> None:
    body = (samples / "GetPortfolioDay_IBOV_2025-04-07_en-us_segment2.json").read_bytes()
    page = read_page(body, "IBOV")
    with pytest.raises(BadDataError, match="asked for pt-br"):
        parse_pages([page], "IBOV")
    real = parse_pages([in_portuguese(page)], "IBOV")
    assert str(real) == "IBOV 2025-04-07"
    assert len(real.constituents) == page.page.totalRecords == 87
    assert {row.sector for row in real.constituents} >= {"Bens Indls / Máqs e Equips"}
    checks = check_portfolio(real, record_count=87, today=real.trading_date)
    assert [check for check in checks if not check.has_passed] == []


def in_portuguese(page: Page) -> Page:
    """The same answer as B3 writes it in Portuguese."""

    def number(text: str) -> str:
        return text.translate(str.maketrans(",.", ".,"))

    header, rows = page.header, page.results
    month, day, year = header.date.split("/")
    written = {
        "date": f"{day}/{month}/{year}",
        "part": number(header.part),
        "reductor": number(header.reductor),
        "theoricalQty": number(header.theoricalQty),
    }
    changed = [{"part": number(row.part), "theoricalQty": number(row.theoricalQty)} for row in rows]
    return page.model_copy(
        update={
            "header": header.model_copy(update=written),
            "results": [
                row.model_copy(update=values) for row, values in zip(rows, changed, strict=True)
            ],
        }
    )


NOON = dt.datetime(2025, 8, 1, 15, tzinfo=dt.UTC)


def show(payload: object, trading_date: dt.date | None = None, at: dt.datetime = NOON) -> Portfolio:
    download = Download((read_page(to_bytes(payload), "IBOV"),), at)
    return read_shown("IBOV", download, trading_date)


@pytest.mark.parametrize("wanted", [None, FRIDAY])
def test_what_b3_shows_is_read_and_checked(wanted: dt.date | None) -> None:
    assert show(answer(), wanted) == portfolio()


def test_all_pages_of_what_b3_shows_are_read() -> None:
    pages = [
        read_page(to_bytes(answer(rows=rows, page=(number, 2))), "IBOV")
        for number, rows in enumerate((ROWS[:2], ROWS[2:]), start=1)
    ]
    assert read_shown("IBOV", Download(tuple(pages), NOON), FRIDAY) == portfolio()


@pytest.mark.parametrize("wanted", [THURSDAY, dt.date(2025, 8, 4)])
def test_another_session_than_the_one_wanted_is_no_data_whatever_else_is_wrong(
    wanted: dt.date,
) -> None:
    said = f"Expected B3 to show IBOV of {wanted}, found 2025-08-01.*flows.import_portfolio"
    with pytest.raises(SourceHasNoDataError, match=said):
        show(answer(part="99,999"), wanted)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (answer(part="100.000"), "asked for pt-br"),
        (answer(part="99,999"), "header_weight_is_100"),
        (change("page.totalRecords", 4), "constituent_count: expected 4 constituents; found 3"),
        (change("results.0.cod", "../../raw"), r"tickers_have_their_form: .*found '\.\./\.\./raw'"),
        (change("results.0.cod", "'; DROP TABLE x--"), "tickers_have_their_form: .*DROP TABLE"),
        (change("results.0.cod", "<script>"), "tickers_have_their_form: .*found '<script>'"),
        (change("results.0.cod", "BPAC11\n"), r"tickers_have_their_form: .*found 'BPAC11\\n'"),
        (change("results.0.cod", "BPAC11\r\nX"), "tickers_have_their_form: .*found 'BPAC11"),
        (change("results.1.asset", "PETRO\nBRAS"), r"PETR4 asset_name 'PETRO\\nBRAS'"),
        (change("results.1.asset", "PETROBRAS\u2028"), r"PETR4 asset_name 'PETROBRAS\\u2028'"),
        (change("results.1.asset", " "), "PETR4 asset_name ''"),
        (change("results.1.segment", "Bens\n"), r"PETR4 sector 'Bens\\n'"),
        (change("results.1.segment", "<b>Bens"), "PETR4 sector '<b>Bens'"),
        (change("results.1.type", "PN      N2\n"), r"types_keep_their_columns: .*N2\\n'"),
    ],
)
def test_what_is_wrong_with_it_is_told_with_what_is_kept(
    payload: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadDataError, match=said) as error:
        show(payload)
    assert "Landing keeps the bytes" in str(error.value)


@pytest.mark.parametrize(
    ("hour", "is_right"), [("02:59", False), ("03:00", True)], ids=["wednesday", "thursday"]
)
def test_the_session_is_measured_by_the_day_it_was_in_sao_paulo(hour: str, is_right: bool) -> None:
    at = dt.datetime.fromisoformat(f"2025-07-31T{hour}:00+00:00")  # of Thursday, Friday is the next
    if is_right:
        assert show(answer(), at=at) == portfolio()
    else:
        with pytest.raises(BadDataError, match="date_is_not_past_next_session"):
            show(answer(), at=at)
