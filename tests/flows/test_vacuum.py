import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import replace
from inspect import unwrap
from typing import Any

import pytest
from moto import mock_aws
from prefect import Task

import flows.vacuum
from flows.vacuum import check_grace, describe, log_unneeded, main, vacuum
from tasks.core.datasets import DATASETS
from tasks.core.errors import B3PipelineError, InvalidInputError, NotConfiguredError
from tasks.core.plan import Subject
from tasks.core.vacuum import StoredObject, Unit
from tasks.sweep import Sweep
from tests.tasks.toy import BUCKET, D1, D2, DATABASE, JOB, MONTH, TOY, Toy, both

PUBLISHED = f"published/toy/{MONTH}/"


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, no_run_logger: None) -> Iterator[Toy]:
    """The only dataset, of which `a` was replaced long ago and `stray` was never published."""
    for name, value in (("LAKE_BUCKET", BUCKET), ("DATABASE", DATABASE), ("GLUE_JOB", JOB)):
        monkeypatch.setenv(f"B3_{name}", value)
    monkeypatch.setattr(flows.vacuum, "DATASETS", (TOY,))
    monkeypatch.setattr(Task, "__call__", lambda self, *args, **named: self.fn(*args, **named))
    with mock_aws():
        toy = Toy(monkeypatch)
        toy.write(D1)
        toy.publish("a")
        toy.write(D2)
        toy.refine("stray")
        toy.publish("b")
        toy.passes(days=8)
        toy.calls.clear()
        yield toy


def run(**parameters: Any) -> str:
    """The message that it ends with."""
    return str(unwrap(vacuum.fn)(**parameters).message)


def left(toy: Toy) -> set[str]:
    return {key.split("attempt=")[1].split("/")[0] for key in toy.keys("refined/")}


def test_without_parameters_it_says_what_it_would_remove_and_changes_nothing(toy: Toy) -> None:
    before = toy.keys("")
    size = sum(len(toy.body(key)) for key in toy.keys("refined/") if "attempt=b/" not in key)
    said = "run with delete set (--delete) to mark them, and again after an hour to remove them"
    assert run() == f"would remove 4 objects, {size} bytes; {said}"
    assert toy.keys("") == before
    assert {"PutObject", "DeleteObjects", "UpdatePartition"}.isdisjoint(dict(toy.calls))


def test_it_marks_first_and_removes_in_a_run_an_hour_later(toy: Toy) -> None:
    assert run(delete=True) == "removed 0 objects, 0 bytes; marked 2 attempt(s) for a later run"
    assert left(toy) == {"a", "b", "stray"}
    toy.passes(minutes=59)
    assert run(delete=True) == "removed 0 objects, 0 bytes; marked 0 attempt(s) for a later run"
    toy.passes(minutes=1)
    said = run(delete=True)
    assert said.startswith("removed 4 objects, ")
    assert said.endswith(" bytes; marked 0 attempt(s) for a later run")
    assert left(toy) == {"b"}
    assert toy.locations() == both("b")


def test_it_touches_nothing_but_refined_objects(toy: Toy) -> None:
    others = {key for key in toy.keys("") if not key.startswith("refined/")}
    run(delete=True)
    toy.passes(hours=2)
    run(delete=True)
    now = {key for key in toy.keys("") if not key.startswith("refined/")}
    assert others < now
    assert all(key.endswith("/removed.json") for key in now - others)


@pytest.mark.parametrize("delete", [False, True])
def test_partitions_are_made_to_follow_and_by_a_dry_run_are_not(toy: Toy, delete: bool) -> None:
    toy.write(D1, value=2)
    toy.commit("c")
    run(delete=delete)
    assert toy.locations() == both("c" if delete else "b")


def test_a_dry_run_takes_nothing_that_is_ripe(toy: Toy) -> None:
    run(delete=True)
    toy.passes(hours=2)
    assert run().startswith("would remove 4 objects")
    assert left(toy) == {"a", "b", "stray"}


@pytest.mark.parametrize(("grace_days", "count"), [(8, 4), (9, 0)])
def test_the_grace_counts_in_days(toy: Toy, grace_days: int, count: int) -> None:
    assert run(grace_days=grace_days).startswith(f"would remove {count} objects")


def test_the_usual_grace_is_a_week(toy: Toy) -> None:
    toy.write(D1, value=2)
    toy.refine("younger")
    toy.passes(days=6)
    assert run().startswith("would remove 4 objects")
    toy.passes(days=1)
    assert run().startswith("would remove 6 objects")


@pytest.mark.parametrize("delete", [False, True])
def test_months_that_are_left_alone_are_named_and_the_others_swept(toy: Toy, delete: bool) -> None:
    july = "2025-07"
    toy.write(D1.replace(month=7))
    toy.refine("stray-july", months=(july,))
    toy.publish("july", month=july)
    toy.passes(days=8)
    toy.put(f"{PUBLISHED}000002.json", b"{")
    with pytest.raises(B3PipelineError) as error:
        run(delete=delete)
    first, problem = str(error.value).split("\n")[:2]
    assert first.endswith("Months left alone:")
    assert ("marked 1 attempt(s)" in first) is delete
    assert ("would remove 2 objects" in first) is not delete
    assert problem.startswith(f"toy {MONTH}: Expected a commit of format 1")


def test_every_dataset_is_swept(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    (daily, monthly) = TOY.refined
    two = (replace(TOY, name="other", refined=(daily,)), replace(TOY, refined=(monthly,)))
    # The other one has partitions and no commits.
    monkeypatch.setattr(flows.vacuum, "DATASETS", two)
    assert run().startswith("would remove 2 objects")
    monkeypatch.setattr(flows.vacuum, "DATASETS", two[::-1])
    assert run().startswith("would remove 2 objects")


def test_the_datasets_are_those_of_the_lake() -> None:
    assert vars(flows.vacuum)["DATASETS"] == DATASETS


@pytest.mark.parametrize("grace_days", [0, -1, 3651, 99_999_999])
def test_a_grace_out_of_bounds_is_refused_before_anything_is_asked(
    toy: Toy, grace_days: int
) -> None:
    said = f"at least 1 grace day and at most 3650, found {grace_days}"
    with pytest.raises(InvalidInputError, match=said):
        unwrap(vacuum.fn)(grace_days=grace_days, delete=True)
    assert toy.calls == []


@pytest.mark.parametrize("grace_days", [1, 3650])
def test_a_grace_is_a_day_at_least_and_ten_years_at_most(grace_days: int) -> None:
    check_grace(grace_days)


def test_what_nobody_needs_is_named_with_whether_it_is_ripe(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stored = StoredObject("k", '"e"', 10, dt.datetime(2025, 8, 1, tzinfo=dt.UTC))
    ripe, fresh = (
        Unit("t", MONTH, "r", "a", folder, (stored,), stored.modified_at) for folder in ("f/", "g/")
    )
    monkeypatch.setattr(flows.vacuum, "get_run_logger", lambda: logging.getLogger("steps"))
    with caplog.at_level(logging.INFO, "steps"):
        log_unneeded(Subject(TOY, BUCKET, DATABASE, JOB), Sweep((ripe, fresh), (ripe,), {}))
    assert caplog.messages == [
        f"Nobody needs s3://{BUCKET}/f/ (ripe)",
        f"Nobody needs s3://{BUCKET}/g/ (not marked for an hour yet)",
    ]


def test_without_settings_nothing_is_asked(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("B3_GLUE_JOB")
    with pytest.raises(NotConfiguredError, match="B3_GLUE_JOB"):
        run()
    assert toy.calls == []


def test_units_are_counted_by_objects_and_bytes() -> None:
    stored = StoredObject("k", '"e"', 10, dt.datetime(2025, 8, 1, tzinfo=dt.UTC))
    units = [Unit("t", MONTH, "r", "a", "f/", (stored,) * n, stored.modified_at) for n in (1, 2)]
    assert describe(units) == "3 objects, 30 bytes"
    assert describe([]) == "0 objects, 0 bytes"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"grace_days": 7, "delete": False}),
        (["--grace-days", "1", "--delete"], {"grace_days": 1, "delete": True}),
    ],
)
def test_options_become_the_parameters_of_the_flow(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: dict[str, Any]
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(flows.vacuum, "vacuum", lambda **given: asked.append(given))
    monkeypatch.setattr(flows.vacuum, "run_command", lambda run, **_: run() or 0)
    assert main(arguments) == 0
    assert asked == [expected | {"return_state": True}]


@pytest.mark.parametrize(
    "arguments",
    [["--grace-days", "0"], ["--grace-days", "99999999"], ["--grace-days", "a"], ["--wrong"]],
)
def test_wrong_usage_ends_it(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows.vacuum, "vacuum", lambda **_: pytest.fail("it ran"))
    monkeypatch.setattr(flows.vacuum, "run_command", lambda run, **_: run())
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m flows.vacuum" in capsys.readouterr().err
