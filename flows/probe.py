"""`python -m flows.probe`: what a task says of the place that it runs in, for `deployments.verify`.

Each line is JSON: `what`, `found`, `holds`.
"""

import json
import tempfile

import httpx
import requests
from prefect.client.orchestration import get_client

from flows.settings import Settings, load_settings
from tasks.core.errors import NotConfiguredError
from tasks.core.indices import list_path
from tasks.deadline import open_session

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


def ask_sites(settings: Settings) -> None:
    """See that B3's sites turn the flows not away, by the name that these ask by."""
    with open_session(settings.user_agent) as session:
        of_indices = settings.index_url.rstrip("/") + list_path()
        _ask(session, "B3's site of indices answers a task", of_indices)
        of_quotes = f"{settings.quotes_url.rstrip('/')}/COTAHIST_A1986.ZIP"
        _ask(session, "B3's site of quotes answers a task", of_quotes)


def _ask(session: requests.Session, what: str, url: str) -> None:
    host = url.split("/")[2].rpartition("@")[2]
    try:
        # A year's file is large, and only whether it is given is asked.
        with session.get(url, timeout=_PATIENCE_SECONDS, stream=True) as answer:
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
        # The words of a request that cannot be made have the header with the credential.
        said = "" if isinstance(error, httpx.LocalProtocolError) else f": {error}"
        say(what, f"{type(error).__name__}{said}"[:500], holds=False)


def probe() -> None:
    """Look at everything, and say what was found."""
    write_to_scratch()
    try:
        settings = load_settings()
    except NotConfiguredError as error:
        say("a task has its settings", " ".join(str(error).split()), holds=False)
    else:
        say("a task has its settings", f"lake {settings.lake_bucket}", holds=True)
        ask_sites(settings)
    ask_prefect()


if __name__ == "__main__":
    probe()
