"""What may become of bytes on their way, or at the hands of whoever writes them."""

import random
from collections.abc import Callable, Sequence

_TOKENS = (
    *(
        b"",
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\r\n",
        b"\x1b[2J",
        b"\xc2\x85",
    ),
    *(b'"', b"'", b",", b";", b"\\", b"{", b"}", b"[", b"]", b"<", b"<![x", b"<!--", b"&#", b"="),
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"\\ud800", b'"a":', b"{}", b"[]"),
    *(b"0", b"-1", b"9" * 19, b"9" * 5000, b"1.5", b"1,5", b"-0,00", b"1.000.000,000", b"00/00/00"),
    *(b"31/02/25", b"99/99/99", b"9999-12-31T23:59:59-23:59", b"0001-01-01T00:00:00+14:00"),
    *("٣".encode(), "²".encode(), "\u202e".encode(), "\xa0".encode(), b"[" * 5000, b"<div>" * 5000),
    *(b"PK\x03\x04", b"PK\x01\x02", b"PAR1", b"\x1f\x8b\x08", b"HTTP/1.1 ", b"Content-Length: "),
)
Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def _place(chance: random.Random, body: bytes) -> tuple[int, int]:
    start = chance.randint(0, len(body))
    return start, min(len(body), start + chance.choice((1, 1, 2, 4, 16, 200)))


def _flip(chance: random.Random, body: bytes, _others: Sequence[bytes]) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _delete(chance: random.Random, body: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _place(chance, body)
    return body[:start] + body[end:]


def _repeat(chance: random.Random, body: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _place(chance, body)
    return body[:start] + body[start:end] * chance.choice((2, 3, 50)) + body[end:]


def _cut(chance: random.Random, body: bytes, _others: Sequence[bytes]) -> bytes:
    return body[: chance.randint(0, len(body))]


def _insert(chance: random.Random, body: bytes, _others: Sequence[bytes]) -> bytes:
    start, _ = _place(chance, body)
    return body[:start] + chance.choice(_TOKENS) + body[start:]


def _replace(chance: random.Random, body: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _place(chance, body)
    return body[:start] + chance.choice(_TOKENS) + body[end:]


def _splice(chance: random.Random, body: bytes, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others)
    return body[: chance.randint(0, len(body))] + other[chance.randint(0, len(other)) :]


def _replace_word(chance: random.Random, body: bytes, _others: Sequence[bytes]) -> bytes:
    """Put a token in the place of what stands between two marks, such as a value of JSON."""
    marks = [at for at, byte in enumerate(body) if byte in b'",:;[]{}<>\r\n']
    if len(marks) < 2:
        return body
    at = chance.randrange(len(marks) - 1)
    return body[: marks[at] + 1] + chance.choice(_TOKENS) + body[marks[at + 1] :]


_MUTATIONS: tuple[Mutation, ...] = (
    *(_flip, _delete, _repeat, _cut, _insert, _replace, _splice),
    *(_replace_word, _replace_word, _replace_word),
)


def mutate(chance: random.Random, samples: Sequence[bytes]) -> bytes:
    """Return one of the samples, changed in one to four ways.

    Args:
        chance: Chooses; the same state gives the same bytes.
        samples: Good ones.
    """
    body = chance.choice(samples)
    for _ in range(chance.randint(1, 4)):
        body = chance.choice(_MUTATIONS)(chance, body, samples)
    return body
