"""What AWS will not do, and a disk that is full, in our words."""

import errno
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)

from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    CredentialsError,
    DiskFullError,
    NotAllowedError,
    NotConfiguredError,
)
from tasks.http import fetch_file
from tasks.refusals import in_our_words
from tasks.turns import Budget
from tests.tasks.conftest import serve

ROLE = "arn:aws:sts::111122223333:assumed-role/b3-flow-run/x"
TABLE = "arn:aws:glue:sa-east-1:111122223333:table/b3/raw_quotes"
NO_POLICY = "because no identity-based policy allows the glue:GetTable action"
DENIED_BY_BUCKET = (
    f"User: {ROLE} is not authorized to perform: s3:DeleteObject on resource: "
    f'"arn:aws:s3:::b3-lake/published/x" with an explicit deny in a resource-based policy'
)


def refusal(code: str, message: str, operation: str, **more: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message, **more}}
    return ClientError(answer, operation)


CASES = [
    pytest.param(
        refusal(
            "AccessDeniedException",
            f"User: {ROLE} is not authorized to perform: glue:GetTable on resource: {TABLE} "
            f"{NO_POLICY}",
            "GetTable",
        ),
        NotAllowedError,
        [f"{ROLE} to have the right glue:GetTable on {TABLE}", NO_POLICY, "roles/flow_run.tf"],
        id="glue",
    ),
    pytest.param(
        refusal("AccessDenied", DENIED_BY_BUCKET, "DeleteObjects"),
        NotAllowedError,
        ["s3:DeleteObject on arn:aws:s3:::b3-lake/published/x", "modules/bucket", "denies it"],
        id="bucket-policy",
    ),
    pytest.param(
        refusal(
            "AccessDeniedException",
            f"User: {ROLE} is not authorized to perform: glue:StartJobRun with an explicit deny in "
            f"an identity-based policy: arn:aws:iam::1:policy/{'x' * 400}/voc-cancel-cred",
            "StartJobRun",
        ),
        CredentialsError,
        ["the session of a lab", "AWS refuses StartJobRun", "copy the lines of AWS Details"],
        id="session-of-a-lab-that-has-ended",
    ),
    pytest.param(
        refusal("AccessDenied", "Access Denied", "ListObjectsV2"),
        NotAllowedError,
        ["the right s3:ListBucket on the bucket of B3_LAKE_BUCKET", "Access Denied"],
        id="s3-in-two-words",
    ),
    pytest.param(
        refusal("AccessDenied", "Access Denied", "GetObject", BucketName="lake", Key="raw/x"),
        NotAllowedError,
        ["the right s3:GetObject on s3://lake/raw/x"],
        id="s3-with-the-object",
    ),
    pytest.param(
        refusal("403", "Forbidden", "HeadObject"),
        NotAllowedError,
        ["the right s3:GetObject on the bucket of B3_LAKE_BUCKET"],
        id="an-answer-without-a-body",
    ),
    pytest.param(
        refusal("AccessDeniedException", "", "StartJobRun"),
        NotAllowedError,
        ["the right glue:StartJobRun on what B3_DATABASE and B3_GLUE_JOB name"],
        id="glue-without-a-word",
    ),
    pytest.param(
        refusal(
            "AccessDeniedException",
            "Insufficient Lake Formation permission(s): Required Alter on raw_quotes",
            "BatchCreatePartition",
        ),
        NotAllowedError,
        ["the right Alter on raw_quotes in Lake Formation", "IAMAllowedPrincipals"],
        id="lake-formation",
    ),
    pytest.param(
        refusal("AccessDeniedException", "Lake Formation says no", "GetTable"),
        NotAllowedError,
        ["in Lake Formation for GetTable", "Lake Formation says no", "Data permissions"],
        id="lake-formation-in-other-words",
    ),
    pytest.param(
        refusal("ExpiredToken", "The provided token has expired.", "PutObject"),
        CredentialsError,
        ["have expired (The provided token has expired)", "AWS_PROFILE"],
        id="expired",
    ),
    pytest.param(
        refusal("ExpiredTokenException", "The security token is expired", "GetTable"),
        CredentialsError,
        ["have expired"],
        id="expired-at-glue",
    ),
    pytest.param(
        refusal("InvalidClientTokenId", "The security token is invalid", "GetCallerIdentity"),
        CredentialsError,
        ["does not take them (The security token is invalid)"],
        id="unknown",
    ),
    pytest.param(
        refusal("SignatureDoesNotMatch", "The signature does not match", "PutObject"),
        CredentialsError,
        ["does not take them"],
        id="another-secret",
    ),
    pytest.param(
        refusal("RequestTimeTooSkewed", "The difference is too large", "PutObject"),
        NotConfiguredError,
        ["this machine's clock", "Set the clock"],
        id="clock",
    ),
    pytest.param(
        refusal(
            "InvalidSignatureException",
            "Signature expired: 20250801T1 is now earlier than 20250801T2",
            "GetTable",
        ),
        NotConfiguredError,
        ["this machine's clock"],
        id="clock-at-glue",
    ),
    pytest.param(
        refusal("InvalidSignatureException", "Signature not yet current: 2 is later", "GetTable"),
        NotConfiguredError,
        ["this machine's clock"],
        id="clock-that-is-fast",
    ),
    pytest.param(
        refusal(
            "AccessDenied",
            f"User: {ROLE} is not authorized to perform: s3:GetObject {NO_POLICY}",
            "GetObject",
            BucketName="lake",
            Key="raw/x",
        ),
        NotAllowedError,
        [f"{ROLE} to have the right s3:GetObject on s3://lake/raw/x", NO_POLICY],
        id="without-the-resource",
    ),
    pytest.param(
        refusal("AccessDenied", "no", "GetCallerIdentity"),
        NotAllowedError,
        ["the right that GetCallerIdentity needs on what B3_DATABASE"],
        id="neither-s3-nor-glue",
    ),
    pytest.param(
        refusal("NoSuchBucket", "There is none", "ListObjectsV2", BucketName="b3-laek"),
        NotConfiguredError,
        ["Expected bucket b3-laek, found none", "B3_LAKE_BUCKET"],
        id="no-bucket",
    ),
    pytest.param(
        refusal("NoSuchBucket", "There is none", "PutObject"),
        NotConfiguredError,
        ["Expected the bucket of B3_LAKE_BUCKET, found none"],
        id="no-bucket-without-its-name",
    ),
    pytest.param(
        refusal("EntityNotFoundException", "Database b3 not found.", "GetPartitions"),
        NotConfiguredError,
        ["what GetPartitions asks for, found none (Database b3 not found)", "B3_DATABASE"],
        id="no-database",
    ),
    pytest.param(
        refusal("PermanentRedirect", "Use another endpoint", "ListObjectsV2"),
        NotConfiguredError,
        ["in another (Use another endpoint)", "AWS_DEFAULT_REGION"],
        id="another-region",
    ),
    pytest.param(NoCredentialsError(), CredentialsError, ["Unable to locate"], id="none"),
    pytest.param(
        PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"),
        CredentialsError,
        ["aws_secret_access_key"],
        id="half-of-them",
    ),
]


@pytest.mark.parametrize(("error", "kind", "said"), CASES)
def test_what_aws_refuses_is_told_with_what_is_missing_and_where_it_is_given(
    error: Exception, kind: type[B3PipelineError], said: list[str]
) -> None:
    ours = in_our_words(error)
    assert type(ours) is kind
    assert ours.__cause__ is error
    assert [each for each in said if each not in str(ours)] == []
    assert "An error occurred" not in str(ours)
    assert str(ours).startswith("Expected ")


@pytest.mark.parametrize(
    "error",
    [
        BadDataError("ours already"),
        refusal("SlowDown", "later", "PutObject"),
        refusal("AnythingElse", "no", "PutObject"),
        EndpointConnectionError(endpoint_url="https://glue"),
        BotoCoreError(),
        OSError(errno.EACCES, "Permission denied"),
        RuntimeError("no space left on device"),
        KeyError("a mistake"),
    ],
    ids=repr,
)
def test_any_other_error_stays_as_it_is(error: Exception) -> None:
    assert in_our_words(error) is error


def test_what_aws_says_is_shown_in_plain_and_few_words() -> None:
    ours = in_our_words(refusal("AccessDenied", "no \x1b[2J\n" + "x" * 5000, "PutObject"))
    assert str(ours).isprintable()
    shown = "no [2J " + "x" * 5000
    assert f"refuses it ({shown[:400]}… (5007 characters))." in str(ours)


def write_with_python(place: str) -> None:
    with Path(place).open("wb") as file:
        file.write(bytes(1_000_000))


def write_with_pyarrow(place: str) -> None:
    pq.write_table(pa.table({"n": list(range(100_000))}), place)


@pytest.mark.parametrize("write", [write_with_python, write_with_pyarrow])
def test_a_disk_that_is_full_is_named_by_whoever_noticed_it(write: Any) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("This machine has no /dev/full.")
    with pytest.raises(OSError, match="No space left") as raised:
        write("/dev/full")
    ours = in_our_words(raised.value)
    assert type(ours) is DiskFullError
    assert "found it full" in str(ours)
    assert "Nothing is lost" in str(ours)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("Error writing bytes to file. Detail: [errno 28] No space left on device"),
        duckdb.IOException("Could not write file: No space left on device"),
        sqlite3.OperationalError("database or disk is full"),
        OSError(errno.ENOSPC, "No space left on device", 7),
    ],
    ids=lambda error: f"{type(error).__name__} {error}"[:50],
)
def test_where_nobody_says_which_disk_it_is_that_of_temporary_files(error: Exception) -> None:
    ours = in_our_words(error)
    assert type(ours) is DiskFullError
    assert f"the disk of {tempfile.gettempdir()}, found it full (" in str(ours)
    assert "bytes free)" in str(ours)


def test_a_disk_that_is_gone_is_told_without_its_size() -> None:
    ours = in_our_words(OSError(errno.ENOSPC, "No space left on device", "/no/such/folder/file"))
    assert "the disk of /no/such/folder/file, found it full. Nothing is lost" in str(ours)


def test_a_file_that_finds_no_room_ends_the_download_with_the_disk_that_is_full() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("This machine has no /dev/full.")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n"
    with serve(head + bytes(100_000)) as server, pytest.raises(OSError, match="No space") as raised:
        fetch_file(server.url, Path("/dev/full"), "", Budget.of(20), 10**6)
    assert type(in_our_words(raised.value)) is DiskFullError
