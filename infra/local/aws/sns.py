"""SNS's subscriptions by e-mail, which nobody here confirms: no mail is sent and none read."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.sns.models import SNSBackend

_PENDING = "PendingConfirmation"
_subscribe_in_moto = SNSBackend.subscribe
_list_in_moto = SNSBackend.list_subscriptions_by_topic


@contextmanager
def installed() -> Iterator[None]:
    """Make moto's SNS answer as AWS does of an address that has not confirmed."""
    with patch.multiple(
        SNSBackend, subscribe=_subscribe, list_subscriptions_by_topic=_list_by_topic
    ):
        yield


def _subscribe(self: Any, *args: Any, **kwargs: Any) -> Any:
    subscription = _subscribe_in_moto(self, *args, **kwargs)
    if subscription.protocol == "email":
        subscription.attributes[_PENDING] = "true"
    return subscription


def _list_by_topic(self: Any, *args: Any, **kwargs: Any) -> Any:
    found, token = _list_in_moto(self, *args, **kwargs)
    return [_as_listed(each) for each in found], token


def _as_listed(subscription: Any) -> Any:
    if subscription.protocol != "email":
        return subscription
    listed = copy.copy(subscription)
    listed.arn = _PENDING  # AWS names it by no other
    return listed
