"""The same on the local cloud, with processes: flows, the whole cloud and Prefect's API go away.

A reader asks Athena all the while.
"""

import datetime as dt
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from infra.local.b3.sessions import SESSIONS
from tasks.core.exchange import month_of
from tests.drill.judge import Tally
from tests.e2e.cloud import Cloud, Outcome, local_cloud
from tests.e2e.jobs import use_the_stand_in
from tests.e2e.readers import Reader, rows_seen, rows_served, sizes_question, whole_sizes
from tests.flows.door import Door

INDEX = "IEEX"
MONTH = month_of(SESSIONS[-1])
IN_MONTH = [session for session in SESSIONS if month_of(session) == MONTH]
RUN_SECONDS = 10.0  # about what a run takes, its start included
COMMAND = ("--index", INDEX)

Go = Callable[[Cloud, random.Random], int]


def kill(cloud: Cloud, times: random.Random) -> int:
    """Kill the flow's process; return its exit code."""
    return _signal(cloud, times, signal.SIGKILL)


def terminate(cloud: Cloud, times: random.Random) -> int:
    """Ask the flow's process to end."""
    return _signal(cloud, times, signal.SIGTERM)


def _signal(cloud: Cloud, times: random.Random, sent: signal.Signals) -> int:
    with cloud.start_flow("portfolio", *COMMAND) as started:
        time.sleep(times.uniform(RUN_SECONDS / 4, RUN_SECONDS))
        started.process.send_signal(sent)
        return started.end().code


def without_prefect(seconds: float) -> Go:
    """Return what takes Prefect's API away from a flow for so long."""

    def go(cloud: Cloud, times: random.Random) -> int:
        door = Door(cloud.env["PREFECT_API_URL"])
        try:
            with cloud.start_flow("portfolio", *COMMAND, extra={"PREFECT_API_URL": door.url}) as it:
                time.sleep(times.uniform(RUN_SECONDS / 4, RUN_SECONDS))
                door.shut()
                ends_at = time.monotonic() + seconds
                while time.monotonic() < ends_at and not it.has_ended:
                    time.sleep(0.1)
                door.open()
                return it.end(timeout_seconds=600).code
        finally:
            door.shut()

    return go


CLOUD = "the whole cloud killed"
SHORT: Mapping[str, Go] = {
    "process SIGKILL": kill,
    "process SIGTERM": terminate,
    CLOUD: kill,
}
LONG: Mapping[str, Go] = {
    **SHORT,
    "Prefect's API gone for 60 s": without_prefect(60.0),
    "Prefect's API gone for ever": without_prefect(3600.0),
}


def try_all(
    folder: Path,
    environment: Mapping[str, str],
    kinds: Mapping[str, Go],
    times: random.Random,
    *,
    on_spark: bool,
    flows: "subprocess.Popen[str] | None" = None,
) -> Iterator[tuple[str, Tally]]:
    """Yield each kind of trial with what came of it, a session each, in one lake.

    Args:
        folder: Where the cloud keeps everything.
        environment: Of a Prefect server.
        kinds: What goes wrong.
        times: When it does.
        on_spark: Whether Glue's jobs run on Spark, and not on the stand-in.
        flows: A process that runs quickly the flows that nothing happens to.
    """
    for number, (kind, go) in enumerate(kinds.items()):
        with local_cloud(folder, environment, flows, is_killed=kind == CLOUD) as cloud:
            if not on_spark:
                use_the_stand_in(cloud.client("s3"))
            tally, reader = Tally(times=1), Reader(cloud, sizes_question(INDEX, MONTH))
            sessions = IN_MONTH[: number + 2]
            assert _publish(cloud, sessions[-2]).code == 0
            cloud.show(sessions[-1])
            with reader.at_work():
                code = go(cloud, times)
        with local_cloud(folder, environment, flows) as cloud:
            healed = _publish(cloud, sessions[-1])
            _judge(tally, cloud, reader, sessions)
        tally.survived = int(code == 0 and healed.code == 0)
        tally.healed = int(code != 0 and healed.code == 0)
        said = [healed.error] if healed.code else []
        tally.said = tuple(f"{kind}: {each}" for each in said)
        yield kind, tally


def _publish(cloud: Cloud, session: dt.date) -> Outcome:
    cloud.show(session)
    return cloud.run_flow("portfolio", "--index", INDEX, "--trading-date", str(session))


def _judge(tally: Tally, cloud: Cloud, reader: Reader, sessions: Sequence[dt.date]) -> None:
    found, truth = rows_seen(cloud, INDEX, MONTH), rows_served(INDEX, *sessions)
    tally.lost, tally.doubled = (truth - found).total(), (found - truth).total()
    right = (whole_sizes(INDEX, *sessions[:-1]), whole_sizes(INDEX, *sessions))
    tally.looks = len(reader.answers)
    tally.half_shown = sum(answer not in right for answer in reader.answers)
