"""What the end-to-end tests ask of the local cloud."""

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3
import pyarrow.parquet as pq
import requests

from infra.local.b3.sessions import SESSIONS, Portfolio, published_portfolio
from tasks.core.exchange import month_of
from tasks.core.portfolio.tables import PORTFOLIO_DAILY

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180.0
JOB = "b3-refine"
TABLES = ("portfolio_daily", "portfolio_daily_summary", "portfolio_monthly")


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        code: Its exit code.
        last_line: The last line on standard output.
        error: What it wrote to standard error; lines that were broken for width are whole again.
        shown: What it wrote to either, as it stands there.
    """

    code: int
    last_line: str
    error: str
    shown: str = ""

    @classmethod
    def of(cls, code: int, printed: str, error: str) -> "Outcome":
        whole = re.sub(r"\n {4,}(?=\S)", " ", error)
        return cls(code, printed.strip().rpartition("\n")[2], whole, error + printed)


def wait_until(holds: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Look again and again until it holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not in {seconds:.0f} s"
        time.sleep(0.05)


@dataclass(frozen=True)
class StartedFlow:
    """A flow's command that goes on beside the test.

    Attributes:
        process: Its process.
        output: Path without suffix: what it prints goes to `.out` and `.err`.
    """

    process: "subprocess.Popen[bytes]"
    output: Path

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def end(self, timeout_seconds: float = PATIENCE_SECONDS) -> Outcome:
        """Wait for its end."""
        code = self.process.wait(timeout_seconds)
        printed = self.output.with_suffix(".out").read_text()
        return Outcome.of(code, printed, self.output.with_suffix(".err").read_text())

    def kill(self) -> None:
        """End it at once, as a lost machine would."""
        self.process.kill()
        self.process.wait()


class QueryFailedError(Exception):
    """Athena did not answer; no assertion, so that no test takes it for what it expects to see."""


def run_module(
    module: str, arguments: Sequence[str], environment: dict[str, str], root: Path = ROOT
) -> Outcome:
    """Run `python -m module` as a person would, in the project's folder or in a copy of it."""
    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome.of(ended.returncode, ended.stdout, ended.stderr)


@dataclass(frozen=True)
class Cloud:
    """The local cloud, seen from outside.

    Attributes:
        env: The environment of a program that uses it.
        state: Where it keeps everything.
        flows: A process that runs flows quickly (forked_flow.py); without it, each is a command.
    """

    env: dict[str, str]
    state: Path
    flows: "subprocess.Popen[str] | None" = None

    def client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.env["AWS_ENDPOINT_URL"],
            region_name=self.env["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
        )

    def run_portfolio(
        self,
        *arguments: str,
        kill_after: int = 0,
        kill_after_seconds: float = 0.0,
        without: Collection[str] = (),
        extra: Mapping[str, str] = MappingProxyType({}),
    ) -> Outcome:
        """Run the portfolio flow's command; see `run_flow`."""
        return self.run_flow(
            "portfolio",
            *arguments,
            kill_after=kill_after,
            kill_after_seconds=kill_after_seconds,
            without=without,
            extra=extra,
        )

    def run_flow(
        self,
        flow: str,
        *arguments: str,
        kill_after: int = 0,
        kill_after_seconds: float = 0.0,
        without: Collection[str] = (),
        extra: Mapping[str, str] = MappingProxyType({}),
        folder: Path = ROOT,
    ) -> Outcome:
        """Run `python -m flows.<flow>` as a person would.

        Args:
            flow: Module of the flow.
            arguments: Of the command.
            kill_after: SIGKILL it at this boundary between two steps; 0 for none.
            kill_after_seconds: SIGKILL it after so long; 0 for never.
            without: Names to leave out of the environment.
            extra: What to add to it.
            folder: Where that person stands; for a command of its own, the project's.
        """
        environment = {k: v for k, v in {**self.env, **extra}.items() if k not in without}
        if self.flows is None:
            return run_module(f"flows.{flow}", arguments, environment)
        output = self.state / "flow-output"
        request = {
            "flow": flow,
            "arguments": arguments,
            "environment": environment,
            "folder": str(folder),
            "output": str(output),
            "kill_after": kill_after,
            "kill_after_seconds": kill_after_seconds,
        }
        stdin, stdout = self.flows.stdin, self.flows.stdout
        assert stdin
        assert stdout
        print(json.dumps(request), file=stdin, flush=True)
        code = int(stdout.readline())
        printed = output.with_suffix(".out").read_text()
        return Outcome.of(code, printed, output.with_suffix(".err").read_text())

    @contextmanager
    def start_flow(
        self, flow: str, *arguments: str, extra: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[StartedFlow]:
        """Start `python -m flows.<flow>`, to go on beside the test; killed when the block ends."""
        output = self.state / f"flow-{uuid.uuid4().hex}"
        with (
            output.with_suffix(".out").open("wb") as out,
            output.with_suffix(".err").open("wb") as err,
        ):
            process = subprocess.Popen(
                [sys.executable, "-m", f"flows.{flow}", *arguments],
                cwd=ROOT,
                env={**self.env, **extra},
                stdout=out,
                stderr=err,
            )
        started = StartedFlow(process, output)
        try:
            yield started
        finally:
            started.kill()

    def show(self, session: dt.date, index: str | None = None) -> None:
        body: dict[str, object] = {"session": session.isoformat()}
        self._replay(body | ({"index": index} if index else {}))

    def misbehave(
        self, fault: str, times: int | None = None, index: str | None = None, **options: object
    ) -> None:
        body: dict[str, object] = {"fault": fault, "options": options}
        body |= {"times": times} if times else {}
        self._replay(body | ({"index": index} if index else {}))

    def behave(self) -> None:
        self._replay({"fault": None, "session": SESSIONS[-1].isoformat()})

    def request_count(self) -> int:
        state = requests.get(f"{self.env['B3_INDEX_URL']}/replay", timeout=10).json()
        return sum(state["requests"].values())

    def _replay(self, body: dict[str, object]) -> None:
        url = f"{self.env['B3_INDEX_URL']}/replay"
        requests.post(url, json=body, timeout=10).raise_for_status()

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """Every object of the lake, from its plain files."""
        lake = self.state / "lake" / "b3-lake"
        files = (path for path in lake.rglob("*") if path.is_file())
        found = {str(path.relative_to(lake)): path.read_bytes() for path in files}
        return {key: body for key, body in found.items() if key.startswith(prefix)}

    def published_rows(self, table: str, index_code: str, month: str) -> list[dict[str, Any]]:
        """What readers see of an index in a month, from the plain files its partition names."""
        glue = self.client("glue")
        try:
            partition = glue.get_partition(
                DatabaseName="b3", TableName=table, PartitionValues=[month]
            )["Partition"]
        except glue.exceptions.EntityNotFoundException:
            return []
        location = partition["StorageDescriptor"]["Location"].removeprefix("s3://b3-lake/")
        folder = self.state / "lake" / "b3-lake" / location
        (file,) = folder.glob("*.parquet")
        rows: list[dict[str, Any]] = pq.ParquetFile(file).read().to_pylist()
        return [row for row in rows if row["index_code"] == index_code]

    def glue_runs(self) -> list[dict[str, Any]]:
        """The runs of the Glue job, the newest first."""
        runs: list[dict[str, Any]] = self.client("glue").get_job_runs(JobName=JOB)["JobRuns"]
        return runs

    def outcomes(self) -> list[dict[str, Any]]:
        """What every start of Glue said that it made."""
        found = self.objects("runs/").items()
        return [json.loads(body) for key, body in found if key.endswith("/outcome.json")]

    def commits(self, dataset: str, month: str) -> list[dict[str, Any]]:
        """The commits of a month, in order."""
        found = sorted(self.objects(f"published/{dataset}/{month}/").items())
        return [json.loads(body) for _, body in found]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask Athena; every value as Athena writes it."""
        athena = self.client("athena")
        context = {"Database": "b3"}
        started = athena.start_query_execution(
            QueryString=sql, QueryExecutionContext=context, WorkGroup="b3"
        )
        execution_id = started["QueryExecutionId"]
        while True:
            execution = athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
            if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                break
        if execution["Status"]["State"] != "SUCCEEDED":
            raise QueryFailedError(execution["Status"])
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution_id)
        rows = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
        return [tuple(cell.get("VarCharValue") for cell in row) for row in rows[1:]]


@contextmanager
def local_cloud(
    state: Path,
    environment: Mapping[str, str],
    flows: "subprocess.Popen[str] | None" = None,
    root: Path = ROOT,
    *,
    is_killed: bool = False,
) -> Iterator[Cloud]:
    """Run the local cloud over a directory until the block ends.

    Args:
        state: Where it keeps everything.
        environment: What programs that use it need beside its own settings.
        flows: A process that runs flows quickly.
        root: The project's folder, or a copy of it.
        is_killed: End it by SIGKILL, as a lost machine would.
    """
    command = [sys.executable, "-m", "infra.local", "up", "--state", str(state), "--port", "0"]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        lines = (state / "env").read_text().splitlines()
        settings = dict(line.split("=", 1) for line in lines)
        yield Cloud({**os.environ, **settings, **environment}, state, flows)
    finally:
        if is_killed:
            process.kill()
        else:
            process.terminate()
        assert process.wait(timeout=30) == (-signal.SIGKILL if is_killed else 0)


def served(index_code: str, session: dt.date) -> Portfolio:
    """The portfolio that the replay serves."""
    portfolio = published_portfolio(index_code, session)
    assert portfolio is not None
    return portfolio


def expected_daily(portfolio: Portfolio) -> set[tuple[Any, ...]]:
    """The rows that `portfolio_daily` must hold of a session that the replay has served."""
    weights = [c.weight_pct for c in portfolio.constituents]
    return {
        (
            portfolio.index_code,
            portfolio.trading_date,
            c.ticker,
            c.asset_name,
            c.share_class,
            c.corporate_event,
            c.listing_segment,
            c.sector,
            c.theoretical_quantity,
            c.weight_pct,
            1 + sum(weight > c.weight_pct for weight in weights),
        )
        for c in portfolio.constituents
    }


DAILY_COLUMNS = [column for column in PORTFOLIO_DAILY.types() if column != "extracted_at"]


def daily_tuples(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Rows of `portfolio_daily` in the form of `expected_daily`."""
    return [tuple(row[name] for name in DAILY_COLUMNS) for row in rows]


def months(sessions: tuple[dt.date, ...] = SESSIONS) -> list[str]:
    return sorted({month_of(session) for session in sessions})
