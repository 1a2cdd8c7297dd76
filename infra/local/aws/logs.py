"""Output of processes in CloudWatch Logs, where a program on AWS would look for it."""

import time
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.logs.models import logs_backends

from infra.local.aws import REGION


def put_lines(group: str, stream: str, lines: list[str]) -> None:
    """Append lines to a log stream, which is made with its group where it is missing.

    Args:
        group: Log group, e.g. `/aws-glue/jobs/output`.
        stream: Log stream, e.g. `jr_…-driver`.
        lines: One event each; CloudWatch takes no empty ones.
    """
    backend: Any = logs_backends[DEFAULT_ACCOUNT_ID][REGION]
    if group not in backend.groups:
        backend.create_log_group(group, {})
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    now_ms = int(time.time() * 1000)
    events = [{"timestamp": now_ms, "message": line} for line in lines if line]
    if events:
        backend.put_log_events(group, stream, events)
