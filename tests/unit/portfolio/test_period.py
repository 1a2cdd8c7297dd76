import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import B3PipelineError, BadDataError, NotPublishedError, RetryableError
from tasks.core.portfolio.checks import check_period
from tasks.core.portfolio.model import Constituent, Portfolio
from tasks.core.portfolio.paging import page_path
from tasks.core.portfolio.period import (
    CONFIGURATIONS_PATH,
    PREVIEW_PATH,
    THEORETICAL_PATH,
    PeriodPage,
    has_preview,
    parse_period,
    read_period_page,
    refuse_strays,
)
from tests.portfolios import (
    BPAC11,
    ENGLISH,
    FRIDAY,
    PETR4,
    VALE3,
    period_answer,
    portfolio,
    to_bytes,
)

SUBJECT = "theoretical portfolio of IBOV"
KEPT = "Landing keeps the bytes"
WITHOUT_SECTOR = tuple(replace(row, sector=None) for row in (BPAC11, PETR4, VALE3))


def read_pages(*payloads: object) -> list[PeriodPage]:
    return [read_period_page(to_bytes(payload), SUBJECT) for payload in payloads]


def read(*payloads: object) -> Portfolio:
    return parse_period(read_pages(*payloads), "IBOV", FRIDAY, SUBJECT)


def shown(*rows: Constituent, **changes: Any) -> Portfolio:
    return portfolio(*(rows or WITHOUT_SECTOR), **changes)


def change(path: str, value: object) -> dict[str, Any]:
    """An answer with one value replaced, e.g. at `results.0.part`; `...` removes it."""
    payload: Any = period_answer()
    target = payload
    *parents, name = (int(key) if key.isdigit() else key for key in path.split("."))
    for parent in parents:
        target = target[parent]
    if value is ...:
        del target[name]
    else:
        target[name] = value
    return dict(payload)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (THEORETICAL_PATH, "GetTheoricalPortfolio"),
        (PREVIEW_PATH, "GetQuartelyPreview"),
        (CONFIGURATIONS_PATH, "GetConfigurations"),
    ],
)
def test_asks_for_a_page_in_a_form_that_b3_understands(path: str, method: str) -> None:
    asked = page_path(path, "IBXX", 2)
    root, _, request = asked.rpartition("/")
    assert root == f"/indexProxy/indexCall/{method}"
    assert json.loads(base64.b64decode(request, validate=True)) == {
        "language": "pt-br",
        "pageNumber": 2,
        "pageSize": 120,
        "index": "IBXX",
    }


def test_reads_every_value_of_an_answer() -> None:
    assert read(period_answer()) == shown()
    assert read(json.dumps(period_answer())) == shown()  # JSON in a JSON string


def test_the_index_and_the_session_are_those_that_were_asked_about() -> None:
    monday = FRIDAY.replace(day=4)
    found = parse_period(read_pages(period_answer()), "IBXX", monday, SUBJECT)
    assert (found.index_code, found.trading_date) == ("IBXX", monday)


def test_a_session_is_not_held_to_the_calendar_for_b3_names_none() -> None:
    sunday = FRIDAY.replace(day=3)
    assert parse_period(read_pages(period_answer()), "IBOV", sunday, SUBJECT).trading_date == sunday


def test_what_is_not_known_is_let_be() -> None:
    payload = change("results.0.segment", "Bancos") | {"more": {"x": [1]}}
    payload["header"] |= {"date": "01/08/25", "text": None}
    payload["page"]["size"] = "120"
    assert read(payload) == shown()


def test_blanks_around_texts_are_dropped() -> None:
    payload = period_answer()
    for row in payload["results"]:
        row |= {"cod": f" {row['cod']} ", "asset": f"{row['asset']}  ", "type": f"{row['type']}  "}
    assert read(payload) == shown()


def test_pages_are_read_together() -> None:
    pages = [
        period_answer(rows=rows, page=(number, 2))
        for number, rows in enumerate(([VALE3, BPAC11], [PETR4]), start=1)
    ]
    assert read(*pages) == shown()
    with pytest.raises(RetryableError, match="Expected page 1, found page 2"):
        read(*pages[::-1])
    with pytest.raises(BadDataError, match=r"constituent_count: expected 3 .*; found 2 "):
        read(pages[0])


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"reductor": "1,00000000"}, "Page 2 is of another portfolio than page 1"),
        ({"theoricalQty": "7"}, "found a total of '7' with 3"),
        ({"rows": [VALE3]}, "Expected page 2, found page 2"),
    ],
    ids=["divisor", "total", "same-rows"],
)
def test_pages_that_do_not_go_together_are_all_fetched_again(
    second: dict[str, Any], said: str
) -> None:
    first = period_answer(rows=[VALE3], page=(1, 2))
    other = period_answer(**{"rows": [PETR4, BPAC11], "page": (2, 2)} | second)
    with pytest.raises(RetryableError, match=said):
        read(first, other)


@pytest.mark.parametrize("body", [b"", b" \n", b"oops", b'{"page": {'])
def test_a_body_that_is_no_json_may_pass(body: bytes) -> None:
    with pytest.raises(RetryableError, match=SUBJECT):
        read_period_page(body, SUBJECT)
    with pytest.raises(RetryableError, match="the configuration of IBOV"):
        has_preview(body, "IBOV")


@pytest.mark.parametrize("results", [None, []], ids=["null", "empty"])
def test_no_results_mean_that_b3_shows_none_whatever_stands_beside_them(results: object) -> None:
    payloads = [
        period_answer() | {"results": results},
        {"results": results, "header": None, "page": {"totalRecords": None}},
    ]
    for payload in payloads:
        with pytest.raises(NotPublishedError, match=f"^B3 shows no {SUBJECT}"):
            read_period_page(to_bytes(payload), SUBJECT)


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        pytest.param([], "answer", id="a-list"),
        pytest.param(7, "answer", id="a-number"),
        pytest.param({}, "page: Field required", id="an-empty-object"),
        *(
            pytest.param(change(path, ...), f"{path}: Field required", id=f"no-{path}")
            for path in (
                *("page", "header", "results"),
                *("page.pageNumber", "page.totalRecords", "page.totalPages"),
                *("header.part", "header.reductor", "header.theoricalQty"),
                *(f"results.1.{n}" for n in ("cod", "asset", "type", "part", "theoricalQty")),
            )
        ),
        pytest.param(change("header", None), "header: ", id="null-header"),
        pytest.param(change("header.part", 100), "header.part: ", id="number-for-weight"),
        pytest.param(change("header.theoricalQty", 1), "header.theoricalQty: ", id="number"),
        pytest.param(change("header.reductor", 1.5), "header.reductor: ", id="float"),
        pytest.param(change("page.totalRecords", "3"), "page.totalRecords: ", id="text"),
        pytest.param(change("page.totalPages", 51), "page.totalPages: ", id="many-pages"),
        pytest.param(change("results", {}), "results: ", id="object-for-list"),
        pytest.param(change("results", 0), "results: ", id="nought-for-list"),
        pytest.param(change("results.1.part", 39.5), "results.1.part: ", id="float-weight"),
        pytest.param(change("results.0.cod", None), "results.0.cod: ", id="null-ticker"),
        pytest.param(change("results.2.theoricalQty", 7), "results.2.theoricalQty: ", id="count"),
    ],
)
def test_json_of_another_form_is_bad_and_the_place_is_named(payload: object, where: str) -> None:
    with pytest.raises(BadDataError, match="is not in the known form") as error:
        read_period_page(to_bytes(payload), SUBJECT)
    assert SUBJECT in str(error.value)
    assert where in str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("header.part", "100.000", f"{SUBJECT} header part"),
        ("header.theoricalQty", "8,735", f"{SUBJECT} header theoricalQty"),
        ("header.reductor", "16.036.751,1674", f"{SUBJECT} header reductor"),
        ("results.1.part", "39.500", "IBOV PETR4 part"),
        ("results.2.theoricalQty", "-", "IBOV VALE3 theoricalQty"),
    ],
)
def test_a_value_of_another_form_is_bad_and_its_place_is_named(
    path: str, value: str, where: str
) -> None:
    with pytest.raises(BadDataError, match="asked for pt-br") as error:
        read(change(path, value))
    assert where in str(error.value)
    assert repr(value) in str(error.value)
    assert str(error.value).count(KEPT) == 1


def test_an_answer_in_another_language_is_refused() -> None:
    with pytest.raises(BadDataError, match=r"header part: .*asked for pt-br"):
        read(period_answer(language=ENGLISH))


LEAST, MOST = Decimal("99.999"), Decimal("100.001")  # B3 showed both


@pytest.mark.parametrize("total", [LEAST, Decimal("100.000"), MOST])
def test_weights_may_be_off_by_what_b3_rounds(total: Decimal) -> None:
    heavy = replace(VALE3, sector=None, weight_pct=VALE3.weight_pct + total - 100)
    found = read(period_answer(shown(*WITHOUT_SECTOR[:2], heavy), part="100,000"))
    assert found.weight_sum == total
    header = read(period_answer(shown(total_weight_pct=total)))
    assert header.total_weight_pct == total


@pytest.mark.parametrize("total", [LEAST - Decimal("0.001"), MOST + Decimal("0.001")])
def test_weights_that_are_off_by_more_are_refused(total: Decimal) -> None:
    heavy = replace(VALE3, sector=None, weight_pct=VALE3.weight_pct + total - 100)
    said = f"weights_sum_to_100: expected 99.999 to 100.001; found {total} in 3 constituents"
    with pytest.raises(BadDataError, match=said) as error:
        read(period_answer(shown(*WITHOUT_SECTOR[:2], heavy), part="100,000"))
    assert f"B3's {SUBJECT} on 2025-08-01 failed 1 check. {KEPT}" in str(error.value)
    said = f"header_weight_is_100: expected 99.999 to 100.001; found {total} in the header"
    with pytest.raises(BadDataError, match=said) as error:
        read(period_answer(shown(total_weight_pct=total)))
    assert "failed 1 check" in str(error.value)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (
            change("header.theoricalQty", "8.735.932.631"),
            "quantities_sum_to_header: expected 8,735,932,631; found 8,735,932,630 in 3 constit",
        ),
        (change("page.totalRecords", 4), "constituent_count: expected 4 constituents; found 3"),
        (change("results.0.cod", "PETR4"), "tickers_are_unique: expected no ticker twice.*PETR4"),
        (change("results.0.cod", "../../raw"), r"tickers_have_their_form: .*found '\.\./\.\./raw'"),
        (change("results.1.asset", "PETRO\nBRAS"), r"PETR4 asset_name 'PETRO\\nBRAS'"),
        (change("results.1.type", "PN      N2\n"), r"types_keep_their_columns: .*N2\\n'"),
        (change("header.reductor", "0,00000000"), "divisor_is_positive: expected above zero"),
    ],
)
def test_what_is_wrong_with_it_is_told_with_what_is_kept(
    payload: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadDataError, match=said) as error:
        read(payload)
    assert str(error.value).startswith(f"B3's {SUBJECT} on 2025-08-01 failed 1 check.")
    assert str(error.value).count(KEPT) == 1


def failed(found: Portfolio, record_count: int | None = None) -> list[str]:
    checks = check_period(found, record_count=record_count)
    return [check.name for check in checks if not check.has_passed]


def test_signs_are_checked_as_of_the_days_portfolio() -> None:
    below = replace(PETR4, weight_pct=Decimal("-0.001"))
    rest = replace(VALE3, weight_pct=Decimal("100.001"))
    assert failed(shown(below, rest)) == ["weights_are_not_negative"]
    none = replace(PETR4, theoretical_quantity=0, weight_pct=Decimal("40.000"))
    assert failed(shown(none, VALE3)) == ["quantities_are_positive"]


def test_a_source_that_states_no_count_is_held_to_none() -> None:
    assert failed(shown()) == []
    assert failed(shown(), 3) == []
    assert failed(shown(), 2) == ["constituent_count"]


def test_checks_of_a_period_say_what_was_looked_at() -> None:
    checks = {check.name: check for check in check_period(shown(), record_count=3)}
    assert len(checks) == 11
    weights = checks["weights_sum_to_100"]
    assert (weights.expected, weights.found) == (
        "99.999 to 100.001",
        "100.000 in 3 constituents",
    )
    assert checks["header_weight_is_100"].found == "100.000 in the header"


@pytest.mark.parametrize(
    ("preview", "is_there"),
    [
        ([{"has": 1}], True),
        ([{"has": 0}], False),
        ([{"has": True}], True),
        ([{"has": False}], False),
        ([{"has": 0}, {"has": 1}], True),
        ([{"has": 0}, {"has": 0}], False),
        ([{"has": 1, "date": "01/12/2025", "type": None}], True),
    ],
)
def test_b3_says_whether_a_preview_is_in_force(preview: object, is_there: bool) -> None:
    assert has_preview(to_bytes({"preview": preview, "other": {}}), "IBOV") is is_there


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        ({"preview": [{"has": "1"}]}, "preview.0.has: Input should be 0 or 1, found '1'"),
        ({"preview": [{"has": None}]}, "preview.0.has: "),
        ({"preview": [{"has": 2}]}, "preview.0.has: Input should be 0 or 1, found 2"),
        ({"preview": [{"has": -1}]}, "preview.0.has: "),
        ({"preview": [{"has": 1}, {}]}, "preview.1.has: Field required"),
        ({"preview": []}, "preview: List should have at least 1 item"),
        ({"preview": None}, "preview: "),
        ({"preview": {"has": 1}}, "preview: "),
        ({"has": 1}, "preview: Field required"),
        ([{"has": 1}], "answer: "),
        (None, "answer: "),
    ],
)
def test_whether_there_is_a_preview_is_never_guessed(payload: object, where: str) -> None:
    with pytest.raises(BadDataError, match="for the configuration of IBOV is not in") as error:
        has_preview(to_bytes(payload), "IBOV")
    assert where in str(error.value)


@given(
    payload=st.recursive(
        st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["page", "header", "results", "preview", "has", "cod"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=6,
    )
)
def test_whatever_comes_is_read_or_refused_with_an_error_of_ours(payload: object) -> None:
    body = json.dumps(payload).encode()
    with pytest.raises(B3PipelineError):
        read_period_page(body, SUBJECT)
    with suppress(B3PipelineError):
        assert has_preview(body, "IBOV") in (True, False)


def of(code: str, tickers: Sequence[str], divisor: int = 1) -> Portfolio:
    rows = [replace(VALE3, ticker=ticker) for ticker in tickers]
    return portfolio(*rows, index_code=code, index_divisor=Decimal(divisor))


def test_what_shares_its_tickers_with_the_day_is_no_stray() -> None:
    period = {"IBOV": of("IBOV", "ABCX", 1), "IBXX": of("IBXX", "ABCDE", 2)}
    day = {"IBOV": of("IBOV", "ABCD", 3), "IBXX": of("IBXX", "ABCDE", 4)}
    assert refuse_strays(period, {}, day) == {}
    assert refuse_strays(period, {}, {}) == {}
    assert refuse_strays({}, {}, day) == {}


def test_what_holds_other_tickers_than_the_day_is_refused() -> None:
    period = {"IBOV": of("IBOV", "WXYZ", 1), "IBXX": of("IBXX", "ABCDE", 2)}
    day = {"IBOV": of("IBOV", "ABCD", 3), "IBXX": of("IBXX", "ABCDE", 4)}
    refused = refuse_strays(period, {}, day)
    assert refused.keys() == {"IBOV"}
    assert isinstance(refused["IBOV"], BadDataError)
    assert "the portfolio of IBOV, found that 0 of its 4 tickers" in str(refused["IBOV"])
    assert str(refused["IBOV"]).endswith("Look at it before running again.")
    assert f" {KEPT}" in str(refused["IBOV"])


def test_what_b3_lists_for_another_index_is_refused() -> None:
    period, day = {"IBOV": of("IBOV", "ABC")}, {"IBOV": of("IBOV", "ABCD")}
    members = {"IBOV": frozenset("ABCD"), "IDIV": frozenset("ABC")}
    refused = refuse_strays(period, members, day)
    assert "its tickers are exactly those of IDIV" in str(refused["IBOV"])


def test_the_same_for_two_indices_is_refused_for_both() -> None:
    period = {code: of(code, "ABCD") for code in ("IBOV", "IBXX")} | {"IDIV": of("IDIV", "AB")}
    refused = refuse_strays(period, {}, {})
    assert refused.keys() == {"IBOV", "IBXX"}
    assert "the same came for IBXX" in str(refused["IBOV"])


def test_reads_a_real_answer_and_all_checks_pass(samples: Path) -> None:
    body = (samples / "GetTheoricalPortfolio_IBOV_2022.json").read_bytes()
    real = parse_period([read_period_page(body, SUBJECT)], "IBOV", FRIDAY, SUBJECT)
    assert len(real.constituents) == 92
    assert real.total_weight_pct == Decimal("100.000")
    assert real.weight_sum == MOST
    assert real.total_theoretical_quantity == 96_626_612_142
    assert real.index_divisor == Decimal("18673489.42022432")
    assert real.constituents[0] == Constituent(
        "ABEV3", "AMBEV S/A", "ON", None, Decimal("3.157"), 4_380_195_841
    )
