"""Glue jobs of the tests: what executes their plans, and some that misbehave, on Spark."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.glue import refine
from tests.e2e.cloud import ROOT, Cloud

_KEY = "jobs/refine.py"
# In the place of the job's script: a plan takes a second or two of it, and ten of Spark.
_STAND_IN = """
import sys
sys.path.insert(0, {root!r})
from infra.glue import refine
from tests.standin.engine import StandIn
refine.main(sys.argv[1:], StandIn())
"""

# Whatever a script writes through Spark is changed right before.
_CHANGED_WRITES = """
from pyspark.sql import DataFrame, functions
{definition}
_write = DataFrame.write
DataFrame.write = property(lambda rows: _write.fget(_changed(rows)))
exec(compile({script!r}, __file__, "exec"))
"""
_TOO_FEW_ROWS = """
def _changed(rows):
    return rows.limit(3)
"""
# Asked for each row, so after Spark has made place for its output.
_HELD = """
def _wait():
    import pathlib, time
    pathlib.Path({writing!r}).touch()
    patience = time.monotonic() + 300
    while not pathlib.Path({go_on!r}).exists() and time.monotonic() < patience:
        time.sleep(0.05)
    return True

def _changed(rows):
    return rows.where(functions.udf(_wait, "boolean").asNondeterministic()())
"""


def use_the_stand_in(cloud: Cloud) -> None:
    """Let the job execute its plans without Spark; tests/standin shows that it makes the same."""
    _put(cloud, _STAND_IN.format(root=str(ROOT)).encode())


@contextmanager
def jobs_that_write_too_few_rows(cloud: Cloud) -> Iterator[None]:
    """Let every job write three rows of each table until the block ends."""
    with _changed_jobs(cloud, _TOO_FEW_ROWS):
        yield


@contextmanager
def jobs_held_while_they_write(cloud: Cloud, *, writing: Path, go_on: Path) -> Iterator[None]:
    """Hold what starts in this block before the first row that it writes.

    Args:
        cloud: The local cloud.
        writing: A file that is there once a job is held.
        go_on: A file; a job goes on when it is there. It is when the block ends.
    """
    try:
        with _changed_jobs(cloud, _HELD.format(writing=str(writing), go_on=str(go_on))):
            yield
    finally:
        go_on.touch()


@contextmanager
def _changed_jobs(cloud: Cloud, definition: str) -> Iterator[None]:
    before = cloud.objects(_KEY)[_KEY]
    script = Path(refine.__file__).read_text()
    try:
        _put(cloud, _CHANGED_WRITES.format(definition=definition, script=script).encode())
        yield
    finally:
        _put(cloud, before)


def _put(cloud: Cloud, script: bytes) -> None:
    cloud.client("s3").put_object(Bucket="b3-lake", Key=_KEY, Body=script)
