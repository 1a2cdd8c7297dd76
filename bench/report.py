"""What reports of sessions cost: time, memory, calls to S3, and what a page weighs.

`write_reports`, as a run has it, over a stub of S3 that reads and writes plain files: one report,
then those of 40 indices on the last of 22 sessions of a month, again where nothing has changed, and
after a history of 120 published months. Each is a process of its own. Run by `make bench`.
"""

import datetime as dt
import hashlib
import io
import os
import platform
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import boto3
from botocore.exceptions import ClientError
from prefect.logging import disable_run_logger

from flows.reporting import write_reports
from flows.settings import Settings
from infra.local.b3.sessions import INDEX_SIZES
from tasks.session_pages import REPORTS, Bucket, Page, put_pages

BUCKET, LANGUAGE = "lake", "pt-BR"
HISTORY = 120
ONE_BAR, ALL_BAR, HISTORY_BAR, PAGE_BAR = 3.0, 60.0, 1.5, 300_000
ONES = ("IBOV", max(INDEX_SIZES, key=INDEX_SIZES.__getitem__))
Answer = TypeVar("Answer")


class Stub:
    """S3 over a folder; what is kept beside an object lies in another one.

    Attributes:
        calls: How often what was asked for.
        read_bytes: How much of objects was read.
    """

    class exceptions:  # noqa: N801 - the name is boto3's
        """Errors as boto3's clients have them."""

        class NoSuchKey(Exception):  # noqa: N818
            """There is no such object."""

    def __init__(self, folder: Path) -> None:
        self._objects, self._words = folder / BUCKET, folder / "words"
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        self.read_bytes = 0

    def _count(self, call: str, size: int = 0) -> None:
        with self._lock:
            self.calls[call] += 1
            self.read_bytes += size

    def get_paginator(self, _operation: str) -> "Stub":
        """Return what pages through a listing."""
        return self

    def paginate(self, **asked: str) -> Iterator[dict[str, Any]]:
        """Yield a listing, of what lies right below where it has a delimiter; all in one page."""
        self._count("ListObjectsV2")
        prefix = asked["Prefix"]
        folder = self._objects / prefix.rpartition("/")[0]
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        page: dict[str, Any] = {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}
        if "Delimiter" in asked:
            found = sorted(each.name for each in folder.iterdir())
            yield page | {"CommonPrefixes": [{"Prefix": f"{prefix}{name}/"} for name in found]}
            return
        keys = {
            path.relative_to(self._objects).as_posix(): path
            for path in folder.rglob("*")
            if path.is_file()
        }
        yield page | {
            "Contents": [
                self._describe(key, keys[key]) for key in sorted(keys) if key.startswith(prefix)
            ]
        }

    def _describe(self, key: str, path: Path) -> dict[str, Any]:
        about = path.stat()
        said = f"{about.st_size} {about.st_mtime_ns}"
        etag = hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()
        at = dt.datetime.fromtimestamp(about.st_mtime, dt.UTC)
        return {"Key": key, "ETag": etag, "Size": about.st_size, "LastModified": at}

    def get_object(self, *, Key: str, **_asked: Any) -> dict[str, Any]:  # noqa: N803
        """Return an object."""
        body = (self._objects / Key).read_bytes()
        self._count("GetObject", len(body))
        return {"Body": io.BytesIO(body)}

    def head_object(self, *, Key: str, **_asked: Any) -> dict[str, Any]:  # noqa: N803
        """Return what is kept beside an object."""
        self._count("HeadObject")
        if not (self._words / Key).exists():
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        return {"Metadata": {"made-of": (self._words / Key).read_text()}}

    def put_object(self, *, Key: str, Body: bytes, **asked: Any) -> None:  # noqa: N803
        """Write an object."""
        self._count("PutObject")
        for path, body in (
            (self._objects / Key, Body),
            (self._words / Key, asked["Metadata"]["made-of"].encode()),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)


class Place(Bucket):
    """The bucket, without the step of a run that Prefect makes of a write."""

    def write(self, about: str, pages: Mapping[str, Page]) -> None:  # noqa: ARG002
        """Write pages."""
        put_pages(BUCKET, pages)


class Made(NamedTuple):
    """What making reports took.

    Attributes:
        import_seconds: Of them for the import of what draws charts.
        seconds: All of them, without the import of what a flow has.
        work_seconds: How long the process was at work meanwhile, on any core.
        written: How many pages were written.
        before_bytes: The most memory of the process before.
        peak_bytes: The most memory of the process.
        calls: Calls to S3.
        read_bytes: What was read of objects.
    """

    import_seconds: float
    seconds: float
    work_seconds: float
    written: int
    before_bytes: int
    peak_bytes: int
    calls: Counter[str]
    read_bytes: int

    def __str__(self) -> str:
        asked = ", ".join(f"{number} {name}" for name, number in sorted(self.calls.items()))
        return (
            f"{self.seconds:.1f} s, of it {self.import_seconds:.1f} s the import of matplotlib, "
            f"{self.work_seconds:.1f} s at work; {self.written} pages written; {asked}; "
            f"{self.read_bytes / 1e6:.0f} MB read; memory {self.peak_bytes / 1e6:.0f} MB, "
            f"{self.before_bytes / 1e6:.0f} MB before"
        )


def make(folder: Path, session: dt.date, codes: Collection[str], *, is_drawn: bool) -> Made:
    """Make the reports of indices on a session; where none is drawn, nothing is imported for it."""
    stub = Stub(folder)
    boto3.client = lambda *_args, **_named: stub  # type: ignore[assignment]
    settings = Settings(lake_bucket=BUCKET, database="b3", glue_job="refine")
    before = _peak_bytes()
    began, at_work = time.perf_counter(), time.process_time()
    if is_drawn:
        import matplotlib.backends.backend_svg
        import matplotlib.figure
        import matplotlib.ticker  # noqa: F401
    imported = time.perf_counter()
    with disable_run_logger():
        done = write_reports(settings, Place(BUCKET), {session: codes}, LANGUAGE)
    ended, worked = time.perf_counter(), time.process_time() - at_work
    if done.pages[session] != sorted(codes):
        raise RuntimeError(f"Expected reports of {sorted(codes)}, found {done.pages[session]}")
    return Made(
        imported - began,
        ended - began,
        worked,
        len(done.written),
        before,
        _peak_bytes(),
        stub.calls,
        stub.read_bytes,
    )


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def apart(function: Callable[..., Answer], *args: Any, **named: Any) -> Answer:
    """Call a function in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **named).result()


def fill(folder: Path) -> dt.date:
    """Write the lake; return the session."""
    from bench import report_lake  # here: who starts a process to measure it has to be small

    report_lake.fill(folder / BUCKET, BUCKET)
    return report_lake.SESSION


def lengthen(folder: Path) -> None:
    """Have a history before the session's month."""
    from bench import report_lake

    report_lake.lengthen(folder / BUCKET, BUCKET, HISTORY)


def forget_reports(folder: Path) -> None:
    """Have no page there any more."""
    for each in (folder / BUCKET / REPORTS, folder / "words"):
        shutil.rmtree(each)


def judge(what: str, *, is_met: bool) -> bool:
    """Print what was measured, and whether it keeps its bar."""
    print(f"{what}: {'ok' if is_met else 'MISSED'}", flush=True)
    return is_met


def measure(folder: Path, session: dt.date) -> Iterator[bool]:
    """Measure on a filled lake; yield whether each bar is kept."""
    for code in ONES:
        one = apart(make, folder, session, [code], is_drawn=True)
        print(f"  {code}, {INDEX_SIZES[code]} constituents: {one}")
        said = f"a report of {code}: {one.seconds:.1f} s (bar {ONE_BAR:.0f} s)"
        yield judge(said, is_met=one.seconds <= ONE_BAR)
        forget_reports(folder)
    codes = list(INDEX_SIZES)
    all_ = apart(make, folder, session, codes, is_drawn=True)
    print(f"  {len(codes)} indices: {all_}")
    said = f"{len(codes)} reports: {all_.seconds:.1f} s (bar {ALL_BAR:.0f} s)"
    yield judge(said, is_met=all_.seconds <= ALL_BAR and all_.written == len(codes))
    sizes = {
        path.stem: path.stat().st_size
        for path in (folder / BUCKET / REPORTS / str(session)).glob("*.html")
    }
    largest = max(sizes, key=sizes.__getitem__)
    print(f"  pages: {sum(sizes.values()) / 1e6:.1f} MB, IBOV's {sizes['IBOV']:,} bytes")
    said = f"the largest page, {largest}: {sizes[largest]:,} bytes (bar {PAGE_BAR:,})"
    yield judge(said, is_met=sizes[largest] <= PAGE_BAR)
    again = apart(make, folder, session, codes, is_drawn=False)
    print(f"  again: {again}")
    puts = again.calls["PutObject"]
    yield judge(f"pages written where nothing changed: {puts} (bar none)", is_met=not puts)
    forget_reports(folder)
    apart(lengthen, folder)
    long = apart(make, folder, session, codes, is_drawn=True)
    print(f"  after {HISTORY} months: {long}")
    ratio = long.work_seconds / all_.work_seconds  # which does not mind who else is at work
    said = f"at work, {HISTORY} months before / 1: {ratio:.2f} (bar {HISTORY_BAR})"
    yield judge(said, is_met=ratio <= HISTORY_BAR)
    more = ", ".join(f"{count} {name}" for name, count in sorted((long.calls - all_.calls).items()))
    read = long.read_bytes - all_.read_bytes
    said = f"calls more: {more or 'none'}, bytes read more: {read:,} (bar none)"
    yield judge(said, is_met=not more and read <= 0)


def main() -> int:
    """Measure and print; return 1 when a bar is missed."""
    print(
        f"Reports of sessions; {platform.platform()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        are_met = list(measure(folder, apart(fill, folder)))
    return 0 if all(are_met) else 1


if __name__ == "__main__":
    sys.exit(main())
