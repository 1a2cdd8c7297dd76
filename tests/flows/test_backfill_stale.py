"""The months that were made by other statements, made again."""

import datetime as dt
from dataclasses import dataclass, field
from inspect import unwrap
from typing import Any

import pytest
from prefect import Task

import flows.backfill
from flows.backfill import backfill, check_range, main
from tasks import report
from tasks.core.errors import (
    B3PipelineError,
    IncompleteError,
    InvalidInputError,
    RefinementError,
)
from tasks.core.month import PublishedMonths
from tasks.core.plan import Subject
from tasks.core.portfolio import PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.reconciliation import RECONCILIATION

JULY, AUGUST = "2025-07", "2025-08"
RUN = "0123456789abcdef"


@dataclass
class World:
    """What the flow finds, and what it does.

    Attributes:
        stale: The months that are stale.
        result: What comes of them.
        published: What was asked to be published: subject, months and how.
        progress: The key of what was shown of how far it is, and what was.
        mended: What each kind of mending was asked for.
    """

    stale: list[str] = field(default_factory=list)
    result: PublishedMonths = field(default_factory=PublishedMonths)
    published: list[tuple[Subject, list[str], dict[str, Any]]] = field(default_factory=list)
    progress: list[tuple[str, float, str]] = field(default_factory=list)
    looked_at: list[Subject] = field(default_factory=list)
    mended: list[tuple[str, str]] = field(default_factory=list)

    def find_stale_months(self, subject: Subject) -> list[str]:
        self.looked_at.append(subject)
        return self.stale

    def publish_months(self, subject: Subject, months: list[str], **how: Any) -> PublishedMonths:
        self.published.append((subject, months, how))
        for month in months:
            how["on_month"](month, "failed" if month in self.result.failures else "published")
        return self.result

    def mend(self, kind: str, key: str) -> str:
        self.mended.append((kind, key))
        return "from landing"

    def create_progress_artifact(self, *, key: str, progress: float, description: str) -> str:
        self.progress.append((key, progress, description))
        return key

    def update_progress_artifact(self, key: str, *, progress: float, description: str) -> None:
        self.progress.append((key, progress, description))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, no_run_logger: None) -> World:
    for name, value in (("LAKE_BUCKET", "b3-lake"), ("DATABASE", "b3"), ("GLUE_JOB", "b3-refine")):
        monkeypatch.setenv(f"B3_{name}", value)
    world = World()
    for step in ("find_stale_months", "publish_months"):
        monkeypatch.setattr(flows.backfill, step, getattr(world, step))
    for step in ("create_progress_artifact", "update_progress_artifact"):
        monkeypatch.setattr(report, step, getattr(world, step))
    monkeypatch.setattr(Task, "__call__", lambda *_, **__: pytest.fail("another step"))
    monkeypatch.setattr(
        flows.backfill, "mend_session", lambda _settings, key: world.mend("portfolio", key)
    )
    monkeypatch.setattr(
        flows.backfill,
        "mend_quotes_session",
        lambda _settings, _now, key: world.mend("quotes", key),
    )
    monkeypatch.setattr(
        flows.backfill,
        "mend_reconciliation",
        lambda _settings, key: world.mend("reconciliation", key),
    )
    return world


def run(**parameters: Any) -> str:
    """The message that it ends with."""
    return str(unwrap(backfill.fn)(stale=True, **parameters).message)


def test_where_no_month_is_stale_nothing_is_done(world: World) -> None:
    assert run() == "up to date quotes: no month was made by other statements"
    assert world.published == []


def test_a_dry_run_says_what_it_would_cost_and_does_nothing(world: World) -> None:
    world.stale = [JULY, AUGUST]
    assert run(dry_run=True) == (
        "would refine 2 month(s) from 2025-07 to 2025-08: one Glue run of about 2 min "
        "(0.44 USD × 2 DPU × 2/60 h = 0.03 USD); nothing was changed"
    )
    assert world.published == []


@pytest.mark.parametrize("dataset", [PORTFOLIO, QUOTES, RECONCILIATION], ids=lambda each: each.name)
def test_stale_months_are_published_in_one_go(world: World, dataset: Any) -> None:
    world.stale = [JULY, AUGUST]
    world.result = PublishedMonths({JULY: RUN, AUGUST: RUN})
    assert run(dataset=dataset.name) == (
        f"published {dataset.name}: 2 month(s) from 2025-07 to 2025-08, run 0123456789ab"
    )
    ((subject, months, how),) = world.published
    assert subject == Subject(dataset, "b3-lake", "b3", "b3-refine") == world.looked_at[0]
    assert months == [JULY, AUGUST]
    assert how.get("force", False) is False  # what another flow has made anew meanwhile does
    key = f"progress-{dataset.name}"
    assert world.progress == [
        (key, 0, "0 of 2 months published"),
        (key, 50, "1 of 2 months published"),
        (key, 100, "2 of 2 months published"),
        (key, 100, "2 of 2 months published"),
    ]
    how["mend"]("raw/key")
    assert world.mended == [(dataset.name, "raw/key")]


def test_every_run_is_named(world: World) -> None:
    world.stale = [JULY, AUGUST]
    world.result = PublishedMonths({JULY: RUN, AUGUST: RUN[::-1]})
    assert run().endswith("runs 0123456789ab, fedcba987654")


def test_a_month_that_failed_fails_the_flow_with_its_reason(world: World) -> None:
    world.stale = [JULY, AUGUST]
    errors: dict[str, B3PipelineError] = {JULY: RefinementError("no slot")}
    world.result = PublishedMonths({AUGUST: RUN}, failures=errors)
    with pytest.raises(IncompleteError) as error:
        run()
    assert str(error.value) == "quotes: months that failed:\n2025-07: no slot"
    assert world.progress[-1] == ("progress-quotes", 100, "1 of 2 months published, 1 failed")


FIRST, LAST = dt.date(2025, 8, 1), dt.date(2025, 8, 29)


@pytest.mark.parametrize(
    ("start", "end", "stale"),
    [
        pytest.param(FIRST, LAST, True, id="both"),
        pytest.param(FIRST, None, True, id="start-and-stale"),
        pytest.param(None, LAST, True, id="end-and-stale"),
        pytest.param(None, None, False, id="neither"),
        pytest.param(FIRST, None, False, id="no-end"),
        pytest.param(None, LAST, False, id="no-start"),
        pytest.param(LAST, FIRST, False, id="backwards"),
        pytest.param(dt.date(1985, 12, 31), LAST, False, id="too-early"),
    ],
)
def test_a_range_or_stale_and_not_both(
    world: World, start: dt.date | None, end: dt.date | None, stale: bool
) -> None:
    with pytest.raises(InvalidInputError, match="Expected"):
        check_range(start, end, stale=stale)
    with pytest.raises(InvalidInputError):
        unwrap(backfill.fn)(start=start, end=end, stale=stale)
    assert world.looked_at == []


def test_a_range_of_the_reconciliation_is_made_by_another_command(world: World) -> None:
    said = "^Expected stale of the reconciliation, found a range: python -m flows.reconcile "
    with pytest.raises(InvalidInputError, match=said):
        unwrap(backfill.fn)(start=FIRST, end=LAST, dataset="reconciliation")
    assert world.looked_at == []


@pytest.mark.parametrize(("start", "end"), [(FIRST, FIRST), (dt.date(1986, 1, 1), LAST)])
def test_a_range_has_a_beginning_and_an_end(start: dt.date, end: dt.date) -> None:
    assert check_range(start, end, stale=False) == (start, end)


def test_a_code_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(InvalidInputError, match="An index code is"):
        run(index_code="ib-v")
    assert world.looked_at == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--stale"], {"stale": True}),
        (
            ["--stale", "--dataset", "quotes", "--dry-run"],
            {"stale": True, "dataset": "quotes", "dry_run": True},
        ),
        (["--start", "2025-08-01", "--end", "2025-08-29"], {"start": FIRST, "end": LAST}),
    ],
)
def test_options_become_the_parameters_of_the_flow(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: dict[str, Any]
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(flows.backfill, "backfill", lambda **given: asked.append(given))
    monkeypatch.setattr(flows.backfill, "run_command", lambda run, **_: run() or 0)
    assert main(arguments) == 0
    usual: dict[str, Any] = {
        "start": None,
        "end": None,
        "dataset": "quotes",
        "index_code": "IBOV",
        "stale": False,
        "dry_run": False,
    }
    assert asked == [usual | expected | {"return_state": True}]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--stale", "--start", "2025-08-01"],
        ["--start", "2025-08-01"],
        ["--start", "2025-08-02", "--end", "2025-08-01"],
        ["--stale", "--dataset", "levels"],
        ["--start", "2025-08-01", "--end", "2025-08-01", "--dataset", "reconciliation"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_it(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows.backfill, "backfill", lambda **_: pytest.fail("it ran"))
    monkeypatch.setattr(flows.backfill, "run_command", lambda run, **_: run())
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m flows.backfill" in capsys.readouterr().err
