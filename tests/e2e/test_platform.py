"""The deployed pipeline, end to end: Prefect, its ECS worker, and the local cloud."""

import base64
import datetime as dt
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from deployments.automations import TAG, end_run_that_did_not_start
from infra.local.aws.ecs.tasks import SPOT_REASON
from infra.local.b3.format import DownloadQuery, content_of, render_csv
from infra.local.b3.sessions import SESSIONS, published_portfolio
from tests.covered import blocks_run_by, run_by
from tests.e2e.platform_fixture import (
    CLUSTER,
    DEPLOYMENT,
    FAMILY,
    JOB,
    ROOT,
    RUN_SECONDS,
    Platform,
    platform,
    wait_for,
)
from tests.infra.conftest import Plan, plans, terraform
from tests.infra.test_permissions import policies
from tests.permissions import (
    FLOW_RUN_UNUSED,
    WORKER_UNUSED,
    actions_of_document,
    as_planned,
    denied,
    read_trail,
)

__all__ = ["plans", "platform", "terraform"]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SESSION = SESSIONS[-1]
DAY = str(SESSION)
BIN = Path(sys.executable).parent
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ENDED = ("Completed", "Failed", "Crashed", "Cancelled")


def test_run_with_a_custom_date_completes_and_its_rows_answer(platform: Platform) -> None:
    run = platform.trigger(trading_date=DAY)

    assert platform.wait_until(run, *ENDED) == "Completed"

    served = published_portfolio("IBOV", SESSION)
    assert served
    counted = platform.query(
        "SELECT count(*), sum(weight_pct) FROM portfolio_daily "
        f"WHERE index_code = 'IBOV' AND trading_date = DATE '{DAY}'"
    )
    assert counted == [[str(len(served.constituents)), "100.000"]]


def test_form_explains_each_parameter(platform: Platform) -> None:
    properties = platform.deployment()["parameter_openapi_schema"]["properties"]

    assert set(properties) == {"trading_date", "index_codes", "force"}
    assert all(len(each["description"]) > 20 for each in properties.values())


def test_runs_are_scheduled_by_the_clock_of_sao_paulo(platform: Platform) -> None:
    with platform.scheduled() as deployment:
        body = {
            "deployments": {"id": {"any_": [deployment["id"]]}},
            "flow_runs": {"state": {"name": {"any_": ["Scheduled"]}}},
        }
        runs = wait_for(
            lambda: platform.prefect("POST", "/flow_runs/filter", body), "runs are scheduled", 120
        )

    times = [
        dt.datetime.fromisoformat(run["expected_start_time"]).astimezone(SAO_PAULO)
        for run in runs
        if run["auto_scheduled"]
    ]
    assert len(times) >= 3
    on_weekdays = {f"{time:%H:%M}" for time in times if time.isoweekday() <= 5}
    at_weekends = {f"{time:%H:%M}" for time in times if time.isoweekday() > 5}
    assert on_weekdays == {"08:30", "12:30", "17:30"}
    assert at_weekends <= {"12:30"}


def test_second_run_of_a_date_waits_for_the_first_and_finds_it_up_to_date(
    platform: Platform,
) -> None:
    runs = [platform.trigger(trading_date=DAY, index_codes=["IDIV"]) for _ in range(2)]

    ended = {run: platform.wait_until(run, *ENDED) for run in runs}

    assert set(ended.values()) == {"Completed"}
    (second,) = [run for run in runs if platform.message_of(run).startswith("up to date IDIV")]
    assert "AwaitingConcurrencySlot" in platform.states_of(second)
    assert not [line for line in platform.log_of(second) if "submi" in line]
    assert [run["JobRunState"] for run in platform.glue_runs(*runs)] == ["SUCCEEDED"]


def test_killed_container_is_a_crashed_run_within_ten_seconds(platform: Platform) -> None:
    with platform.glue_at_work():
        run = platform.trigger(trading_date=DAY, index_codes=["IBXX"])
        platform.wait_until(run, "Running")

        os.kill(platform.container_pid(run), signal.SIGKILL)
        killed_at = time.monotonic()

        assert platform.wait_until(run, *ENDED, seconds=20) == "Crashed"
        assert time.monotonic() - killed_at < 10
    # What Glue still did for the dead run must not be at work any more for the next one.
    for glue_run in platform.glue_runs(run):
        platform.client("glue").batch_stop_job_run(JobName=JOB, JobRunIds=[glue_run["Id"]])


def test_runs_that_do_not_start_are_ended_and_the_next_one_has_their_place(
    platform: Platform,
) -> None:
    """As where a worker died: none serves the deployments, and their runs are as one left them."""
    flow_id = platform.deployment()["flow_id"]
    place = {"concurrency_limit": 1, "concurrency_options": {"collision_strategy": "ENQUEUE"}}
    for name, tags in (("taken", [TAG]), ("submitting", [TAG]), ("begun", [TAG]), ("other", [])):
        of_it = {"flow_id": flow_id, "name": name, "tags": tags, **place}
        platform.prefect("POST", "/deployments/", of_it)
    shortest = end_run_that_did_not_start(dt.timedelta(seconds=10)).model_dump(mode="json")

    def new_run(name: str, *states: dict[str, str]) -> str:
        run = platform.trigger(deployment=f"daily-portfolio/{name}", trading_date=DAY)
        for state in states:
            platform.prefect("POST", f"/flow_runs/{run}/set_state", {"state": state})
        return run

    pending = {"type": "PENDING"}
    submitting = {"type": "PENDING", "name": "Submitting"}
    automation = platform.prefect("POST", "/automations/", shortest)
    try:
        taken, waiting = new_run("taken", pending), new_run("taken", pending)
        submitted = new_run("submitting", pending, submitting)
        begun = new_run("begun", pending, submitting, {"type": "RUNNING"})
        somebody_elses = new_run("other", pending)
        assert platform.state_of(waiting) == "AwaitingConcurrencySlot"

        for run in (taken, submitted):
            assert platform.wait_until(run, "Crashed", seconds=60) == "Crashed"
        assert "died before it started the task" in platform.message_of(taken)
        assert platform.state_of(begun) == "Running"
        assert platform.state_of(somebody_elses) == "Pending"

        # The next one has the place; and the task of the first, if it comes up after all, goes on.
        for run, state in ((waiting, pending), (taken, {"type": "RUNNING"})):
            platform.prefect("POST", f"/flow_runs/{run}/set_state", {"state": state})
        assert platform.state_of(waiting) == "Pending"
        assert platform.state_of(taken) == "Running"
    finally:
        platform.prefect("DELETE", f"/automations/{automation['id']}")
        for name in ("taken", "submitting", "begun", "other"):
            deployment = platform.deployment(f"daily-portfolio/{name}")
            platform.prefect("DELETE", f"/deployments/{deployment['id']}")


def test_cancelled_run_stops_the_glue_run_that_it_waits_for(platform: Platform) -> None:
    with platform.glue_at_work():
        run = platform.trigger(trading_date=DAY, index_codes=["SMLL"])
        platform.wait_until_glue_works(run)

        platform.cancel(run)

        assert platform.wait_until(run, *ENDED) == "Cancelled"
        wait_for(
            lambda: [r["JobRunState"] for r in platform.glue_runs(run)] == ["STOPPED"],
            "the Glue run is stopped",
            15,
        )


def test_spot_interruption_runs_again_in_another_task_and_completes(platform: Platform) -> None:
    with platform.glue_at_work():
        run = platform.trigger(trading_date=DAY, index_codes=["ITAG"])
        platform.wait_until_glue_works(run)
        (task,) = platform.tasks_of(run)

        platform.client("ecs").stop_task(cluster=CLUSTER, task=task["taskArn"], reason=SPOT_REASON)
        wait_for(
            lambda: platform.tasks_of(run)[0]["lastStatus"] == "STOPPED", "the task is stopped", 60
        )

    assert platform.wait_until(run, *ENDED) == "Completed"
    assert "AwaitingRetry" in platform.states_of(run)
    first, _second = sorted(platform.tasks_of(run), key=lambda each: each["createdAt"])
    assert first["stopCode"] == "SpotInterruption"
    states = [each["JobRunState"] for each in platform.glue_runs(run)]
    assert sorted(states) == ["STOPPED", "SUCCEEDED"]


def test_first_run_finds_its_task_definition(platform: Platform) -> None:
    assert platform.wait_until(platform.trigger(trading_date=DAY), *ENDED) == "Completed"

    assert "Failed to retrieve task definition" not in platform.worker_log()
    assert "WARNING" not in platform.worker_log()


SHELLS = blocks_run_by(__file__, "test_shell_that_loads_the_settings_deploys")


@pytest.mark.parametrize("lines", SHELLS, ids=" / ".join)
def test_shell_that_loads_the_settings_deploys(
    platform: Platform, tmp_path: Path, lines: tuple[str, ...]
) -> None:
    """Typed in the project's folder, in which the platform's state and the environment lie."""
    for path in ROOT.iterdir():
        if path.name not in {".local", ".venv", ".git"}:
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / ".local").symlink_to(platform.state)
    (tmp_path / ".venv").symlink_to(BIN.parent)
    before = platform.deployment()
    typed = [line for line in lines if not line.startswith("prefect deployment run ")]  # see below

    deployed = subprocess.run(
        ["bash", "-ec", "\n".join(typed)],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )

    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    platform.pause_schedules()
    after = platform.deployment()
    assert after["updated"] > before["updated"]
    assert after["job_variables"] == before["job_variables"]
    assert after["pull_steps"] == before["pull_steps"]
    assert after["work_pool_name"] == before["work_pool_name"] == "b3-pipeline"


def put_into_the_inbox(platform: Platform) -> None:
    portfolio = published_portfolio("IBOV", SESSION)
    assert portfolio
    body = render_csv(content_of(portfolio, DownloadQuery(language="pt-br", index="IBOV"))).body
    key = f"inbox/IBOVDia_{SESSION:%d-%m-%y}.csv"
    platform.client("s3").put_object(Bucket="b3-lake", Key=key, Body=base64.b64decode(body))


OF_NO_RUN = run_by(__file__, "test_each_line_that_starts_no_run_ends_well")


@pytest.mark.parametrize("line", OF_NO_RUN)
def test_each_line_that_starts_no_run_ends_well(platform: Platform, line: str) -> None:
    given = os.environ | platform.env | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    ended = subprocess.run(
        ["bash", "-ec", line], env=given, capture_output=True, text=True, check=False
    )
    active = [
        schedule["active"]
        for each in platform.prefect("POST", "/deployments/filter", {})
        for schedule in each["schedules"]
    ]
    platform.pause_schedules()

    assert ended.returncode == 0, ended.stdout + ended.stderr
    if " schedule " in line:
        assert "--all" not in line or set(active) == {"resume" in line}
    else:
        assert f"PREFECT_API_URL='{given['PREFECT_API_URL']}'" in ended.stdout


def test_each_line_that_starts_a_run_ends_well(platform: Platform, of_one_index: None) -> None:
    """All of them together: each run that they start is Completed, and had what was given."""
    environment = os.environ | platform.env | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    put_into_the_inbox(platform)
    lines = run_by(__file__, "test_each_line_that_starts_a_run_ends_well")
    with ExitStack() as typed:
        processes = [
            typed.enter_context(
                subprocess.Popen(
                    ["bash", "-c", line],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            for line in lines
        ]
        for process in processes:
            typed.callback(process.kill)  # one that has ended is left alone
        shown = [process.communicate(timeout=2 * RUN_SECONDS)[0] for process in processes]

    for line, process, said in zip(lines, processes, shown, strict=True):
        assert process.returncode == 0, f"{line}\n{said}"
        words = shlex.split(line)
        (run,) = re.findall(r"UUID: ([0-9a-f-]{36})", said)
        assert platform.wait_until(run, *ENDED) == "Completed"
        given = platform.prefect("GET", f"/flow_runs/{run}")
        for option, word in itertools.pairwise(words):
            if option == "--param":
                name, _, value = word.partition("=")
                taken = given["parameters"][name]
                assert value in (taken, json.dumps(taken))
            elif option == "--params":
                assert given["parameters"].items() >= json.loads(word).items()
            elif option == "--job-variable":
                assert variables_of(platform, run).items() >= json.loads(word[4:]).items()


@pytest.fixture
def of_one_index(platform: Platform) -> Iterator[None]:
    """Where nothing is said a run takes one index in place of all forty, which take minutes."""
    every = [
        each
        for each in platform.prefect("POST", "/deployments/filter", {})
        if each["parameters"].get("index_codes") == ["all"]
    ]
    assert every
    for each in every:
        few = {"parameters": each["parameters"] | {"index_codes": ["IBOV"]}}
        platform.prefect("PATCH", f"/deployments/{each['id']}", few)
    yield
    for each in every:
        platform.prefect("PATCH", f"/deployments/{each['id']}", {"parameters": each["parameters"]})


def variables_of(platform: Platform, run: str) -> dict[str, str]:
    """What the container of a flow run finds in its environment."""
    (task,) = platform.tasks_of(run)
    (override,) = task["overrides"]["containerOverrides"]
    return {each["name"]: each["value"] for each in override["environment"]}


def test_runs_that_come_together_find_the_database_free(platform: Platform) -> None:
    runs = [
        platform.trigger(deployment=name, **parameters)
        for _ in range(2)
        for name, parameters in (
            (DEPLOYMENT, {"trading_date": DAY}),
            ("index-levels/index-levels", {}),
            ("daily-quotes/daily-quotes", {"trading_date": DAY, "index_codes": None}),
        )
    ]

    assert {platform.wait_until(run, *ENDED) for run in runs} == {"Completed"}
    assert "database is locked" not in (platform.state / "prefect-server.log").read_text()


def test_ten_runs_register_one_task_definition(platform: Platform) -> None:
    while len(platform.tasks()) < 10:
        run = platform.trigger(trading_date=DAY)
        assert platform.wait_until(run, *ENDED) == "Completed"

    registered = platform.client("ecs").list_task_definitions(familyPrefix=FAMILY)
    assert len(registered["taskDefinitionArns"]) == 1


@pytest.mark.parametrize(
    ("principal", "document", "unused"),
    [
        ("b3-pipeline-flow-run", "flow_run", FLOW_RUN_UNUSED),
        ("worker", "worker", WORKER_UNUSED),
    ],
)
def test_each_role_allows_what_was_asked_for_and_little_else(
    platform: Platform, principal: str, document: str, unused: dict[str, str]
) -> None:
    if not platform.tasks():
        platform.wait_until(platform.trigger(trading_date=DAY), *ENDED)

    asked = {call.action for call in read_trail(platform.state) if call.principal == principal}
    allowed = actions_of_document(document)

    assert asked
    assert asked - allowed == set()
    assert allowed - asked <= set(unused)


@pytest.mark.parametrize(
    ("principal", "role"),
    [
        ("b3-pipeline-execution", "execution"),
        ("b3-pipeline-flow-run", "flow_run"),
        ("b3-pipeline-glue", "glue"),
        ("worker", "worker[0]"),
    ],
)
def test_each_role_of_terraform_allows_every_call(
    platform: Platform, plans: dict[str, Plan], principal: str, role: str
) -> None:
    if not platform.tasks():
        platform.wait_until(platform.trigger(trading_date=DAY), *ENDED)

    calls = [call for call in read_trail(platform.state) if call.principal == principal]

    assert calls
    assert denied(as_planned(calls), *policies(plans["worker"], role)) == []


def test_flow_runs_get_nothing_of_the_workers_own_settings(platform: Platform) -> None:
    if not platform.tasks():
        platform.wait_until(platform.trigger(trading_date=DAY), *ENDED)

    for task in platform.tasks():
        (override,) = task["overrides"]["containerOverrides"]
        names = {each["name"] for each in override["environment"]}
        prefect = {name for name in names if name.startswith("PREFECT_") and "__" not in name}
        assert prefect == {
            "PREFECT_API_REQUEST_TIMEOUT",
            "PREFECT_API_URL",
            "PREFECT_CLIENT_MAX_RETRIES",
            "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR",
            "PREFECT_LOGGING_LEVEL",
        }


def test_second_platform_on_the_same_state_is_refused(platform: Platform) -> None:
    command = [
        sys.executable,
        "-m",
        "infra.local.local",
        "--state",
        str(platform.state),
        "--port",
        "0",
    ]

    second = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert second.returncode == 1
    assert f"Another local cloud serves {platform.state}" in second.stderr
