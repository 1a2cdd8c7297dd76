"""What a task says of the place that it runs in."""

import json
import tempfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import requests

from deployments import verify_task
from flows import probe
from tasks.core.indices import list_path

INDEX, QUOTES = "https://index.example", "https://quotes.example/InstDados"


class Answer:
    """An answer of some site."""

    def __init__(self, code: int) -> None:
        self.status_code = code

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Prefect:
    """Prefect's client, which lets in or does not."""

    api_url = "https://prefect.example/api/"

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def __enter__(self) -> "Prefect":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read_work_pools(self, *, limit: int) -> list[Any]:
        if self._error:
            raise self._error
        return [None] * limit


@pytest.fixture
def look(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, tuple[bool, str]]]:
    """Probe where sites and Prefect answer so; return what is said, `{what: (holds, found)}`."""
    for name in ("LAKE_BUCKET", "DATABASE", "GLUE_JOB"):
        monkeypatch.setenv(f"B3_{name}", "lake")
    monkeypatch.setenv("B3_USER_AGENT", "research/1.0")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("B3_INDEX_URL", f"{INDEX}/")
    monkeypatch.setenv("B3_QUOTES_URL", QUOTES)

    def look(
        answers: dict[str, int | Exception], prefect: Prefect | None = None
    ) -> dict[str, tuple[bool, str]]:
        def get(session: requests.Session, url: str, **how: Any) -> Answer:
            assert session.headers["User-Agent"] == "research/1.0"
            assert how == {"timeout": 30, "stream": True}
            answer = answers[url]
            if isinstance(answer, Exception):
                raise answer
            return Answer(answer)

        monkeypatch.setattr(requests.Session, "get", get)
        monkeypatch.setattr(probe, "get_client", lambda **_: prefect or Prefect())
        probe.probe()
        lines = map(json.loads, capsys.readouterr().out.splitlines())
        return {each["what"]: (each["holds"], each["found"]) for each in lines}

    return look


OF_INDICES = INDEX + list_path()
OF_QUOTES = f"{QUOTES}/COTAHIST_A1986.ZIP"
SITES = ("B3's site of indices answers a task", "B3's site of quotes answers a task")


def test_all_holds_where_all_answer(look: Callable[..., Any]) -> None:
    assert look({OF_INDICES: 200, OF_QUOTES: 404}) == {
        "a task writes its scratch space": (True, tempfile.gettempdir()),
        "a task has its settings": (True, "lake lake"),
        SITES[0]: (True, "index.example answers 200"),
        SITES[1]: (True, "quotes.example answers 404"),
        "a task reaches Prefect's API": (True, "https://prefect.example/api/"),
    }


@pytest.mark.parametrize("code", [401, 403, 429, 500, 520])
def test_who_is_turned_away_is_told_so(code: int, look: Callable[..., Any]) -> None:
    found = look({OF_INDICES: code, OF_QUOTES: 200})
    assert found[SITES[0]] == (False, f"index.example answers {code}")
    assert found[SITES[1]][0] is True


def test_a_site_that_does_not_answer(look: Callable[..., Any]) -> None:
    found = look({OF_INDICES: 200, OF_QUOTES: requests.ConnectTimeout("no")})
    assert found[SITES[1]] == (False, "quotes.example does not answer: ConnectTimeout")


def test_prefect_that_lets_nobody_in(look: Callable[..., Any]) -> None:
    found = look({OF_INDICES: 200, OF_QUOTES: 200}, Prefect(RuntimeError("401")))
    assert found["a task reaches Prefect's API"] == (False, "RuntimeError: 401")
    assert list(found)[-1] == verify_task.LAST  # by which the end of its log is told


def test_a_credential_is_not_said(look: Callable[..., Any]) -> None:
    error = httpx.LocalProtocolError("Illegal header value b'Bearer pnu_hidden '")
    found = look({OF_INDICES: 200, OF_QUOTES: 200}, Prefect(error))
    assert found["a task reaches Prefect's API"] == (False, "LocalProtocolError")


def test_scratch_space_that_cannot_be_written(
    look: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    holds, found = look({OF_INDICES: 200, OF_QUOTES: 200})["a task writes its scratch space"]
    assert holds is False
    assert "Read-only file system" in found


def test_settings_that_are_not_there(
    look: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("B3_DATABASE")
    found = look({})
    holds, why = found["a task has its settings"]
    assert holds is False
    assert "B3_DATABASE" in why
    assert found["a task reaches Prefect's API"][0] is True
