"""Who asks while months are republished sees whole sessions, as they were or as they are now."""

from dataclasses import replace
from itertools import dropwhile, pairwise
from typing import Any

import pytest

from infra.local.b3.sessions import SESSIONS
from tasks.core.commit import Commit, commit_key, write_commit
from tasks.core.exchange import month_of
from tasks.core.plan import Subject
from tasks.core.portfolio import PORTFOLIO
from tasks.objects import put_if_absent
from tasks.shelf import follow, read_latest
from tests.e2e.cloud import JOB, Cloud, served
from tests.e2e.readers import Answer, Reader

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600), pytest.mark.usefixtures("no_run_logger")]

INDEX = "SMLL"
BEFORE, NOW = SESSIONS[-2:]
MONTH = month_of(NOW)
SUBJECT = Subject(PORTFOLIO, "b3-lake", "b3", JOB)
REPUBLISHED_TIMES = 20
QUESTION = f"""
    SELECT trading_date, count(*), count(DISTINCT ticker), sum(weight_pct)
    FROM portfolio_daily WHERE index_code = '{INDEX}' GROUP BY trading_date ORDER BY trading_date
"""


@pytest.fixture
def client_of_the_cloud(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    for name, value in cloud.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return cloud


def whole(*sessions: Any) -> Answer:
    sizes = {day: str(len(served(INDEX, day).constituents)) for day in sessions}
    return [(str(day), size, size, "100.000") for day, size in sizes.items()]


def commit_again(commit: Commit) -> None:
    """Publish what a commit names under the next number, as a flow does."""
    latest = read_latest(SUBJECT, MONTH)
    again = replace(commit, number=latest.number + 1)
    key = commit_key(PORTFOLIO, MONTH, again.number)
    assert put_if_absent("b3-lake", key, write_commit(again, PORTFOLIO, "b3-lake"))
    follow(SUBJECT, MONTH)


def test_a_reader_sees_whole_sessions_only(client_of_the_cloud: Cloud) -> None:
    cloud, commits = client_of_the_cloud, []
    reader = Reader(cloud, QUESTION)
    with reader.at_work():
        for day in (BEFORE, NOW):
            cloud.show(day)
            outcome = cloud.run_portfolio("--trading-date", str(day), "--index", INDEX)
            assert outcome.code == 0, outcome.error
            commits.append(read_latest(SUBJECT, MONTH).commit)
        for number in range(REPUBLISHED_TIMES):
            commit = commits[number % 2]
            assert commit
            commit_again(commit)

    # Nothing is there before the first run has published; from then on something always is.
    answers = list(dropwhile(lambda answer: answer == [], reader.answers))
    allowed = [whole(BEFORE), whole(BEFORE, NOW)]
    assert [answer for answer in answers if answer not in allowed] == []
    assert all(answer in answers for answer in allowed)
    assert sum(a != b for a, b in pairwise(answers)) > 4
