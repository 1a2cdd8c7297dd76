import pytest

from tasks.core.answers import bytes_kept, describe_page, looks_like_html
from tasks.core.errors import BadDataError, RetryableError


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
    assert not looks_like_html(body)


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
        (b"<html>Blocked</html>", "Blocked"),
        ("<body>Sistema em manutenção</body>".encode(), "Sistema em manutenção"),
        (b"<html></html>", ""),
    ],
)
def test_what_the_page_says_is_told_once(page: bytes, said: str) -> None:
    assert describe_page(page) == said


def test_a_long_page_is_shortened() -> None:
    said = describe_page(b"<body>" + b"word " * 200 + b"</body>")
    assert said.endswith("word …")
    assert len(said) <= 302


def test_what_refuses_an_answer_says_that_its_bytes_are_kept() -> None:
    with pytest.raises(BadDataError, match="no number Landing keeps"), bytes_kept():
        raise BadDataError("no number")
    with pytest.raises(RetryableError) as raised, bytes_kept():
        raise RetryableError("later")
    assert str(raised.value) == "later"
