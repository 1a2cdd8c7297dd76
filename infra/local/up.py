"""The local cloud as one server on 127.0.0.1, and its parts in the order of their start."""

import fcntl
import logging
import shutil
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from infra.local.aws import s3
from infra.local.aws.athena import api as athena_api
from infra.local.aws.athena.executions import Athena
from infra.local.aws.ecs import api as ecs_api
from infra.local.aws.ecs.tasks import EcsTasks
from infra.local.aws.glue import api as glue_api
from infra.local.aws.glue.catalog import Catalog, CatalogMiddleware
from infra.local.aws.glue.jobs import GlueJobs
from infra.local.aws.state_files import StateDirectory
from infra.local.aws.trail import TrailMiddleware
from infra.local.setup import pipeline_settings, set_up

_HOST = "127.0.0.1"
_ACCESS_KEY = "local"
_B3_INDEX_URL = "https://sistemaswebb3-listados.b3.com.br"
_B3_QUOTES_URL = "https://bvmf.bmfbovespa.com.br/InstDados/SerHist"


class StateInUseError(Exception):
    """Another local cloud serves this state directory."""


class PortInUseError(Exception):
    """Another program listens on the port that was asked for."""


class _QuietRequestHandler(MotoRequestHandler):  # type: ignore[misc]
    """moto's handler without a line for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: what fails inside is logged by the server itself."""


class LocalCloud:
    """The local cloud of one state directory; moto's state is one a process, so is this.

    Attributes:
        env: The settings that a program needs to use it, once it has started.
        state: Where it remembers everything.
    """

    def __init__(self, state: Path, *, port: int = 0, is_live: bool = False) -> None:
        self.env: dict[str, str] = {}
        self.state = StateDirectory(state.resolve())
        self._port = port
        self._is_live = is_live
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve; everything is set up and `env` is written when this returns.

        Raises:
            StateInUseError: Another local cloud serves this state directory.
            PortInUseError: The port is taken.
        """
        with ExitStack() as opening:
            self._start_services(opening)
            self._open = opening.pop_all()

    def stop(self) -> None:
        """End everything that was started, the last first."""
        self._open.close()

    def _start_services(self, opening: ExitStack) -> None:
        """Start each part and say how it ends; a further service has its place here."""
        opening.enter_context(_locked(self.state))
        # What a killed one left behind: settings that lead nowhere, and unfinished files.
        self.state.env.unlink(missing_ok=True)
        shutil.rmtree(self.state.scratch, ignore_errors=True)
        self.state.make()
        opening.callback(_log_to(self.state.server_log))
        BackendDict.reset()
        reset_model_data()
        opening.enter_context(s3.installed(self.state))
        catalog = Catalog(self.state)
        catalog.restore()

        application = CatalogMiddleware(DomainDispatcherApplication(create_backend_app), catalog)
        trail = TrailMiddleware(application, self.state.trail)
        opening.callback(trail.close)
        server = _listen(trail, self._port)
        opening.callback(server.server_close)
        self.env = self._aws_settings(server.port)

        jobs = GlueJobs(self.state, dict(self.env))
        jobs.runs.restore()
        opening.enter_context(glue_api.installed(jobs))
        opening.callback(jobs.close)
        athena = Athena(catalog)
        opening.enter_context(athena_api.installed(athena))
        opening.callback(athena.close)
        tasks = EcsTasks(self.state, dict(self.env))
        opening.enter_context(ecs_api.installed(tasks))
        opening.callback(tasks.close)

        threading.Thread(target=server.serve_forever, daemon=True).start()
        opening.callback(server.shutdown)
        set_up(_connection(self.env))
        self.env |= pipeline_settings() | self._source_settings(opening)
        lines = "".join(f"{key}={value}\n" for key, value in self.env.items())
        self.state.write(self.state.env, lines.encode())
        opening.callback(self.state.env.unlink, missing_ok=True)

    def _aws_settings(self, port: int) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": f"http://{_HOST}:{port}",
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": _ACCESS_KEY,
            "AWS_DEFAULT_REGION": s3.REGION,
        }

    def _source_settings(self, opening: ExitStack) -> dict[str, str]:
        if self._is_live:
            return {"B3_INDEX_URL": _B3_INDEX_URL, "B3_QUOTES_URL": _B3_QUOTES_URL}
        # Imported here: B3's own site needs no replay.
        from infra.local.b3 import replay

        source = replay.start()
        opening.callback(source.stop)
        return {"B3_INDEX_URL": source.url, "B3_QUOTES_URL": f"{source.url}/InstDados/SerHist"}


def _connection(env: dict[str, str]) -> dict[str, str]:
    return {
        "endpoint_url": env["AWS_ENDPOINT_URL"],
        "aws_access_key_id": env["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
        "region_name": env["AWS_DEFAULT_REGION"],
    }


def _locked(state: StateDirectory) -> IO[str]:
    state.root.mkdir(parents=True, exist_ok=True)
    file = state.lock.open("w")
    try:
        # The system lets go of it when the process ends, however it ends.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise StateInUseError(
            f"Another local cloud serves {state.root}: use that one (its settings are in "
            f"{state.env}), stop it, or give another --state."
        ) from error
    return file


def _log_to(path: Path) -> Any:
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    loggers = [logging.getLogger(name) for name in ("werkzeug", "infra.local")]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
        logger.addHandler(handler)
        logger.propagate = False

    def undo() -> None:
        for logger in loggers:
            logger.removeHandler(handler)
            logger.propagate = True
        handler.close()

    return undo


def _listen(application: TrailMiddleware, port: int) -> BaseWSGIServer:
    try:
        return make_server(
            _HOST, port, application, threaded=True, request_handler=_QuietRequestHandler
        )
    except SystemExit as error:
        # werkzeug prints its own advice and leaves the program when the port is taken.
        raise PortInUseError(
            f"Port {port} of {_HOST} is taken by another program: give another --port, or none "
            f"for a free one."
        ) from error
