import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.core.texts import (
    PLAIN_FORM,
    TICKER_FORM,
    clean,
    hide_secrets,
    is_plain,
    is_ticker,
    printable,
    shorten,
    show,
    show_ticker,
)
from tasks.core.wording import name_span


@pytest.mark.parametrize("text", ["PETR4", "BPAC11", "A1AP34", "B3SA3", "ABCD", "PETRA123W512"])
def test_a_ticker_is_four_to_twelve_capitals_and_digits(text: str) -> None:
    assert is_ticker(text)
    assert show_ticker(text) == text
    assert TICKER_FORM == "4 to 12 capital letters and digits"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("ABC", id="short"),
        pytest.param("ABCDEFGHIJKL3", id="long"),
        pytest.param("petr4", id="lower-case"),
        pytest.param("PETR 4", id="blank"),
        pytest.param("PETR4\n", id="line-end"),
        pytest.param("PETR4\r\nVALE3", id="two-lines"),
        pytest.param("../../raw", id="path"),
        pytest.param("'; DROP TABLE x", id="statement"),
        pytest.param("<b>PETR4", id="tag"),
        pytest.param("PETR4\u202e", id="order-of-writing"),
        pytest.param("ＰＥＴＲ4", id="wide-letters"),
        pytest.param("PETR٤", id="digit-of-another-script"),
        pytest.param("PETR\ud800", id="half-of-a-pair"),
    ],
)
def test_anything_else_is_no_ticker_and_is_shown_in_quotes(text: str) -> None:
    assert not is_ticker(text)
    assert show_ticker(text) == repr(text)


@pytest.mark.parametrize(
    "text",
    [
        "VALE",
        "RUMO S.A.",
        "AMBEV S/A",
        "P&G D'OR-3",
        "Cons N  Básico / Alimentos Processados",
        "Máqs, Equips",
        "A",
        "A" * 120,
        "RUMO\xa0S.A.",
    ],
)
def test_a_name_is_plain(text: str) -> None:
    assert is_plain(text)
    assert "1 to 120" in PLAIN_FORM


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "A" * 121,
        "A\nB",
        "A\u2028B",
        "A\tB",
        "A\x00B",
        "A\x1b[31mB",
        "A\u202eB",
        "A\ud800B",
        "A<B",
        "A>B",
    ],
)
def test_what_is_no_line_for_people_is_not(text: str) -> None:
    assert not is_plain(text)


@given(text=st.text(st.characters(), max_size=200))
@example(text="\ud800")
@example(text="\x1b]0;" + "\n" * 60)
@example(text="x" * 1_000_000)
def test_whatever_is_shown_is_short_and_can_be_printed(text: str) -> None:
    for shown in (show(text), show([text]), show_ticker(text)):
        assert shown.isprintable()
        assert len(shown) <= 100
        shown.encode()


def test_what_is_left_out_is_told() -> None:
    assert show("x" * 58) == repr("x" * 58)
    assert show("x" * 59) == f"'{'x' * 59}… (61 characters)"
    assert shorten("12345") == "12345"
    assert show(None) == "None"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["2025-08"], "2025-08"),
        (["2025-08", "2025-06", "2025-07", "2025-06"], "2025-06 to 2025-08"),
    ],
)
def test_what_has_an_order_is_named_by_its_first_and_its_last(values: list[str], said: str) -> None:
    assert name_span(values) == said


@given(st.text())
@example("\x1b[2J\u202eevil\r\n\t\x85\u2028 end ")
def test_what_is_shown_of_a_foreign_text_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)
    assert clean(text).isprintable()
    assert clean(text) == " ".join(printable(text).split())


def test_a_plain_text_is_shown_as_it_is() -> None:
    assert printable("  Açúcar  [2J ") == "  Açúcar  [2J "
    assert clean("  Açúcar\n [2J ") == "Açúcar [2J"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("GET https://user:secret@b3.com.br/x failed", "GET https://b3.com.br/x failed"),
        ("http://secret@b3 and ftp://a:b@c", "http://b3 and ftp://c"),
        ("https://u:p@ss@b3/x", "https://b3/x"),
        ("https://b3.com.br/a@b and who@where", "https://b3.com.br/a@b and who@where"),
        ("https://b3.com.br?q=a@b", "https://b3.com.br?q=a@b"),
    ],
)
def test_an_address_is_told_without_who_asks(text: str, left: str) -> None:
    assert hide_secrets(text) == left
