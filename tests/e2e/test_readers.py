"""Who asks while months are republished sees whole sessions, as they were or as they are now."""

from itertools import dropwhile, pairwise
from typing import Any

import pytest

from infra.local.b3.sessions import SESSIONS
from tasks.core.exchange import month_of
from tasks.core.published import Published
from tasks.shelf import publish_partition, read_published
from tests.e2e.cloud import TABLES, Cloud, served
from tests.e2e.readers import Answer, Reader

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300), pytest.mark.usefixtures("no_run_logger")]

INDEX = "SMLL"
BEFORE, NOW = SESSIONS[-2:]
VALUES = (INDEX, month_of(NOW))
REPUBLISHED_TIMES = 40
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


def shown() -> dict[str, Published]:
    found = read_published.fn("b3", TABLES, VALUES)
    return {table: one for table, one in found.items() if one}


def test_a_reader_sees_whole_sessions_only(client_of_the_cloud: Cloud) -> None:
    cloud, runs = client_of_the_cloud, []
    reader = Reader(cloud, QUESTION)
    with reader.at_work():
        for day in (BEFORE, NOW):
            cloud.show(day)
            outcome = cloud.run_portfolio("--trading-date", str(day), "--index", INDEX)
            assert outcome.code == 0, outcome.error
            runs.append(shown())
        for _ in range(REPUBLISHED_TIMES):
            runs.reverse()
            old, new = runs
            for table in TABLES:
                publish_partition("b3", table, VALUES, new=new[table], expected=old[table])

    # Nothing is there before the first run has published; from then on something always is.
    answers = list(dropwhile(lambda answer: answer == [], reader.answers))
    allowed = [whole(BEFORE), whole(BEFORE, NOW)]
    assert [answer for answer in answers if answer not in allowed] == []
    assert all(answer in answers for answer in allowed)
    assert sum(a != b for a, b in pairwise(answers)) > 4
