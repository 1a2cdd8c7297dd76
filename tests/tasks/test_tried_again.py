"""How often Prefect makes a task again, in flows."""

import boto3
import pytest
from moto import mock_aws
from prefect import flow

from infra.local.b3.replay import Replay
from tasks.core.errors import BlockedError, SourceHasNoDataError
from tasks.download import download_portfolio
from tasks.turns import Budget


@flow
def download_at_once(url: str) -> int:
    budget = Budget.of_all(600.0)
    quick = download_portfolio.with_options(retry_delay_seconds=0, retry_jitter_factor=0)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="b3-lake")
        return len(quick(url, "IBOV", "b3-lake", budget).pages)


@pytest.mark.usefixtures("prefect_server")
def test_a_task_is_tried_again_until_the_source_answers(replay: Replay) -> None:
    replay.misbehave("http_500", times=2)
    assert download_at_once(replay.url) == 1
    assert len(replay.requests) == 3


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize(
    ("fault", "error"), [("http_404", SourceHasNoDataError), ("challenge_403", BlockedError)]
)
def test_a_task_is_not_tried_again_when_the_source_has_nothing_or_turns_everybody_away(
    replay: Replay, fault: str, error: type[Exception]
) -> None:
    replay.misbehave(fault)
    with pytest.raises(error):
        download_at_once(replay.url)
    assert len(replay.requests) == 1
