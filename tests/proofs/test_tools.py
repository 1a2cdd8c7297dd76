"""A proof whose tool is not there skips and says how to get it; it fails where it must not skip."""

import sys
from pathlib import Path

import pytest

from tests.proofs import __main__ as command
from tests.proofs import tools
from tests.proofs.tools import TOOLS, Tool, get, need


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tools of the test lie; of those, one is of the file `lock`, and needs no index."""
    lock = tmp_path / "lock"
    lock.write_text("1", encoding="utf-8")
    monkeypatch.setattr(tools, "ROOT", tmp_path)
    monkeypatch.setattr(tools, "FOLDER", tmp_path / "proofs")
    for name in list(TOOLS):
        monkeypatch.delitem(TOOLS, name)
    monkeypatch.setitem(TOOLS, "one", Tool(lock, ((sys.executable, "-c", "print(1)"),)))
    monkeypatch.delenv("REQUIRE_PROOFS", raising=False)
    return tmp_path


def test_tool_that_is_not_there_is_a_skip_that_says_what_gets_it() -> None:
    with pytest.raises(pytest.skip.Exception, match="one of lock is not in proofs: make proofs"):
        need("one")


def test_tool_that_must_be_there_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_PROOFS", "one")
    with pytest.raises(pytest.fail.Exception, match="one of lock is not in proofs: make proofs"):
        need("one")


def test_tool_that_nobody_knows_cannot_be_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_PROOFS", "one two")
    with pytest.raises(AssertionError, match="expected of"):
        need("one")


def test_tool_that_was_got_is_there(folder: Path) -> None:
    assert get("one") == ""
    assert need("one") == folder / "proofs" / "one"


def test_tool_of_another_lock_file_is_not_there(folder: Path) -> None:
    get("one")
    (folder / "lock").write_text("2", encoding="utf-8")
    with pytest.raises(pytest.skip.Exception):
        need("one")


def test_tool_that_was_there_and_cannot_be_had_again_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get("one")
    failing = (sys.executable, "-c", "import sys; sys.exit('no index')")
    monkeypatch.setitem(TOOLS, "one", Tool(folder / "lock", (failing,)))
    assert get("one").endswith("…: no index")
    with pytest.raises(pytest.skip.Exception):
        need("one")


def test_one_that_hangs_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = (sys.executable, "-c", "import time; time.sleep(600)")
    monkeypatch.setattr(tools, "_SECONDS", 0.1)
    monkeypatch.setitem(TOOLS, "one", Tool(folder / "lock", (hanging,)))
    assert get("one").endswith("…: no end after 0.1 seconds")


def test_those_that_are_there_are_named_and_of_others_why_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TOOLS, "two", Tool(folder / "lock", (("no-such-program",),)))
    monkeypatch.setitem(TOOLS, "three", TOOLS["one"])
    assert command.main() == 0
    printed = capsys.readouterr()
    assert printed.out == "one three\n"
    assert printed.err == ("Its proof skips, two cannot be had: no-such-program is not on PATH\n")


@pytest.mark.parametrize("said", ["npm error code EINTEGRITY", "Hash mismatch for `a==1`"])
def test_what_is_not_what_was_locked_is_more_than_a_skip(
    folder: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    refusing = (sys.executable, "-c", f"import sys; sys.exit({said!r})")
    monkeypatch.setitem(TOOLS, "two", Tool(folder / "lock", (refusing,)))
    assert command.main() == 1


def test_environments_are_of_wheels_by_their_hashes() -> None:
    tool = tools._environment(Path("lock"))
    fill = " ".join(tool.commands[-1])
    assert "pip sync" in fill
    assert fill.endswith("--require-hashes --only-binary :all: lock")
