from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from deployments.backend import (
    bucket_exists,
    check_state,
    put_aside,
    state_file,
    state_place,
    warn_of_local_state,
)
from deployments.environment import Environment
from tasks.core.errors import InvalidInputError, NotConfiguredError
from tests.conftest import ROOT

VALUES = {"account_id": "123456789012", "prefect_api_url": "https://prefect.example.com/api"}
LOCAL = Environment.model_validate(VALUES)
IN_BUCKET = Environment.model_validate(VALUES | {"state_bucket": "the-states"})


class S3:
    """S3, as far as a bucket is asked for."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.asked: list[dict[str, str]] = []

    def head_bucket(self, **asked: str) -> dict[str, Any]:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadBucket")


def write_state(directory: Path, folder: str = "states") -> Path:
    file = directory / folder / "prod" / "terraform.tfstate"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    return file


def test_state_on_this_machine_is_warned_of_with_what_is_lost_and_the_way_out() -> None:
    file = ROOT / "infra" / "terraform" / "states" / "prod" / "terraform.tfstate"
    assert warn_of_local_state(LOCAL, "prod") == (
        f"Warning: what Terraform has made in prod is written down in one file on this machine, "
        f"{file}. Without it Terraform can neither change nor destroy anything of prod, nobody "
        f"else can deploy it, and two who do at the same time are not kept apart. Name a bucket "
        f'for it as "state_bucket" in the environment\'s file, and run '
        f"`python -m deployments.state --env prod` (make state ENV=prod)."
    )
    assert state_place(LOCAL, "prod") == str(file)


def test_state_in_a_bucket_is_not_warned_of() -> None:
    assert warn_of_local_state(IN_BUCKET, "prod") == ""
    assert state_place(IN_BUCKET, "prod") == "s3://the-states/b3-pipeline/prod/terraform.tfstate"


def test_state_of_before_is_found_until_it_is_taken_over(tmp_path: Path) -> None:
    new = tmp_path / "states" / "prod" / "terraform.tfstate"
    assert state_file("prod", tmp_path) == new
    old = write_state(tmp_path, "terraform.tfstate.d")
    assert state_file("prod", tmp_path) == old
    assert state_file("staging", tmp_path).parts[-3] == "states"
    write_state(tmp_path)
    assert state_file("prod", tmp_path) == new


def test_state_on_this_machine_needs_nothing(tmp_path: Path) -> None:
    check_state(LOCAL, "prod", tmp_path, S3(refusal("404")))
    write_state(tmp_path)
    check_state(LOCAL, "prod", tmp_path, S3(refusal("404")))


def test_bucket_that_is_not_there_is_told_with_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(NotConfiguredError, match=r"found none: `python -m deployments.state --env"):
        check_state(IN_BUCKET, "prod", tmp_path, S3(refusal("404")))


@pytest.mark.parametrize("folder", ["states", "terraform.tfstate.d"])
def test_state_that_is_not_in_its_bucket_yet_stops_it(tmp_path: Path, folder: str) -> None:
    there = S3({"BucketRegion": "us-east-1"})
    check_state(IN_BUCKET, "prod", tmp_path, there)
    file = write_state(tmp_path, folder)
    with pytest.raises(NotConfiguredError) as refused:
        check_state(IN_BUCKET, "prod", tmp_path, there)
    assert str(refused.value) == (
        f"Expected the state of prod in the bucket the-states, found it in {file}: `python -m "
        f"deployments.state --env prod` (make state ENV=prod) moves it."
    )
    check_state(IN_BUCKET, "staging", tmp_path, there)


def test_bucket_that_is_named_no_more_is_missed(tmp_path: Path) -> None:
    file = write_state(tmp_path)
    aside = put_aside(file, "the-states", 7)
    assert aside == file.with_name("moved-to-the-states-7.tfstate")
    with pytest.raises(InvalidInputError, match=r"\(moved-to-the-states-7.tfstate\): name that"):
        check_state(LOCAL, "prod", tmp_path)
    check_state(IN_BUCKET, "prod", tmp_path, S3({}))
    check_state(LOCAL, "staging", tmp_path)
    for another in ("the", "the-states-7", "the-new-states"):
        in_another = IN_BUCKET.model_copy(update={"state_bucket": another})
        with pytest.raises(InvalidInputError, match=f"to be the-states, .* found {another}: name"):
            check_state(in_another, "prod", tmp_path, S3({}))
        check_state(in_another, "staging", tmp_path, S3({}))
    file.write_text("{}")  # taken back on purpose
    check_state(LOCAL, "prod", tmp_path)


def test_bucket_has_to_be_of_the_account() -> None:
    there = S3({"BucketRegion": "us-east-1"})
    assert bucket_exists(IN_BUCKET, there)
    assert there.asked == [{"Bucket": "the-states", "ExpectedBucketOwner": "123456789012"}]
    with pytest.raises(InvalidInputError, match="names are taken world-wide: name another"):
        bucket_exists(IN_BUCKET, S3(refusal("403")))


def test_bucket_has_to_be_in_the_region_of_the_environment() -> None:
    with pytest.raises(InvalidInputError, match="in us-east-1, found it in sa-east-1: name"):
        bucket_exists(IN_BUCKET, S3({"BucketRegion": "sa-east-1"}))
    assert bucket_exists(IN_BUCKET, S3({}))  # an S3 that does not say


def test_s3_that_does_not_answer_is_told() -> None:
    silent = EndpointConnectionError(endpoint_url="https://s3")
    with pytest.raises(NotConfiguredError, match="S3 does not answer about the-states"):
        bucket_exists(IN_BUCKET, S3(silent))


def test_bucket_is_looked_for_in_s3() -> None:
    with mock_aws():
        assert not bucket_exists(IN_BUCKET)
        boto3.client("s3").create_bucket(Bucket="the-states")
        assert bucket_exists(IN_BUCKET)
