"""The Glue job, with an engine that writes what a test wants; what Spark makes is `standin`'s."""

import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from infra.glue import refine
from infra.glue.refine import describe, main, parse_arguments
from tasks.core import attempt, plan
from tasks.core.attempt import Outcome, Output, is_whole, read_outcome

BUCKET = "b3-lake"
ADDRESS = f"s3://{BUCKET}/runs/run-1/plan.json"
MONTHS = {"2025-07": ["2025-07-30", "2025-07-31"], "2025-08": ["2025-08-01"]}
TABLES = ["daily", "monthly"]
COLUMNS = [["value", "int"], ["trading_date", "date"]]
RAW = [{"name": name, "columns": COLUMNS} for name in ("raw_t", "raw_beside")]


class Engine:
    """Writes an object a table, named by what it read.

    Attributes:
        reads: What it was to read: name, base and paths.
        empty: What it was to read nothing of: name and columns.
        on_read: Called with the paths.
        on_write: Called with the table's name and the folder.
    """

    version = "0.0"

    def __init__(self) -> None:
        self.reads: list[tuple[str, str, list[str]]] = []
        self.empty: list[tuple[str, list[list[str]]]] = []
        self.writes: list[tuple[str, str]] = []
        self.on_read: Callable[[list[str]], Any] = lambda _: None
        self.on_write: Callable[[str, str], Any] = lambda *_: None

    def read(self, view: str, base: str, paths: list[str]) -> None:
        self.reads.append((view, base, paths))
        self.on_read(paths)

    def read_nothing(self, view: str, columns: list[list[str]]) -> None:
        self.empty.append((view, columns))

    def write(self, table: dict[str, Any], folder: str) -> int:
        self.writes.append((table["name"], folder))
        put(folder.removeprefix(f"s3://{BUCKET}/") + "part-0.parquet", table["statement"].encode())
        self.on_write(table["name"], folder)
        return 7


@pytest.fixture
def engine() -> Iterator[Engine]:
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield Engine()


def put(key: str, body: bytes = b"") -> str:
    return str(boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)["ETag"])


def keys(prefix: str = "") -> list[str]:
    return [each.key for each in boto3.resource("s3").Bucket(BUCKET).objects.filter(Prefix=prefix)]


def raw_key(day: str, table: str = "t") -> str:
    return f"raw/{table}/trading_date={day}/x.parquet"


def put_input(day: str, table: str = "t") -> dict[str, str]:
    """Put a raw object; return it as a plan names it."""
    key = raw_key(day, table)
    return {"table": f"raw_{table}", "key": key, "etag": put(key, key.encode())}


def put_plan(**changes: Any) -> str:
    """Put raw and a plan of it; return the plan's address."""
    months = {
        month: {
            "digest": "d",
            "inputs": [put_input(day) for day in days],
        }
        for month, days in MONTHS.items()
    }
    tables = [{"name": name, "statement": name, "columns": [], "order": []} for name in TABLES]
    document = {"format": plan.FORMAT, "dataset": "t", "months": months, "raw": RAW}
    document["tables"] = tables
    body = json.dumps(document | changes).encode()
    key = f"runs/{hashlib.sha256(body).hexdigest()}/plan.json"
    put(key, body)
    return f"s3://{BUCKET}/{key}"


def outcomes() -> list[str]:
    return [key for key in keys("runs/") if key.endswith("/outcome.json")]


def run(engine: Engine, address: str = "") -> Outcome:
    """Run the job to its good end; return what it says."""
    before = outcomes()
    main(["--plan", address or put_plan(), "--token", "me"], engine)
    return said(before)


def run_to_failure(engine: Engine, address: str = "") -> tuple[str, Outcome]:
    """Run the job to its failure; return its last words, and what it says."""
    before = outcomes()
    with pytest.raises(SystemExit) as ended:
        main(["--plan", address or put_plan(), "--token", "me"], engine)
    return str(ended.value.code), said(before)


def said(before: list[str]) -> Outcome:
    (key,) = set(outcomes()) - set(before)
    return read_outcome(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def test_reads_its_arguments_and_leaves_those_of_glue_alone() -> None:
    added = ["--JOB_NAME", "b3-refine", "--enable-metrics", "true", "--job-language", "python"]
    arguments = parse_arguments([*added, "--plan", ADDRESS, "--token", "me", "--JOB_RUN_ID", "jr"])
    assert vars(arguments) == {
        "token": "me",
        "bucket": BUCKET,
        "key": "runs/run-1/plan.json",
        "run_id": "run-1",
    }


@pytest.mark.parametrize("missing", ["--plan", "--token"])
def test_a_missing_argument_ends_the_job_and_is_named(
    missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"--plan": ADDRESS, "--token": "me"}
    del given[missing]
    with pytest.raises(SystemExit) as ended:
        main([part for pair in given.items() for part in pair])
    assert ended.value.code == 2
    assert missing in capsys.readouterr().err


@pytest.mark.parametrize(
    "address",
    [
        "",
        "run-1",
        "s3://b3-lake/plan.json",
        "s3://b3-lake/runs/plan.json",
        "s3://b3-lake/runs/run-1/plan",
        "s3://b3-lake/runs/run-1/a/plan.json",
        "s3://b3-lake/old/runs/run-1/plan.json",
        "https://b3-lake/runs/run-1/plan.json",
        "s3:///runs/run-1/plan.json",
    ],
)
def test_an_address_that_is_no_plans_ends_the_job_and_is_told(address: str) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(["--plan", address, "--token", "me"])
    assert ended.value.code == (
        f"--plan: expected s3://<bucket>/runs/<run_id>/plan.json, found {address}"
    )


def test_a_plan_that_is_gone_ends_the_job_with_one_line(engine: Engine) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--plan", ADDRESS, "--token", "me"], engine)
    assert ended.value.code == f"expected a plan at {ADDRESS}, found none"


def test_a_plan_that_was_changed_ends_the_job_with_one_line(engine: Engine) -> None:
    address = put_plan()
    put(address.removeprefix(f"s3://{BUCKET}/"), b"{}")
    with pytest.raises(SystemExit) as ended:
        main(["--plan", address, "--token", "me"], engine)
    digest = hashlib.sha256(b"{}").hexdigest()
    assert ended.value.code == f"the plan {address} was changed: its digest is {digest}"
    assert (engine.reads, outcomes()) == ([], [])


@pytest.mark.parametrize("other", [plan.FORMAT + 1, None, str(plan.FORMAT)])
def test_a_plan_of_another_format_ends_the_job_with_one_line(engine: Engine, other: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--plan", put_plan(format=other), "--token", "me"], engine)
    assert ended.value.code == (
        f"expected a plan of format {plan.FORMAT}, found {other!r}: deploy job and image of one "
        f"commit"
    )
    assert (engine.reads, outcomes()) == ([], [])


def test_makes_every_table_of_every_month_under_a_prefix_of_its_own(engine: Engine) -> None:
    address = put_plan()
    outcome = run(engine, address)

    run_id = address.split("/")[-2]
    folders = {
        (name, month): f"refined/{name}/run_id={run_id}/attempt={outcome.attempt}/month={month}/"
        for month in MONTHS
        for name in TABLES
    }
    assert outcome.failures == {}
    assert outcome.months == {
        month: {
            name: Output({f"{folders[name, month]}part-0.parquet": len(name)}, 7) for name in TABLES
        }
        for month in MONTHS
    }
    assert (outcome.run_id, outcome.token) == (run_id, "me")
    assert engine.writes == [
        (name, f"s3://{BUCKET}/{folders[name, month]}") for month in MONTHS for name in TABLES
    ]


def test_reads_of_each_month_what_the_plan_names(engine: Engine) -> None:
    address = put_plan()
    put(raw_key("2025-07-29"))
    run(engine, address)
    assert engine.reads == [
        ("raw_t", f"s3://{BUCKET}/raw/t/", [f"s3://{BUCKET}/{raw_key(day)}" for day in days])
        for days in MONTHS.values()
    ]


def put_plan_of_two_tables() -> str:
    """Put a plan of three months, of which the first and the last hold both raw tables."""
    months = {
        "2025-06": [put_input("2025-06-30"), put_input("2025-06-30", "beside")],
        "2025-07": [put_input("2025-07-30"), put_input("2025-07-31")],
        "2025-08": [put_input("2025-08-04", "beside"), put_input("2025-08-01", "beside")],
    }
    return put_plan(months={month: {"inputs": inputs} for month, inputs in months.items()})


def test_reads_each_raw_table_or_nothing_where_the_month_holds_none(engine: Engine) -> None:
    assert run(engine, put_plan_of_two_tables()).failures == {}
    root = f"s3://{BUCKET}"
    assert engine.reads == [
        ("raw_t", f"{root}/raw/t/", [f"{root}/{raw_key('2025-06-30')}"]),
        ("raw_beside", f"{root}/raw/beside/", [f"{root}/{raw_key('2025-06-30', 'beside')}"]),
        (
            "raw_t",
            f"{root}/raw/t/",
            [f"{root}/{raw_key(day)}" for day in ("2025-07-30", "2025-07-31")],
        ),
        (
            "raw_beside",
            f"{root}/raw/beside/",
            [f"{root}/{raw_key(day, 'beside')}" for day in ("2025-08-04", "2025-08-01")],
        ),
    ]
    assert engine.empty == [("raw_beside", COLUMNS), ("raw_t", COLUMNS)]


@pytest.mark.parametrize("moves", ["rewritten", "deleted"])
@pytest.mark.parametrize(
    ("day", "table"), [("2025-06-30", "t"), ("2025-06-30", "beside"), ("2025-08-04", "beside")]
)
def test_each_raw_table_may_move(engine: Engine, moves: str, day: str, table: str) -> None:
    address = put_plan_of_two_tables()
    MOVES[moves](raw_key(day, table))
    outcome = run(engine, address)
    assert outcome.failures == {day[:7]: attempt.RAW_MOVED}
    assert len(outcome.months) == 2


def test_whether_raw_has_moved_is_asked_of_the_months_objects_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = put_plan_of_two_tables()
    listed: list[str] = []
    make: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def record(client: BaseClient, operation: str, parameters: Any) -> Any:
        if operation == "ListObjectsV2":
            listed.append(parameters["Prefix"])
        return make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    run(engine, address)
    assert {prefix for prefix in listed if prefix.startswith("raw/")} == {
        *(raw_key("2025-06-30", table) for table in ("t", "beside")),
        "raw/t/trading_date=2025-07-3",
        "raw/beside/trading_date=2025-08-0",
    }


def test_the_same_plan_twice_is_two_attempts(engine: Engine) -> None:
    address = put_plan()
    one, other = run(engine, address), run(engine, address)
    assert one.attempt != other.attempt
    assert len(outcomes()) == 2
    assert len({folder for _, folder in engine.writes}) == 8


def test_the_outcome_is_the_last_act(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    address = put_plan()
    made: list[tuple[str, str]] = []
    make: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def record(client: BaseClient, operation: str, parameters: Any) -> Any:
        made.append((operation, parameters.get("Key", "")))
        return make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    main(["--plan", address, "--token", "me"], engine)
    operation, key = made[-1]
    assert operation == "PutObject"
    assert key.endswith("/outcome.json")


def test_an_outcome_says_when_and_by_which_spark(engine: Engine) -> None:
    run(engine)
    (key,) = outcomes()
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    document = json.loads(body)
    assert body.decode() == json.dumps(document, indent=1)
    assert document["spark"] == "0.0"
    assert document["started_at"] <= document["ended_at"]
    assert document["ended_at"].endswith("+00:00")


def test_a_month_is_told_before_the_next_one_begins(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written))
    told: list[str] = []
    engine.on_write = lambda *_: told.append(written.getvalue().decode())
    run(engine)
    assert told == ["", "", *["2025-07: written\n"] * 2]
    assert written.getvalue().decode() == "2025-07: written\n2025-08: written\n"


@pytest.mark.parametrize("table", TABLES)
def test_a_month_that_fails_takes_no_other_with_it(engine: Engine, table: str) -> None:
    def fail(name: str, folder: str) -> None:
        if name == table and "month=2025-07" in folder:
            raise ValueError("no\n  rows")

    engine.on_write = fail
    words, outcome = run_to_failure(engine)

    assert outcome.failures == {"2025-07": "ValueError: no rows"}
    assert outcome.months.keys() == {"2025-08"}
    assert outcome.months["2025-08"].keys() == set(TABLES)
    assert words == "2025-07: ValueError: no rows"


def test_a_month_without_raw_is_not_made_of_another_months(engine: Engine) -> None:
    address = put_plan(months={"2025-09": {"digest": "d", "inputs": []}})
    _, outcome = run_to_failure(engine, address)
    assert outcome.failures == {
        "2025-09": "ValueError: expected raw objects of the month in the plan, found none"
    }
    assert (engine.reads, engine.empty, engine.writes) == ([], [], [])


MOVES: dict[str, Callable[[str], Any]] = {
    "rewritten": lambda key: put(key, b"revised"),
    "deleted": lambda key: boto3.client("s3").delete_object(Bucket=BUCKET, Key=key),
}
by_move = pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())


@by_move
@pytest.mark.parametrize("day", MONTHS["2025-07"])
def test_raw_that_moved_before_is_not_read(engine: Engine, move: Any, day: str) -> None:
    address = put_plan()
    move(raw_key(day))
    outcome = run(engine, address)
    assert outcome.failures == {"2025-07": attempt.RAW_MOVED}
    assert outcome.months.keys() == {"2025-08"}
    assert len(engine.reads) == 1


@by_move
@pytest.mark.parametrize("table", TABLES)
def test_raw_that_moved_meanwhile_is_told(engine: Engine, move: Any, table: str) -> None:
    engine.on_write = lambda name, folder: (
        move(raw_key("2025-07-31")) if name == table and "2025-07" in folder else None
    )
    outcome = run(engine)
    assert outcome.failures == {"2025-07": attempt.RAW_MOVED}
    assert outcome.months.keys() == {"2025-08"}


def test_raw_that_moved_explains_a_failure(engine: Engine) -> None:
    def lose(paths: list[str]) -> None:
        MOVES["deleted"](raw_key("2025-08-01"))
        if "2025-08" in paths[0]:
            raise FileNotFoundError(paths[0])

    engine.on_read = lose
    assert run(engine).failures == {"2025-08": attempt.RAW_MOVED}


def test_a_failure_beside_raw_that_moved_fails_the_job(engine: Engine) -> None:
    def fail(paths: list[str]) -> None:
        if "2025-08" in paths[0]:
            raise ValueError("bad")
        MOVES["rewritten"](raw_key("2025-07-31"))

    engine.on_read = fail
    words, outcome = run_to_failure(engine)
    assert outcome.failures == {"2025-07": attempt.RAW_MOVED, "2025-08": "ValueError: bad"}
    assert words == "2025-07: raw moved; 2025-08: ValueError: bad"


def test_raw_has_moved_or_has_not(engine: Engine) -> None:
    inputs = [put_input(day) for day in MONTHS["2025-07"]]
    s3 = boto3.client("s3")
    assert refine.has_moved(s3, BUCKET, inputs) is False
    MOVES["rewritten"](raw_key("2025-07-31"))
    assert refine.has_moved(s3, BUCKET, inputs) is True


def test_other_raw_may_come_meanwhile(engine: Engine) -> None:
    engine.on_read = lambda _: put(raw_key("2025-07-29"))
    assert run(engine).failures == {}


def test_listings_of_several_pages_are_read_to_the_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "1")
    put(raw_key("2025-07-01"))
    engine.on_write = lambda _, folder: put(folder.removeprefix(f"s3://{BUCKET}/") + "z.parquet")
    outcome = run(engine)
    assert outcome.failures == {}
    assert [len(each.objects) for each in outcome.months["2025-07"].values()] == [2, 2]


BESIDE = [
    "_SUCCESS",
    "_temporary/0/part-1.parquet_$folder$",
    "_temporary/0/_temporary/attempt_1/part-1.parquet",
    "__magic_job-1/tasks/attempt_1/part-1.parquet",
    ".spark-staging-1/part-1.parquet",
    "empty/",
    ".part-0.parquet.crc",
    "x_$folder$",
]


def test_what_lies_beside_the_rows_is_not_among_the_objects(engine: Engine) -> None:
    def litter(_: str, folder: str) -> None:
        for name in [*BESIDE, ""]:
            put(folder.removeprefix(f"s3://{BUCKET}/") + name)

    engine.on_write = litter
    outcome = run(engine)
    for month in outcome.months.values():
        for output in month.values():
            assert [key.rpartition("/")[2] for key in output.objects] == ["part-0.parquet"]


@pytest.mark.parametrize(
    "name", [*BESIDE, "", "part-0.parquet", "a_b", "part_$folder$.parquet", "part-0"]
)
def test_job_and_flow_agree_on_what_counts(name: str) -> None:
    key = f"refined/t/{name}"
    assert refine.is_data(key) == is_whole(Output({key: 1}, 0), {key: 1})


def test_job_and_flow_agree_on_formats_and_words() -> None:
    assert (refine.FORMAT, refine.RAW_MOVED) == (plan.FORMAT, attempt.RAW_MOVED)


def java(text: str, cause: Any = None) -> Any:
    return SimpleNamespace(toString=lambda: text, getCause=lambda: cause)


@pytest.mark.parametrize(
    ("java_exception", "reason"),
    [
        (None, "RuntimeError: in Python"),
        (java("o.a.S: [A] one\n  two"), "o.a.S: [A] one two"),
        (java("first", java("second", java("last"))), "last"),
    ],
    ids=["python", "java", "causes"],
)
def test_an_error_is_described_by_its_last_cause_in_one_line(
    java_exception: Any, reason: str
) -> None:
    error = RuntimeError("in\nPython")
    if java_exception:
        error.java_exception = java_exception  # type: ignore[attr-defined]
    assert describe(error) == reason


def test_a_long_error_is_cut() -> None:
    assert len(describe(ValueError("x" * 5000))) == 1000
