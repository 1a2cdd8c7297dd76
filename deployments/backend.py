"""Where Terraform's state of an environment lies: in a bucket, or in a file on this machine."""

from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deployments.environment import Environment
from deployments.terraform import DIRECTORY, LOCAL_STATES, OLD_LOCAL_STATES, STATE_KEY, STATE_PREFIX
from tasks.core.errors import InvalidInputError, NotConfiguredError

_MOVED = "moved-to-"


def state_file(name: str, directory: Path = DIRECTORY) -> Path:
    """Return where the state lies that is kept on this machine."""
    old, new = (directory / each / name / STATE_KEY for each in (OLD_LOCAL_STATES, LOCAL_STATES))
    return old if old.exists() and not new.exists() else new


def put_aside(file: Path, bucket: str, serial: int) -> Path:
    """Rename the file of a state that is in a bucket by now; return its new name."""
    return file.rename(file.with_name(f"{_MOVED}{bucket}-{serial}.tfstate"))


def state_place(environment: Environment, name: str) -> str:
    """Return where the state of an environment lies, for a person to read."""
    if environment.state_bucket is not None:
        return f"s3://{environment.state_bucket}/{STATE_PREFIX}/{name}/{STATE_KEY}"
    return str(state_file(name))


def warn_of_local_state(environment: Environment, name: str) -> str:
    """Return what is to be said of a state on this machine; nothing where it lies elsewhere."""
    if environment.state_bucket is not None:
        return ""
    return (
        f"Warning: what Terraform has made in {name} is written down in one file on this machine, "
        f"{state_file(name)}. Without it Terraform can neither change nor destroy "
        f"anything of {name}, nobody else can deploy it, and two who do at the same time are not "
        f'kept apart. Name a bucket for it as "state_bucket" in the environment\'s file, and run '
        f"`python -m deployments.state --env {name}` (make state ENV={name})."
    )


def check_state(
    environment: Environment, name: str, directory: Path = DIRECTORY, s3: Any = None
) -> None:
    """See that Terraform will find the state of the environment where it is to be.

    Args:
        environment: Whose state.
        name: Its name.
        directory: Terraform's.
        s3: Client of S3; by default that of the environment's region.

    Raises:
        NotConfiguredError: The bucket is not there, or the state is not in it yet.
        InvalidInputError: The state is in a bucket, and none or another one is named now; or the
            bucket that is named is somebody else's, or of another region.
    """
    file = state_file(name, directory)
    command = f"`python -m deployments.state --env {name}` (make state ENV={name})"
    if environment.state_bucket is None:
        moved = _moved(file)
        if moved and not file.exists():
            raise InvalidInputError(
                f"Expected state_bucket in the environment's file, found none, though the state "
                f"of {name} was moved to a bucket ({moved[-1].name}): name that bucket again."
            )
        return
    if not bucket_exists(environment, s3):
        raise NotConfiguredError(
            f"Expected the bucket {environment.state_bucket} (state_bucket) for Terraform's state, "
            f"found none: {command} makes it."
        )
    buckets = {each.stem.removeprefix(_MOVED).rpartition("-")[0] for each in _moved(file)}
    if buckets and environment.state_bucket not in buckets and not file.exists():
        raise InvalidInputError(
            f"Expected state_bucket to be {' or '.join(sorted(buckets))}, where the state of "
            f"{name} was moved to, found {environment.state_bucket}: name that bucket again. If "
            f"you have moved the state on by yourself, delete {file.parent}/{_MOVED}*."
        )
    if file.exists():
        raise NotConfiguredError(
            f"Expected the state of {name} in the bucket {environment.state_bucket}, found it "
            f"in {file}: {command} moves it."
        )


def _moved(file: Path) -> list[Path]:
    return sorted(file.parent.glob(f"{_MOVED}*"))


def bucket_exists(environment: Environment, s3: Any = None) -> bool:
    """Return whether the bucket of the state is there, and can be used.

    Raises:
        InvalidInputError: It is somebody else's, or of another region.
        NotConfiguredError: S3 does not answer.
    """
    client: Any = s3 or boto3.client("s3", region_name=environment.region)
    bucket = environment.state_bucket
    try:
        found = client.head_bucket(Bucket=bucket, ExpectedBucketOwner=environment.account_id)
    except ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return False
        raise InvalidInputError(
            f"Expected the bucket {bucket} (state_bucket) to be one of the account "
            f"{environment.account_id} that you may use, found that S3 refuses to show it "
            f"({error}). Bucket names are taken world-wide: name another, or have the rights."
        ) from error
    except BotoCoreError as error:
        raise NotConfiguredError(f"S3 does not answer about {bucket}: {error}") from error
    region = found.get("BucketRegion", environment.region)
    if region != environment.region:
        raise InvalidInputError(
            f"Expected the bucket {bucket} (state_bucket) in {environment.region}, found it in "
            f"{region}: name another."
        )
    return True
