"""Glue jobs of the tests: what executes their plans, and some that misbehave."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.cloud import ROOT, Cloud

_KEY = "jobs/refine.py"
# In the place of the job's script: a plan takes a second or two of it, and ten of Spark.
_STAND_IN = """
import sys
sys.path.insert(0, {root!r})
from infra.glue import refine
from tests.standin.engine import StandIn
{changed}
refine.main(sys.argv[1:], {engine}())
"""
_TOO_FEW_ROWS = """
class TooFewRows(StandIn):
    def _ask(self, table):
        return super()._ask(table).slice(0, 3)
"""
# With one table of the month written, and the others not.
_HELD = """
import pathlib, time
class Held(StandIn):
    def write(self, table, folder):
        rows = super().write(table, folder)
        pathlib.Path({writing!r}).touch()
        patience = time.monotonic() + 300
        while not pathlib.Path({go_on!r}).exists() and time.monotonic() < patience:
            time.sleep(0.05)
        return rows
"""


def use_the_stand_in(s3: Any) -> None:
    """Let the job execute its plans without Spark; tests/standin shows that it makes the same."""
    _put(s3, _script("", "StandIn"))


@contextmanager
def jobs_that_write_too_few_rows(cloud: Cloud) -> Iterator[None]:
    """Let every job write three rows of each table until the block ends."""
    with _changed_jobs(cloud, _TOO_FEW_ROWS, "TooFewRows"):
        yield


@contextmanager
def jobs_held_while_they_write(cloud: Cloud, *, writing: Path, go_on: Path) -> Iterator[None]:
    """Hold what starts in this block when it has written the first of its tables.

    Args:
        cloud: The local cloud.
        writing: A file that is there once a job is held.
        go_on: A file; a job goes on when it is there. It is when the block ends.
    """
    try:
        held = _HELD.format(writing=str(writing), go_on=str(go_on))
        with _changed_jobs(cloud, held, "Held"):
            yield
    finally:
        go_on.touch()


@contextmanager
def _changed_jobs(cloud: Cloud, changed: str, engine: str) -> Iterator[None]:
    before, s3 = cloud.objects(_KEY)[_KEY], cloud.client("s3")
    try:
        _put(s3, _script(changed, engine))
        yield
    finally:
        _put(s3, before)


def _script(changed: str, engine: str) -> bytes:
    return _STAND_IN.format(root=str(ROOT), changed=changed, engine=engine).encode()


def _put(s3: Any, script: bytes) -> None:
    s3.put_object(Bucket="b3-lake", Key=_KEY, Body=script)
