"""Verify the lake: whether all that it holds fits together; --repair heals what can be healed.

    python -m flows.verify [--repair] [--dataset portfolio|quotes|levels|reconciliation …]

Without `--repair` nothing is changed. Whether the latest sessions are there is the question of
`flows.freshness`.
"""

import datetime as dt
import sys
import time
from collections.abc import Sequence
from typing import Any, get_args

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.care import CARES
from flows.command import now_in_sao_paulo, option, parse, run_command
from flows.ending import with_reason
from flows.forms import Repair, ToVerify, Verified
from flows.repair import WhyNot, repair_dataset
from flows.settings import Settings, load_settings
from tasks.core.errors import IncompleteError, InvalidInputError
from tasks.core.findings import (
    Finding,
    keep_same,
    keep_unhealed,
    name_database,
    tell_once,
    write_table,
)
from tasks.core.wording import count
from tasks.inventory import Survey
from tasks.report import report_findings

LOOK_AGAIN_SECONDS = 15.0  # what a flow is at work on is another thing by then
EVERYTHING: tuple[Verified, ...] = get_args(Verified)


def name_flow_run() -> str:
    """Name a run by what it looks at, and by whether it repairs."""
    given = runtime.flow_run.parameters
    return f"{'repair' if given['repair'] else 'verify'} {' '.join(given['datasets'])}"


@flow(name="verify", flow_run_name=name_flow_run)
@with_reason
def verify(
    repair: Repair = False,  # noqa: FBT002 - the dashboard fills parameters by name
    datasets: ToVerify = EVERYTHING,
) -> State[Any]:
    """See whether all that the lake holds fits together: landing, raw, commits, files, partitions.

    Args:
        repair: Heal what can be healed, and say of the rest why not. Left off, nothing is changed.
        datasets: What to look at: portfolio, quotes, levels, reconciliation.
    """
    if not datasets:
        raise InvalidInputError(f"Expected at least one of {', '.join(EVERYTHING)}; found none.")
    settings, now, why_not = load_settings(), now_in_sao_paulo(), WhyNot()
    names = list(dict.fromkeys(datasets))
    findings, surveys = look(settings, names, now)
    healed = ""
    if repair and findings:
        report_findings(findings, why_not, f"{count(len(findings), 'finding')}, to be repaired.")
        for name in names:
            its = [each for each in findings if each.dataset == name]
            why_not |= repair_dataset(settings, CARES[name], its, now)
        before = findings
        found, surveys = look(settings, names, now)
        findings = keep_unhealed(before, found, why_not)
        gone = {each.identity for each in before} - {each.identity for each in findings}
        healed = f"; healed {len(gone)} of {count(len(before), 'finding')}"
    months = count(sum(each.months for each in surveys), "month")
    seen = f"{', '.join(names)}: {months}, {count(sum(s.objects for s in surveys), 'raw object')}"
    if findings:
        described = f"{count(len(findings), 'finding')}{healed}; looked at {seen}."
        report_findings(findings, why_not, described)
        raise IncompleteError("\n".join([described, *write_table(findings, why_not)]))
    report_findings(findings, why_not, f"No finding{healed}; looked at {seen}.")
    return Completed(message=f"verified {seen}{healed}")


def look(
    settings: Settings, names: Sequence[str], now: dt.datetime
) -> tuple[list[Finding], list[Survey]]:
    """Return what is wrong with some datasets, and what was seen of each.

    Where something is, it is looked at again a while later: what is not the same then is being
    worked on, and no finding.
    """
    surveys = [CARES[name].look(settings, now) for name in names]
    first = [finding for survey in surveys for finding in survey.findings]
    if not first:
        return [], surveys
    get_run_logger().info("%s at first sight; looked at again", count(len(first), "finding"))
    time.sleep(LOOK_AGAIN_SECONDS)
    doubtful = dict.fromkeys(each.dataset for each in first)
    again = [f for name in doubtful for f in CARES[name].look(settings, now).findings]
    found = tell_once(keep_same(first, again))
    tables = sum(len(CARES[name].tables) for name in names)
    return name_database(found, settings.database, tables), surveys


OPTIONS = (
    option(
        "--dataset",
        dest="datasets",
        nargs="+",
        choices=EVERYTHING,
        default=list(EVERYTHING),
        metavar="NAME",
        help="portfolio, quotes, levels, reconciliation (default: all of them)",
    ),
    option("--repair", action="store_true", help="heal what can be healed; without it, only look"),
)
EXAMPLES = (
    ("", "what does not fit together in the lake; nothing is changed"),
    ("--dataset portfolio quotes --repair", "heal what can be healed, of two datasets"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the flow from the command line."""
    parameters, is_verbose = parse("flows.verify", __doc__, OPTIONS, EXAMPLES, argv)
    return run_command(lambda: verify(**parameters, return_state=True), is_verbose=is_verbose)


if __name__ == "__main__":
    sys.exit(main())
