import json
from collections.abc import Callable
from typing import Any

import bs4
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from tasks.core.answers import (
    Strict,
    bytes_kept,
    describe_page,
    load_answer,
    looks_like_html,
    validate_answer,
)
from tasks.core.errors import B3PipelineError, BadDataError, RetryableError

Wrap = Callable[[str], bytes]
AS_IT_COMES = [
    pytest.param(lambda text: text.encode(), id="json"),
    pytest.param(lambda text: json.dumps(text).encode(), id="json-in-a-json-string"),
]


@pytest.mark.parametrize("wrap", AS_IT_COMES)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "byte-order-mark"])
def test_sound_json_is_loaded_as_it_is(wrap: Wrap, mark: str) -> None:
    text = '{"a": [1, -2.5, "ação", null, true, {"a": 999999999999999999}], "b": "\\ud83d\\ude00"}'
    assert load_answer(wrap(mark + text), "IBOV") == {
        "a": [1, -2.5, "ação", None, True, {"a": 999_999_999_999_999_999}],
        "b": "😀",
    }


@pytest.mark.parametrize("wrap", AS_IT_COMES)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param('{"a": [{"b": NaN}]}', "a.0.b: the number NaN", id="nan"),
        pytest.param('{"a": -Infinity}', "a: the number -Infinity", id="infinity"),
        pytest.param('{"a": 1e999}', "a: the number Infinity", id="infinite-by-its-exponent"),
        pytest.param('[{"a": 1, "b": 2, "a": 1}]', "0.a: a key that stands twice", id="key-twice"),
        pytest.param('{"a": {}, "a": {"c": 1}}', "a: a key that stands twice", id="objects-twice"),
        pytest.param('{"a": {"b": "x\\udc00"}}', r"a.b: half of a .* in 'x\\udc00'", id="half"),
        pytest.param(
            '{"a": [{"x\\ud800": 1}]}', r"a.0: half of a surrogate pair in 'x\\ud800'", id="key"
        ),
        pytest.param('{"a": 1000000000000000000}', "a: the number 1000000000000000000", id="long"),
        pytest.param(
            f'{{"a": -{"7" * 5000}}}', rf"a: the number -{'7' * 59}… \(5001 characters\)", id="huge"
        ),
        pytest.param(
            f'{{"a": {"[" * 100}{"]" * 100}}}', r"found a(\.0){20}: more than 20 levels", id="deep"
        ),
        pytest.param("[" * 1000 + "]" * 1000, "found more than 20 levels", id="a-thousand-deep"),
        pytest.param('{"a":' * 5000 + "1" + "}" * 5000, "found more than 20", id="objects-deep"),
        pytest.param("[" * 200_000, "found more than 20 levels", id="deep-without-end"),
        pytest.param("NaN", "answer: the number NaN", id="nothing-else"),
        pytest.param('{"\\u001b[2J": NaN}', r"found '\\x1b\[2J': the number", id="unprintable-key"),
        pytest.param(
            f'{{"{"k" * 1_000_000}": NaN}}', rf"{'k' * 60}… \(1000000 characters\)", id="long-key"
        ),
    ],
)
def test_json_that_cannot_be_kept_is_bad_and_its_place_is_named(
    wrap: Wrap, text: str, found: str
) -> None:
    with pytest.raises(BadDataError, match=found) as error:
        load_answer(wrap(text), "IBOV")
    said = str(error.value)
    assert said.startswith("Expected JSON that can be kept from B3 for IBOV, found ")
    assert said.isprintable()
    assert len(said) < 300


def test_twenty_levels_are_read() -> None:
    assert load_answer(b"[" * 20 + b"1" + b"]" * 20, "IBOV")
    with pytest.raises(BadDataError, match="more than 20 levels"):
        load_answer(b"[" * 21 + b"1" + b"]" * 21, "IBOV")


def test_five_places_are_named_at_most() -> None:
    body = json.dumps([float("nan")] * 6).encode()
    with pytest.raises(BadDataError) as error:
        load_answer(body, "IBOV")
    assert str(error.value).count("NaN") == 5


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \r\n", id="blank"),
        pytest.param(b"\xef\xbb\xbf", id="byte-order-mark-alone"),
        pytest.param(b"Object reference not set", id="text"),
        pytest.param(b'{"a": ', id="cut-short"),
        pytest.param(b'"{\\"a\\": "', id="cut-short-in-a-string"),
        pytest.param(b'{"a": "\xe7"}', id="latin-1"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="half-of-a-pair-in-bytes"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"a": "\n"}', id="line-break-that-is-not-escaped"),
        pytest.param(b'"\\ud800"', id="half-of-a-pair-for-json"),
    ],
)
def test_what_is_no_json_may_pass(body: bytes) -> None:
    with pytest.raises(RetryableError, match="for IBOV") as error:
        load_answer(body, "IBOV")
    assert str(error.value).isprintable()


texts = st.text(st.characters(), max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
bodies = st.binary(max_size=50) | json_values.map(lambda value: json.dumps(value).encode())


@given(body=bodies | bodies.map(lambda body: json.dumps(body.decode("latin-1")).encode()))
@example(body=b'{"a": 1, "a": ' + b"9" * 5000 + b"}")
def test_whatever_comes_is_kept_or_refused_with_an_error_of_ours(body: bytes) -> None:
    said = ""
    try:
        json.dumps(load_answer(body, "IBOV"), ensure_ascii=False, allow_nan=False).encode()
    except B3PipelineError as error:
        said = str(error)
    assert not said or said.isprintable()
    assert len(said) < 1000


class _Row(BaseModel):
    code: str
    count: int


class _Form(BaseModel):
    rows: list[_Row]


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (
            {"rows": [{"code": "A", "count": 1}, {"code": 7, "count": 1}]},
            r"rows\.1\.code: .*found 7",
        ),
        ({"rows": [{"code": "A", "count": "x\n"}]}, r"rows\.0\.count: .*, found 'x\\n'"),
        ({"rows": [{"code": "A" * 99, "count": "A" * 99}]}, r"count: .*A… \(101 characters\)"),
        ({"rows": [{"code": "A"}]}, r"rows\.0\.count: Field required\. If B3"),
        ({"rows": {}}, r"rows: Input should be a valid list\. If B3"),
        ([], r"answer: Input should be .* _Form\. If B3"),
    ],
)
def test_each_field_of_another_form_is_named_with_what_was_found(payload: Any, found: str) -> None:
    with pytest.raises(BadDataError, match=found) as error:
        validate_answer(_Form, payload, "IBOV")
    assert str(error.value).startswith("B3's answer for IBOV is not in the known form: ")
    assert str(error.value).isprintable()


class _Known(Strict):
    count: int


@pytest.mark.parametrize("other", ["1", 1.0, True, None])
def test_nothing_else_is_taken_for_a_number(other: Any) -> None:
    assert validate_answer(_Known, {"count": 1, "unknown": 2}, "IBOV").count == 1
    with pytest.raises(BadDataError, match="count: Input should be a valid integer, found"):
        validate_answer(_Known, {"count": other}, "IBOV")


def test_five_fields_of_another_form_are_named_at_most() -> None:
    with pytest.raises(BadDataError) as error:
        validate_answer(_Form, {"rows": [{}] * 9}, "IBOV")
    assert str(error.value).count("Field required") == 5


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html></html>",
        b"\r\n  <html lang='pt-br'>",
        b"<HEAD><title>x</title></HEAD>",
        b"<body>x</body>",
        b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml">',
    ],
)
def test_a_web_page_is_known_by_its_start(body: bytes) -> None:
    assert looks_like_html(body)


@pytest.mark.parametrize(
    "body",
    [b"", b'{"page": {}}', b"plain text", b"\xff\xfe", b'"' + b" " * 300 + b'<html>"', b"<a>b</a>"],
)
def test_anything_else_is_no_web_page(body: bytes) -> None:
    assert looks_like_html(body) is False


@pytest.mark.parametrize(("blanks", "is_page"), [(194, True), (195, False)])
def test_a_web_page_begins_in_the_first_two_hundred_bytes(blanks: int, is_page: bool) -> None:
    assert looks_like_html(b"x" + b" " * blanks + b"<html>") is is_page


def test_title_and_text_are_told_without_scripts_and_styles() -> None:
    page = (
        b"<html><head><title>Just a moment...</title><style>b {color: red}</style></head>"
        b"<body><script>run()</script><noscript>Enable it</noscript>"
        b"<h1>Checking</h1> <p>your browser</p></body></html>"
    )
    assert describe_page(page) == "Just a moment...: Checking your browser"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (b"<html><head><title>Blocked</title></head><body></body></html>", "Blocked"),
        (b"<html><body>Blocked</body></html>", "Blocked"),
        (b"<title>Blocked</title><body>Blocked</body>", "Blocked"),
        (b"<title>Blocked</title><body> Blocked\n</body>", "Blocked"),
        (b"<title>\n Blocked </title><body>Wait</body>", "Blocked: Wait"),
        (b"<html>Blocked</html>", "Blocked"),
        ("<body>Sistema em manutenção</body>".encode(), "Sistema em manutenção"),
        (b"<html></html>", ""),
        ("<html>Manutenção</html>".encode("latin-1"), "Manutenção"),
        (b"<html>" + "ç".encode() * 10_000, "ç" * 300 + " …"),
        (b"<body>one\n\n line\x1b[31m</body>", "one line [31m"),
    ],
)
def test_what_the_page_says_is_told_once(page: bytes, said: str) -> None:
    assert describe_page(page) == said


def test_a_long_page_is_shortened() -> None:
    said = describe_page(b"<body>" + b"word " * 200 + b"</body>")
    assert said.endswith("word …")
    assert len(said) <= 302


@pytest.mark.parametrize(
    "repeated",
    [b"<div>", b"<p a='", b"<!--", b"<![x", b"<a b='<", b"&#", b"<b>x", b"<table><tr><td>"],
)
def test_a_page_without_end_is_cut_before_it_is_parsed(
    repeated: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    parse = bs4.BeautifulSoup

    def count(page: str, parser: str) -> bs4.BeautifulSoup:
        sizes.append(len(page))
        return parse(page, parser)

    monkeypatch.setattr(bs4, "BeautifulSoup", count)
    page = b"<html><head><title>Erro</title></head><body>Tente " + repeated * 900_000
    said = describe_page(page[:4_900_000])
    assert sizes == [16 * 1024]
    assert "Erro" in said
    assert said.isprintable()
    assert len(said) <= 302


def test_a_page_that_no_parser_takes_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(bs4, "BeautifulSoup", refuse)
    assert describe_page(b"<html>Blocked\x1b") == "<html>Blocked"


def test_what_refuses_an_answer_says_that_its_bytes_are_kept() -> None:
    with pytest.raises(BadDataError, match="no number Landing keeps"), bytes_kept():
        raise BadDataError("no number")
    with pytest.raises(RetryableError) as raised, bytes_kept():
        raise RetryableError("later")
    assert str(raised.value) == "later"
