import datetime as dt
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.aws.ecs.tasks import SPOT_REASON
from infra.local.up import LocalCloud
from tests.local.conftest import is_alive, wait_until

CLUSTER = "test"
GROUP = "/ecs/test"


@pytest.fixture(scope="package")
def ecs(cloud: LocalCloud) -> Any:
    client = boto3.client("ecs")
    client.create_cluster(clusterName=CLUSTER)
    return client


@pytest.fixture(scope="package")
def subnet(cloud: LocalCloud) -> str:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/24")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")
    return str(subnet["Subnet"]["SubnetId"])


@pytest.fixture(scope="package")
def definition(ecs: Any) -> str:
    secret = boto3.client("secretsmanager").create_secret(Name="key", SecretString="s3cret")
    container = {
        "name": "prefect",
        "image": "b3-pipeline:test",
        "memory": 512,
        "stopTimeout": 1,
        "environment": [{"name": "FROM_DEFINITION", "value": "1"}, {"name": "BOTH", "value": "1"}],
        "secrets": [{"name": "FROM_SECRET", "valueFrom": secret["ARN"]}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": GROUP, "awslogs-stream-prefix": "run"},
        },
    }
    registered = ecs.register_task_definition(
        family="test",
        networkMode="awsvpc",
        executionRoleArn="arn:aws:iam::123456789012:role/execution",
        containerDefinitions=[container],
    )
    return str(registered["taskDefinition"]["taskDefinitionArn"])


@pytest.fixture(scope="package")
def queue(ecs: Any) -> str:
    sqs, events = boto3.client("sqs"), boto3.client("events")
    url = sqs.create_queue(QueueName="task-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    pattern = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "clusterArn": [ecs.describe_clusters(clusters=[CLUSTER])["clusters"][0]["clusterArn"]]
        },
    }
    events.put_rule(Name="task-events", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
    events.put_targets(Rule="task-events", Targets=[target])
    return str(url)


@pytest.fixture
def run_task(ecs: Any, definition: str, subnet: str, queue: str) -> Callable[..., str]:
    def run(code: str | None = None, command: list[str] | None = None) -> str:
        override = {
            "name": "prefect",
            "command": command or ["python", "-c", code or ""],
            "environment": [{"name": "BOTH", "value": "2"}],
        }
        started = ecs.run_task(
            cluster=CLUSTER,
            taskDefinition=definition,
            launchType="FARGATE",
            overrides={"containerOverrides": [override]},
            networkConfiguration={
                "awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}
            },
            tags=[{"key": "prefect.io/flow-run-id", "value": "1"}],
        )
        return str(started["tasks"][0]["taskArn"])

    return run


def _describe(ecs: Any, arn: str) -> Any:
    return ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]


def _wait_for(ecs: Any, arn: str, status: str) -> Any:
    wait_until(lambda: _describe(ecs, arn)["lastStatus"] == status)
    return _describe(ecs, arn)


def _events(queue: str, arn: str) -> list[Any]:
    sqs = boto3.client("sqs")
    found = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            event = json.loads(message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            if event["detail"]["taskArn"] == arn:
                found.append(event)
    return found


def _log(arn: str) -> list[str]:
    stream = f"run/prefect/{arn.rsplit('/', 1)[-1]}"
    events = boto3.client("logs").get_log_events(logGroupName=GROUP, logStreamName=stream)
    return [event["message"] for event in events["events"]]


def _pids(cloud: LocalCloud, arn: str) -> list[int]:
    """The container's first process, and those that it printed."""
    pid_file = cloud.state.root / "ecs" / f"{arn.rsplit('/', 1)[-1]}.pid"
    wait_until(
        lambda: pid_file.exists() and bool(pid_file.read_text()) and len(_log_or_none(arn)) == 1
    )
    return [int(pid_file.read_text()), *map(int, _log(arn)[0].split())]


def _log_or_none(arn: str) -> list[str]:
    try:
        return _log(arn)
    except boto3.client("logs").exceptions.ResourceNotFoundException:
        return []


# A child in a session of its own, as Prefect starts its engine.
TREE = (
    "import os, subprocess, sys, time\n"
    "sleep = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
    "child = subprocess.Popen(sleep, start_new_session=True)\n"
    "print(os.getpid(), child.pid, flush=True)\n"
)


def test_a_definition_is_answered_with_the_defaults_that_aws_adds(ecs: Any) -> None:
    registered = ecs.register_task_definition(
        family="defaults",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "prefect", "image": "b3-pipeline:test"}],
        volumes=[{"name": "scratch"}],
    )["taskDefinition"]

    described = ecs.describe_task_definition(taskDefinition="defaults")["taskDefinition"]

    assert described == registered
    assert dt.datetime.now(dt.UTC) - described.pop("registeredAt") < dt.timedelta(minutes=1)
    assert described == {
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/defaults:1",
        "family": "defaults",
        "revision": 1,
        "status": "ACTIVE",
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [
            {
                "name": "prefect",
                "image": "b3-pipeline:test",
                "cpu": 0,
                "essential": True,
                "environment": [],
                "mountPoints": [],
                "portMappings": [],
                "systemControls": [],
                "volumesFrom": [],
            }
        ],
        "volumes": [{"name": "scratch", "host": {}}],
        "placementConstraints": [],
        "requiresCompatibilities": ["FARGATE"],
        "compatibilities": ["EC2", "FARGATE"],
        "requiresAttributes": [
            {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"},
            {"name": "ecs.capability.task-eni"},
        ],
        "registeredBy": "arn:aws:iam::123456789012:root",
        "enableFaultInjection": False,
    }


def test_a_definition_that_asks_for_fault_injection_has_it(ecs: Any) -> None:
    container = {"name": "prefect", "image": "b3-pipeline:test", "memory": 512}
    registered = ecs.register_task_definition(
        family="faults", containerDefinitions=[container], enableFaultInjection=True
    )
    assert registered["taskDefinition"]["enableFaultInjection"] is True


def test_task_sees_definition_secret_and_override_and_nothing_of_the_person(
    monkeypatch: pytest.MonkeyPatch, cloud: LocalCloud, ecs: Any, run_task: Callable[..., str]
) -> None:
    monkeypatch.setenv("PREFECT_API_KEY", "the person's")
    arn = run_task("import json, os; print(json.dumps(dict(os.environ)))")

    _wait_for(ecs, arn, "STOPPED")

    env = json.loads(_log(arn)[0])
    expected = {"FROM_DEFINITION": "1", "FROM_SECRET": "s3cret", "BOTH": "2"}
    assert env.items() >= expected.items()
    assert env["AWS_ENDPOINT_URL"] == cloud.env["AWS_ENDPOINT_URL"]
    assert "PREFECT_API_KEY" not in env
    assert env["HOME"] != os.environ.get("HOME")


def test_what_ecs_does_itself_it_does_as_the_execution_role(
    cloud: LocalCloud, ecs: Any, run_task: Callable[..., str]
) -> None:
    arn = run_task("pass")
    _wait_for(ecs, arn, "STOPPED")

    task_id = arn.rpartition("/")[2]
    lines = map(json.loads, cloud.state.trail.read_text(encoding="utf-8").splitlines())
    calls = [each for each in lines if each["principal"] == "execution"]
    stream = {"logGroupName": GROUP, "logStreamName": f"run/prefect/{task_id}"}
    assert [each["action"] for each in calls if each["parameters"] == stream] == [
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ]
    (asked,) = {
        each["parameters"]["SecretId"]
        for each in calls
        if each["action"] == "secretsmanager:GetSecretValue"
    }
    assert asked.startswith("arn:aws:secretsmanager:us-east-1:123456789012:secret:key-")


def test_task_that_ends_reports_each_state_and_its_exit_code(
    ecs: Any, queue: str, run_task: Callable[..., str]
) -> None:
    arn = run_task("raise SystemExit(3)")

    stopped = _wait_for(ecs, arn, "STOPPED")

    assert stopped["containers"][0]["exitCode"] == 3
    assert stopped["stopCode"] == "EssentialContainerExited"
    events = _events(queue, arn)
    assert [event["detail"]["lastStatus"] for event in events] == ["PENDING", "RUNNING", "STOPPED"]
    assert events[-1]["detail"]["containers"][0]["exitCode"] == 3
    assert all(event["resources"] == [arn] for event in events)


def test_killed_container_ends_with_137_and_leaves_nothing_running(
    cloud: LocalCloud, ecs: Any, run_task: Callable[..., str]
) -> None:
    arn = run_task(TREE + "time.sleep(600)")
    pids = _pids(cloud, arn)
    assert all(map(is_alive, pids))

    os.kill(pids[0], signal.SIGKILL)

    stopped = _wait_for(ecs, arn, "STOPPED")
    assert stopped["containers"][0]["exitCode"] == 137
    assert stopped["stopCode"] == "EssentialContainerExited"
    assert not any(map(is_alive, pids))


def test_what_a_finished_command_left_behind_is_ended(
    cloud: LocalCloud, ecs: Any, run_task: Callable[..., str]
) -> None:
    arn = run_task(TREE)

    assert _wait_for(ecs, arn, "STOPPED")["containers"][0]["exitCode"] == 0

    assert not any(map(is_alive, map(int, _log(arn)[0].split())))


def test_stopped_task_gets_sigterm_and_time_to_end(
    cloud: LocalCloud, ecs: Any, queue: str, run_task: Callable[..., str]
) -> None:
    arn = run_task(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n" + TREE + "time.sleep(600)"
    )
    pids = _pids(cloud, arn)

    ecs.stop_task(cluster=CLUSTER, task=arn, reason="enough")

    stopped = _wait_for(ecs, arn, "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "enough")
    assert stopped["containers"][0]["exitCode"] == 7
    assert not any(map(is_alive, pids))
    assert _events(queue, arn)[-1]["detail"]["stopCode"] == "UserInitiated"


def test_task_that_ignores_sigterm_is_killed_when_its_time_is_over(
    cloud: LocalCloud, ecs: Any, run_task: Callable[..., str]
) -> None:
    arn = run_task(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + TREE + "time.sleep(600)"
    )
    pids = _pids(cloud, arn)

    ecs.stop_task(cluster=CLUSTER, task=arn)

    assert _wait_for(ecs, arn, "STOPPED")["containers"][0]["exitCode"] == 137
    assert not any(map(is_alive, pids))


def test_stop_with_the_reason_of_spot_is_a_spot_interruption(
    cloud: LocalCloud, ecs: Any, run_task: Callable[..., str]
) -> None:
    arn = run_task(TREE + "time.sleep(600)")
    _pids(cloud, arn)

    ecs.stop_task(cluster=CLUSTER, task=arn, reason=SPOT_REASON)

    stopped = _wait_for(ecs, arn, "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("SpotInterruption", SPOT_REASON)


def test_command_that_is_not_there_fails_to_start_and_says_so(
    ecs: Any, queue: str, run_task: Callable[..., str]
) -> None:
    arn = run_task(command=["no-such-program"])

    stopped = _wait_for(ecs, arn, "STOPPED")

    assert stopped["stopCode"] == "TaskFailedToStart"
    assert "no executable ['no-such-program']" in stopped["stoppedReason"]
    assert _events(queue, arn)[-1]["detail"]["containers"] == []


def test_looking_at_a_task_does_not_move_it_on(ecs: Any, run_task: Callable[..., str]) -> None:
    arn = run_task("import time; time.sleep(600)")

    for _ in range(5):
        assert _describe(ecs, arn)["lastStatus"] in {"PENDING", "RUNNING"}
        time.sleep(0.05)

    ecs.stop_task(cluster=CLUSTER, task=arn)
    _wait_for(ecs, arn, "STOPPED")


def test_task_that_nobody_knows_is_refused(ecs: Any, subnet: str) -> None:
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="not found"):
        ecs.stop_task(cluster=CLUSTER, task="0" * 32)


def test_killed_cloud_takes_its_tasks_with_it(tmp_path: Path, up: Callable[..., Any]) -> None:
    first = up(tmp_path)
    ecs, ec2 = first.client("ecs"), first.client("ec2")
    ecs.create_cluster(clusterName=CLUSTER)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/24")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    pids_file = tmp_path / "pids"
    save = f"open({str(pids_file)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}\\n')\n"
    command = [sys.executable, "-c", TREE + save + "time.sleep(600)"]
    ecs.register_task_definition(
        family="test",
        networkMode="awsvpc",
        containerDefinitions=[{"name": "one", "image": "any", "memory": 9, "command": command}],
    )
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}}
    ecs.run_task(
        cluster=CLUSTER,
        taskDefinition="test",
        launchType="FARGATE",
        networkConfiguration=network,
    )
    wait_until(lambda: pids_file.exists() and "\n" in pids_file.read_text())
    pids = [int(pid) for pid in pids_file.read_text().split()]
    assert all(map(is_alive, pids))

    first.kill()

    wait_until(lambda: not any(map(is_alive, pids)), seconds=5)
