"""`make local`: the deployed pipeline on this machine: Prefect with its UI, ECS, and the cloud.

Flow runs come about as they do on AWS: Prefect schedules them, a worker starts them as ECS tasks,
and the end of a task reaches the worker through EventBridge and SQS.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import boto3

from deployments.settings import as_environment
from infra.local.aws.process_tree import ProcessTree
from infra.local.aws.server import PortInUseError
from infra.local.b3.sessions import SESSIONS
from infra.local.cluster import set_up_cluster
from infra.local.ports import PREFECT_PORT, add_port_option, find_prefect_port
from infra.local.prefect_server import PrefectServerError, prefect_server
from infra.local.up import FOLDER, StateInUseError, connection, local_cloud

_PROJECT = Path(__file__).parents[2]
_WORKER_END_SECONDS = 15.0
_LOOK_SECONDS = 0.1
# A person watches: runs start, and those in a queue move on, sooner than a deployment needs.
_PREFECT_PACE = {
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
}
# At INFO, the worker writes two lines into a run's log each time that it finds the run must wait.
_QUIET_WORKER = {"PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "WARNING"}
_OURS = ("PREFECT_", "AWS_", "B3_", "DEPLOY_")


class PlatformError(Exception):
    """A part of the platform did not start; its output says why."""


@contextmanager
def platform(
    state: Path, *, port: int = 0, aws_port: int = 0, is_live: bool = False
) -> Iterator[dict[str, str]]:
    """Run the whole platform until the block ends.

    Args:
        state: Where everything is kept from one start to the next.
        port: Of Prefect; 0 takes a free one.
        aws_port: Of AWS; likewise.
        is_live: Ask B3 itself, not the replay of B3.

    Yields:
        The environment that programs need to use it. Within the block it stands in `STATE/env` and
        `STATE/prefect/env`, the latter with what `prefect deploy` reads, for a shell to load.

    Raises:
        PlatformError: A part did not start.
        PrefectServerError: Prefect's server did not start.
        StateInUseError: Another local cloud serves this state directory.
        PortInUseError: The port of AWS is taken.
    """
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        del os.environ[name]  # the person's own Prefect and AWS are none of our children's
    os.environ |= _PREFECT_PACE
    with (
        local_cloud(state, port=aws_port, is_live=is_live) as cloud,
        prefect_server(state, port) as prefect,
    ):
        env = cloud.env | prefect
        outputs = set_up_cluster(connection(env), _flow_environment(cloud.env))
        deployment = as_environment(outputs) | _deployment_values()
        os.environ |= env | deployment
        settings = Path(prefect["PREFECT_HOME"]) / "env"
        quoted = {name: shlex.quote(value) for name, value in (prefect | deployment).items()}
        cloud.state.write_settings(settings, quoted)
        try:
            _set_up_work_pool(connection(env))
            with _worker(outputs, state / "prefect-worker.log") as wait_until_up:
                _deploy()
                wait_until_up()
                yield env
        finally:
            settings.unlink()


def _set_up_work_pool(connection: dict[str, str]) -> None:
    """Do what a deployment does with Prefect's API, and the first run with ECS."""
    # Imported here: Prefect reads its settings from the environment when it is imported.
    from prefect.client.orchestration import get_client

    from deployments.automations import automations, ensure_automations
    from deployments.settings import load_deployment_settings
    from deployments.settle import settle_runs
    from deployments.task_definition import register_task_definition
    from deployments.work_pool import ensure_work_pool

    settings = load_deployment_settings()
    with get_client(sync_client=True) as client:
        settle_runs(client)
        ensure_work_pool(client, settings)
        pool = client.read_work_pool(settings.work_pool_name)
        ecs: Any = boto3.client("ecs", **connection)  # type: ignore[call-overload]
        register_task_definition(pool, os.environ["DEPLOY_IMAGE"], ecs)
        ensure_automations(client, automations(None))


def _deploy() -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    ended = subprocess.run(command, cwd=_PROJECT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise PlatformError(f"prefect deploy failed:\n{ended.stdout}{ended.stderr}")
    # Imported here: Prefect reads its settings from the environment when it is imported.
    from deployments.schedules import remove_all_old_schedules

    remove_all_old_schedules()


def _flow_environment(env: dict[str, str]) -> dict[str, str]:
    names = [name for name in env if name.startswith("B3_") or name == "AWS_DEFAULT_REGION"]
    return {name: env[name] for name in names if name != FOLDER}  # which no flow reads


def _deployment_values() -> dict[str, str]:
    return {
        "DEPLOY_IMAGE": "b3-pipeline:local",
        "DEPLOY_WORKING_DIRECTORY": str(_PROJECT),
        "CONTAINER_TOOL": "none",
    }


@contextmanager
def _worker(outputs: dict[str, Any], log: Path) -> Iterator[Callable[[], None]]:
    """Run a worker that starts flow runs as tasks and hears of their end.

    Yields:
        Waits until it is up.
    """
    command = ["-m", "prefect", "worker", "start", "--type", "ecs", "--name", "local"]
    own = {
        "AWS_ACCESS_KEY_ID": "worker",  # the trail tells it by this
        "PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_NAME": outputs["queue_name"],
        "PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_REGION": outputs["region"],
    }
    is_up = threading.Event()

    def keep(line: str) -> None:
        print(line, file=file, flush=True)
        if "started" in line:
            is_up.set()

    def wait_until_up() -> None:
        while not is_up.wait(_LOOK_SECONDS):
            if tree.has_ended:
                raise PlatformError(f"The worker ended: see {log}")

    with log.open("w") as file:
        tree = ProcessTree(
            f"worker-{os.getpid()}",
            [sys.executable, *command, "--pool", outputs["work_pool_name"]],
            dict(os.environ) | _QUIET_WORKER | own,
            _PROJECT,
            keep,
        )
        try:
            yield wait_until_up
        finally:
            tree.terminate(_WORKER_END_SECONDS)
            tree.wait()


def _describe(env: dict[str, str], state: Path, *, is_live: bool) -> str:
    url = env["PREFECT_API_URL"].removesuffix("/api")
    replay = env["B3_INDEX_URL"]
    source = (
        f"  B3           {replay} itself"
        if is_live
        else f"  B3           {replay}, a replay that shows {SESSIONS[-1]};\n"
        f"               another session:\n"
        f'    curl -d \'{{"session": "{SESSIONS[0]}"}}\' {replay}/replay'
    )
    return f"""\
  Deployments  {url}/deployments
               daily-portfolio, Run, Quick run
  Runs         {url}/runs
  Artifacts    {url}/artifacts
               what each run found: its checks, its session, its links
  AWS          {env["AWS_ENDPOINT_URL"]}
{source}
  Lake         {state / "lake" / env["B3_LAKE_BUCKET"]}
  Logs         {state}: prefect-server.log, prefect-worker.log, ecs/, glue/
  Settings     for another terminal, and for prefect deploy --all in it:
    set -a; . {state / "env"}; . {state / "prefect" / "env"}; set +a
ready: Ctrl-C ends it all."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End everything, once: impatience must not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    print("\nStopping …", flush=True)
    raise KeyboardInterrupt


def main(argv: list[str] | None = None) -> int:
    """Run until interrupted; return 1 when a part does not start."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.local",
        description="The deployed pipeline on this machine, until Ctrl-C: Prefect with its UI, an "
        "ECS worker, the local cloud and a replay of B3.",
    )
    parser.add_argument("--state", type=Path, default=Path(".local"), metavar="DIR")
    parser.add_argument(
        "--prefect-port", type=int, help=f"port of Prefect (default: {PREFECT_PORT}, or a free one)"
    )
    add_port_option(parser)
    parser.add_argument("--live", action="store_true", help="ask B3 itself, not the replay of B3")
    options = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    port = find_prefect_port() if options.prefect_port is None else options.prefect_port
    print("Starting the cloud, Prefect and a worker: half a minute …", flush=True)
    try:
        with platform(options.state, port=port, aws_port=options.port, is_live=options.live) as env:
            print(_describe(env, options.state, is_live=options.live), flush=True)
            while True:  # a signal that another thread gets is handled when this one wakes
                time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        print("Everything is stopped; what it kept is in", options.state)
    except (PlatformError, PrefectServerError, StateInUseError, PortInUseError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
