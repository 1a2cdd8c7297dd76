"""One run for all indices: what readers see of each is what B3 showed, whatever happens on the way.

The flow runs as a function over the stand-in and B3's replay.
"""

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from inspect import unwrap
from typing import Any

import pytest

from flows import portfolio
from flows.portfolio import daily_portfolio
from infra.local.b3.replay import Replay, start
from infra.local.b3.sessions import INDEX_SIZES, WITHOUT_PORTFOLIO, Portfolio, generate_portfolio
from tasks.core.errors import IncompleteError
from tasks.core.exchange import next_session
from tests.e2e.cloud import daily_tuples, expected_daily
from tests.protocol.lake import Lake
from tests.protocol.stage import Actor, Event, Point, Stage, before
from tests.standin.glue import BUCKET, DATABASE, JOB

pytestmark = pytest.mark.timeout(600)

SESSION = dt.date(2025, 8, 4)
FEW = ["AGFS", "IDIV", "IMOB", "SMLL"]
MOST_STEPS = 60
Rows = set[tuple[object, ...]]


@pytest.fixture
def replay() -> Iterator[Replay]:
    with start(session=SESSION) as running:
        yield running


@pytest.fixture
def flow(stage: Stage, replay: Replay, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Actor]:
    """Brings the portfolio flow on, with its parameters."""
    for name, value in {
        "B3_LAKE_BUCKET": BUCKET,
        "B3_DATABASE": DATABASE,
        "B3_GLUE_JOB": JOB,
        "B3_INDEX_URL": replay.url,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(portfolio, "report_indices", lambda *_: None)
    numbers = itertools.count()

    def bring_on(*codes: str, **parameters: Any) -> Actor:
        act = partial(unwrap(daily_portfolio.fn), index_codes=codes, **parameters)
        return stage.actor(f"{'-'.join(codes[:2])}-{next(numbers)}", act)

    return bring_on


def shown(codes: Iterable[str], day: dt.date = SESSION) -> list[Portfolio]:
    """The portfolios that the replay shows."""
    return [generate_portfolio(code, day, INDEX_SIZES[code]) for code in codes]


def rows_of(portfolios: Iterable[Portfolio]) -> Rows:
    """What `portfolio_daily` is to hold of them."""
    return set().union(*map(expected_daily, portfolios))


def rows_seen(lake: Lake, month: str = "") -> Rows:
    """What readers see in `portfolio_daily`, of a month or of all."""
    keys = {
        each["key"]
        for month in {key.split("/")[2] for key in lake.keys(f"published/portfolio/{month}")}
        for each in lake.latest_of(month)["tables"]["portfolio_daily"]["objects"]
    }
    rows = daily_tuples([row for key in keys for row in lake.rows(key)])
    assert len(rows) == len(set(rows))
    return set(rows)


def nth_step(number: int) -> Point:
    """The boundary after so many steps."""
    steps = itertools.count(1)  # asked by several threads

    def is_there(event: Event) -> bool:
        return event.when == "after" and ":" not in event.what and next(steps) == number

    return is_there


def test_forty_indices_are_one_run_and_equal_in_every_row(
    stage: Stage, lake: Lake, replay: Replay, flow: Callable[..., Actor]
) -> None:
    morrow = next_session(SESSION)
    replay.misbehave("wrong_weight", index="SMLL")
    replay.show(morrow, index="IBXX")
    with pytest.raises(IncompleteError) as error:
        flow("all").ends()
    first, *lines = str(error.value).splitlines()
    assert first.startswith("1 of 40 indices failed; published 38 indices of 2025-08-04 and ")
    assert first.endswith("(B3 publishes none of AGFS):")
    assert lines[0].startswith("  SMLL: ")
    codes = INDEX_SIZES.keys() - WITHOUT_PORTFOLIO - {"SMLL", "IBXX"}
    assert rows_seen(lake) == rows_of([*shown(codes), *shown(["IBXX"], morrow)])
    assert stage.glue_starts == 1
    assert lake.latest.number == 1

    replay.behave()
    state = flow("all").ends()  # IBXX is shown of the next session still
    assert state.message.startswith("published 39 indices of 2025-08-04 and 2025-08-05, run ")
    codes = codes | {"SMLL"}
    assert rows_seen(lake) == rows_of([*shown(codes), *shown(["IBXX"], morrow)])
    assert flow("all").ends().message.startswith("up to date 39 indices")
    assert stage.glue_starts == 2


def test_killed_at_each_step_boundary_the_next_run_ends_as_if_nothing_had_been(
    stage: Stage, lake: Lake, replay: Replay, flow: Callable[..., Actor]
) -> None:
    replay.list_only(FEW)
    replay.misbehave("wrong_weight", index="SMLL")
    expected: Rows = set()
    day, steps, is_there = SESSION, 0, True
    while is_there and steps < MOST_STEPS:
        steps += 1
        replay.show(day)
        replay.show(next_session(day), index="IDIV")
        killed = flow("all")
        is_there = killed.comes_to(nth_step(steps))
        killed.is_killed()
        new = rows_of([*shown(["IMOB"], day), *shown(["IDIV"], next_session(day))])
        assert rows_seen(lake, f"{day:%Y-%m}") in (set(), new)
        with pytest.raises(IncompleteError, match=r"1 of 4 indices failed.*\n  SMLL: "):
            flow("all").ends()
        assert rows_seen(lake, f"{day:%Y-%m}") == new
        expected |= new
        day = next_session(day.replace(day=1) - dt.timedelta(days=28))  # of the month before
    print(f"killed at each of {steps - 1} steps")
    assert rows_seen(lake) == expected
    assert 12 < steps < MOST_STEPS


@pytest.mark.parametrize("at", ["glue:StartJobRun", "s3:PutObject"])
def test_two_runs_of_other_indices_at_the_same_moment_both_end_well(
    stage: Stage, lake: Lake, flow: Callable[..., Actor], at: str
) -> None:
    """The first is about to start Glue, or to publish, when the second does all of its work."""
    first = flow("IDIV")
    first.goes_to(before(at, "published/" if at == "s3:PutObject" else ""))
    assert flow("SMLL").ends().message.startswith("published SMLL 2025-08-04")
    # What the second one publishes has both, since raw does: for the first nothing is left to do.
    assert re.match("(published|up to date) IDIV 2025-08-04", first.ends().message)
    assert stage.glue_starts <= 2
    assert rows_seen(lake) == rows_of(shown(["IDIV", "SMLL"]))
