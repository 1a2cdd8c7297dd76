"""`python -m deployments.state --env NAME`: keep Terraform's state in a bucket.

It makes the bucket that the environment's file names as `state_bucket`, and moves a state there
that lies on this machine. Safe to repeat, and to kill: the old file is put aside last.
"""

import argparse
import fcntl
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from deployments.backend import bucket_exists, put_aside, state_file, state_place
from deployments.checks import check_account, check_terraform
from deployments.command import run_command
from deployments.environment import Environment, environment_file, read_environment
from deployments.terraform import Terraform
from tasks.core.errors import InvalidInputError, NotConfiguredError


def ensure_bucket(environment: Environment, s3: Any = None) -> str:
    """Make the bucket of the state: versioned, encrypted, closed to the public, by TLS only.

    Args:
        environment: Whose `state_bucket` it is.
        s3: Client of S3; by default that of the environment's region.

    Returns:
        `made`, or `there` where it was.

    Raises:
        InvalidInputError: A bucket of this name is somebody else's, or of another region.
    """
    client: Any = s3 or boto3.client("s3", region_name=environment.region)
    bucket, done = environment.state_bucket, "there"
    if not bucket_exists(environment, client):
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": environment.region}}
        place = {} if environment.region == "us-east-1" else elsewhere
        client.create_bucket(Bucket=bucket, **place)
        done = "made"
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    client.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(closed, True)
    )
    # A key or a policy that somebody has given the bucket stays.
    if not _has(client.get_bucket_encryption, bucket):
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        client.put_bucket_encryption(
            Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
        )
    if not environment.local_cloud and not _has(client.get_bucket_policy, bucket):
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_tls_only(environment)))
    return done


def _has(ask: Any, bucket: str | None) -> bool:
    try:
        ask(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] in (
            "NoSuchBucketPolicy",
            "ServerSideEncryptionConfigurationNotFoundError",
        ):
            return False
        raise
    return True


def _tls_only(environment: Environment) -> dict[str, Any]:
    partition = boto3.Session().get_partition_for_region(environment.region)
    arn = f"arn:{partition}:s3:::{environment.state_bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "RefuseUnencryptedTransport",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def move_state(terraform: Terraform, file: Path, bucket: str) -> str:
    """Move a state from its file to the bucket that Terraform was prepared for.

    Returns:
        What was done, a line.

    Raises:
        InvalidInputError: The bucket holds another state, or Terraform is at work on the file.
        NotConfiguredError: The file is no state, or the bucket does not hold afterwards what it
            does.
    """
    with _alone(file):
        text = file.read_text(encoding="utf-8")
        if not text.strip():  # of a Terraform that was killed before it wrote anything down
            file.unlink()
            return f"The state of {terraform.workspace} on this machine was empty, and is gone."
        local = _read(text, file)
        found = terraform.pull_state()
        if not _holds(found, local):
            if found.get("resources"):
                raise InvalidInputError(
                    f"Expected no state of {terraform.workspace} in {bucket}, found one of "
                    f"{len(found['resources'])} resources that is not that of {file}. Both stay. "
                    f"Find out which one says what there is; if it is the bucket's, put the file "
                    f"aside, else name another bucket."
                )
            terraform.push_state(file)
            if not _holds(terraform.pull_state(), local):
                raise NotConfiguredError(
                    f"Expected the state of {file} in {bucket}, found another. The file stays: "
                    f"run the same command again."
                )
        aside = put_aside(file, bucket, local["serial"])
    return f"Moved the state of {terraform.workspace} to the bucket; its file is {aside} now."


def _read(text: str, file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
        found["lineage"], found["serial"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotConfiguredError(
            f"Expected a state of Terraform's in {file}, found something else ({error}): restore "
            f"it from {file}.backup or a copy of yours. Nothing was moved."
        ) from error
    return found


def _holds(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Return whether a state is what another one has become, or that one itself."""
    is_of_one_origin = bool(found) and found["lineage"] == wanted["lineage"]
    return is_of_one_origin and found["serial"] >= wanted["serial"]


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold the lock that Terraform takes on a state's file while it works on it."""
    with file.open("r+") as opened:
        try:
            fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InvalidInputError(
                f"Terraform is at work on {file}: let it come to its end, and run this again."
            ) from error
        yield


def keep_in_bucket(name: str) -> int:
    """Make the bucket, and move the state of an environment there; return 0.

    Raises:
        NotConfiguredError: The environment's file names no bucket, or Terraform is not here.
        InvalidInputError: The bucket is not ours, or holds another state.
    """
    path = environment_file(name)
    environment = read_environment(path)
    bucket = environment.state_bucket
    if bucket is None:
        suggestion = f"{environment.name}-state-{environment.account_id}-{environment.region}"
        raise NotConfiguredError(
            f"Expected the name of a bucket in {path}, found none: add "
            f'"state_bucket": "{suggestion}" (or another name; it has to be free world-wide).'
        )
    check_terraform()
    check_account(environment)
    done = ensure_bucket(environment)
    print(f"Bucket {bucket}: {done}; versioned, encrypted, closed to the public.")
    terraform = Terraform(name, path, environment)
    terraform.prepare()
    file = state_file(name)
    if file.exists():
        print(move_state(terraform, file, bucket))
    print(f"Terraform's state of {name} lies in {state_place(environment, name)}.")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 1 when the state cannot be kept there, 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.state",
        description="Make the bucket of Terraform's state that an environment names, and move its "
        "state there from this machine. Safe to repeat.",
    )
    parser.add_argument(
        "--env",
        default="",
        metavar="NAME",
        help="deployments/environments/NAME.tfvars.json names the bucket as state_bucket",
    )
    name = parser.parse_args(argv).env
    return run_command(name, lambda: keep_in_bucket(name))


if __name__ == "__main__":
    sys.exit(main())
