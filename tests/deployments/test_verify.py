"""What is asked of a deployment's real services, and what each answer comes to."""

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from prefect.exceptions import ObjectNotFound

import deployments.variables
import deployments.verify
from deployments import polling, verify_services, verify_task
from deployments.verdict import Verdict, as_table
from deployments.verify import CHECKS, checks, run_checks
from deployments.verify_rights import rights_of_roles, verify_rights
from deployments.verify_services import (
    verify_alarms,
    verify_glue,
    verify_queries,
    verify_worker,
)
from tasks.core.errors import NotConfiguredError
from tests.deployments.conftest import OUTPUTS

ALL: dict[str, Any] = OUTPUTS | {
    "account_id": "123456789012",
    "database": "b3",
    "glue_job_name": "b3-pipeline-refine",
    "glue_role_arn": "arn:aws:iam::123456789012:role/glue",
    "worker_role_arn": "arn:aws:iam::123456789012:role/worker",
    "queue_name": "b3-pipeline-task-events",
    "workgroup": "b3-pipeline",
    "alarm_topic_arn": "arn:aws:sns:us-east-1:123456789012:b3-pipeline-alarms",
    "worker_service_name": "b3-pipeline-worker",
    "submitter_user_name": None,
    "image_tag": "0123abc",
}
PLAN = f"s3://lake/runs/{'0' * 64}/plan.json"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "sleep", lambda _seconds: None)


def answering(service: str, *answers: tuple[str, dict[str, Any]]) -> Any:
    """A client that gives these answers in order, each of which the service's model allows."""
    client: Any = boto3.client(
        service,  # type: ignore[call-overload]
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    stub = Stubber(client)
    for method, answer in answers:
        if "code" in answer:
            stub.add_client_error(method, service_error_code=answer["code"])
        else:
            stub.add_response(method, answer)
    stub.activate()
    return client


def glue_run(state: str, message: str = "") -> tuple[str, dict[str, Any]]:
    return "get_job_run", {"JobRun": {"JobRunState": state, "ErrorMessage": message}}


STARTED = ("start_job_run", {"JobRunId": "jr_1"})


def test_a_glue_run_that_says_what_its_script_says_holds() -> None:
    said = f"SystemExit: expected a plan at {PLAN}, found none"
    glue = answering("glue", STARTED, glue_run("RUNNING"), glue_run("FAILED", said))

    (verdict,) = verify_glue(ALL, glue)

    assert verdict.holds is True


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([STARTED, glue_run("FAILED", "Access Denied")], "FAILED and says: Access Denied"),
        ([STARTED, glue_run("SUCCEEDED")], "run jr_1 is SUCCEEDED"),
        ([("start_job_run", {"code": "AccessDeniedException"})], "AccessDeniedException"),
    ],
)
def test_any_other_end_of_a_glue_run_does_not(answers: list[Any], found: str) -> None:
    (verdict,) = verify_glue(ALL, answering("glue", *answers))

    assert verdict.holds is False
    assert found in verdict.found


def test_a_glue_run_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_services, "_GLUE_PATIENCE_SECONDS", -1.0)
    glue = answering("glue", STARTED, glue_run("RUNNING"), ("batch_stop_job_run", {}))

    (verdict,) = verify_glue(ALL, glue)

    assert verdict.holds is False
    assert "stopped" in verdict.found


def saved(*names: str) -> list[tuple[str, dict[str, Any]]]:
    queries = [
        {"Name": name, "Database": "b3", "QueryString": f"SELECT {name}", "NamedQueryId": name}
        for name in names
    ]
    return [
        ("list_named_queries", {"NamedQueryIds": list(names)} if names else {}),
        *(("get_named_query", {"NamedQuery": query}) for query in queries),
        *(("start_query_execution", {"QueryExecutionId": f"of {name}"}) for name in names),
    ]


def query_end(state: str, reason: str = "") -> tuple[str, dict[str, Any]]:
    status = {"State": state, "StateChangeReason": reason}
    return "get_query_execution", {"QueryExecution": {"Status": status}}


def test_every_saved_query_is_explained() -> None:
    ends = [query_end("RUNNING"), query_end("SUCCEEDED"), query_end("SUCCEEDED")]
    (verdict,) = verify_queries(ALL, answering("athena", *saved("a", "b"), *ends))
    assert verdict == Verdict("Athena understands every saved query", "2 explained", holds=True)


def test_a_query_that_athena_does_not_understand_is_named() -> None:
    ends = [query_end("SUCCEEDED"), query_end("FAILED", "line 1:8: mismatched input")]
    (verdict,) = verify_queries(ALL, answering("athena", *saved("a", "b"), *ends))
    assert verdict.holds is False
    assert verdict.found == "b: line 1:8: mismatched input"


def test_a_workgroup_without_queries_does_not_hold() -> None:
    (verdict,) = verify_queries(ALL, answering("athena", *saved()))
    assert verdict.holds is False
    assert verdict.found == "no query is saved in the workgroup b3-pipeline: deploy again"


def test_a_query_that_athena_refuses_at_once_hides_no_other() -> None:
    listed, first, second, _, start = saved("a", "b")
    refused = ("start_query_execution", {"code": "InvalidRequestException"})
    athena = answering(
        "athena", listed, first, second, refused, start, query_end("FAILED", "line 1:8")
    )
    (verdict,) = verify_queries(ALL, athena)
    assert verdict.holds is False
    assert "a: An error occurred (InvalidRequestException)" in verdict.found
    assert verdict.found.endswith("; b: line 1:8")


def test_two_queries_of_one_name_are_both_explained() -> None:
    ends = [query_end("SUCCEEDED"), query_end("FAILED", "line 1:8")]
    (verdict,) = verify_queries(ALL, answering("athena", *saved("a", "a"), *ends))
    assert (verdict.holds, verdict.found) == (False, "a: line 1:8")


def subscriptions(*arns: str) -> Any:
    found = [
        {"SubscriptionArn": arn, "Endpoint": f"team{number}@example.com", "Protocol": "email"}
        for number, arn in enumerate(arns, start=1)
    ]
    return answering("sns", ("list_subscriptions_by_topic", {"Subscriptions": found}))


@pytest.mark.parametrize(
    ("arns", "expected"),
    [
        ([], [(False, "nobody: set alarm_email and deploy, or subscribe to the topic")]),
        (["Deleted"], [(False, "nobody: set alarm_email and deploy, or subscribe to the topic")]),
        (["arn:aws:1"], [(True, "team1@example.com")]),
        (
            ["PendingConfirmation", "arn:aws:2"],
            [
                (False, "team1@example.com has not confirmed: follow the link in AWS's mail to it"),
                (True, "team2@example.com"),
            ],
        ),
    ],
)
def test_who_has_not_confirmed_is_told_of_nothing(
    arns: list[str], expected: list[tuple[bool, str]]
) -> None:
    found = list(verify_alarms(ALL, subscriptions(*arns)))
    assert [(each.holds, each.found) for each in found] == expected


@pytest.mark.parametrize(("running", "holds"), [(0, False), (1, True)])
def test_the_worker_has_to_run(running: int, holds: bool) -> None:
    events = [{"message": "unable to place a task"}]
    service = {"desiredCount": 1, "runningCount": running, "events": events}
    ecs = answering("ecs", ("describe_services", {"services": [service]}))

    (verdict,) = verify_worker(ALL, ecs)

    assert verdict.holds is holds
    assert ("unable to place a task" in verdict.found) is not holds


@pytest.mark.parametrize(
    ("services", "found"),
    [
        ([], "there is no service b3-pipeline-worker: deploy again"),
        (
            [{"desiredCount": 0, "runningCount": 0}],
            "0 of 0 running: somebody has stopped the service b3-pipeline-worker; deploy again",
        ),
    ],
)
def test_a_worker_that_is_not_wanted_does_not_hold(
    services: list[dict[str, Any]], found: str
) -> None:
    (verdict,) = verify_worker(ALL, answering("ecs", ("describe_services", {"services": services})))
    assert verdict == Verdict("the worker", found, holds=False)


def test_a_push_pool_has_no_worker() -> None:
    assert list(verify_worker(ALL | {"worker_service_name": None}, answering("ecs"))) == []


class Iam:
    """Answers simulations: allowed is what `is_allowed` says."""

    def __init__(self, is_allowed: Callable[[str, str], bool]) -> None:
        self._is_allowed = is_allowed

    def get_paginator(self, name: str) -> "Iam":
        assert name == "simulate_principal_policy"
        return self

    def paginate(self, **asked: Any) -> Iterable[dict[str, Any]]:
        yield {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": "allowed"
                    if self._is_allowed(action, resource)
                    else "explicitDeny",
                }
                for action in asked["ActionNames"]
                for resource in asked["ResourceArns"]
            ]
        }


def test_a_right_that_is_not_there_is_named() -> None:
    given = {
        (action, resource)
        for _, rights in rights_of_roles(ALL).values()
        for each in rights
        if each.are_given
        for action in each.actions
        for resource in each.resources
    }
    kept = {
        (action, resource)
        for _, rights in rights_of_roles(ALL).values()
        for each in rights
        if not each.are_given
        for action in each.actions
        for resource in each.resources
    }
    assert len(given) >= 50
    assert len(kept) > 15
    (flow_run, *_) = verify_rights(
        ALL, Iam(lambda action, resource: action != "glue:GetJob" and "another" not in resource)
    )
    assert flow_run.holds is False
    assert (
        "glue:GetJob on arn:aws:glue:us-east-1:123456789012:job/b3-pipeline-refine "
        "should be allowed: explicitDeny"
    ) in flow_run.found
    assert "s3:DeleteObject on arn:aws:s3:::lake/raw/any should not be: allowed" in flow_run.found


def describe_rights(outputs: dict[str, Any]) -> str:
    """The rights that each role is to have and not to have, a line each."""
    lines = []
    for name, (arn, rights) in rights_of_roles(outputs).items():
        lines.append(f"{name}: {arn.rpartition(':')[2]}")
        for each in rights:
            word = "may" if each.are_given else "may not"
            where = " ".join(resource.split(":", 5)[-1] for resource in each.resources)
            when = "".join(
                f" if {key} {value.split(':', 5)[-1]}" for key, value in each.context.items()
            )
            lines.append(f"  {word} {' '.join(each.actions)} on {where}{when}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("file", "pool"),
    [
        ("rights.txt", {}),
        (
            "rights_of_push.txt",
            {"work_pool_type": "ecs:push", "submitter_user_name": "b3-pipeline-prefect-cloud"},
        ),
    ],
)
def test_what_is_asked_of_iam_is_as_written_down(
    file: str, pool: dict[str, Any], tmp_path: Path
) -> None:
    golden = Path(__file__).with_name(file)
    found = describe_rights(ALL | pool)
    (tmp_path / file).write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8"), (
        f"where this is meant: cp {tmp_path / file} {golden}"
    )


def test_how_many_rights_were_asked_for_is_told() -> None:
    given = {
        action
        for each in rights_of_roles(ALL)["execution"][1]
        if each.are_given
        for action in each.actions
    }
    rows = list(verify_rights(ALL, Iam(lambda action, _: action in given)))
    (execution,) = [each for each in rows if each.what == "rights of the execution role"]
    assert execution == Verdict(
        "rights of the execution role", "6 given, 2 not given, as they should be", holds=True
    )


def test_one_role_for_everything_has_more_than_each_of_them_takes() -> None:
    role = "arn:aws:iam::123456789012:role/LabRole"
    names = ("flow_run_role_arn", "glue_role_arn", "execution_role_arn", "worker_role_arn")
    found = list(verify_rights(ALL | dict.fromkeys(names, role), Iam(lambda *_: True)))
    assert [each.holds for each in found] == [True] * 4


def test_who_may_not_ask_is_told_so() -> None:
    class Refusing(Iam):
        def paginate(self, **_asked: Any) -> Iterable[dict[str, Any]]:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "SimulatePrincipalPolicy")

    found = list(verify_rights(ALL, Refusing(lambda *_: True)))
    assert [each.holds for each in found] == [None] * 4
    assert "iam:SimulatePrincipalPolicy" in found[0].found


def test_a_push_pool_asks_for_its_user() -> None:
    push = ALL | {"work_pool_type": "ecs:push", "submitter_user_name": "b3-pipeline-prefect-cloud"}
    arn, rights = rights_of_roles(push)["Prefect Cloud's user"]
    assert arn == "arn:aws:iam::123456789012:user/b3-pipeline-prefect-cloud"
    assert not [each for each in rights if "sqs:ReceiveMessage" in each.actions]


class Pools:
    """Prefect's API, which knows one pool."""

    def read_work_pool(self, name: str) -> Any:
        assert name == "b3-pipeline"
        network = {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}
        properties = {
            "env": {"default": {"B3_LAKE_BUCKET": "lake"}},
            "launch_type": {"default": "FARGATE"},
            "network_configuration": {"default": network},
        }
        template = {"variables": {"properties": properties}}
        return type("Pool", (), {"base_job_template": template, "name": name})


TASK = "arn:aws:ecs:us-east-1:123456789012:task/b3-pipeline/1"
DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/b3-pipeline-flow:3"
KNOWN: list[tuple[str, dict[str, Any]]] = [
    ("list_task_definitions", {"taskDefinitionArns": [DEFINITION]}),
    (
        "describe_task_definition",
        {"taskDefinition": {"containerDefinitions": [{"image": "r:1"}]}},
    ),
]
END: dict[str, Any] = {"what": verify_task.LAST, "found": "an address", "holds": True}
BROKEN = ['{"what": "cut off', '{"what": "a", "more": 1}', '{"what"', "{}"]
SAID: dict[str, Any] = {"what": "a task writes its scratch space", "found": "/tmp", "holds": True}


def task_verdicts(*answers: tuple[str, dict[str, Any]], logged: list[str]) -> list[Verdict]:
    events = [{"message": line, "timestamp": 1} for line in logged]
    ecs = answering("ecs", *KNOWN, *answers)
    logs = answering("logs", ("get_log_events", {"events": events}))
    outputs = ALL | {"prefect_api_url": "https://prefect.example/api"}
    client: Any = Pools()
    return list(verify_task.verify_task(outputs, "r:1", client, ecs, logs))


def stopped(**task: Any) -> tuple[str, dict[str, Any]]:
    return "describe_tasks", {"tasks": [{"lastStatus": "STOPPED", "taskArn": TASK, **task}]}


def test_a_task_tells_what_it_found() -> None:
    found = task_verdicts(
        ("run_task", {"tasks": [{"taskArn": TASK}]}),
        ("describe_tasks", {"tasks": [{"lastStatus": "RUNNING"}]}),
        stopped(containers=[{"exitCode": 0}]),
        logged=["a line of the image", json.dumps(SAID), *BROKEN, json.dumps(END)],
    )
    assert found[1:] == [Verdict(**SAID), Verdict(**END)]
    assert found[0].holds is True


def test_a_log_without_its_end_is_not_taken_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_task, "_LOG_PATIENCE_SECONDS", -1.0)
    found = task_verdicts(
        ("run_task", {"tasks": [{"taskArn": TASK}]}),
        stopped(containers=[{"exitCode": 0}]),
        logged=[json.dumps(SAID)],
    )
    assert [each.holds for each in found] == [True, True, None]
    assert "the end of its log in" in found[2].found


def test_a_log_that_comes_later_is_waited_for() -> None:
    ecs = answering(
        "ecs",
        *KNOWN,
        ("run_task", {"tasks": [{"taskArn": TASK}]}),
        stopped(containers=[{"exitCode": 0}]),
    )
    events = [{"message": json.dumps(each), "timestamp": 1} for each in (SAID, END)]
    logs = answering(
        "logs",
        ("get_log_events", {"code": "ResourceNotFoundException"}),
        ("get_log_events", {"events": events[:1]}),
        ("get_log_events", {"events": events}),
    )
    outputs = ALL | {"prefect_api_url": "https://prefect.example/api"}
    client: Any = Pools()
    found = list(verify_task.verify_task(outputs, "r:1", client, ecs, logs))
    assert [each.holds for each in found] == [True, True, True]


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([("run_task", {"tasks": [], "failures": [{"reason": "no room"}]})], "no room"),
        ([("run_task", {"code": "AccessDeniedException"})], "AccessDeniedException"),
        (
            [
                ("run_task", {"tasks": [{"taskArn": TASK}]}),
                stopped(containers=[{"reason": "exec format error"}], stoppedReason="no start"),
            ],
            "no start; exec format error (exit codes: [None])",
        ),
    ],
)
def test_a_task_that_does_not_run_says_why(answers: list[Any], found: str) -> None:
    (verdict, *_) = task_verdicts(*answers, logged=[])
    assert verdict.holds is False
    assert found in verdict.found


def test_the_task_runs_where_flow_runs_do_with_what_they_get() -> None:
    ecs = boto3.client(
        "ecs", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    stub = Stubber(ecs)
    for method, answer in KNOWN:
        stub.add_response(method, answer)
    override = {
        "name": "prefect",
        "command": ["python", "-m", "flows.probe"],
        "environment": [
            {"name": "B3_LAKE_BUCKET", "value": "lake"},
            {"name": "PREFECT_API_URL", "value": "https://prefect.example/api"},
        ],
    }
    asked = {
        "cluster": ALL["cluster_arn"],
        "taskDefinition": DEFINITION,
        "launchType": "FARGATE",
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}
        },
        "startedBy": "verify",
        "overrides": {"containerOverrides": [override]},
    }
    stub.add_response("run_task", {"tasks": [], "failures": []}, asked)
    outputs = ALL | {"prefect_api_url": "https://prefect.example/api"}
    pools: Any = Pools()
    with stub:
        list(verify_task.verify_task(outputs, "r:1", pools, ecs, ANY))
    stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied"}}, "ListSubscriptions"),
        httpx.ReadTimeout("nothing in 30 s"),
        ObjectNotFound(Exception("no such pool")),
        KeyError("workgroup"),
    ],
)
def test_a_check_that_cannot_be_done_takes_no_other_with_it(error: Exception) -> None:
    def refused() -> Any:
        yield Verdict("of before", "b", holds=True)
        raise error

    verdicts = run_checks(
        {"alarms": refused, "worker": lambda: iter([Verdict("the worker", "1", holds=True)])}
    )
    assert [(each.what, each.holds) for each in verdicts] == [
        ("of before", True),
        ("alarms", None),
        ("the worker", True),
    ]


def test_the_command_knows_every_check() -> None:
    client: Any = Pools()
    assert tuple(checks(ALL, client, boto3)) == CHECKS


def test_the_table_fits_what_was_found() -> None:
    verdicts = [Verdict("a", "1 | 2", holds=True), Verdict("longer", "3", holds=False)]
    assert as_table([*verdicts, Verdict("b", "4\n  5", holds=None)]).splitlines() == [
        "| what   | verdict       | found |",
        "|--------|---------------|---|",
        "| a      | holds         | 1 \\| 2 |",
        "| longer | DOES NOT HOLD | 3 |",
        "| b      | not told      | 4 5 |",
    ]


@pytest.mark.parametrize("holds", [True, False, None])
def test_the_command_ends_with_0_where_all_holds(
    holds: bool | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = Verdict("a", "b", holds=holds)
    environment = type("E", (), {"region": "us-east-1", "prefect_api_url": "http://127.0.0.1/api"})
    module = deployments.verify
    monkeypatch.setattr(module, "environment_file", lambda _name: None)
    monkeypatch.setattr(module, "read_environment", lambda _path: environment)
    monkeypatch.setattr(module, "_outputs", lambda *_: ALL)
    monkeypatch.setattr(module, "run_checks", lambda asked: [verdict] * len(asked))

    code = module.main(["--env", "prod", "--only", "alarms", "worker"])

    assert code == (0 if holds else 1)
    assert capsys.readouterr().out.endswith(f"\n{2 if holds else 0} of 2 hold.\n")


@pytest.mark.parametrize(
    ("outputs", "found"),
    [({}, "found nothing in"), (ALL | {"image_tag": None}, "found no image in")],
)
def test_what_is_not_deployed_is_said(
    outputs: dict[str, Any], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = deployments.verify
    asked: list[dict[str, Any]] = []
    for check in ("check_terraform", "check_account", "check_state"):
        monkeypatch.setattr(deployments.variables, check, lambda *_: None)
    monkeypatch.setattr(module, "check_prefect", lambda *_, **how: asked.append(how))
    has = bool(outputs)  # what is not deployed has no workspace, and none is made by looking
    methods = {"initialize": lambda: None, "has_workspace": lambda: has, "outputs": lambda: outputs}
    terraform: Any = type("T", (), methods)
    environment: Any = type("E", (), {"work_pool_type": "ecs"})
    with pytest.raises(NotConfiguredError, match=f"{found} Terraform's state: make deploy ENV=a"):
        module._outputs("a", environment, terraform)
    assert asked == [{"is_block_needed": False}]  # nobody acts as a push pool here


def test_a_state_that_lies_elsewhere_and_outputs_of_before_are_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = deployments.verify
    for check in ("check_terraform", "check_account", "check_state"):
        monkeypatch.setattr(deployments.variables, check, lambda *_: None)
    monkeypatch.setattr(module, "check_prefect", lambda *_, **__: None)
    methods = {
        "initialize": lambda: None,
        "has_workspace": lambda: True,
        "outputs": lambda: ALL | {"cluster_arn": None},
    }
    terraform: Any = type("T", (), methods)
    environment: Any = type("E", (), {"work_pool_type": "ecs"})
    with pytest.raises(NotConfiguredError, match="missing or malformed: cluster_arn"):
        module._outputs("a", environment, terraform)

    def elsewhere(*_: Any) -> None:
        raise NotConfiguredError("name that bucket again")

    monkeypatch.setattr(deployments.variables, "check_state", elsewhere)
    with pytest.raises(NotConfiguredError, match="name that bucket again"):
        module._outputs("a", environment, terraform)


def test_terraform_that_fails_is_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise subprocess.CalledProcessError(3, ["terraform", "-chdir=x", "init", "-input=false"])

    environment = type("E", (), {"region": "us-east-1"})
    monkeypatch.setattr(deployments.verify, "environment_file", lambda _name: None)
    monkeypatch.setattr(deployments.verify, "read_environment", lambda _path: environment)
    monkeypatch.setattr(deployments.verify, "_outputs", fail)
    assert deployments.verify.main(["--env", "prod"]) == 1
    assert capsys.readouterr().err == (
        "terraform -chdir=x init -input=false … ended with 3: mend what it says above, and run the "
        "same command again.\n"
    )


def test_an_environment_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert deployments.verify.main(["--env", "nowhere"]) == 1
    assert "Expected an environment 'nowhere'" in capsys.readouterr().err


def test_a_task_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_task, "_PATIENCE_SECONDS", -1.0)
    (verdict,) = task_verdicts(
        ("run_task", {"tasks": [{"taskArn": TASK}]}),
        ("describe_tasks", {"tasks": [{"lastStatus": "RUNNING"}]}),
        ("stop_task", {}),
        logged=[],
    )
    assert verdict.holds is False
    assert "was stopped" in verdict.found


def test_a_look_that_finds_nothing_in_time_is_the_last() -> None:
    looks = iter([None, None, "found"])
    assert polling.poll(lambda: next(looks), 60) == "found"
    looks = iter([None, "too late"])
    assert polling.poll(lambda: next(looks), -1) is None
