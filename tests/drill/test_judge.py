"""A drill that cannot fail is none: each thing that may be wrong is seen, and said."""

import random
from collections import Counter
from functools import partial

import pytest

from tests.drill import of_aws, processes
from tests.drill.__main__ import main, run
from tests.drill.judge import Tally, count_doubled, count_lost, is_half_shown
from tests.drill.lake import TableRows
from tests.drill.scene import Scene
from tests.drill.table import render
from tests.drill.trial import Drill, Trial
from tests.protocol.stage import before
from tests.protocol.wire import Fault

OLD: TableRows = {"daily": Counter({"a": 1}), "monthly": Counter({"1": 1})}
NEW: TableRows = {"daily": Counter({"a": 1, "b": 2}), "monthly": Counter({"2": 1})}


def test_rows_that_are_missing_are_lost() -> None:
    found = {"daily": Counter({"a": 1, "b": 1}), "monthly": Counter({"2": 1})}
    assert (count_lost(found, NEW), count_doubled(found, NEW)) == (1, 0)
    assert count_lost({}, NEW) == 4


def test_rows_that_are_too_many_are_doubled() -> None:
    found = {"daily": Counter({"a": 2, "b": 2, "c": 1}), "monthly": Counter({"2": 1})}
    assert (count_lost(found, NEW), count_doubled(found, NEW)) == (0, 2)
    assert count_doubled({"other": Counter("x")}, NEW) == 1


@pytest.mark.parametrize(
    ("found", "by_athena", "by_views"),
    [
        pytest.param(OLD, False, False, id="before"),
        pytest.param(NEW, False, False, id="after"),
        pytest.param(OLD | {"monthly": NEW["monthly"]}, False, True, id="tables-of-two-states"),
        pytest.param(OLD | {"daily": Counter({"b": 2})}, True, True, id="half-of-a-table"),
        pytest.param({"daily": Counter(), "monthly": Counter()}, True, True, id="nothing"),
    ],
)
def test_what_was_never_right_is_half_shown(
    found: TableRows, by_athena: bool, by_views: bool
) -> None:
    assert is_half_shown(found, [OLD, NEW], at_once=False) is by_athena
    assert is_half_shown(found, [OLD, NEW], at_once=True) is by_views


@pytest.mark.parametrize("wrong", ["untyped", "lost", "doubled", "half_shown"])
def test_one_thing_wrong_makes_a_kind_wrong(wrong: str) -> None:
    tally = Tally(times=2, survived=1, healed=1)
    assert tally.is_good
    other = Tally(times=1, survived=1)
    setattr(other, wrong, 1)
    tally.add(other)
    assert not tally.is_good


def test_a_trial_that_neither_survived_nor_healed_is_wrong() -> None:
    assert not Tally(times=1).is_good


def test_the_table_names_every_kind_and_what_was_wrong() -> None:
    tallies = {
        "S3 500": Tally(times=2, survived=2, looks=7),
        "killed": Tally(times=1, healed=1, lost=3, wasted=1, said=("killed: 3 rows",)),
    }
    head, first, second, total, said, last = render(tallies, 13).splitlines()
    assert head.split()[:3] == ["fault", "times", "survived"]
    assert first.split() == ["S3", "500", "2", "2", "0", "0", "0", "0", "0", "0"]
    assert second.split() == ["killed", "1", "0", "1", "0", "3", "0", "0", "1"]
    assert total.split() == ["all", "3", "2", "1", "0", "3", "0", "0", "1"]
    assert said == "killed: 3 rows"
    assert last == "2 kinds, 3 trials, 7 looks of readers, seed 13"


def _published(scene: Scene) -> str:
    return next(key for key in scene.lake.keys("refined/quotes_daily/") if "part-" in key)


def _remove_what_is_published(scene: Scene, flow: str, _times: random.Random) -> None:
    scene.run(flow)
    scene.lake.delete([_published(scene)])
    scene.look()


def _publish_twice(scene: Scene, flow: str, _times: random.Random) -> None:
    scene.run(flow)
    key = _published(scene)
    scene.lake.put(key.replace("part-", "part-again-"), scene.lake.body(key))


def _fail(scene: Scene, flow: str, times: random.Random) -> None:
    _remove_what_is_published(scene, flow, times)
    raise KeyError("no error of ours")


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    return Drill(tmp_path_factory.mktemp("drill"))


def test_a_planted_loss_is_noticed(drill: Drill) -> None:
    tally = drill.try_it(Trial("loss", "quotes", _remove_what_is_published), random.Random(1))
    assert tally.survived == 1
    assert tally.lost > 0
    assert tally.half_shown > 0
    assert not tally.is_good


def test_a_planted_double_is_noticed(drill: Drill) -> None:
    tally = drill.try_it(Trial("double", "quotes", _publish_twice), random.Random(1))
    assert tally.survived == 1
    assert tally.doubled > 0
    assert tally.lost == 0
    assert not tally.is_good


def test_a_fault_that_a_flow_never_meets_is_no_trial(drill: Drill) -> None:
    fault = Fault("s3:DeleteObjects", "500")
    never = (
        partial(of_aws.fail, fault=fault),
        partial(processes.die, at=before("s3:DeleteObjects")),
    )
    for go in never:
        tally = drill.try_it(Trial("never", "levels", go), random.Random(1))
        assert (tally.untyped, tally.lost, tally.doubled) == (1, 0, 0)
        assert "LookupError: levels" in tally.said[0]
        assert not tally.is_good


def test_an_error_of_nobody_is_noticed_and_the_next_run_brings_what_is_gone(drill: Drill) -> None:
    tally = drill.try_it(Trial("error", "quotes", _fail), random.Random(1))
    assert (tally.untyped, tally.healed) == (1, 1)
    assert (tally.lost, tally.doubled) == (0, 0)
    assert tally.wasted == 1
    assert any("KeyError" in line for line in tally.said)
    assert not tally.is_good


def test_the_same_seed_tries_the_same() -> None:
    only = ["Glue fails", "Glue vanishes"]
    first, second = (run(7, 0, only) for _ in range(2))
    ended = [
        [(each.times, each.survived, each.healed) for each in t.values()] for t in (first, second)
    ]
    assert ended[0] == ended[1]
    assert first.keys() == set(only)
    assert all(tally.is_good for tally in first.values())


def test_a_kind_that_is_not_there_is_a_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "no such kind"])
    assert "no kind has no such kind in its name" in capsys.readouterr().err
