"""What a day costs and what the lake weighs, from the schedules and the figures."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.costs.figures import (
    ALARMS,
    DAYS_OF_MONTH,
    GLUE_DPUS,
    GLUE_MINUTES,
    IMAGE_GB,
    INDICES,
    LOG_MB_OF_DAY,
    MONTHS_OF_YEAR,
    OLD_PAGE_DAYS,
    PRICES,
    REFINED_DAYS_KEPT,
    REFINED_MB_OF_MONTH,
    REPORT_GETS,
    REPORT_LISTINGS,
    REPORT_MB,
    REPORT_SECONDS,
    SESSIONS_OF_YEAR,
    STORED_MB_OF_SESSION,
    TASK_GB,
    TASK_VCPUS,
    WORK,
    WORKER_GB,
    WORKER_VCPUS,
)

_DAYS = 7
_FIELDS = 5


def runs_of(deployment: Mapping[str, Any]) -> list[int]:
    """Return how many runs the schedules of a deployment start on each day, from Sunday on.

    Raises:
        ValueError: A schedule is none of those that are counted here.
    """
    runs = [0] * _DAYS
    for schedule in deployment.get("schedules", []):
        if not schedule.get("active", True):
            continue
        fields = schedule.get("cron", "").split()
        if len(fields) != _FIELDS or fields[2:4] != ["*", "*"]:
            raise ValueError(
                f"expected a cron of five fields that runs in every week alike, found {schedule}: "
                f"teach runs_of to count it"
            )
        minute, hour, _, _, days = fields
        a_day = len(_numbers(minute, range(60))) * len(_numbers(hour, range(24)))
        for day in {day % _DAYS for day in _numbers(days, range(_DAYS + 1))}:
            runs[day] += a_day
    return runs


def _numbers(field: str, all_of_them: range) -> set[int]:
    """Return what a field of a cron names: `*`, `8,12` or `1-5`."""
    if field == "*":
        return set(all_of_them)
    found: set[int] = set()
    for part in field.split(","):
        span = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        numbers = range(int(span[1]), int(span[2] or span[1]) + 1) if span else range(0)
        if not numbers or not set(numbers) <= set(all_of_them):
            raise ValueError(
                f"expected `*`, numbers or spans from {all_of_them[0]} to {all_of_them[-1]} in a "
                f"field of a cron, found {field!r}: teach runs_of to count it"
            )
        found |= set(numbers)
    return found


@dataclass(frozen=True)
class Day:
    """A day's work: of the weekday with most runs, on which there is a new session.

    Attributes:
        runs: Runs of flows.
        minutes: Of their tasks, at the least and at the most.
        glue_runs: Runs of Glue.
        puts: PUTs and listings.
        gets: GETs.
        pages: PUTs among these, of pages of reports.
    """

    runs: int
    minutes: tuple[float, float]
    glue_runs: int
    puts: int
    gets: int
    pages: int


def work_of_day(deployments: list[dict[str, Any]]) -> Day:
    """Return the work of the busiest weekday.

    Args:
        deployments: Those of `prefect.yaml`.
    """
    scheduled = {each["name"]: runs_of(each) for each in deployments}
    weekday = max(range(1, 6), key=lambda day: sum(runs[day] for runs in scheduled.values()))
    counts = {name: runs[weekday] for name, runs in scheduled.items() if runs[weekday]}
    glue_runs = sum(WORK[name].glue for name in counts)
    pages = sum(WORK[name].pages for name in counts)
    looked = sum(WORK[name].reported * count for name, count in counts.items())
    minutes = sum(WORK[name].minutes * count for name, count in counts.items())
    minutes += pages * REPORT_SECONDS / 60
    again = sum(WORK[name].looks * (count - 1) for name, count in counts.items())
    low, high = (minutes + glue_runs * each for each in GLUE_MINUTES)
    return Day(
        runs=sum(counts.values()),
        minutes=(low, high),
        glue_runs=glue_runs,
        puts=sum(WORK[name].puts for name in counts)
        + again // 2
        + looked * REPORT_LISTINGS
        + pages,
        gets=sum(WORK[name].gets for name in counts) + again // 2 + looked * REPORT_GETS,
        pages=pages,
    )


Span = tuple[float, float]


def costs_of_day(day: Day) -> dict[str, dict[str, Span]]:
    """Return `{what: {variant: least and most dollars}}` of a day."""
    price = {name: each.dollars for name, each in PRICES.items()}
    hour = price["vcpu"] * TASK_VCPUS + price["memory"] * TASK_GB
    tasks = (day.minutes[0] / 60 * hour, day.minutes[1] / 60 * hour)
    addresses = (day.minutes[0] / 60 * price["address"], day.minutes[1] / 60 * price["address"])
    worker = 24 * (price["vcpu"] * WORKER_VCPUS + price["memory"] * WORKER_GB)
    glue = [day.glue_runs * GLUE_DPUS * each / 60 * price["dpu"] for each in GLUE_MINUTES]
    stored = storage_gb(1) * price["stored"] / DAYS_OF_MONTH
    kept = price["secret"] + price["image"] * IMAGE_GB + price["alarm"] * ALARMS
    public, private, push = "worker, `public`", "worker, `private`", "push, `public`"
    everywhere = (public, private, push)

    def of(span: Span, *variants: str) -> dict[str, Span]:
        return dict.fromkeys(variants, span)

    return {
        "worker, 24 h": of((worker, worker), public, private),
        "its public address": of((24 * price["address"],) * 2, public),
        "NAT gateway and its address": of((24 * (price["nat"] + price["address"]),) * 2, private),
        f"Glue, {day.glue_runs} runs": of((glue[0], glue[1]), *everywhere),
        f"flow runs, {day.runs}": of(tasks, *everywhere),
        "their public addresses": of(addresses, public, push),
        "requests to S3": of((day.puts * price["put"] + day.gets * price["get"],) * 2, *everywhere),
        "storage, after a year": of((stored, stored), *everywhere),
        "logs": of((LOG_MB_OF_DAY / 1024 * price["log"],) * 2, *everywhere),
        "secret, image, alarms": of((kept / DAYS_OF_MONTH,) * 2, *everywhere),
    }


def totals(costs: Mapping[str, Mapping[str, Span]]) -> dict[str, Span]:
    """Return `{variant: least and most dollars}` of a day."""
    variants = dict.fromkeys(name for row in costs.values() for name in row)
    return {
        name: (
            sum(row[name][0] for row in costs.values() if name in row),
            sum(row[name][1] for row in costs.values() if name in row),
        )
        for name in variants
    }


def storage_gb(years: int) -> float:
    """Return what the lake weighs after so many years of sessions as large as today's."""
    sessions = years * SESSIONS_OF_YEAR
    kept = sessions * sum(STORED_MB_OF_SESSION.values())
    kept += years * MONTHS_OF_YEAR * REFINED_MB_OF_MONTH
    again = REFINED_DAYS_KEPT * SESSIONS_OF_YEAR / 365 * REFINED_MB_OF_MONTH / 2
    rewritten = sum(each.pages for each in WORK.values()) / INDICES - 1
    old_pages = OLD_PAGE_DAYS * SESSIONS_OF_YEAR / 365 * REPORT_MB * rewritten
    return (kept + again + old_pages) / 1024
