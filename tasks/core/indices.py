"""B3's indices: their codes, which there are, and whose content an answer is.

Anatomy of the request for the list::

    https://sistemaswebb3-listados.b3.com.br/indexProxy/indexCall/GetStockIndex/<base64>
    <base64> = {"language":"pt-br"}

One row of an answer::

    {"company":"YDUQS PART","spotlight":"ON      NM","code":"YDUQ3","indexes":"IBOV,IBRA,SMLL"}

| field | form | meaning |
|---|---|---|
| page.totalRecords | number or null | rows in all; they come in one answer |
| header.update | `2025-04-07` | the day that the composition is of |
| code | text | ticker |
| indexes | codes, with commas | the indices that hold it |

There are no names of indices in it, and no weights.
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from typing import Any

from tasks.core.answers import Strict, encode_request, load_answer, validate_answer
from tasks.core.errors import BadDataError, InvalidInputError, RetryableError
from tasks.core.numbers import LANGUAGE
from tasks.core.texts import TICKER_FORM, is_ticker, show

ALL = "all"
PATH = "/indexProxy/indexCall/GetStockIndex/"
LIST_NAME = "indices"  # what landing calls the list; no code is written so
_INDEX_CODE = re.compile(r"[A-Z0-9]{4,6}")
_LEAST_SHARED = 0.5  # of the tickers: no index changes by half from one session to the next
_MOST_NAMED = 3

Members = Mapping[str, frozenset[str]]
"""`{index code: its tickers}`, as B3 lists them."""


def check_index_code(index_code: str) -> str:
    """Return `index_code` if it has the form of one; no path or request is built from any other.

    Raises:
        InvalidInputError: It is not four to six upper-case letters and digits.
    """
    if not _INDEX_CODE.fullmatch(index_code):
        raise InvalidInputError(
            f"An index code is 4 to 6 letters and digits, such as IBOV; found {show(index_code)}. "
            f"B3 lists its indices under 'Índices' on its site."
        )
    return index_code


def read_index_code(text: str) -> str:
    """Return an index code that a person wrote, in upper case.

    Raises:
        InvalidInputError: As `check_index_code`.
    """
    return check_index_code(text.upper() if text.isascii() else text)


def read_index_codes(texts: Iterable[str]) -> tuple[str, ...]:
    """Return index codes that a person wrote, each once and in upper case, or `all` alone.

    Raises:
        InvalidInputError: One is no code, there is none, or `all` stands beside others.
    """
    codes = tuple(
        dict.fromkeys(ALL if text.lower() == ALL else read_index_code(text) for text in texts)
    )
    if not codes:
        raise InvalidInputError("Expected at least one index code, or 'all'; found none.")
    if ALL in codes and len(codes) > 1:
        raise InvalidInputError(f"Expected index codes or {ALL!r}, found both: {', '.join(codes)}.")
    return codes


class _PageInfo(Strict):
    totalRecords: int | None = None  # noqa: N815 - B3's name


class _Row(Strict):
    code: str
    indexes: str


class _List(Strict):
    page: _PageInfo = _PageInfo()
    results: list[_Row]


def list_path() -> str:
    """Return the path of the list."""
    return encode_request(PATH, {"language": LANGUAGE})


def read_list(body: bytes) -> Members:
    """Read B3's list of tickers and their indices.

    Args:
        body: The answer, byte for byte: JSON, or a JSON string that holds it.

    Raises:
        RetryableError: The body is empty or no JSON, or the list is empty, as in B3's bad moments.
        BadDataError: JSON of another form than the known one, a part of the list alone, or
            something in the place of a ticker or an index code.
    """
    payload: Any = load_answer(body, "the list of indices")
    if isinstance(payload, dict) and "results" in payload and payload["results"] in (None, []):
        raise RetryableError("Expected B3 to list its indices, found an empty list. Try later.")
    answer = validate_answer(_List, payload, "the list of indices")
    expected = answer.page.totalRecords
    if expected is not None and expected != len(answer.results):
        raise BadDataError(
            f"Expected all {expected} rows of B3's list of indices in one answer, found "
            f"{len(answer.results)}: what is left out would be missed in silence."
        )
    members: dict[str, set[str]] = defaultdict(set)
    for number, row in enumerate(answer.results):
        ticker = row.code.strip(" ")
        if not is_ticker(ticker):
            raise BadDataError(
                f"Expected a ticker of {TICKER_FORM} in B3's list at results.{number}.code, found "
                f"{show(ticker)}."
            )
        for text in filter(None, (part.strip(" ") for part in row.indexes.split(","))):
            if not _INDEX_CODE.fullmatch(text):
                raise BadDataError(
                    f"Expected index codes of 4 to 6 letters and digits in B3's list at "
                    f"{ticker}, results.{number}.indexes, found {show(text)}."
                )
            members[text].add(ticker)
    if not members:
        raise BadDataError("Expected index codes in B3's list of indices, found none in any row.")
    return {code: frozenset(tickers) for code, tickers in sorted(members.items())}


def nearest_codes(index_code: str, known: Iterable[str]) -> list[str]:
    """Return the codes that are written most like one that is not known, the nearest first."""
    return difflib.get_close_matches(index_code, sorted(known), _MOST_NAMED, cutoff=0.0)


def find_owner(index_code: str, tickers: Set[str], members: Members) -> str:
    """Return why tickers that B3 showed for an index are taken for another's; empty if not.

    An answer does not say which index it is of. A few tickers may differ from the list, which B3
    brings up to date at another time.

    Args:
        index_code: The index that was asked for.
        tickers: The tickers that came.
        members: B3's list; nothing is said of an index that is not in it.
    """
    own = members.get(index_code)
    if own is None or tickers == own:
        return ""
    best = max(members, key=lambda code: (_share(tickers, members[code]), code))
    shared = f"{len(tickers & own)} of its {len(tickers)} tickers are listed for {index_code}"
    if tickers == members[best]:
        return f"its tickers are exactly those of {best}, and {shared}"
    return shared if _share(tickers, own) < _LEAST_SHARED else ""


def has_turned_over(tickers: Set[str], before: Set[str]) -> bool:
    """Return whether so many tickers are others than before that it is another index."""
    return _share(tickers, before) < _LEAST_SHARED


def _share(some: Set[str], others: Set[str]) -> float:
    return len(some & others) / max(1, len(some | others))
