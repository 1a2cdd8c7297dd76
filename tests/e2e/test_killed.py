"""The flow may be killed at any step and run again with the same result."""

import datetime as dt
import random
import signal
import subprocess
from pathlib import Path

import pytest

from infra.local.b3.sessions import SESSIONS
from tasks.core.exchange import month_of
from tests.e2e.cloud import (
    TABLES,
    Cloud,
    daily_tuples,
    expected_daily,
    local_cloud,
    served,
)
from tests.e2e.jobs import use_the_stand_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

INDEX = "IDIV"
BEFORE, NOW = SESSIONS[-2:]
MONTH = month_of(NOW)
MOST_BOUNDARIES = 60


def shown(cloud: Cloud) -> list[set[dt.date]]:
    """The sessions that readers see, a set a table."""
    daily, summary, monthly = (cloud.published_rows(table, INDEX, MONTH) for table in TABLES)
    by_month = {
        row[name] for row in monthly for name in ("first_trading_date", "last_trading_date")
    }
    return [
        {row["trading_date"] for row in daily},
        {row["trading_date"] for row in summary},
        by_month,
    ]


def test_killed_at_every_step_boundary_it_goes_on_and_nothing_is_lost_or_doubled(
    cloud: Cloud,
) -> None:
    old = expected_daily(served(INDEX, BEFORE))
    new = old | expected_daily(served(INDEX, NOW))
    cloud.show(BEFORE)
    assert cloud.run_portfolio("--trading-date", str(BEFORE), "--index", INDEX).code == 0
    cloud.show(NOW)

    # Each run starts where the one before was killed, and is killed one boundary later, until
    # one comes to its end: the steps that were done are done once.
    killed = 0
    for boundary in range(1, MOST_BOUNDARIES):
        code = cloud.run_portfolio(
            "--trading-date", str(NOW), "--index", INDEX, kill_after=boundary
        ).code
        if code == 0:
            break
        assert code == -signal.SIGKILL
        killed += 1
        rows = daily_tuples(cloud.published_rows("portfolio_daily", INDEX, MONTH))
        assert len(rows) == len(set(rows))
        assert set(rows) in (old, new)
        assert all(sessions in ({BEFORE}, {BEFORE, NOW}) for sessions in shown(cloud))
    assert killed >= 8

    rows = daily_tuples(cloud.published_rows("portfolio_daily", INDEX, MONTH))
    assert len(rows) == len(new)
    assert set(rows) == new
    assert shown(cloud) == [{BEFORE, NOW}] * 3
    assert len(cloud.objects("raw/portfolio/")) == 2
    assert [run["JobRunState"] for run in cloud.glue_runs()] == ["SUCCEEDED"] * 2
    assert [commit["number"] for commit in cloud.commits("portfolio", MONTH)] == [1, 2]

    again = cloud.run_portfolio("--trading-date", str(NOW), "--index", INDEX)
    assert (again.code, again.last_line) == (0, f"up to date {INDEX} {NOW}")


KILLS, CLOUDS = 9, 3
RUN_SECONDS = 5.0  # about what a run takes here


def test_killed_at_random_times_and_the_cloud_with_it_nothing_is_lost_or_doubled(
    tmp_path: Path, prefect_environment: dict[str, str], flow_processes: "subprocess.Popen[str]"
) -> None:
    """Flows die up to nine times, the local cloud twice; the seed is printed, to do it again."""
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    times = random.Random(seed)
    command = ("--trading-date", str(NOW), "--index", INDEX)
    old = expected_daily(served(INDEX, BEFORE))
    new = old | expected_daily(served(INDEX, NOW))
    for round_number in range(CLOUDS):
        is_last = round_number == CLOUDS - 1
        with local_cloud(
            tmp_path / "state", prefect_environment, flow_processes, is_killed=not is_last
        ) as cloud:
            use_the_stand_in(cloud.client("s3"))
            cloud.show(BEFORE)
            assert cloud.run_portfolio("--trading-date", str(BEFORE), "--index", INDEX).code == 0
            cloud.show(NOW)
            for _ in range(KILLS // CLOUDS):
                # Once it is published, only a forced run has something to be killed at.
                is_done = shown(cloud)[0] == {BEFORE, NOW}
                forced = ("--force",) if is_done else ()
                outcome = cloud.run_portfolio(
                    *command, *forced, kill_after_seconds=times.uniform(0.1, RUN_SECONDS)
                )
                assert outcome.code in (0, -signal.SIGKILL), outcome.error
                rows = daily_tuples(cloud.published_rows("portfolio_daily", INDEX, MONTH))
                assert len(rows) == len(set(rows))
                assert set(rows) in (old, new)
            if is_last:
                assert cloud.run_portfolio(*command).code == 0
                rows = daily_tuples(cloud.published_rows("portfolio_daily", INDEX, MONTH))
                assert len(rows) == len(new)
                assert set(rows) == new
                assert shown(cloud) == [{BEFORE, NOW}] * 3
