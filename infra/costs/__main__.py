"""Print what the deployment costs: `make docs`."""

from pathlib import Path

import yaml  # type: ignore[import-untyped]

from infra.costs.figures import (
    DAYS_OF_MONTH,
    GLUE_DPUS,
    GLUE_MINUTES,
    OLD_PAGE_DAYS,
    PRICES,
    PRICES_OF,
    REFINED_DAYS_KEPT,
    REPORT_KB,
    REPORT_MB,
    REPORT_SECONDS,
    STORED_MB_OF_SESSION,
    TASK_GB,
    TASK_VCPUS,
    WORK,
    YEARS,
)
from infra.costs.reckoning import (
    Span,
    costs_of_day,
    runs_of,
    storage_gb,
    totals,
    work_of_day,
)

_PROJECT = Path(__file__).parents[2] / "prefect.yaml"
_INTRO = """\
# What it costs

In US dollars, in us-east-1, on a weekday with one new session: forty indices, quotes, levels,
reconciliation, the freshness checks and the verification. Printed by `make docs` from the
schedules in `prefect.yaml` and from the figures in `infra/costs/figures.py`; a test computes it
again.

"""
_OF_RUNS = """\

## Where it comes from

A weekday has {runs} flow runs, of {minutes} minutes in all with what they wait for Glue. A task
is paid from the pull of its image on. Of the runs of a deployment one a day finds something new;
the others ask B3, look into the lake and end. Each of the {glue} runs of Glue takes {least:.0f}
to {most:.0f} minutes on {dpus} DPUs. At the end of a month a day has some {puts:,} PUTs and
listings and {gets:,} GETs, of them {pages} PUTs of pages of reports: forty of a session, written
again with quotes, levels and reconciliation, and one of the month. Such a page takes {seconds:g} s
at most, which is in the minutes above and not in those below. A task has {vcpus} vCPU and {gb} GB;
at the end of a month of forty indices it holds some 400 MB at most, and 2 GB are the least that
goes with 1 vCPU.

| deployment | runs a week | minutes a run | Glue runs a day |
|---|---|---|---|
"""
_OF_STORAGE = """\

## What it weighs

| after | the lake weighs | a month |
|---|---|---|
{rows}

Reckoned with sessions as large as today's, so for the past it is too much; pages of reports, taken
at {page} KB each, are {reports:.1f} of {session:.1f} MB a session, and what a page said before
stays for {old} days. Landing moves to archive storage after 90 days, but S3 moves no object under
128 KB: of what lands only the ZIPs of quotes are larger. A refined month is made again with each
of its sessions, and what was read before stays for {days} days in all (the vacuum's grace, the wait
for its next run, an old version's 30 days). Commits, plans and outcomes stay.

Athena takes 5 dollars a TB and at least 10 MB a query: 0.00005. The workgroup ends a query at 1
GiB.

## Prices

Of {of}, without free tiers.

| of | US dollars | source |
|---|---|---|
"""


def describe_costs() -> str:
    """Return the whole page, in Markdown."""
    deployments = yaml.safe_load(_PROJECT.read_text(encoding="utf-8"))["deployments"]
    day = work_of_day(deployments)
    costs = costs_of_day(day)
    sums = totals(costs)
    lines = [f"| | {' | '.join(sums)} |", "|---" * (len(sums) + 1) + "|"]
    for what, row in costs.items():
        cells = [show(row[variant]) if variant in row else "" for variant in sums]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    for word, factor in (("a day", 1.0), ("a month", DAYS_OF_MONTH)):
        shown = [show_total((span[0] * factor, span[1] * factor)) for span in sums.values()]
        lines.append("".join([f"| **{word}** ", *(f"| **{each}** " for each in shown), "|"]))
    runs = [
        f"| `{each['name']}` | {sum(runs_of(each))} | {WORK[each['name']].minutes:g} "
        f"| {WORK[each['name']].glue} |"
        for each in deployments
        if each.get("schedules")
    ]
    storage = [
        f"| {years} year{'s' if years > 1 else ''} | {storage_gb(years):.0f} GB "
        f"| {storage_gb(years) * PRICES['stored'].dollars:.2f} |"
        for years in YEARS
    ]
    prices = [
        f"| {each.unit} | {each.dollars:.7f}".rstrip("0") + f" | <{each.source}> |"
        for each in PRICES.values()
    ]
    of_runs = _OF_RUNS.format(
        runs=day.runs,
        minutes=f"{day.minutes[0]:.0f} to {day.minutes[1]:.0f}",
        glue=day.glue_runs,
        least=GLUE_MINUTES[0],
        most=GLUE_MINUTES[1],
        dpus=GLUE_DPUS,
        puts=round(day.puts, -2),
        gets=round(day.gets, -2),
        pages=day.pages,
        seconds=REPORT_SECONDS,
        vcpus=TASK_VCPUS,
        gb=TASK_GB,
    )
    of_storage = _OF_STORAGE.format(
        rows="\n".join(storage),
        page=REPORT_KB,
        reports=REPORT_MB,
        old=OLD_PAGE_DAYS,
        session=sum(STORED_MB_OF_SESSION.values()),
        days=REFINED_DAYS_KEPT,
        of=PRICES_OF,
    )
    parts = [_INTRO, "\n".join(lines), "\n", of_runs, "\n".join(runs), "\n", of_storage]
    return "".join([*parts, "\n".join(prices), "\n"])


def show(span: Span) -> str:
    """Return dollars as they are printed."""
    low, high = (f"{each:.4f}" if each < 0.001 else f"{each:.3f}" for each in span)
    return low if low == high else f"{low}–{high}"


def show_total(span: Span) -> str:
    """Return a sum of dollars as it is printed."""
    low, high = (f"{each:.2f}" for each in span)
    return low if low == high else f"{low}–{high}"


if __name__ == "__main__":
    print(describe_costs(), end="")
