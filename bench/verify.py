"""What verifying a long history costs: time, calls to AWS, memory.

A lake of 2,500 sessions of 40 indices, published, over a stub of S3 that reads plain files, and of
the Glue Data Catalog: raw, landing, commits, refined files and partitions are all there, made by
rule, and nothing is wrong. Run by `make bench`.
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
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from prefect.logging import disable_run_logger

from bench.lake import last_sessions
from tasks import inventory
from tasks.core.attempt import Output
from tasks.core.commit import Commit, commit_key, locations_of, write_commit
from tasks.core.dataset import Table
from tasks.core.exchange import month_of
from tasks.core.landing import IsKept, was_noted, was_shown
from tasks.core.plan import RawObject, Subject, digest_month, digest_statements
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.period_tables import RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.portfolio.tables import RAW_PORTFOLIO

LATEST, SESSIONS, INDICES = dt.date(2025, 8, 28), 2500, 40
BUCKET, MOST_BYTES, MOST_CALLS = "lake", 400_000_000, 2_000
SUBJECT = Subject(PORTFOLIO, BUCKET, "b3", "refine")
CODES = [f"IX{number:02}" for number in range(INDICES)]
_BODY = b"raw"  # audited objects are not read
_ETAG = hashlib.md5(_BODY, usedforsecurity=False).hexdigest()
_PAGE = 1000


class Stub:
    """S3 over a folder, and a catalog whose partitions are where the commits say.

    Attributes:
        calls: How often what was asked for.
    """

    class exceptions:  # noqa: N801 - the name is boto3's
        """Errors as boto3's clients have them."""

        class NoSuchKey(Exception):  # noqa: N818
            """There is no such object."""

        class EntityNotFoundException(Exception):  # noqa: N818
            """There is no such table."""

    def __init__(self, lake: Path) -> None:
        self.lake = lake
        self.calls: Counter[str] = Counter()
        self.partitions: dict[str, dict[str, str]] = defaultdict(dict)

    def get_paginator(self, operation: str) -> Any:
        """Return what pages through a listing."""
        return self if operation == "list_objects_v2" else _Partitions(self)

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803, ARG002
        """Yield a listing, in order."""
        page: list[dict[str, Any]] = []
        for path in _walk(self.lake / Prefix):
            key = str(path.relative_to(self.lake))
            about = path.stat()
            at = dt.datetime.fromtimestamp(about.st_mtime, dt.UTC)
            page.append({"Key": key, "ETag": _ETAG, "Size": about.st_size, "LastModified": at})
            if len(page) == _PAGE:
                yield self._answer(page)
                page = []
        yield self._answer(page)

    def _answer(self, page: list[dict[str, Any]]) -> dict[str, Any]:
        self.calls["ListObjectsV2"] += 1
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        return {"Contents": page, "ResponseMetadata": {"HTTPHeaders": {"date": date}}}

    def get_object(self, **asked: Any) -> dict[str, Any]:
        """Return an object, or the end of it."""
        self.calls["GetObject"] += 1
        body = (self.lake / asked["Key"]).read_bytes()
        start = (
            int(asked["Range"].removeprefix("bytes=").partition("-")[0]) if "Range" in asked else 0
        )
        return {"Body": io.BytesIO(body[start:])}

    def get_job_runs(self, **_asked: Any) -> dict[str, Any]:
        """Return that nothing is at work."""
        self.calls["GetJobRuns"] += 1
        return {"JobRuns": []}


NOON = dt.time(15, tzinfo=dt.UTC)  # in São Paulo


class _Partitions:
    def __init__(self, stub: Stub) -> None:
        self.stub = stub

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        found = list(self.stub.partitions[asked["TableName"]].items())
        for start in range(0, max(1, len(found)), _PAGE):
            self.stub.calls["GetPartitions"] += 1
            part = found[start : start + _PAGE]
            yield {
                "Partitions": [
                    {"Values": [value], "StorageDescriptor": {"Location": location}}
                    for value, location in part
                ]
            }


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder as S3 lists their keys."""
    if not folder.is_dir():
        return
    for each in sorted(os.scandir(folder), key=lambda e: f"{e.name}/" if e.is_dir() else e.name):
        path = Path(each.path)
        if each.is_dir():
            yield from _walk(path)
        else:
            yield path


def write(lake: Path, key: str, body: bytes, day: dt.date | None = None) -> None:
    """Write an object, written at noon of a day, or long enough ago."""
    path = lake / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    then = dt.datetime.combine(day, NOON).timestamp() if day else time.time() - 7200
    os.utime(path, (then, then))


def fill(stub: Stub) -> int:
    """Write the lake; return how many raw objects it has."""
    by_month: dict[str, list[dt.date]] = defaultdict(list)
    for day in sorted(last_sessions(LATEST, SESSIONS)):
        by_month[month_of(day)].append(day)
    count = 0
    for month, days in by_month.items():
        inputs = []
        for day in days:
            for code in CODES:
                key = RAW_PORTFOLIO.object_key(str(day), code)
                inputs.append(RawObject(key, _ETAG, len(_BODY)))
                write(stub.lake, key, _BODY, day)
                write(stub.lake, f"{RAW_PORTFOLIO.landing_folder(day, code)}0.json.gz", b"")
            stub.partitions[RAW_PORTFOLIO.name][str(day)] = _place(RAW_PORTFOLIO, day)
        count += len(inputs)
        publish(stub, month, days, tuple(inputs))
    return count


def _place(table: Table, day: dt.date) -> str:
    return f"s3://{BUCKET}/{table.folder(str(day))}"


def publish(stub: Stub, month: str, days: list[dt.date], inputs: tuple[RawObject, ...]) -> None:
    """Write a month's refined files and commit, and have the partitions follow."""
    run_id, attempt = hashlib.sha256(month.encode()).hexdigest(), "a"
    tables = {}
    for table in PORTFOLIO.refined_tables:
        names = {name for name, kind in table.types().items() if kind == "date"}
        body = io.BytesIO()
        pq.write_table(pa.table({name: pa.array(days, pa.date32()) for name in names}), body)
        key = f"{table.attempt_folder(run_id, attempt, month)}0.parquet"
        write(stub.lake, key, body.getvalue())
        tables[table.name] = Output({key: len(body.getvalue())}, len(days))
    commit = Commit(
        number=1,
        month=month,
        digest=digest_month(PORTFOLIO, inputs),
        statements=digest_statements(PORTFOLIO),
        inputs=inputs,
        run_id=run_id,
        attempt=attempt,
        tables=tables,
        published_at=dt.datetime.now(dt.UTC),
        flow_run="bench",
    )
    write(stub.lake, commit_key(PORTFOLIO, month, 1), write_commit(commit, PORTFOLIO, BUCKET))
    for name, location in locations_of(commit, PORTFOLIO, BUCKET).items():
        stub.partitions[name][month] = location


def main() -> int:
    """Measure and print; return 1 when a bar is missed."""
    print(f"Verifying a long history; {platform.platform()}, Python {platform.python_version()}")
    folder = Path(tempfile.mkdtemp())
    stub = Stub(folder / BUCKET)
    try:
        count = fill(stub)
        print(f"  {SESSIONS} sessions of {INDICES} indices: {count} raw objects", flush=True)
        boto3.client = lambda *_args, **_named: stub  # type: ignore[assignment]
        kept: dict[str, IsKept] = {RAW_PORTFOLIO.name: was_shown}
        kept |= {table.name: was_noted for table in (RAW_THEORETICAL, RAW_PREVIEW)}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        began = time.perf_counter()
        with disable_run_logger():
            survey = inventory.look_over.fn(SUBJECT, kept)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    finally:
        shutil.rmtree(folder)
    asked = ", ".join(f"{number} {name}" for name, number in sorted(stub.calls.items()))
    print(f"  {survey.months} months in {seconds:.1f} s, without the way to AWS; {asked}")
    print(f"  peak memory {peak / 1e6:.0f} MB, of it {(peak - before) / 1e6:.0f} MB of the look")
    for finding in survey.findings[:5]:
        print(f"  NOT EXPECTED: {finding}")
    is_met = not survey.findings and peak <= MOST_BYTES and stub.calls.total() <= MOST_CALLS
    mark = "ok" if is_met else "MISSED"
    print(f"bars {MOST_BYTES / 1e6:.0f} MB, {MOST_CALLS} calls, no finding: {mark}")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
