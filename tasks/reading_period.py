"""What B3 shows beside the day's portfolio, from answers to checked values."""

from collections.abc import Mapping
from contextlib import suppress

from prefect import get_run_logger, runtime, task

from tasks.core.errors import B3PipelineError
from tasks.core.indices import Members
from tasks.core.outcome import name_indices
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.period import PeriodDownload, has_preview, parse_period, refuse_strays
from tasks.core.wording import count
from tasks.objects import read_landed
from tasks.retries import tried_again


def _name_check_of_period() -> str:
    given = runtime.task_run.parameters
    return f"check {name_indices(sorted(given['downloads']))} {given['what']}"


@task(name="read-period", task_run_name=_name_check_of_period)
def read_period(
    downloads: Mapping[str, PeriodDownload],
    of_the_day: Mapping[str, Portfolio],
    what: str,
    members: Members,
) -> dict[str, Portfolio | B3PipelineError]:
    """Turn what B3 shows beside the day's portfolio into typed rows and check it.

    Safe to repeat: it changes nothing.

    Args:
        downloads: B3's answer of each index, with its session.
        of_the_day: The portfolios of the day.
        what: `theoretical portfolio`, or `preview`.
        members: B3's list of indices; empty where it was not asked for.

    Returns:
        Of each index its portfolio, or why it is refused (`RetryableError`, `BadDataError`).
    """
    found: dict[str, Portfolio] = {}
    refused: dict[str, B3PipelineError] = {}
    for code, download in downloads.items():
        subject = f"{what} of {code}"
        try:
            found[code] = parse_period(download.pages, code, download.trading_date, subject)
        except B3PipelineError as error:
            refused[code] = error
    refused |= refuse_strays(found, members, of_the_day)
    sound = {code: each for code, each in found.items() if code not in refused}
    if sound:
        there = count(sum(len(each.constituents) for each in sound.values()), "constituent")
        said = name_indices(sorted(sound))
        get_run_logger().info("%s, %s: %s, sound", what.capitalize(), said, there)
    return {**found, **refused}


@tried_again
def read_in_force(bucket: str, keys: Mapping[str, str]) -> set[str]:
    """Return the indices of which B3 said that a preview is in force; see `read_absences`."""
    found = set()
    for code, key in keys.items():
        with suppress(B3PipelineError):  # what cannot be read says nothing
            if has_preview(read_landed(bucket, key) or b"", code):
                found.add(code)
    return found
