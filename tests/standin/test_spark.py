"""The stand-in gives what Spark gives. One Spark for all: it takes seconds to start."""

import datetime as dt
import io
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bench.skipping import (
    OLD_INSTRUMENTS,
    OLD_MONTH,
    QUOTES_BAR,
    make_quotes,
    raw_rows,
    refine,
    share_read,
)
from infra.glue.refine import Spark, describe
from infra.local.b3.cotahist_files import write_quotes_zip
from infra.local.b3.sessions import generate_portfolio
from tasks.core.attempt import Outcome
from tasks.core.dataset import Dataset
from tasks.core.datasets import DATASETS
from tasks.core.plan import describe_tables
from tasks.core.portfolio import PORTFOLIO
from tasks.core.quotes import QUOTES
from tasks.core.quotes.convert import convert_quotes
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.reconciliation import RECONCILIATION
from tests.reconciliations import replayed
from tests.standin.engine import StandIn
from tests.standin.glue import BUCKET, Jobs
from tests.standin.lake import (
    Objects,
    check_golden,
    columns_of,
    execute,
    golden_objects,
    golden_raw,
    put_plan,
    put_raw,
    read_body,
    read_outputs,
)
from tests.standin.odd_raw import odd_portfolios, odd_quotes
from tests.standin.spark import MirroredSpark, spark

pytestmark = pytest.mark.spark
GENERATED = (dt.date(2024, 10, 1), dt.date(2024, 10, 2), dt.date(2024, 11, 1))
by_dataset = pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)


@pytest.fixture(scope="module")
def engine() -> Iterator[MirroredSpark]:
    with tempfile.TemporaryDirectory() as directory, spark(Path(directory).resolve()) as engine:
        yield engine


def generated_objects(dataset: Dataset) -> Objects:
    """Sessions as the replay of B3 makes them."""
    if dataset is RECONCILIATION:
        return {
            RECONCILIATION.raw.object_key(str(day), "IBOV"): replayed("IBOV", day)
            for day in GENERATED
        }
    if dataset is QUOTES:
        return dict(pair for day in GENERATED for pair in generated_quotes(day))
    return {
        PORTFOLIO.raw.object_key(str(day), index_code): raw_rows(
            generate_portfolio(index_code, day, 40)
        )
        for day in GENERATED
        for index_code in ("IBOV", "SMLL")
    }


def generated_quotes(day: dt.date) -> Iterator[tuple[str, Any]]:
    period = QuotesPeriod.day(day)
    with tempfile.TemporaryDirectory() as folder:
        path = write_quotes_zip(Path(folder), period, instrument_count=60)
        for session in convert_quotes(path, Path(folder) / "out", period).sessions:
            rows = pq.read_table(session.path).to_pylist()
            yield QUOTES.raw.object_key(str(session.trading_date), "quotes"), rows


def said(outcome: Outcome) -> Any:
    """What an outcome says but for names, sizes and times."""
    return {
        month: {name: (len(output.objects), output.rows) for name, output in tables.items()}
        for month, tables in outcome.months.items()
    }


def stored_types(outcome: Outcome) -> Any:
    """How each table is stored."""
    found = {}
    for tables in outcome.months.values():
        for name, output in tables.items():
            (key,) = output.objects
            schema = pq.ParquetFile(io.BytesIO(read_body(key))).schema
            columns = [schema.column(number) for number in range(len(schema))]
            found[name] = [(each.name, each.physical_type, each.length) for each in columns]
    return found


@by_dataset
def test_both_make_the_same_of_the_same_plan(
    dataset: Dataset, jobs: Jobs, engine: MirroredSpark
) -> None:
    put_raw(dataset, golden_raw(dataset) | generated_objects(dataset))
    plan = put_plan(dataset)

    stands_in, real = execute(plan), execute(plan, engine)

    assert real.failures == stands_in.failures == {}
    assert said(stands_in) == said(real)
    assert stored_types(stands_in) == stored_types(real)
    for table in dataset.refined_tables:
        expected, found = (read_outputs(outcome, table) for outcome in (real, stands_in))
        assert columns_of(found.schema) == columns_of(expected.schema), table.name
        assert found.to_pylist() == expected.to_pylist(), table.name


@pytest.mark.parametrize(
    ("dataset", "make_raw"),
    [(QUOTES, odd_quotes), (PORTFOLIO, odd_portfolios)],
    ids=["quotes", "portfolio"],
)
def test_spark_makes_the_same_of_the_extremes_of_every_field_and_of_repeated_keys(
    dataset: Dataset, make_raw: Callable[[], Objects], jobs: Jobs, engine: MirroredSpark
) -> None:
    put_raw(dataset, make_raw())
    plan = put_plan(dataset)

    stands_in, real = execute(plan), execute(plan, engine)

    assert real.failures == stands_in.failures == {}
    for table in dataset.refined_tables:
        expected, found = (read_outputs(outcome, table) for outcome in (real, stands_in))
        assert sorted(map(repr, found.to_pylist())) == sorted(map(repr, expected.to_pylist()))


@by_dataset
def test_spark_makes_the_golden_tables(dataset: Dataset, jobs: Jobs, engine: MirroredSpark) -> None:
    put_raw(dataset, golden_raw(dataset))
    check_golden(dataset, execute(put_plan(dataset), engine))
    assert engine.version == StandIn.version


def rows_on(dataset: Dataset, day: str, name: str, **changes: Any) -> Objects:
    """Two rows of a session that are the same, a golden one with changes."""
    first, *_ = golden_objects(dataset.raw).values()
    date = {"data": dt.date.fromisoformat(day)} if dataset is QUOTES else {}
    return {dataset.raw.object_key(day, name): [first[0] | date | changes] * 2}


# `{dataset: {month: (what Spark says, what is wrong with it)}}`
REFUSED: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "quotes": {
        "2001-03": ("CAST_INVALID_INPUT", {"prazot": "99999999999"}),
        "2001-04": ("DIVIDE_BY_ZERO", {"fatcot": 0}),
        "2001-05": ("NUMERIC_VALUE_OUT_OF_RANGE", {"fatcot": 10**7}),
        "2001-06": ("ARITHMETIC_OVERFLOW", {"quatot": 2**62}),
    },
    "portfolio": {
        "2001-01": ("ARITHMETIC_OVERFLOW", {"theorical_qty": 2**62}),
        "2001-02": ("NUMERIC_VALUE_OUT_OF_RANGE", {"part": Decimal("600.000")}),
    },
    "reconciliation": {
        "2001-01": ("NUMERIC_VALUE_OUT_OF_RANGE", {"theoretical_quantity": Decimal(10**17)}),
    },
}


@by_dataset
def test_both_refuse_the_same_months_and_make_the_others(
    dataset: Dataset, jobs: Jobs, engine: MirroredSpark
) -> None:
    refused = REFUSED[dataset.name]
    put_raw(dataset, rows_on(dataset, "2001-12-28", "good"))
    for month, (_, changes) in refused.items():
        put_raw(dataset, rows_on(dataset, f"{month}-10", "bad", **changes))
    plan = put_plan(dataset)

    stands_in, real = execute(plan), execute(plan, engine)

    assert said(stands_in) == said(real)
    assert stands_in.months.keys() == {"2001-12"}
    assert stands_in.failures.keys() == real.failures.keys() == refused.keys()
    for month, (reason, _) in refused.items():
        assert f"[{reason}]" in real.failures[month]
        assert "\n" not in real.failures[month]


def test_both_refuse_a_folder_that_exists(jobs: Jobs, engine: MirroredSpark) -> None:
    put_raw(QUOTES, rows_on(QUOTES, "2001-12-28", "good"))
    (table, *_), folder = describe_tables(QUOTES), f"s3://{BUCKET}/refined/again/"
    path = f"s3://{BUCKET}/{QUOTES.raw.object_key('2001-12-28', 'good')}"
    for each in (engine, StandIn()):
        each.read(QUOTES.raw.name, f"s3://{BUCKET}/{QUOTES.raw.prefix}", [path])
    engine.write(table, folder)

    for each in (engine, StandIn()):
        each.read(QUOTES.raw.name, f"s3://{BUCKET}/{QUOTES.raw.prefix}", [path])
        with pytest.raises(Exception, match="PATH_ALREADY_EXISTS") as refused:
            each.write(table, folder)
        assert "PATH_ALREADY_EXISTS" in describe(refused.value)


def test_a_statement_that_gives_other_columns_than_the_plan_is_refused_by_both(
    jobs: Jobs, engine: MirroredSpark
) -> None:
    put_raw(QUOTES, rows_on(QUOTES, "2001-12-28", "good"))
    path = f"s3://{BUCKET}/{QUOTES.raw.object_key('2001-12-28', 'good')}"
    (table, *_) = describe_tables(QUOTES)
    statement = table["statement"].replace("totneg AS", "CAST(totneg AS int) AS")
    said = []
    for each in (engine, StandIn()):
        each.read(QUOTES.raw.name, f"s3://{BUCKET}/{QUOTES.raw.prefix}", [path])
        with pytest.raises(ValueError, match=r"found .*'trade_count', 'int'") as refused:
            each.write(table | {"statement": statement}, f"s3://{BUCKET}/refined/other/")
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_one_ticker_of_a_small_month_is_read_in_small_part(
    engine: MirroredSpark, tmp_path: Path
) -> None:
    """The month of 1995 of `bench.skipping`, in its real size; larger ones are read in less."""
    raw = make_quotes(tmp_path, OLD_MONTH, OLD_INSTRUMENTS)
    share = share_read(refine(Spark("test"), QUOTES, raw, tmp_path / "out"), "ticker")
    assert share.mean <= QUOTES_BAR
