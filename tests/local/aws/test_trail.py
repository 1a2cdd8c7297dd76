"""Who asked for what: each right that a request takes is a line of its own."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.aws.trail import TrailMiddleware
from infra.local.up import LocalCloud
from tests.local.conftest import wait_until

BUCKET = "b3-lake"


@pytest.fixture
def kept(cloud: LocalCloud, request: pytest.FixtureRequest) -> Callable[..., list[list[Any]]]:
    """What a principal asked for, action and parameters in order, since the test began."""
    trail = cloud.state.trail
    before = len(trail.read_text(encoding="utf-8").splitlines())

    def kept(principal: str) -> list[list[Any]]:
        lines = trail.read_text(encoding="utf-8").splitlines()[before:]
        calls = [json.loads(line) for line in lines]
        return [[c["action"], c["parameters"]] for c in calls if c["principal"] == principal]

    return kept


@pytest.mark.usefixtures("cloud")
def test_rights_on_objects(kept: Callable[..., Any]) -> None:
    s3: Any = boto3.client("s3", aws_access_key_id="somebody", aws_secret_access_key="local")
    s3.put_object(Bucket=BUCKET, Key="trail/a b", Body=b"1", IfNoneMatch="*")
    s3.copy_object(Bucket=BUCKET, Key="trail/c", CopySource={"Bucket": BUCKET, "Key": "trail/a b"})
    s3.list_objects_v2(Bucket=BUCKET, Prefix="trail/")
    s3.list_object_versions(Bucket=BUCKET, Prefix="trail/")
    s3.get_bucket_location(Bucket=BUCKET)
    keys = [{"Key": "trail/a b"}, {"Key": "trail/c"}]
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})

    assert kept("somebody") == [
        ["s3:PutObject", {"bucket": BUCKET, "key": "trail/a b", "if_none_match": "*"}],
        ["s3:PutObject", {"bucket": BUCKET, "key": "trail/c"}],
        ["s3:GetObject", {"bucket": BUCKET, "key": "trail/a b"}],
        ["s3:ListBucket", {"bucket": BUCKET, "prefix": "trail/"}],
        ["s3:ListBucketVersions", {"bucket": BUCKET, "prefix": "trail/"}],
        ["s3:GetBucketLocation", {"bucket": BUCKET, "prefix": ""}],
        ["s3:DeleteObject", {"bucket": BUCKET, "key": "trail/a b"}],
        ["s3:DeleteObject", {"bucket": BUCKET, "key": "trail/c"}],
    ]


@pytest.mark.usefixtures("cloud")
def test_any_key_is_kept_as_it_is_also_a_thousand_of_the_longest(kept: Callable[..., Any]) -> None:
    s3: Any = boto3.client("s3", aws_access_key_id="odd", aws_secret_access_key="local")
    odd = ["trail/ação", "trail/a+b %41", "trail/<&>\"'"]
    for key in odd:
        s3.delete_object(Bucket=BUCKET, Key=key)
    many = [f"trail/{number:04}{'/' + '&' * 100}{'/' + '&' * 900}" for number in range(1000)]
    s3.delete_objects(
        Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in [*odd, *many[3:]]]}
    )
    expected = [*odd, *odd, *many[3:]]
    assert [parameters["key"] for _, parameters in kept("odd")] == expected


@pytest.mark.parametrize(
    ("method", "path", "body", "target"),
    [
        ("POST", "/?delete", b"<Delete><Object><Key>&#1;</Key></Object></Delete>", ""),
        ("POST", "/", b"\xff\xfe", "AWSGlue.GetTable"),
        ("POST", "/", b"[1]", "AWSGlue.GetTable"),
        ("POST", "/", b"\xff\xfe=1", ""),
        ("PATCH", "/bucket/key", b"", ""),
    ],
)
def test_what_cannot_be_read_is_for_the_service_to_refuse(
    tmp_path: Path, method: str, path: str, body: bytes, target: str
) -> None:
    reached = []

    def application(environ: dict[str, Any], _start_response: Any) -> list[bytes]:
        reached.append(environ["wsgi.input"].read())
        return [b"400"]

    trail = TrailMiddleware(application, tmp_path / "trail")
    service = "s3" if "delete" in path or method == "PATCH" else "glue"
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path.partition("?")[0] if path != "/?delete" else "/bucket",
        "QUERY_STRING": path.partition("?")[2],
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_X_AMZ_TARGET": target,
        "HTTP_AUTHORIZATION": f"Credential=me/20260102/us-east-1/{service}/aws4_request",
        "wsgi.input": io.BytesIO(body),
    }
    assert list(trail(environ, None)) == [b"400"]
    trail.close()
    assert reached == [body]
    assert json.loads((tmp_path / "trail").read_text())["action"] == f"{service}:unreadable"


def test_a_secret_is_left_out(kept: Callable[..., Any]) -> None:
    client: Any = boto3.client(
        "secretsmanager", aws_access_key_id="keeper", aws_secret_access_key="local"
    )
    client.create_secret(Name="of-the-trail", SecretString="s3cret", ClientRequestToken="1" * 32)

    ((action, parameters),) = kept("keeper")
    assert action == "secretsmanager:CreateSecret"
    assert parameters == {"Name": "of-the-trail", "ClientRequestToken": "1" * 32}


def test_a_job_acts_as_its_role(
    define: Callable[..., str], glue: Any, kept: Callable[..., Any]
) -> None:
    job = define("import boto3; boto3.client('s3').head_bucket(Bucket='b3-lake')")
    run = glue.start_job_run(JobName=job)["JobRunId"]
    ended = {"SUCCEEDED", "FAILED"}
    wait_until(
        lambda: glue.get_job_run(JobName=job, RunId=run)["JobRun"]["JobRunState"] in ended,
    )

    actions = [action for action, _ in kept("r")]  # the role that `define` gives
    assert actions[0] == "s3:ListBucket"
    assert set(actions[1:]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
