"""What `tests/answers.py` finds in an answer, which every test of this folder goes through."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.parsers import create_parser

from tests.answers import find_faults

GLUE_RUN = b"""{"JobRun": {"Id": "jr_1", "JobRunState": "RUNNING", "StartedOn": 1754049600.5,
"Arguments": {"--plan": "s3://b"}, "Timeout": 60, "PredecessorRuns": []}}"""
COMMITTED = b'{"Errors": [{"PartitionValues": ["2025-08"], "ErrorDetail": {"ErrorCode": "X"}}]}'
SECRET = b'{"ARN": "arn:aws:x", "SecretBinary": "eA==", "VersionStages": ["AWSCURRENT"]}'
LISTED = b"""<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<Name>b</Name><IsTruncated>false</IsTruncated><KeyCount>1</KeyCount><Contents><Key>k</Key>
<LastModified>2025-08-01T12:00:00.000Z</LastModified><Size>7</Size>
<StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>"""
IDENTITY = b"""<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>"""
VPCS = b"""<DescribeVpcsResponse><requestId>r</requestId><vpcSet><item><vpcId>vpc-1</vpcId>
<isDefault>true</isDefault></item></vpcSet></DescribeVpcsResponse>"""
SOUND = {
    ("glue", "GetJobRun"): GLUE_RUN,
    ("glue", "BatchCreatePartition"): COMMITTED,
    ("secretsmanager", "GetSecretValue"): SECRET,
    ("s3", "ListObjectsV2"): LISTED,
    ("sts", "GetCallerIdentity"): IDENTITY,
    ("ec2", "DescribeVpcs"): VPCS,
}


def faults(service: str, operation: str, body: Any, **headers: str) -> list[str]:
    clients: Any = boto3
    model = clients.client(service, region_name="us-east-1").meta.service_model
    parser = create_parser(model.resolved_protocol)
    shape = model.operation_model(operation).output_shape
    return find_faults(parser, {"body": body, "headers": headers}, shape)


@pytest.mark.parametrize(("call", "body"), SOUND.items(), ids=lambda each: str(each)[:40])
def test_a_sound_answer_has_none(call: tuple[str, str], body: bytes) -> None:
    assert faults(*call, body) == []


@pytest.mark.parametrize(
    ("operation", "old", "new", "fault"),
    [
        ("GetJobRun", b'"Id"', b'"JobRunId"', ".JobRun.JobRunId: not in the model"),
        ("GetJobRun", b'"jr_1"', b"null", ".JobRun.Id: expected string, found None"),
        ("GetJobRun", b'"jr_1"', b"1", ".JobRun.Id: expected string, found 1"),
        ("GetJobRun", b": 60,", b': "60",', ".JobRun.Timeout: expected integer, found '60'"),
        ("GetJobRun", b": 60,", b": true,", ".JobRun.Timeout: expected integer, found True"),
        ("GetJobRun", b": 60,", b": 60.5,", ".JobRun.Timeout: expected integer, found 60.5"),
        ("GetJobRun", b"[]", b"{}", ".JobRun.PredecessorRuns: expected list, found {}"),
        (
            "GetJobRun",
            b'"s3://b"',
            b"1",
            ".JobRun.Arguments['--plan']: expected string, found 1",
        ),
        (
            "GetJobRun",
            b"1754049600.5",
            b'"2025-08-01"',
            ".JobRun.StartedOn: expected a timestamp as unixTimestamp, found '2025-08-01'",
        ),
        ("BatchCreatePartition", b'["2025-08"]', b"[8]", "PartitionValues[0]: expected string"),
        ("GetJobRun", b"}}", b"}", ": cannot be parsed"),
        ("GetJobRun", b"RUNNING", b"Running", ".JobRun.JobRunState: expected one of"),
        ("ListObjectsV2", b"STANDARD", b"Standard", ".Contents.StorageClass: expected one of"),
        ("ListObjectsV2", b"Key>", b"Name>", ".Contents.Name: not in the model"),
        ("ListObjectsV2", b">7<", b">x<", ".Contents.Size: expected long, found 'x'"),
        ("ListObjectsV2", b">false<", b">no<", ".IsTruncated: expected boolean, found 'no'"),
        ("ListObjectsV2", b"2025-08-01T", b"Fri, T", ".Contents.LastModified: expected a timesta"),
        ("ListObjectsV2", b"</Size>", b"", ": cannot be parsed"),
        ("GetCallerIdentity", b"Account>", b"AccountId>", ".AccountId: not in the model"),
        ("DescribeVpcs", b"item>", b"member>", ".vpcSet.member: expected item"),
    ],
)
def test_what_is_wrong_with_an_answer_is_found(
    operation: str, old: bytes, new: bytes, fault: str
) -> None:
    ((call, body),) = [(call, body) for call, body in SOUND.items() if call[1] == operation]
    assert old in body
    (found,) = faults(*call, body.replace(old, new))
    assert fault in found


def test_what_is_required_and_not_there_is_found() -> None:
    assert faults("logs", "GetLogObject", b"{}") == []
    assert faults("scheduler", "CreateSchedule", b"{}") == [".ScheduleArn: required, not there"]
    assert faults("s3", "CreateSession", b"<CreateSessionResult></CreateSessionResult>") == [
        ".Credentials: required, not there"
    ]


def test_headers_are_looked_at_and_bytes_are_not() -> None:
    named = {"Content-Length": "7", "Last-Modified": "Fri, 01 Aug 2025 12:00:00 GMT"}
    assert faults("s3", "GetObject", object(), **named) == []
    named = {"Content-Length": "many", "Last-Modified": "2025-08-01 noon"}
    assert [each.partition(":")[0] for each in faults("s3", "GetObject", object(), **named)] == [
        ".LastModified",
        ".ContentLength",
    ]


@pytest.mark.usefixtures("cloud")
def test_what_worker_and_deployments_ask_beside_is_answered_as_of_aws(
    answer_faults: list[str],
) -> None:
    clients: Any = boto3
    clients.client("sts").get_caller_identity()
    ec2 = clients.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.11.0.0/24")["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.11.0.0/24")
    ec2.describe_vpcs()
    ec2.describe_subnets()
    secrets = clients.client("secretsmanager")
    arn = secrets.create_secret(Name="of-answers", SecretString="s3cret")["ARN"]
    secrets.get_secret_value(SecretId=arn)
    sqs = clients.client("sqs")
    url = sqs.create_queue(QueueName="of-answers")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    sqs.get_queue_url(QueueName="of-answers")
    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    (message,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    receipt = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    sqs.change_message_visibility(**receipt, VisibilityTimeout=0)
    sqs.delete_message(**receipt)
    logs = clients.client("logs")
    logs.create_log_group(logGroupName="of-answers")
    logs.create_log_stream(logGroupName="of-answers", logStreamName="x")
    logs.put_log_events(
        logGroupName="of-answers",
        logStreamName="x",
        logEvents=[{"timestamp": 1_754_049_600_000, "message": "said"}],
    )
    logs.get_log_events(logGroupName="of-answers", logStreamName="x")
    ecs = clients.client("ecs")
    ecs.list_clusters()
    ecs.list_task_definitions()

    assert answer_faults == []


def test_a_test_of_the_local_cloud_fails_where_an_answer_is_broken(
    s3: Any, monkeypatch: pytest.MonkeyPatch, answer_faults: list[str]
) -> None:
    from moto.s3.responses import S3Response

    answer: Callable[..., Any] = S3Response.list_objects_v2

    def break_it(self: Any) -> Any:
        status, headers, body = answer(self)
        return status, headers, body.replace("KeyCount", "Count")

    monkeypatch.setattr(S3Response, "list_objects_v2", break_it)
    s3.list_objects_v2(Bucket="b3-lake", Prefix="nothing/")
    assert answer_faults == ["ListObjectsV2Output.Count: not in the model"]
    answer_faults.clear()
