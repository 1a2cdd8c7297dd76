"""The local cloud: AWS with what the pipeline needs in it, B3, and the settings to use both."""

import fcntl
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.aws.server import aws_server
from infra.local.aws.state_files import StateDirectory
from infra.local.setup import pipeline_settings, set_up
from tasks.core.exchange import INDEX_URL, QUOTES_URL

FOLDER = "B3_LAKE_FOLDER"


class StateInUseError(Exception):
    """Another local cloud serves this state directory."""


@dataclass(frozen=True)
class LocalCloud:
    """A local cloud that is served.

    Attributes:
        state: Where it remembers everything.
        env: The settings that a program needs to use it.
    """

    state: StateDirectory
    env: dict[str, str]


@contextmanager
def local_cloud(state: Path, *, port: int = 0, is_live: bool = False) -> Iterator[LocalCloud]:
    """Serve the local cloud until the block ends; one a process.

    Within the block everything is set up, and `STATE/env` holds the settings.

    Args:
        state: Where it remembers everything from one start to the next.
        port: Of AWS; 0 takes a free one.
        is_live: Ask B3 itself, not the replay of B3.

    Raises:
        StateInUseError: Another local cloud serves this state directory.
        PortInUseError: The port is taken.
    """
    directory = StateDirectory(state.resolve())
    with _locked(directory):
        directory.env.unlink(missing_ok=True)  # of a killed one: settings that lead nowhere
        with (
            _source(is_live=is_live) as source,
            aws_server(directory, port, source) as aws,
        ):
            set_up(connection(aws))
            settings = pipeline_settings()
            folder = directory.lake / settings["B3_LAKE_BUCKET"]
            env = aws | settings | source | {FOLDER: str(folder)}
            # The one value that a shell might break: people choose where the state is.
            directory.write_settings(directory.env, env | {FOLDER: shlex.quote(str(folder))})
            try:
                yield LocalCloud(directory, env)
            finally:
                directory.env.unlink(missing_ok=True)


def connection(env: dict[str, str]) -> dict[str, str]:
    """Return the arguments of `boto3.client` that lead to the local cloud of these settings."""
    return {
        "endpoint_url": env["AWS_ENDPOINT_URL"],
        "aws_access_key_id": env["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
        "region_name": env["AWS_DEFAULT_REGION"],
    }


@contextmanager
def _source(*, is_live: bool) -> Iterator[dict[str, str]]:
    """Yield the settings that lead to B3, or to its replay, which runs until the block ends."""
    if is_live:
        yield {"B3_INDEX_URL": INDEX_URL, "B3_QUOTES_URL": QUOTES_URL}
        return
    # Imported here: B3's own site needs no replay.
    from infra.local.b3 import replay

    with replay.start() as source:
        yield {"B3_INDEX_URL": source.url, "B3_QUOTES_URL": f"{source.url}/InstDados/SerHist"}


@contextmanager
def _locked(state: StateDirectory) -> Iterator[None]:
    state.root.mkdir(parents=True, exist_ok=True)
    with state.lock.open("w") as file:
        try:
            # The system lets go of it when the process ends, however it ends.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateInUseError(
                f"Another local cloud serves {state.root}: use that one (its settings are in "
                f"{state.env}), stop it, or give another --state."
            ) from error
        yield
