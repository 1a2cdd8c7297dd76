"""How far a long run is: a bar in the terminal and one on the dashboard."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

Advance = Callable[[str], None]


@contextmanager
def show_progress(key: str, step_count: int) -> Iterator[Advance]:
    """Show how many of the steps are done while the block runs.

    Args:
        key: Key of the artifact.
        step_count: How many steps there are.

    Yields:
        To be called after each step, with what was done.
    """
    artifact = create_progress_artifact(progress=0.0, key=key, description="Starting")
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("", total=step_count)
        done = 0

        def advance(what: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, completed=done, description=what)
            share = min(100.0, 100.0 * done / max(1, step_count))
            update_progress_artifact(artifact, progress=share, description=what)  # type: ignore[arg-type]

        yield advance
