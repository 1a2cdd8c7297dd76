"""Runs of one month at the same time: readers see whole months, and the newest content stays."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.cloud import TABLES, Cloud, StartedFlow, wait_until
from tests.e2e.gate import gate_to
from tests.e2e.jobs import jobs_held_while_they_write
from tests.e2e.readers import (
    Reader,
    rows_seen,
    rows_served,
    sessions_seen,
    sizes_question,
    whole_sizes,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ACTIVE = {"STARTING", "RUNNING", "STOPPING"}


@dataclass(frozen=True)
class Second:
    """The second of two runs of one session, once the first has published.

    Attributes:
        flow: Its command.
        writing: A file that is there once its Glue run has begun to write, if it starts one.
        go_on: A file that lets that Glue run go on.
    """

    flow: StartedFlow
    writing: Path
    go_on: Path

    def wait_until_it_writes(self) -> None:
        """Wait until it writes, or has ended because there was nothing left to do."""
        wait_until(lambda: self.writing.exists() or self.flow.has_ended, "the second run writes")
        if not self.writing.exists():
            ended = self.flow.end()
            assert ended.code == 0, ended.error


@contextmanager
def second_run(cloud: Cloud, folder: Path, index_code: str, session: dt.date) -> Iterator[Second]:
    """Let two runs begin and the first one publish, while the second asks Glue for runs."""
    writing, go_on = folder / "writing", folder / "go-on"
    cloud.show(session)
    with (
        gate_to(cloud.env["AWS_ENDPOINT_URL"]) as gate,
        cloud.start_flow(
            "portfolio", "--index", index_code, extra={"AWS_ENDPOINT_URL": gate.url}
        ) as flow,
    ):
        asking = gate.hold("glue:GetJobRuns")
        asking.wait_until_held()
        first = cloud.run_portfolio("--index", index_code)
        assert first.code == 0, first.error
        question = sizes_question(index_code, f"{session:%Y-%m}")
        assert cloud.query(question) == whole_sizes(index_code, session)
        with jobs_held_while_they_write(cloud, writing=writing, go_on=go_on):
            asking.release()
            yield Second(flow, writing, go_on)


def test_readers_see_the_whole_month_while_a_second_run_of_its_session_goes_on(
    cloud: Cloud, tmp_path: Path
) -> None:
    index_code, session = "IDIV", dt.date(2025, 2, 3)
    reader = Reader(cloud, sizes_question(index_code, "2025-02"))
    with second_run(cloud, tmp_path, index_code, session) as second, reader.at_work():
        second.wait_until_it_writes()
        asked = len(reader.answers)
        wait_until(lambda: len(reader.answers) >= asked + 3, "readers have asked meanwhile")
        second.go_on.touch()
        ended = second.flow.end()
    whole = whole_sizes(index_code, session)
    assert [answer for answer in reader.answers if answer != whole] == []
    assert ended.code == 0, ended.error


def test_a_month_stays_whole_when_the_glue_run_of_a_second_run_is_stopped(
    cloud: Cloud, tmp_path: Path
) -> None:
    index_code, session = "IBXX", dt.date(2025, 3, 5)
    glue = cloud.client("glue")
    with second_run(cloud, tmp_path, index_code, session) as second:
        second.wait_until_it_writes()
        for run in cloud.glue_runs():
            if run["JobRunState"] in ACTIVE:
                glue.batch_stop_job_run(JobName=run["JobName"], JobRunIds=[run["Id"]])
        second.go_on.touch()
        second.flow.end()
    assert rows_seen(cloud, index_code, "2025-03") == rows_served(index_code, session)
    shown = sessions_seen(cloud, index_code, "2025-03")
    assert all(set(days) == {str(session)} for days in shown.values())


def test_of_two_runs_whose_commits_cross_the_newer_content_stays(cloud: Cloud) -> None:
    index_code, month = "SMLL", "2025-04"
    first, second, third = (dt.date(2025, 4, day) for day in (1, 2, 3))
    cloud.show(first)
    assert cloud.run_portfolio("--index", index_code).code == 0
    cloud.show(second)
    with (
        gate_to(cloud.env["AWS_ENDPOINT_URL"]) as gate,
        cloud.start_flow(
            "portfolio", "--index", index_code, extra={"AWS_ENDPOINT_URL": gate.url}
        ) as older,
    ):
        last_table = gate.hold(
            "glue:UpdatePartition", where=lambda call: call.parameters["TableName"] == TABLES[-1]
        )
        last_table.wait_until_held()
        cloud.show(third)
        newer = cloud.run_portfolio("--index", index_code)
        assert newer.code == 0, newer.error
        last_table.release()
        ended = older.end()
    assert ended.code == 0, ended.error
    daily, summary, monthly = sessions_seen(cloud, index_code, month).values()
    assert daily == [str(first), str(second), str(third)]
    assert summary == [str(first), str(second), str(third)]
    assert monthly == [str(first), str(third)]
