"""`python -m flows.probe`: what a task says of the place that it runs in, for `deployments.verify`.

Each line is JSON: `what`, `found`, `holds`.
"""

import json
import os
import tempfile

import requests
from prefect.client.orchestration import get_client

from tasks.core.exchange import INDEX_URL, QUOTES_URL
from tasks.core.indices import list_path
from tasks.http import USER_AGENT

_TURNED_AWAY = (401, 403, 429)
_FAILED = 500
_PATIENCE_SECONDS = 30


def say(what: str, found: str, *, holds: bool) -> None:
    """Print one verdict."""
    print(json.dumps({"what": what, "found": found, "holds": holds}), flush=True)


def write_to_scratch() -> None:
    """See that there is a place to write to, whatever else is read-only."""
    folder = tempfile.gettempdir()
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x" * 1024)
            file.flush()
        say("a task writes its scratch space", folder, holds=True)
    except OSError as error:
        say("a task writes its scratch space", f"{folder}: {error}", holds=False)


def ask_site(what: str, url: str) -> None:
    """See that a site turns the flows not away; what it answers beside that is not looked at."""
    host = url.split("/")[2].rpartition("@")[2]
    try:
        with requests.get(
            url,
            headers={"User-Agent": USER_AGENT},
            timeout=_PATIENCE_SECONDS,
            allow_redirects=False,
            stream=True,  # a year's file is large, and only whether it is given is asked
        ) as answer:
            code = answer.status_code
    except requests.RequestException as error:
        say(what, f"{host} does not answer: {type(error).__name__}", holds=False)
        return
    turned_away = code in _TURNED_AWAY or code >= _FAILED
    say(what, f"{host} answers {code}", holds=not turned_away)


def ask_prefect() -> None:
    """See that Prefect's API lets a flow run in."""
    what = "a task reaches Prefect's API"
    try:
        with get_client(sync_client=True) as client:
            client.read_work_pools(limit=1)
            say(what, str(client.api_url), holds=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was found
        say(what, f"{type(error).__name__}: {error}"[:500], holds=False)


def probe() -> None:
    """Look at everything, and say what was found."""
    write_to_scratch()
    indices, quotes = (
        (os.environ.get(name) or default).rstrip("/")
        for name, default in (("B3_INDEX_URL", INDEX_URL), ("B3_QUOTES_URL", QUOTES_URL))
    )
    ask_site("B3's site of indices answers a task", indices + list_path())
    ask_site("B3's site of quotes answers a task", f"{quotes}/COTAHIST_A1986.ZIP")
    ask_prefect()


if __name__ == "__main__":
    probe()
