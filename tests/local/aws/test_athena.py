import datetime as dt
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import awswrangler as wr
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from infra.local.up import LocalCloud
from tests.local.conftest import wait_until

AT = dt.datetime(2025, 8, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
COLUMNS = {
    "name": "string",
    "weight": "decimal(6,3)",
    "quantity": "bigint",
    "ratio": "double",
    "seen_at": "timestamp",
    "is_new": "boolean",
    "added_later": "int",
}
ROWS: dict[str, list[dict[str, Any]]] = {
    "2025-07-31": [
        {"name": "PETR4", "weight": Decimal("6.120"), "quantity": 10, "ratio": 0.1, "is_new": True},
        {"name": None, "weight": None, "quantity": None, "ratio": None, "is_new": None},
    ],
    "2025-08-01": [
        {"name": 'a "b", c', "weight": Decimal("-1.000"), "quantity": 2**53 + 1, "ratio": 1e300},
        {"name": "", "weight": Decimal("0.001"), "quantity": 0, "ratio": -0.5, "is_new": False},
    ],
}


def parquet(rows: list[dict[str, Any]]) -> bytes:
    schema = pa.schema(
        [
            ("quantity", pa.int64()),
            ("name", pa.string()),
            ("weight", pa.decimal128(6, 3)),
            ("ratio", pa.float64()),
            ("seen_at", pa.timestamp("us", tz="UTC")),
            ("is_new", pa.bool_()),
        ]
    )
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([{**row, "seen_at": AT} for row in rows], schema), sink)
    return bytes(sink.getvalue().to_pybytes())


@pytest.fixture(scope="module", autouse=True)
def table(cloud: LocalCloud, s3: Any) -> Iterator[None]:
    """A table of two sessions; a third lies in the bucket and is not registered."""
    root = "athena/constituents"
    for day, rows in {**ROWS, "2025-08-04": ROWS["2025-08-01"]}.items():
        s3.put_object(Bucket="b3-lake", Key=f"{root}/session={day}/x.parquet", Body=parquet(rows))
    s3.put_object(Bucket="b3-lake", Key=f"{root}/session=2025-08-01/_SUCCESS", Body=b"")
    s3.put_object(Bucket="b3-lake", Key=f"{root}/session=2025-08-01/.hidden", Body=b"no parquet")
    for name in ("", "_temporary/0/", "_temporary/0/part-0.parquet", "__magic_job-1/x.pending"):
        s3.put_object(Bucket="b3-lake", Key=f"{root}/session=2025-08-01/{name}", Body=b"left")
    wr.catalog.create_parquet_table(
        database="b3",
        table="constituents",
        path=f"s3://b3-lake/{root}/",
        columns_types=COLUMNS,
        partitions_types={"session": "date"},
    )
    wr.catalog.add_parquet_partitions(
        database="b3",
        table="constituents",
        partitions_values={f"s3://b3-lake/{root}/session={day}/": [day] for day in ROWS},
    )
    wr.config.athena_query_wait_polling_delay = 0.02
    yield
    wr.config.reset("athena_query_wait_polling_delay")
    wr.catalog.delete_table_if_exists(database="b3", table="constituents")


def execute(athena: Any, sql: str, **options: Any) -> Any:
    started = athena.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": "b3"}, WorkGroup="b3", **options
    )["QueryExecutionId"]
    ended = {"SUCCEEDED", "FAILED", "CANCELLED"}
    wait_until(lambda: described(athena, started)["Status"]["State"] in ended)
    return described(athena, started)


def described(athena: Any, execution_id: str) -> Any:
    return athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]


def cells(athena: Any, sql: str, **options: Any) -> list[list[str | None]]:
    execution = execute(athena, sql, **options)
    assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]["StateChangeReason"]
    pages = athena.get_paginator("get_query_results").paginate(
        QueryExecutionId=execution["QueryExecutionId"]
    )
    return [
        [datum.get("VarCharValue") for datum in row["Data"]]
        for page in pages
        for row in page["ResultSet"]["Rows"]
    ]


def test_workgroup_that_is_not_there_is_refused(athena: Any) -> None:
    with pytest.raises(ClientError, match=r"InvalidRequestException.*nowhere is not found"):
        athena.get_work_group(WorkGroup="nowhere")


def failure(athena: Any, sql: str, **options: Any) -> str:
    execution = execute(athena, sql, **options)
    assert execution["Status"]["State"] == "FAILED"
    return str(execution["Status"]["StateChangeReason"])


def frame(sql: str, **options: Any) -> pd.DataFrame:
    read: Any = wr.athena.read_sql_query(sql, database="b3", **{"workgroup": "b3"} | options)
    assert isinstance(read, pd.DataFrame)
    return read


def test_cells_have_athenas_form_and_null_is_not_empty_text(athena: Any) -> None:
    found = cells(athena, "SELECT * FROM constituents ORDER BY session, quantity NULLS LAST")

    at = "2025-08-01 12:00:00.123"
    assert found == [
        ["name", "weight", "quantity", "ratio", "seen_at", "is_new", "added_later", "session"],
        ["PETR4", "6.120", "10", "0.1", at, "true", None, "2025-07-31"],
        [None, None, None, None, at, None, None, "2025-07-31"],
        ["", "0.001", "0", "-0.5", at, "false", None, "2025-08-01"],
        ['a "b", c', "-1.000", "9007199254740993", "1e+300", at, None, None, "2025-08-01"],
    ]


def test_column_types_have_precision_and_scale(athena: Any) -> None:
    execution = execute(athena, "SELECT weight, quantity, session, seen_at, name FROM constituents")

    columns = athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])["ResultSet"][
        "ResultSetMetadata"
    ]["ColumnInfo"]
    assert [(c["Type"], c["Precision"], c["Scale"]) for c in columns] == [
        ("decimal", 6, 3),
        ("bigint", 19, 0),
        ("date", 0, 0),
        ("timestamp", 3, 0),
        ("varchar", 2147483647, 0),
    ]


def test_result_lies_where_the_workgroup_says_whatever_the_client_asks(
    athena: Any, s3: Any
) -> None:
    execution = execute(
        athena,
        "SELECT name, quantity FROM constituents ORDER BY quantity",
        ResultConfiguration={"OutputLocation": "s3://b3-lake/elsewhere/"},
    )

    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://b3-athena-results/{execution['QueryExecutionId']}.csv"
    key = location.removeprefix("s3://b3-athena-results/")
    body = s3.get_object(Bucket="b3-athena-results", Key=key)["Body"].read().decode()
    assert body == ('"name","quantity"\n"","0"\n"PETR4","10"\n"a ""b"", c","9007199254740993"\n,\n')
    assert s3.head_object(Bucket="b3-athena-results", Key=f"{key}.metadata")


def test_results_come_in_pages(athena: Any) -> None:
    found = cells(athena, "SELECT n FROM UNNEST(sequence(1, 2500)) AS t(n)")

    assert found == [["n"], *([str(n)] for n in range(1, 2501))]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT count(*) FROM constituents", ["_col0", "4"]),
        ("SELECT sum(quantity) s FROM constituents", ["s", str(2**53 + 11)]),
        ("SELECT sum(weight) s FROM constituents", ["s", "5.121"]),
        ("SELECT count(*) n FROM constituents WHERE session = DATE '2025-08-01'", ["n", "2"]),
        ("SELECT count(*) n FROM B3.Constituents", ["n", "4"]),
        ('SELECT count(*) n FROM "awsdatacatalog"."b3"."constituents"', ["n", "4"]),
        ("WITH c AS (SELECT 1 AS n) SELECT n FROM c", ["n", "1"]),
        ("SELECT format('%.2f%%', 12.345) AS f", ["f", "12.35%"]),
        ("SELECT date_format(TIMESTAMP '2025-08-01 00:00:00', '%Y-%m') AS m", ["m", "2025-08"]),
        ("SELECT date_diff('day', DATE '2025-07-31', DATE '2025-08-04') AS d", ["d", "4"]),
        ("SELECT date_trunc('month', DATE '2025-08-04') AS d", ["d", "2025-08-01"]),
        ("SELECT max_by(name, quantity) AS m FROM constituents", ["m", 'a "b", c']),
        ("SELECT element_at(split('a-b', '-'), 2) AS e", ["e", "b"]),
        ("SELECT CAST(1 AS varchar) || 'x' AS t", ["t", "1x"]),
        ("SELECT ARRAY[1, 2] AS a", ["a", "[1, 2]"]),
        ("SELECT approx_distinct(session) AS n FROM constituents", ["n", "2"]),
        ("SELECT try_cast('x' AS integer) AS n", ["n", None]),
        ("SELECT X'0aff' AS b", ["b", "0a ff"]),
        ("SELECT from_unixtime(0) AS t", ["t", "1970-01-01 00:00:00.000 UTC"]),
        ("SELECT quantity / 3 AS q FROM constituents WHERE quantity = 10", ["q", "3"]),
        ("SELECT sum(quantity) / count(*) AS q FROM constituents WHERE quantity < 11", ["q", "5"]),
        ("SELECT avg(weight) AS w FROM constituents", ["w", "1.707"]),
        ("SELECT date_trunc('month', session) AS m FROM constituents LIMIT 1", ["m", "2025-07-01"]),
    ],
)
def test_athenas_sql_is_understood(sql: str, expected: list[str | None], athena: Any) -> None:
    assert [row[0] for row in cells(athena, sql)] == expected


def test_first_queries_load_nothing_that_another_could_find_half_loaded() -> None:
    program = """
        import sys
        from infra.local.aws.athena import sql

        loaded = set(sys.modules)
        query = sql.parse_statement("SELECT avg(a), date_trunc('month', b) FROM t", []).query
        typed = sql.with_types(query, "b3", {"b3": {"t": {"a": "decimal(9,2)", "b": "date"}}})
        print(sql.to_duckdb(typed))
        print(sorted(set(sys.modules) - loaded))
    """
    said = subprocess.check_output([sys.executable, "-c", textwrap.dedent(program)], text=True)
    written, loaded = said.splitlines()
    assert written.startswith("SELECT ")
    assert loaded == "[]"


def test_parameters_fill_the_question_marks_in_order(athena: Any) -> None:
    found = cells(
        athena,
        "SELECT name, '?' AS mark FROM constituents WHERE quantity > ? AND session = ? LIMIT ?",
        ExecutionParameters=["5", "DATE '2025-07-31'", "1"],
    )

    assert found[1:] == [["PETR4", "?"]]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELEC 1", "SYNTAX_ERROR"),
        ("SELECT nothing FROM constituents", 'column "nothing" not found'),
        ("SELECT * FROM missing", "'awsdatacatalog.b3.missing' does not exist"),
        ("SELECT * FROM nowhere.missing", "Schema 'nowhere' does not exist"),
        ("SELECT 1; SELECT 2", "Only one sql statement"),
        ("SELECT ?", "expected 1 but found 0"),
        ("INSERT INTO constituents VALUES (1)", "NOT_SUPPORTED"),
        ("DROP TABLE constituents", "NOT_SUPPORTED"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled by configuration"),
        ("EXPLAIN SELECT nothing FROM constituents", "nothing"),
        ("SHOW PARTITIONS constituents", "NOT_SUPPORTED"),
        ("UNLOAD (SELECT 1 a) TO 's3://b3-lake/u/' WITH (format='ORC')", "NOT_SUPPORTED"),
        ("CREATE TABLE t WITH (format = 'ORC') AS SELECT 1 AS a", "NOT_SUPPORTED"),
    ],
)
def test_bad_statement_fails_with_its_reason(sql: str, reason: str, athena: Any) -> None:
    assert reason.lower() in failure(athena, sql).lower()


def test_explained_query_reads_nothing(athena: Any) -> None:
    execution = execute(athena, "EXPLAIN SELECT name FROM constituents")

    assert execution["Status"]["State"] == "SUCCEEDED"
    assert execution["StatementType"] == "UTILITY"
    assert execution["Statistics"]["DataScannedInBytes"] == 0
    ((column,), *plan) = cells(athena, "explain SELECT name FROM constituents")
    assert column == "query plan"
    assert len(plan) > 1


def test_failed_query_has_no_results(athena: Any) -> None:
    execution = execute(athena, "SELECT nothing")

    with pytest.raises(ClientError, match="FAILED"):
        athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])


@pytest.mark.parametrize("call", ["get_query_execution", "get_query_results"])
def test_unknown_execution_is_refused(call: str, athena: Any) -> None:
    with pytest.raises(ClientError, match=r"InvalidRequestException.*was not found"):
        getattr(athena, call)(QueryExecutionId="00000000-0000-0000-0000-000000000000")


def test_stopped_query_is_cancelled(athena: Any) -> None:
    slow = (
        "SELECT count(*) FROM UNNEST(sequence(1, 100000)) a(x), "
        "UNNEST(sequence(1, 1000000)) b(y) WHERE (x * y) % 7 = 3"
    )
    started = athena.start_query_execution(QueryString=slow, WorkGroup="b3")["QueryExecutionId"]
    wait_until(lambda: described(athena, started)["Status"]["State"] == "RUNNING")
    time.sleep(0.3)

    athena.stop_query_execution(QueryExecutionId=started)

    assert described(athena, started)["Status"]["State"] == "CANCELLED"
    assert cells(athena, "SELECT 1 AS one") == [["one"], ["1"]]


@pytest.mark.parametrize(
    "options",
    [
        {"ctas_approach": False},
        {},
        {"workgroup": "primary", "s3_output": "s3://b3-athena-results/primary/"},
        {
            "ctas_approach": False,
            "unload_approach": True,
            "s3_output": "s3://b3-athena-results/unload/",
        },
    ],
    ids=["csv", "ctas", "ctas-elsewhere", "unload"],
)
def test_awswrangler_reads_back_what_was_written(options: dict[str, Any]) -> None:
    is_text = options == {"ctas_approach": False}
    found = frame(
        "SELECT name, weight, quantity, ratio, session, seen_at, is_new FROM constituents "
        "WHERE quantity IS NOT NULL AND name <> '' ORDER BY quantity",
        **options,
    )

    # Athena's text has milliseconds, its Parquet all that was stored.
    at = AT.replace(tzinfo=None, microsecond=123000 if is_text else 123456)
    values = found.astype(object).where(found.notna(), None).to_dict("records")
    assert values == [
        {
            "name": row["name"],
            "weight": row["weight"],
            "quantity": row["quantity"],
            "ratio": row["ratio"],
            "session": dt.date.fromisoformat(day),
            "seen_at": at,
            "is_new": row.get("is_new"),
        }
        for day, row in (
            ("2025-07-31", ROWS["2025-07-31"][0]),
            ("2025-08-01", ROWS["2025-08-01"][0]),
        )
    ]


def test_ctas_leaves_no_table_behind(glue: Any) -> None:
    before = {table["Name"] for table in glue.get_tables(DatabaseName="b3")["TableList"]}

    frame("SELECT 1 AS one", ctas_approach=True)

    assert {table["Name"] for table in glue.get_tables(DatabaseName="b3")["TableList"]} == before


def test_named_query_is_deleted(athena: Any) -> None:
    created = athena.create_named_query(
        Name="q", Database="b3", QueryString="SELECT 1", WorkGroup="b3"
    )["NamedQueryId"]

    athena.delete_named_query(NamedQueryId=created)

    assert created not in athena.list_named_queries(WorkGroup="b3")["NamedQueryIds"]


def test_workgroup_keeps_what_an_update_does_not_name(athena: Any) -> None:
    place = {"OutputLocation": "s3://b3-results/updated/"}
    athena.create_work_group(
        Name="updated",
        Description="as it was",
        Configuration={"ResultConfiguration": place, "BytesScannedCutoffPerQuery": 10485760},
    )

    athena.update_work_group(
        WorkGroup="updated",
        ConfigurationUpdates={
            "BytesScannedCutoffPerQuery": 20971520,
            "ResultConfigurationUpdates": {
                "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}
            },
        },
    )

    found = athena.get_work_group(WorkGroup="updated")["WorkGroup"]
    assert found["Description"] == "as it was"
    assert found["Configuration"]["BytesScannedCutoffPerQuery"] == 20971520
    assert found["Configuration"]["ResultConfiguration"] == place | {
        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}
    }
    athena.update_work_group(WorkGroup="updated", Description="as it is")
    found = athena.get_work_group(WorkGroup="updated")["WorkGroup"]
    assert found["Description"] == "as it is"
    assert found["Configuration"]["BytesScannedCutoffPerQuery"] == 20971520
    with pytest.raises(athena.exceptions.InvalidRequestException, match="none is not found"):
        athena.update_work_group(WorkGroup="none")


def test_only_the_partitions_that_a_query_names_are_opened(athena: Any, s3: Any) -> None:
    location = "athena/constituents/session=2025-08-01/broken.parquet"
    s3.put_object(Bucket="b3-lake", Key=location, Body=b"no parquet")

    pruned = cells(
        athena, "SELECT count(*) AS n FROM constituents WHERE session = DATE '2025-07-31'"
    )
    whole = failure(athena, "SELECT count(name) AS n FROM constituents")
    s3.delete_object(Bucket="b3-lake", Key=location)

    assert pruned[1] == ["2"]
    assert "parquet" in whole.lower()
