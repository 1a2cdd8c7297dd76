import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.core.errors import B3PipelineError, BadDataError, InvalidInputError, RetryableError
from tasks.core.indices import (
    PATH,
    check_index_code,
    find_owner,
    has_turned_over,
    list_path,
    nearest_codes,
    read_index_code,
    read_index_codes,
    read_list,
)


def row(code: str, indexes: str) -> dict[str, Any]:
    return {"company": "A NAME", "spotlight": "ON      NM", "code": code, "indexes": indexes}


ROWS = [row("VALE3", "IBOV,IBXX"), row("PETR4", "IBOV,IBXX,IDIV"), row("YDUQ3", "SMLL")]
MEMBERS = {
    "IBOV": frozenset({"VALE3", "PETR4"}),
    "IBXX": frozenset({"VALE3", "PETR4"}),
    "IDIV": frozenset({"PETR4"}),
    "SMLL": frozenset({"YDUQ3"}),
}


def answer(rows: Any = ROWS, total: Any = ..., **more: Any) -> dict[str, Any]:
    """B3's list; `total` is the count of its rows, unless said otherwise."""
    page = {"pageNumber": 1, "totalRecords": len(rows) if total is ... else total}
    return {"page": page, "header": {"update": "2025-04-07"}, "results": rows} | more


def read(payload: object) -> Any:
    return read_list(json.dumps(payload, ensure_ascii=False).encode())


@pytest.mark.parametrize("code", ["IBOV", "IBXX", "SMLL", "IBXL50", "IFIX", "1234"])
def test_an_index_code_is_four_to_six_capitals_and_digits(code: str) -> None:
    assert check_index_code(code) == read_index_code(code) == code


@pytest.mark.parametrize(
    "code",
    ["", "IBO", "IBOVESP", "IB-V", "IBOV ", "IBOV\n", "../AB", "IBOÇ", "IB/OV", "١٢٣٤", "ıbov"],
)
@pytest.mark.parametrize("reader", [check_index_code, read_index_code])
def test_any_other_index_code_is_refused_and_named(reader: Callable[[str], str], code: str) -> None:
    with pytest.raises(InvalidInputError, match="4 to 6 letters and digits") as error:
        reader(code)
    assert repr(code) in str(error.value)


def test_an_index_code_of_any_length_is_refused_in_few_words() -> None:
    with pytest.raises(InvalidInputError, match=r"1000002 characters") as error:
        check_index_code("I" * 1_000_000)
    assert len(str(error.value)) < 300


def test_what_a_person_writes_may_be_in_lower_case_and_what_is_kept_may_not() -> None:
    assert read_index_code("ibXl50") == "IBXL50"
    with pytest.raises(InvalidInputError, match="'ibXl50'"):
        check_index_code("ibXl50")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["IBOV"], ("IBOV",)),
        (["smll", "IBOV", "SMLL", "ibov"], ("SMLL", "IBOV")),
        (["all"], ("all",)),
        (["ALL", "All"], ("all",)),
    ],
)
def test_indices_are_taken_once_each_in_their_order(
    texts: list[str], expected: tuple[str, ...]
) -> None:
    assert read_index_codes(texts) == expected


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "at least one index code, or 'all'; found none"),
        (["IBOV", "all"], "index codes or 'all', found both: IBOV, all"),
        (["ALL", "smll", "IBOV"], "index codes or 'all', found both: all, SMLL, IBOV"),
        (["IBOV", "IB-V"], "found 'IB-V'"),
        (["alle"], None),
    ],
)
def test_indices_that_cannot_be_are_refused(texts: list[str], said: str | None) -> None:
    if said is None:
        assert read_index_codes(texts) == ("ALLE",)
        return
    with pytest.raises(InvalidInputError, match=said):
        read_index_codes(texts)


def test_the_list_is_asked_for_in_the_language_of_the_portfolios() -> None:
    path = list_path()
    assert path.startswith("/indexProxy/indexCall/GetStockIndex/")
    argument = base64.b64decode(path.removeprefix(PATH), validate=True)
    assert json.loads(argument) == {"language": "pt-br"}


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(answer(), id="plain"),
        pytest.param(json.dumps(answer()), id="json-in-a-json-string"),
        pytest.param(answer(total=None), id="without-a-count"),
        pytest.param({"results": ROWS}, id="without-a-page"),
        pytest.param(
            answer([row("VALE3", "")], total=None) | {"results": [*ROWS, row("XPTO3", "")]}
        ),
    ],
)
def test_the_list_gives_each_index_its_tickers(payload: object) -> None:
    assert read(payload) == MEMBERS


def test_indices_come_in_order_and_blanks_and_empty_places_do_not_count() -> None:
    members = read(answer([row(" VALE3 ", " SMLL , IBOV,,"), row("PETR4", ",IBOV,IBOV ")]))
    assert list(members.items()) == [
        ("IBOV", frozenset({"VALE3", "PETR4"})),
        ("SMLL", frozenset({"VALE3"})),
    ]


@pytest.mark.parametrize("results", [[], None])
@pytest.mark.parametrize("total", [None, 0, 3])
def test_an_empty_list_may_pass(results: Any, total: int | None) -> None:
    with pytest.raises(RetryableError, match="found an empty list"):
        read({"page": {"totalRecords": total}, "results": results})


@pytest.mark.parametrize("body", [b"", b" \n", b"Object reference not set", b'{"results": ['])
def test_a_body_that_is_no_json_may_pass(body: bytes) -> None:
    with pytest.raises(RetryableError, match="the list of indices"):
        read_list(body)


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        pytest.param([], "answer", id="a-list"),
        pytest.param(7, "answer", id="a-number"),
        pytest.param({}, "results: Field required", id="an-empty-object"),
        pytest.param(answer(page=None), "page", id="null-page"),
        pytest.param(answer(total="3"), "page.totalRecords", id="text-for-number"),
        pytest.param(answer({"a": 1}, 1), "results", id="object-for-list"),
        pytest.param(answer([row("VALE3", "IBOV"), 7]), "results.1", id="number-for-row"),
        pytest.param(answer([{"code": "VALE3"}]), "results.0.indexes", id="no-indices"),
        pytest.param(answer([{"indexes": "IBOV"}]), "results.0.code", id="no-ticker"),
        pytest.param(
            answer([row("VALE3", "IBOV") | {"indexes": ["IBOV"]}]), "results.0.indexes", id="list"
        ),
        pytest.param(
            answer([row("VALE3", "IBOV") | {"code": None}]), "results.0.code", id="null-ticker"
        ),
    ],
)
def test_json_of_another_form_is_bad_and_the_place_is_named(payload: object, where: str) -> None:
    with pytest.raises(BadDataError, match="is not in the known form") as error:
        read(payload)
    assert where in str(error.value)


@pytest.mark.parametrize("total", [0, 2, 4, 360])
def test_a_part_of_the_list_is_no_list(total: int) -> None:
    with pytest.raises(BadDataError, match=f"all {total} rows .* in one answer, found 3"):
        read(answer(total=total))


@pytest.mark.parametrize(
    "text",
    ["ibov", "IBO", "IBOV\n", "IBOVESP", "IB-V", "IBOV;SMLL", "../AB", "IBOÇ", "I BOV", "all"],
)
def test_what_is_no_index_code_is_refused_at_its_ticker(text: str) -> None:
    with pytest.raises(BadDataError, match=r"at PETR4, results\.1\.indexes, found ") as error:
        read(answer([row("VALE3", "IBOV"), row("PETR4", f"IBOV,{text}")]))
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    "code", ["../../raw", "'; DROP TABLE x", "<b>VALE3</b>", "VALE3\n", "VA\nLE", "vale3", "", "A3"]
)
def test_what_is_no_ticker_is_refused_at_its_row(code: str) -> None:
    said = (
        "Expected a ticker of 4 to 12 capital letters and digits .* at results\\.1\\.code, found "
    )
    with pytest.raises(BadDataError, match=said) as error:
        read(answer([row("VALE3", "IBOV"), row(code, "IBOV")]))
    assert repr(code) in str(error.value)


@pytest.mark.parametrize("rows", [row("V" * 1_000_000, "IBOV"), row("VALE3", "I" * 1_000_000)])
def test_what_is_refused_is_told_in_few_words(rows: dict[str, Any]) -> None:
    with pytest.raises(BadDataError, match=r"1000002 characters") as error:
        read(answer([rows]))
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("results", [0, False, "", {}])
def test_what_is_no_list_is_no_empty_list(results: Any) -> None:
    with pytest.raises(BadDataError, match="results: Input should be a valid list"):
        read({"results": results})


@pytest.mark.parametrize("indexes", ["", " ", ",,"])
def test_a_list_without_any_index_is_bad(indexes: str) -> None:
    with pytest.raises(BadDataError, match="found none in any row"):
        read(answer([row("VALE3", indexes), row("PETR4", indexes)]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["page", "results", "code"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(body=st.binary(max_size=50) | json_values.map(lambda value: json.dumps(value).encode()))
@example(body=b'"\\"twice\\""')
@example(body=b"[" * 200_000)
@example(body=b'{"page": {"totalRecords": ' + b"9" * 5000 + b'}, "results": [{}]}')
def test_whatever_comes_is_refused_with_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(B3PipelineError):
        read_list(body)


@pytest.mark.parametrize(
    ("code", "first"), [("IBOW", "IBOV"), ("SMALL", "SMLL"), ("IBXX50", "IBXX"), ("IDIV1", "IDIV")]
)
def test_the_nearest_codes_of_a_code_that_is_not_known_are_three(code: str, first: str) -> None:
    found = nearest_codes(code, MEMBERS)
    assert found[0] == first
    assert len(found) == len(set(found)) == 3


def test_a_code_that_is_like_no_other_has_nearest_codes_too_where_there_are_any() -> None:
    assert sorted(nearest_codes("9999", ["IBOV", "SMLL"])) == ["IBOV", "SMLL"]
    assert nearest_codes("IBOV", []) == []


TICKERS = [f"T{number:03}" for number in range(10)]
TEN = frozenset(TICKERS)
LISTED = {"IBOV": TEN, "IBXX": TEN | {"X1", "X2"}, "IDIV": frozenset(TICKERS[:3])}


@pytest.mark.parametrize(
    ("index_code", "tickers"),
    [
        pytest.param("IBOV", TEN, id="as-listed"),
        pytest.param("IBOV", TEN | {"NEW3"}, id="one-has-entered"),
        pytest.param("IBOV", TEN - {"T000", "T001"}, id="two-have-left"),
        pytest.param("IBOV", TEN - set(TICKERS[:5]), id="half-is-enough"),
        pytest.param("BDRX", TEN, id="not-in-the-list"),
        pytest.param("BDRX", frozenset({"Z"}), id="not-in-the-list-and-nobodys"),
    ],
)
def test_what_may_be_the_index_is_taken_for_it(index_code: str, tickers: frozenset[str]) -> None:
    assert find_owner(index_code, tickers, LISTED) == ""
    assert find_owner(index_code, tickers, {}) == ""


def test_exactly_the_tickers_of_another_index_are_that_ones_however_near_they_are() -> None:
    assert find_owner("IBOV", LISTED["IBXX"], LISTED) == (
        "its tickers are exactly those of IBXX, and 10 of its 12 tickers are listed for IBOV"
    )
    assert find_owner("IBXX", TEN, LISTED).startswith("its tickers are exactly those of IBOV, and")


def test_two_indices_that_are_listed_alike_are_each_its_own() -> None:
    assert find_owner("IBOV", MEMBERS["IBOV"], MEMBERS) == ""
    assert find_owner("IBXX", MEMBERS["IBXX"], MEMBERS) == ""


@pytest.mark.parametrize(
    ("tickers", "said"),
    [
        (TEN - set(TICKERS[:6]), "4 of its 4 tickers are listed for IBOV"),
        (frozenset({"A", "B", "T000"}), "1 of its 3 tickers are listed for IBOV"),
        (frozenset(), "0 of its 0 tickers are listed for IBOV"),
    ],
)
def test_less_than_half_of_what_is_listed_is_another_index(
    tickers: frozenset[str], said: str
) -> None:
    assert find_owner("IBOV", tickers, LISTED) == said


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (TEN, TEN, False),
        (TEN, TEN - set(TICKERS[:5]), False),
        (TEN, TEN - set(TICKERS[:6]), True),
        (TEN, TEN - {"T000"} | {f"X{number}" for number in range(9)}, True),
        ({"A", "B", "C"}, {"A", "B", "D"}, False),
        ({"A", "B"}, {"A", "C"}, True),
        ({"A"}, {"B"}, True),
    ],
)
def test_an_index_of_which_more_than_half_is_new_is_another(
    before: set[str], now: set[str], expected: bool
) -> None:
    assert has_turned_over(now, before) is expected
    assert has_turned_over(before, now) is expected
