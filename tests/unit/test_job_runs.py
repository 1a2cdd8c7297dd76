import datetime as dt
from typing import Any

import pytest

from tasks.core.job_runs import describe_time

STARTED_ON = dt.datetime(2025, 8, 4, 9, 30, 5, tzinfo=dt.timezone(dt.timedelta(hours=-3)))


@pytest.mark.parametrize(
    ("state", "place", "said"),
    [
        ({"JobRunState": "STARTING"}, "at 2025-08", ""),
        ({"JobRunState": "RUNNING", "StartedOn": STARTED_ON}, "", " since 12:30:05 UTC"),
        (
            {"JobRunState": "WAITING", "StartedOn": STARTED_ON},
            "at 2025-08",
            " since 12:30:05 UTC, at 2025-08",
        ),
        (
            {"JobRunState": "SUCCEEDED", "StartedOn": STARTED_ON, "ExecutionTime": 62},
            "at 2025-08",
            ", it took 0:01:02",
        ),
        ({"JobRunState": "FAILED", "StartedOn": STARTED_ON}, "at 2025-08", ""),
    ],
)
def test_a_run_says_since_when_it_is_at_work_or_how_long_it_took(
    state: dict[str, Any], place: str, said: str
) -> None:
    assert describe_time(state, lambda _started_at: place) == said
