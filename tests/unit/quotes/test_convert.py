"""A COTAHIST file becomes one Parquet file a session, all of them or none."""

import datetime as dt
import io
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tasks.core.errors import BadDataError, InvalidInputError
from tasks.core.quotes.convert import convert_quotes
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.record import SCHEMA
from tasks.core.quotes.tables import RAW_QUOTES
from tests.cotahist_text import RECORD, write_line, write_text, zip_text

MONTH = QuotesPeriod.month(2022, 2)
DAYS = [dt.date(2022, 2, day) for day in (1, 2, 3)]
ROWS = [
    {**RECORD, "data": day, "codneg": f"T{number}", "quatot": number, "nomres": "SÃO"}
    for day in DAYS
    for number in range(day.day * 10)
]


def month_zip(count: int | None = None) -> io.BytesIO:
    return zip_text(write_text(map(write_line, ROWS), file_date=DAYS[-1], count=count))


@pytest.mark.parametrize("threads", [1, 3])
def test_each_session_becomes_a_file_that_holds_its_records(tmp_path: Path, threads: int) -> None:
    quotes = convert_quotes(month_zip(), tmp_path / "out", MONTH, threads=threads)

    assert [session.trading_date for session in quotes.sessions] == DAYS
    assert quotes.record_count == len(ROWS)
    for session in quotes.sessions:
        expected = [row for row in ROWS if row["data"] == session.trading_date]
        assert session.path == tmp_path / "out" / f"{session.trading_date}.parquet"
        assert pq.ParquetFile(session.path).read().to_pylist() == expected
        assert session.record_count == len(expected)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_files_have_the_columns_and_types_of_the_raw_table(tmp_path: Path) -> None:
    convert_quotes(month_zip(), tmp_path / "out", MONTH)
    query = "DESCRIBE SELECT * FROM read_parquet(?)"
    with duckdb.connect() as connection:
        found = connection.execute(query, [f"{tmp_path}/out/*.parquet"]).fetchall()
    as_athena = {"VARCHAR": "string"}
    types = {name: as_athena.get(kind, kind.lower()) for name, kind, *_ in found}
    assert types == RAW_QUOTES.types()


def test_files_hold_plain_types_small_and_the_same_to_every_reader(tmp_path: Path) -> None:
    (session, *_) = convert_quotes(month_zip(), tmp_path / "out", MONTH).sessions
    metadata = pq.read_metadata(session.path)
    assert metadata.metadata is None
    leaves = [metadata.schema.column(number) for number in range(metadata.num_columns)]
    assert {each.max_definition_level for each in leaves} == {0}  # a value in every row
    columns = [metadata.row_group(0).column(number) for number in range(metadata.num_columns)]
    assert {each.compression for each in columns} == {"ZSTD"}
    assert not any(each.is_stats_set for each in columns)
    physical = {each.path_in_schema: each.physical_type for each in columns}
    assert {name: kind for name, kind in physical.items() if kind != "BYTE_ARRAY"} == {
        **dict.fromkeys(("data", "datven"), "INT32"),
        **{
            name: "INT64"
            for name, kind in RAW_QUOTES.types().items()
            if kind == "bigint" or kind.startswith("decimal")
        },
    }


def test_schema_names_every_column_of_the_raw_table_in_its_order() -> None:
    assert SCHEMA.names == list(RAW_QUOTES.types())


@pytest.mark.parametrize("threads", [1, 3])
def test_bad_file_leaves_nothing_behind(tmp_path: Path, threads: int) -> None:
    with pytest.raises(BadDataError):
        convert_quotes(month_zip(count=7), tmp_path / "out", MONTH, threads=threads)
    assert list(tmp_path.iterdir()) == []


def test_failure_to_write_stops_the_reading_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("tasks.core.quotes.convert._write_session", fail)
    with pytest.raises(OSError, match="No space"):
        convert_quotes(month_zip(), tmp_path / "out", MONTH)
    assert list(tmp_path.iterdir()) == []


def test_only_a_new_or_empty_directory_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert convert_quotes(month_zip(), tmp_path / "empty", MONTH).sessions
    with pytest.raises(InvalidInputError, match="new or empty"):
        convert_quotes(month_zip(), tmp_path / "empty", MONTH)
