"""AWS as one server on 127.0.0.1, and its parts in the order of their start."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from types import MappingProxyType

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from infra.local.aws import REGION, iam, s3, sns
from infra.local.aws.athena import api as athena_api
from infra.local.aws.athena.executions import Athena
from infra.local.aws.console import ConsoleMiddleware
from infra.local.aws.ecs import api as ecs_api
from infra.local.aws.ecs.tasks import EcsTasks
from infra.local.aws.glue import api as glue_api
from infra.local.aws.glue.catalog import Catalog, CatalogMiddleware
from infra.local.aws.glue.jobs import GlueJobs
from infra.local.aws.state_files import StateDirectory
from infra.local.aws.trail import TrailMiddleware

_HOST = "127.0.0.1"
_ACCESS_KEY = "local"


class PortInUseError(Exception):
    """Another program listens on the port that was asked for."""


class _QuietRequestHandler(MotoRequestHandler):  # type: ignore[misc]
    """moto's handler without a line for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: what fails inside is logged by the server itself."""


@contextmanager
def aws_server(
    state: StateDirectory, port: int = 0, of_tasks: Mapping[str, str] = MappingProxyType({})
) -> Iterator[dict[str, str]]:
    """Serve AWS until the block ends; moto's state is one a process, so is this.

    Args:
        state: Where it keeps everything; nobody else serves it.
        port: 0 takes a free one.
        of_tasks: What ECS's tasks find in their environment, unless they are given something else.

    Yields:
        The settings that a program needs to reach it.

    Raises:
        PortInUseError: The port is taken.
    """
    with ExitStack() as opening:
        # What a killed one left behind unfinished.
        shutil.rmtree(state.scratch, ignore_errors=True)
        state.make()
        opening.callback(_log_to(state.server_log))
        BackendDict.reset()
        reset_model_data()
        opening.enter_context(iam.installed())
        opening.enter_context(sns.installed())
        opening.enter_context(s3.installed(state))
        catalog = Catalog(state)
        catalog.restore()

        application = CatalogMiddleware(DomainDispatcherApplication(create_backend_app), catalog)
        trail = TrailMiddleware(ConsoleMiddleware(application, state), state.trail)
        opening.callback(trail.close)
        server = _listen(trail, port)
        opening.callback(server.server_close)
        env = {
            "AWS_ENDPOINT_URL": f"http://{_HOST}:{server.port}",
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": _ACCESS_KEY,
            "AWS_DEFAULT_REGION": REGION,
        }

        jobs = GlueJobs(state, env, trail.keep)
        jobs.runs.restore()
        opening.enter_context(glue_api.installed(jobs))
        opening.callback(jobs.close)
        athena = Athena(catalog)
        opening.enter_context(athena_api.installed(athena))
        opening.callback(athena.close)
        tasks = EcsTasks(state, {**of_tasks, **env}, trail.keep)
        opening.enter_context(ecs_api.installed(tasks))
        opening.callback(tasks.close)

        threading.Thread(target=server.serve_forever, daemon=True).start()
        opening.callback(server.shutdown)
        yield env


def _log_to(path: Path) -> Callable[[], None]:
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    loggers = [logging.getLogger(name) for name in ("werkzeug", __package__)]
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
        with redirect_stderr(StringIO()):
            return make_server(
                _HOST, port, application, threaded=True, request_handler=_QuietRequestHandler
            )
    except SystemExit as error:
        # werkzeug prints its own advice and leaves the program when the port is taken.
        raise PortInUseError(
            f"Port {port} of {_HOST} is taken by another program: give another --port "
            f"(make local: PORT=…), or 0 for a free one."
        ) from error
