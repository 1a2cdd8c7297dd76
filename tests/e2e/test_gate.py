"""The gate itself, in front of a local AWS of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from infra.local.aws.server import aws_server
from infra.local.aws.state_files import StateDirectory
from tests.e2e.gate import Gate, Kind, gate_to
from tests.e2e.refusals import REFUSALS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

BUCKET = "b3-gate"
BODY = b"0123456789"
IMPATIENT_SECONDS = 0.3


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with aws_server(StateDirectory(tmp_path_factory.mktemp("aws"))) as env:
        client(env["AWS_ENDPOINT_URL"], "s3").create_bucket(Bucket=BUCKET)
        yield env


@pytest.fixture
def gate(aws: dict[str, str]) -> Iterator[Gate]:
    with gate_to(aws["AWS_ENDPOINT_URL"]) as gate:
        yield gate


@pytest.fixture
def s3(gate: Gate) -> Any:
    return client(gate.url, "s3")


@pytest.fixture
def glue(gate: Gate) -> Any:
    return client(gate.url, "glue")


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def client(url: str, service: str, **options: Any) -> Any:
    """A client that asks once."""
    clients: Any = boto3
    config = Config(retries={"total_max_attempts": 1}, **options)
    return clients.client(service, endpoint_url=url, config=config)


def put(s3: Any, key: str) -> Any:
    return s3.put_object(Bucket=BUCKET, Key=key, Body=BODY)


def stored(aws: dict[str, str]) -> dict[str, bytes]:
    """The objects, asked past the gate."""
    s3 = client(aws["AWS_ENDPOINT_URL"], "s3")
    listed = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {
        each["Key"]: s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in listed
    }


def databases(aws: dict[str, str]) -> set[str]:
    found = client(aws["AWS_ENDPOINT_URL"], "glue").get_databases()["DatabaseList"]
    return {each["Name"] for each in found}


def test_calls_go_through_and_their_actions_are_seen(gate: Gate, s3: Any, glue: Any) -> None:
    put(s3, "seen/a b+ç")

    assert s3.get_object(Bucket=BUCKET, Key="seen/a b+ç")["Body"].read() == BODY
    assert s3.head_object(Bucket=BUCKET, Key="seen/a b+ç")["ContentLength"] == len(BODY)
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="seen/")
    assert [each["Key"] for each in listed["Contents"]] == ["seen/a b+ç"]
    assert "date" in listed["ResponseMetadata"]["HTTPHeaders"]
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_database(Name="none")
    assert gate.seen == [
        "s3:PutObject",
        "s3:GetObject",
        "s3:HeadObject",
        "s3:ListObjectsV2",
        "glue:GetDatabase",
    ]


@pytest.mark.parametrize(
    ("kind", "status", "code"), [("500", 500, "InternalError"), ("throttled", 503, "SlowDown")]
)
def test_s3_refuses_one_call_and_does_nothing(
    kind: Kind, status: int, code: str, gate: Gate, aws: dict[str, str], s3: Any, key: str
) -> None:
    gate.fail("s3:PutObject", kind)

    with pytest.raises(ClientError) as refused:
        put(s3, key)

    answer: Any = refused.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)
    assert "date" in answer["ResponseMetadata"]["HTTPHeaders"]
    assert key not in stored(aws)
    assert gate.has_failed_all
    put(s3, key)
    assert stored(aws)[key] == BODY


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("500", 500, "InternalServiceException"), ("throttled", 400, "ThrottlingException")],
)
def test_glue_refuses_one_call_and_does_nothing(
    kind: Kind, status: int, code: str, gate: Gate, aws: dict[str, str], glue: Any
) -> None:
    gate.fail("glue:CreateDatabase", kind)
    database = {"Name": f"refused_{code.lower()}"}

    with pytest.raises(ClientError) as refused:
        glue.create_database(DatabaseInput=database)

    answer: Any = refused.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (status, code)
    assert database["Name"] not in databases(aws)
    glue.create_database(DatabaseInput=database)
    assert database["Name"] in databases(aws)


def test_service_with_forms_refuses_in_its_own_form(gate: Gate) -> None:
    sts = client(gate.url, "sts")
    gate.fail("sts:GetCallerIdentity", "throttled")
    gate.fail("sts:GetCallerIdentity", "500")

    for status, code in ((400, "Throttling"), (500, "InternalFailure")):
        with pytest.raises(ClientError) as refused:
            sts.get_caller_identity()
        answer: Any = refused.value.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
        assert answer["Error"]["Code"] == code
    assert sts.get_caller_identity()["Account"]


@pytest.mark.parametrize("kind", sorted(REFUSALS))
def test_head_is_refused_without_a_body(kind: Kind, gate: Gate, s3: Any, key: str) -> None:
    put(s3, key)
    gate.fail("s3:HeadObject", kind)

    with pytest.raises(ClientError, match=r"\((500|503)\)"):
        s3.head_object(Bucket=BUCKET, Key=key)

    assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == len(BODY)


@pytest.mark.parametrize(
    ("kind", "is_done"), [("reset before", False), ("reset after", True), ("cut", True)]
)
def test_connection_is_cut_before_or_after_the_deed(
    kind: Kind, is_done: bool, gate: Gate, aws: dict[str, str], s3: Any, key: str
) -> None:
    gate.fail("s3:PutObject", kind)  # its answer has no body

    with pytest.raises(ConnectionClosedError):
        put(s3, key)

    assert (key in stored(aws)) == is_done
    put(s3, key)


def test_lost_answer_is_that_of_a_deed(gate: Gate, aws: dict[str, str], s3: Any, key: str) -> None:
    gate.lose_answer("s3:DeleteObject", times=2)
    put(s3, key)

    for is_last in (False, True):
        with pytest.raises(ConnectionClosedError):
            s3.delete_object(Bucket=BUCKET, Key=key)
        assert key not in stored(aws)
        assert gate.has_failed_all == is_last
    s3.delete_object(Bucket=BUCKET, Key=key)


def test_object_is_cut_halfway(gate: Gate, s3: Any, key: str) -> None:
    put(s3, key)
    gate.fail("s3:GetObject", "cut")

    answer = s3.get_object(Bucket=BUCKET, Key=key)

    assert answer["ContentLength"] == len(BODY)
    assert answer["Body"].read(5) == BODY[:5]
    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        answer["Body"].read()
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == BODY


def test_boto3_takes_a_json_answer_that_is_cut_for_an_empty_one(
    gate: Gate, aws: dict[str, str], glue: Any
) -> None:
    for action in ("glue:CreateDatabase", "glue:GetDatabases"):
        gate.fail(action, "cut")

    glue.create_database(DatabaseInput={"Name": "cut"})
    cut = glue.get_databases()

    assert "cut" in databases(aws)
    assert set(cut) == {"ResponseMetadata"}
    whole = glue.get_databases()
    assert "cut" in {each["Name"] for each in whole["DatabaseList"]}
    lengths = {each["ResponseMetadata"]["HTTPHeaders"]["content-length"] for each in (cut, whole)}
    assert len(lengths) == 1


def test_boto3_takes_a_listing_that_is_cut_for_an_internal_error(
    gate: Gate, s3: Any, key: str
) -> None:
    put(s3, key)
    gate.fail("s3:ListObjectsV2", "cut")

    with pytest.raises(ClientError, match=r"\(500\)"):
        s3.list_objects_v2(Bucket=BUCKET)

    assert s3.list_objects_v2(Bucket=BUCKET)["Contents"]


def test_calls_that_match_fail_so_often_and_no_others(gate: Gate, s3: Any, key: str) -> None:
    gate.fail("s3:PutObject", "500", times=2, where=lambda call: call.parameters["Key"] == key)
    gate.fail("s3:ListObjectsV2", "500", where=lambda call: call.parameters["Prefix"] == key)
    put(s3, "another")
    s3.list_objects_v2(Bucket=BUCKET, Prefix="another")

    for _ in range(2):
        with pytest.raises(ClientError, match="InternalError"):
            put(s3, key)
    with pytest.raises(ClientError, match="InternalError"):
        s3.list_objects_v2(Bucket=BUCKET, Prefix=key)

    assert gate.has_failed_all
    put(s3, key)
    s3.list_objects_v2(Bucket=BUCKET, Prefix=key)


def test_faults_of_one_action_come_in_turn(gate: Gate, s3: Any, key: str) -> None:
    gate.fail("s3:PutObject", "throttled")
    gate.fail("s3:PutObject", "reset before")

    with pytest.raises(ClientError, match="SlowDown"):
        put(s3, key)
    with pytest.raises(ConnectionClosedError):
        put(s3, key)


@pytest.fixture
def beside() -> Iterator[Callable[..., Any]]:
    """Make calls beside the test."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit


def test_calls_are_held_until_they_are_released(
    gate: Gate, aws: dict[str, str], s3: Any, key: str, beside: Callable[..., Any]
) -> None:
    held = gate.hold("s3:PutObject", where=lambda call: call.parameters["Key"].startswith(key))
    put(s3, "not held")
    assert not held.has_one
    calls = [beside(put, s3, f"{key}/{number}") for number in range(2)]

    held.wait_until_held()

    assert not any(call.done() for call in calls)
    assert not [stored_key for stored_key in stored(aws) if stored_key.startswith(key)]
    held.release()
    for call in calls:
        call.result()
    put(s3, f"{key}/after")
    assert {f"{key}/0", f"{key}/1", f"{key}/after"} <= set(stored(aws))


def test_held_call_whose_client_has_gone_is_never_made(
    gate: Gate, aws: dict[str, str], key: str
) -> None:
    held = gate.hold("s3:PutObject")
    with pytest.raises(ReadTimeoutError):
        put(client(gate.url, "s3", read_timeout=IMPATIENT_SECONDS), f"{key}/gone")
    held.release()

    put(client(gate.url, "s3"), f"{key}/next")

    assert gate.seen == ["s3:PutObject"] * 2
    assert f"{key}/next" in stored(aws)
    assert f"{key}/gone" not in stored(aws)


def test_held_call_is_cut_when_the_gate_closes(
    aws: dict[str, str], key: str, beside: Callable[..., Any]
) -> None:
    with gate_to(aws["AWS_ENDPOINT_URL"]) as gate:
        held = gate.hold("s3:PutObject")
        call = beside(put, client(gate.url, "s3"), key)
        held.wait_until_held()

    with pytest.raises(ConnectionClosedError):
        call.result()
    assert key not in stored(aws)


def test_held_call_fails_once_it_is_released(
    gate: Gate, aws: dict[str, str], s3: Any, key: str, beside: Callable[..., Any]
) -> None:
    held = gate.hold("s3:PutObject")
    gate.fail("s3:PutObject", "reset after")
    call = beside(put, s3, key)
    held.wait_until_held()
    assert not gate.has_failed_all

    held.release()

    with pytest.raises(ConnectionClosedError):
        call.result()
    assert stored(aws)[key] == BODY
