"""A command whose flow waits for a word half-way; run as a process of its own."""

import sys
from typing import Any

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.command import run_command
from flows.ending import with_reason
from tasks.report import report_page


@task(name="step")
def step(text: str) -> None:
    """Tell the API something, as steps with pages do."""
    report_page(text, text, text)


@flow(name="half-way")
@with_reason
def half_way() -> State[Any]:
    """Stop between two steps."""
    step("first")
    print("half-way", flush=True)
    sys.stdin.readline()
    step("second")
    return Completed(message="published all of it")


if __name__ == "__main__":
    sys.exit(run_command(lambda: half_way(return_state=True), check=int))
