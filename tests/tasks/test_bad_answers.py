"""Whatever B3 answers: the bytes are kept, nothing comes into raw, and the error is ours."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tasks.core.errors import B3PipelineError, BadDataError
from tasks.download import download_index_levels, download_indices, download_portfolio
from tasks.objects import list_etags, read_landed
from tasks.reading import read_levels, read_portfolios
from tasks.turns import Budget
from tests.portfolios import answer, to_bytes
from tests.tasks.conftest import Server

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
Serve = Callable[..., Server]
MONTHS = {f"rateValue{month}": None for month in range(1, 13)}
ROWS: dict[str, list[dict[str, Any]]] = {
    "portfolio": answer()["results"],
    "indices": [{"code": "VALE3", "indexes": "IBOV"}],
    "levels": [{"day": day} | MONTHS for day in range(1, 32)],
}


def ask_for_portfolio(url: str) -> object:
    download = download_portfolio.fn(url, "IBOV", BUCKET, Budget.of_all(20.0))
    return read_portfolios.fn({"IBOV": download}, None)["IBOV"]


def ask_for_levels(url: str) -> object:
    download = download_index_levels.fn(url, "IBOV", 2025, BUCKET, Budget.of_all(20.0))
    return read_levels.fn({"IBOV": download}, 2025, {})["IBOV"]


def ask_for_indices(url: str) -> object:
    return download_indices.fn(url, BUCKET, Budget.of_all(20.0))


ASK: dict[str, Callable[[str], object]] = {
    "portfolio": ask_for_portfolio,
    "indices": ask_for_indices,
    "levels": ask_for_levels,
}


def body_of(kind: str, changes: dict[str, Any]) -> bytes:
    """An answer of a kind whose first row has other values."""
    rest = answer() if kind == "portfolio" else {}
    first, *others = ROWS[kind]
    return to_bytes(rest | {"results": [first | changes, *others]})


def refusal(ask: Callable[[str], object], url: str) -> B3PipelineError:
    """What a step ends with, or gives for the index."""
    try:
        found = ask(url)
    except B3PipelineError as error:
        return error
    assert isinstance(found, B3PipelineError), found
    return found


def assert_refused_and_kept(kind: str, server: Server, body: bytes, said: str) -> None:
    error = refusal(ASK[kind], server.url)
    assert type(error) is BadDataError
    assert said in str(error)
    assert "Landing keeps the bytes; raw and refined are untouched." in str(error)
    assert all(line.isprintable() for line in str(error).splitlines())
    assert len(str(error)) < 1000
    (key,) = list_etags(BUCKET, "")
    assert key.startswith("landing/")
    assert read_landed(BUCKET, key) == body
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ASK)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(b"NaN", "results.0.other: the number NaN", id="nan"),
        pytest.param(b'"\\ud800"', "results.0.other: half of a surrogate pair", id="surrogate"),
        pytest.param(b"9" * 5000, "results.0.other: the number 999", id="long-number"),
        pytest.param(b'1, "other": 2', "results.0.other: a key that stands twice", id="twice"),
        pytest.param(b"[" * 1000 + b"]" * 1000, "more than 20 levels", id="a-thousand-deep"),
    ],
)
@pytest.mark.parametrize("is_doubled", [False, True], ids=["json", "json-in-a-json-string"])
def test_json_that_cannot_be_kept_stays_in_landing(
    server: Serve, kind: str, text: bytes, said: str, is_doubled: bool
) -> None:
    body = body_of(kind, {"other": 0}).replace(b'"other": 0', b'"other": ' + text)
    assert text in body
    if is_doubled:
        body = json.dumps(body.decode()).encode()
    assert_refused_and_kept(kind, server(200, body), body, said)


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("portfolio", {"cod": "../../raw/x"}, "found '../../raw/x'"),
        ("portfolio", {"cod": "X'; DROP TABLE raw_portfolio; --"}, "tickers_have_their_form"),
        ("portfolio", {"cod": "<script>alert(1)</script>"}, "tickers_have_their_form"),
        ("portfolio", {"cod": "BPAC11\n"}, r"found 'BPAC11\n'"),
        ("portfolio", {"cod": "X" * 1_000_000}, "(1000002 characters)"),
        ("portfolio", {"asset": "BTGP\r\nBANCO"}, r"BPAC11 asset_name 'BTGP\r\nBANCO'"),
        ("portfolio", {"segment": "\x1b[2J"}, r"BPAC11 sector '\x1b[2J'"),
        ("portfolio", {"type": "<i>     N2"}, "BPAC11 '<i>     N2'"),
        ("portfolio", {"theoricalQty": "9.223.372.036.854.775.808"}, "BPAC11 theoricalQty: "),
        ("portfolio", {"part": "1.000.000.000.000.000,000"}, "IBOV BPAC11 part: "),
        ("portfolio", {"part": 0.5}, "results.0.part: Input should be a valid string, found 0.5"),
        ("indices", {"code": "../../raw/x"}, "results.0.code, found '../../raw/x'"),
        ("indices", {"code": "VALE3\n"}, r"results.0.code, found 'VALE3\n'"),
        ("indices", {"indexes": "IBOV,<b>"}, "at VALE3, results.0.indexes, found '<b>'"),
        ("indices", {"indexes": None}, "results.0.indexes: Input should be a valid string"),
        ("levels", {"rateValue1": "1.000.000.000.000.000,00"}, "IBOV 2025-01-01: "),
        ("levels", {"rateValue2": "x\n" * 500_000}, "IBOV 2025-02-01: expected a pt-br number"),
        ("levels", {"rateValue3": 1.5}, "results.0.rateValue3: Input should be a valid string"),
        ("levels", {"day": 10**17}, "expected a row for each day from 1 to 31"),
    ],
)
def test_a_bad_value_stays_in_landing_and_is_named(
    server: Serve, kind: str, changes: dict[str, Any], said: str
) -> None:
    body = body_of(kind, changes)
    assert_refused_and_kept(kind, server(200, body), body, said)


@pytest.mark.parametrize(
    ("field", "value"),
    [("reductor", "123" + ".456" * 11 + ",12345678"), ("theoricalQty", "9" + ".999" * 6)],
)
def test_a_long_number_of_the_header_stays_in_landing_and_is_named(
    server: Serve, field: str, value: str
) -> None:
    payload = answer()
    payload["header"][field] = value
    body = to_bytes(payload)
    said = f"IBOV header {field}: expected a number of at most 15 whole digits"
    assert_refused_and_kept("portfolio", server(200, body), body, said)


@pytest.mark.parametrize(
    ("field", "count"),
    [
        *(("totalPages", count) for count in (-(10**15), -1, 0, 51, 10**17, 10**30)),
        *(("totalRecords", count) for count in (-1, 0, 6001, 10**17)),
    ],
)
def test_no_more_is_asked_for_than_there_can_be(server: Serve, field: str, count: int) -> None:
    payload = answer()
    payload["page"][field] = count
    body = to_bytes(payload)
    assert_refused_and_kept("portfolio", server(200, body), body, f"page.{field}: ")


@pytest.mark.parametrize(
    ("kind", "changes"), [("portfolio", {}), ("indices", {}), ("levels", {"rateValue4": "1,00"})]
)
def test_a_byte_order_mark_is_passed_over_and_kept(
    server: Serve, kind: str, changes: dict[str, Any]
) -> None:
    body = b"\xef\xbb\xbf" + body_of(kind, changes)
    assert not isinstance(ASK[kind](server(200, body).url), B3PipelineError)
    (key,) = list_etags(BUCKET, "")
    assert read_landed(BUCKET, key) == body
