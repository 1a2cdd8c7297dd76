from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from infra.local.up import LocalCloud


@pytest.fixture
def topic(cloud: LocalCloud) -> Iterator[tuple[Any, str]]:
    client: Any = boto3.client("sns")
    arn = client.create_topic(Name="alarms-of-a-test")["TopicArn"]
    yield client, arn
    client.delete_topic(TopicArn=arn)


def test_an_address_that_has_not_confirmed_is_pending(topic: tuple[Any, str]) -> None:
    sns, arn = topic
    asked = {"TopicArn": arn, "ReturnSubscriptionArn": True}
    mail = sns.subscribe(Protocol="email", Endpoint="team@example.com", **asked)
    queue = "arn:aws:sqs:us-east-1:123456789012:queue"
    sns.subscribe(Protocol="sqs", Endpoint=queue, **asked)

    listed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    by_endpoint = {each["Endpoint"]: each["SubscriptionArn"] for each in listed}
    assert by_endpoint["team@example.com"] == "PendingConfirmation"
    assert by_endpoint[queue].startswith(arn)
    attributes = sns.get_subscription_attributes(SubscriptionArn=mail["SubscriptionArn"])
    assert attributes["Attributes"]["PendingConfirmation"] == "true"
