"""What the deployment costs: the page, and the sums behind it."""

from uuid import UUID

import pytest
import yaml  # type: ignore[import-untyped]

from deployments.automations import automations
from infra.costs.__main__ import describe_costs, show_total
from infra.costs.figures import GLUE_DPUS, GLUE_MINUTES, PRICES, WORK
from infra.costs.reckoning import (
    costs_of_day,
    runs_of,
    storage_gb,
    totals,
    work_of_day,
)
from tests.conftest import ROOT

DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


def test_the_page_is_what_schedules_and_figures_give() -> None:
    page = (ROOT / "docs" / "COSTS.md").read_text(encoding="utf-8")
    assert page == describe_costs(), "run: make docs"


def test_the_other_pages_say_the_same() -> None:
    sums = {
        name: show_total(span).replace("–", " to ")
        for name, span in totals(costs_of_day(work_of_day(DEPLOYMENTS))).items()
    }
    install = (ROOT / "docs" / "INSTALL.md").read_text(encoding="utf-8")
    push, worker = sums["push, `public`"], sums["worker, `public`"]
    assert f"{push} USD a day instead of {worker}" in install
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{push} USD a day with a push pool, {worker} with a worker" in readme


def test_what_a_plan_of_prefect_must_allow_is_what_is_used() -> None:
    install = (ROOT / "docs" / "INSTALL.md").read_text(encoding="utf-8")
    schedules = sum(len(each.get("schedules", [])) for each in DEPLOYMENTS)
    assert f"| deployments | {len(DEPLOYMENTS)}, with {schedules} schedules, " in install
    assert all(each["concurrency_limit"]["limit"] == 1 for each in DEPLOYMENTS)
    quiet, loud = len(automations(None)), len(automations(UUID(int=1)))
    row = f"| automations | {quiet} that end runs, by events that stay out; {loud - quiet} more"
    assert row in install
    assert f"| flow runs | {work_of_day(DEPLOYMENTS).runs} on a weekday, " in install


def test_the_page_for_a_lab_says_the_same_in_both_languages() -> None:
    costs = costs_of_day(work_of_day(DEPLOYMENTS))
    sums = totals(costs)
    kept = sum(
        costs[row]["worker, `public`"][1]
        for row in ("secret, image, alarms", "storage, after a year")
    )
    a_run = [GLUE_DPUS * each / 60 * PRICES["dpu"].dollars for each in GLUE_MINUTES]
    english = [f"a worker that is left on costs {show_total(sums['worker, `public`'])} USD"]
    english += [f"costs {show_total((a_run[0], a_run[1]))} USD | {kept:.2f} | years |"]
    for variant in ("worker, `public`", "worker, `private`"):
        days = int(50 / sums[variant][1])
        english += [f"| {show_total(sums[variant])} | {days} days |"]
    page = " ".join((ROOT / "docs" / "ACADEMY.md").read_text(encoding="utf-8").split())
    assert [each for each in english if each.replace("–", " to ") not in page] == []

    portuguese = [
        each.replace("–", " a ")
        .replace("a worker that is left on costs", "um worker que fica ligado custa de")
        .replace("costs", "custa de")
        .replace("years", "anos")
        .replace("days", "dias")
        .replace(".", ",")
        for each in english
    ]
    page = " ".join((ROOT / "docs" / "ACADEMY.pt-BR.md").read_text(encoding="utf-8").split())
    assert [each for each in portuguese if each not in page] == []


@pytest.mark.parametrize(
    ("crons", "runs"),
    [
        ([], [0, 0, 0, 0, 0, 0, 0]),
        (["30 8,12,17 * * 1-5"], [0, 3, 3, 3, 3, 3, 0]),
        (["30 12 * * 0,6", "0 3 * * *"], [2, 1, 1, 1, 1, 1, 2]),
        (["0,30 9-11 * * 7"], [6, 0, 0, 0, 0, 0, 0]),
        (["0 8,8,7-9 * * 0-7,3"], [3, 3, 3, 3, 3, 3, 3]),
    ],
)
def test_runs_are_those_of_the_schedules(crons: list[str], runs: list[int]) -> None:
    assert runs_of({"schedules": [{"cron": cron} for cron in crons]}) == runs


def test_a_schedule_that_is_paused_starts_nothing() -> None:
    assert sum(runs_of({"schedules": [{"cron": "0 8 * * *", "active": False}]})) == 0


@pytest.mark.parametrize(
    "schedule",
    [
        {"cron": "*/5 8 * * *"},
        {"cron": "0 8-18/2 * * *"},
        {"cron": "0 8 * * MON-FRI"},
        {"cron": "0 8 1 * *"},
        {"cron": "0 8 * 6 *"},
        {"cron": "0 24 * * *"},
        {"cron": "0 8 * * 5-1"},
        {"cron": "0 8 * * 8"},
        {"cron": "0 0 8 * * *"},
        {"cron": "@daily"},
        {"interval": 3600},
    ],
)
def test_a_schedule_that_is_not_understood_is_not_counted_wrongly(
    schedule: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match="teach runs_of to count it"):
        runs_of({"schedules": [schedule]})


def test_the_day_is_the_busiest_weekday() -> None:
    day = work_of_day(DEPLOYMENTS)
    on_tuesday = [runs_of(each)[2] for each in DEPLOYMENTS]
    assert day.runs == sum(on_tuesday)
    assert day.glue_runs == 3
    assert day.minutes[1] - day.minutes[0] == 3  # the waits for Glue


def test_every_schedule_has_its_figures() -> None:
    scheduled = {each["name"] for each in DEPLOYMENTS if each.get("schedules")}
    assert scheduled == set(WORK)


def test_a_worker_by_hand() -> None:
    costs = costs_of_day(work_of_day(DEPLOYMENTS))
    # 24 × (0.25 × 0.03238 + 0.00356); 3 × 2 DPU × 1 and 2 minutes × 0.44 / 60.
    assert costs["worker, 24 h"]["worker, `public`"] == pytest.approx((0.27972, 0.27972))
    assert costs["Glue, 3 runs"]["push, `public`"] == pytest.approx((0.044, 0.088))
    assert costs["NAT gateway and its address"] == {"worker, `private`": pytest.approx((1.2, 1.2))}


def test_pages_of_reports_by_hand() -> None:
    day = work_of_day(DEPLOYMENTS)
    # With the portfolio, and the month's; with quotes; with levels; with the reconciliation.
    assert day.pages == 40 + 1 + 40 + 40 + 40
    alone = work_of_day([each for each in DEPLOYMENTS if each["name"] == "reconcile"])
    # Ten sessions are looked at, forty pages of one written; its own figures and Glue beside.
    assert (alone.puts, alone.gets, alone.pages) == (150 + 10 * 20 + 40, 1300 + 10 * 140, 40)
    assert alone.minutes == (2 + 1 + 1, 2 + 1 + 2)


def test_forty_years_weigh_forty_times_what_stays() -> None:
    again = 44 * 250 / 365 * 16 / 2 / 1024
    again += 30 * 250 / 365 * 121 * 90 / 1024 / 1024  # what a page said before
    assert storage_gb(40) - again == pytest.approx(40 * (storage_gb(1) - again))


def test_each_price_has_its_source() -> None:
    assert all(each.source.startswith("https://aws.amazon.com/") for each in PRICES.values())
