"""Texts that somebody else wrote: the forms that they may have, and how a message shows them."""

import re

TICKER_FORM = "4 to 12 capital letters and digits"  # COTAHIST leaves 12 characters for one
_LONGEST_PLAIN = 120  # B3's names have up to 12 characters, its sectors up to 49
PLAIN_FORM = f"1 to {_LONGEST_PLAIN} printable characters, not blank, no < or >"
_NO_BREAK = "\xa0"  # a blank like another to who reads it
_TICKER = re.compile(r"[A-Z0-9]{4,12}")
_LONGEST_SHOWN = 60
_USER_OF_ADDRESS = re.compile(r"//[^/?#\s]*@")


def is_ticker(text: str) -> bool:
    """Return whether a text has the form of a ticker, `TICKER_FORM`."""
    return bool(_TICKER.fullmatch(text))


def is_plain(text: str) -> bool:
    """Return whether a text is one line to be read by people, such as a name: `PLAIN_FORM`.

    No control character, line break or half of a surrogate pair is printable.
    """
    return (
        len(text) <= _LONGEST_PLAIN
        and bool(text.strip())
        and text.replace(_NO_BREAK, " ").isprintable()
        and not any(mark in text for mark in "<>")
    )


def show(value: object) -> str:
    """Return a value for a message: in quotes, unprintable characters escaped, shortened."""
    return shorten(repr(value))


def show_ticker(text: str) -> str:
    """Return a ticker for a message: as it is, unless it has not the form of one."""
    return text if is_ticker(text) else show(text)


def shorten(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """Return a text with what is too long for a message left out."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text)} characters)"


def printable(text: str) -> str:
    """Return a text with blanks for what a terminal would obey or not show, line ends included."""
    return "".join(each if each.isprintable() else " " for each in text)


def clean(text: str) -> str:
    """Return a text that somebody else wrote for a message: printable, its blanks single."""
    return " ".join(printable(text).split())


def hide_secrets(text: str) -> str:
    """Return a text without the name and the secret that an address in it may hold."""
    return _USER_OF_ADDRESS.sub("//", text)
