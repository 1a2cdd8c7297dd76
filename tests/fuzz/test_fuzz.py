"""What is damaged is read or refused in words of ours, whatever the damage."""

import itertools

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.fuzz import fuzz
from tests.fuzz.parsers import PARSERS, Parser

ROUNDS = 300

pytestmark = pytest.mark.filterwarnings("ignore")  # of Beautiful Soup, about pages that are none


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_reads_its_samples(name: str) -> None:
    for sample in PARSERS[name].samples:
        if name == "http answer" and b"{" not in sample and b"\x1f\x8b" not in sample:
            continue  # a page, a redirect or a limit, which are refused
        assert PARSERS[name].read(sample) is not None


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_refuses_what_is_damaged_in_our_words_alone(name: str) -> None:
    count = fuzz(PARSERS[name], f"1 {name}", iter(range(ROUNDS)))
    assert count.foreign == []
    assert count.rounds == ROUNDS
    assert count.refused or name in ("web page", "landed object")


def test_the_same_seed_damages_alike() -> None:
    def bytes_of(seed: str) -> list[bytes]:
        seen: list[bytes] = []
        fuzz(Parser(PARSERS["levels"].samples, seen.append), seed, iter(range(20)))
        return seen

    assert bytes_of("1") == bytes_of("1") != bytes_of("2")


def test_a_foreign_exception_is_counted_and_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(body: bytes) -> None:
        raise KeyError(len(body))

    rounds = itertools.cycle([None])
    monkeypatch.setattr("tests.fuzz.__main__.PARSERS", {"bad": Parser([b"{}"], fail)})
    monkeypatch.setattr("tests.fuzz.__main__.until", lambda _: itertools.islice(rounds, 2))
    assert main(1.0, "7") == 1
    told = capsys.readouterr().out.splitlines()
    assert told[1].split() == ["bad", "2", "0", "0", "2"]
    assert told[2].strip().startswith("KeyError(")
    assert told[-1] == "2 foreign exceptions, seed 7"
