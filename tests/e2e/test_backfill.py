"""A backfill over two years may be killed and run again, and ends with each session once."""

import datetime as dt
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.core.exchange import sessions_between
from tests.e2e.cloud import ROOT, Cloud

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

START, END = dt.date(2022, 11, 1), dt.date(2023, 10, 31)
SESSIONS = sessions_between(START, END)
COMMAND = ["-m", "flows.backfill", "--dataset", "quotes", "--start", str(START), "--end", str(END)]


def raw_count(cloud: Cloud) -> int:
    folder = cloud.state / "lake" / "b3-lake" / "raw" / "quotes"
    return sum(
        str(START) <= path.name.removeprefix("trading_date=") <= str(END)
        for path in folder.glob("trading_date=*")
    )


def glue_runs(cloud: Cloud) -> list[str]:
    """The states of the Glue runs of these months."""
    return [run["JobRunState"] for run in cloud.glue_runs()]


def published_months(cloud: Cloud) -> list[str]:
    pages = (
        cloud.client("glue")
        .get_paginator("get_partitions")
        .paginate(DatabaseName="b3", TableName="quotes_daily")
    )
    values = [partition["Values"][0] for page in pages for partition in page["Partitions"]]
    return sorted(value for value in values if f"{START:%Y-%m}" <= value <= f"{END:%Y-%m}")


def run_until(cloud: Cloud, is_time: Callable[[], bool], log: Path) -> None:
    """Run the backfill and SIGKILL it as soon as it is time."""
    with log.open("a") as output:
        process = subprocess.Popen(
            [sys.executable, *COMMAND], cwd=ROOT, env=cloud.env, stdout=output, stderr=output
        )
        while not is_time():
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        process.kill()
        process.wait()


def sessions_shown(cloud: Cloud) -> Counter[str]:
    """How many rows readers see of each session."""
    rows = cloud.query(
        "SELECT trading_date, count(*) FROM quotes_daily "
        f"WHERE trading_date BETWEEN DATE '{START}' AND DATE '{END}' GROUP BY trading_date"
    )
    return Counter({str(day): int(count) for day, count in rows})


def test_killed_three_times_it_ends_with_each_session_once(cloud: Cloud, tmp_path: Path) -> None:
    log = tmp_path / "backfill.log"
    run_until(cloud, lambda: raw_count(cloud) > 60, log)
    assert published_months(cloud) == []
    run_until(cloud, lambda: "RUNNING" in glue_runs(cloud), log)
    run_until(cloud, lambda: len(published_months(cloud)) > 3, log)
    seen = {day[:7] for day in sessions_shown(cloud)}
    assert {str(day) for day in SESSIONS if f"{day:%Y-%m}" in seen} == set(sessions_shown(cloud))

    outcome = cloud.run_flow("backfill", *COMMAND[2:])
    assert outcome.code == 0, outcome.error
    assert raw_count(cloud) == len(SESSIONS)
    assert len(published_months(cloud)) == 12
    shown = sessions_shown(cloud)
    assert set(shown) == set(map(str, SESSIONS))
    raw = cloud.query(
        "SELECT trading_date, count(*) FROM raw_quotes "
        f"WHERE trading_date BETWEEN DATE '{START}' AND DATE '{END}' GROUP BY trading_date"
    )
    assert {day: int(count) for day, count in raw} == dict(shown)
    assert glue_runs(cloud).count("SUCCEEDED") <= 3

    before, requests = cloud.objects(), cloud.request_count()
    again = cloud.run_flow("backfill", *COMMAND[2:])
    assert again.code == 0, again.error
    assert again.last_line == (f"up to date quotes {START} to {END}: {len(SESSIONS)} already there")
    assert (cloud.objects(), cloud.request_count()) == (before, requests)
