"""Athena's SQL, read by sqlglot and written for DuckDB.

Dialects are imported, not named by a text: sqlglot loads a named one at its first use, and of two
queries at that moment one may find it half loaded.
"""

import re
from dataclasses import dataclass
from typing import Any, cast

import sqlglot
from sqlglot import exp
from sqlglot.dialects.athena import Athena
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.trino import Trino
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from infra.local.aws.athena.tables import QueryError

# The two ways in which awswrangler has Athena write an answer as Parquet, in its own spelling.
_UNLOAD = re.compile(
    r"UNLOAD \((?P<query>.*)\) TO '(?P<url>[^']+)' WITH \( *format='PARQUET'\)", re.DOTALL
)
_CTAS = re.compile(
    r'CREATE TABLE "(?P<database>[^"]+)"\."(?P<table>[^"]+)"\s+WITH\('
    r"(?:\s+external_location = '(?P<url>[^']+)',)?\s+format = 'PARQUET'\)\s+AS (?P<query>.*)",
    re.DOTALL,
)


_EXPLAIN = re.compile(r"EXPLAIN\s+", re.IGNORECASE)


@dataclass(frozen=True)
class TableName:
    """A table as a statement names it.

    Attributes:
        database: Its database; the session's where the statement names none.
        name: Its name.
    """

    database: str
    name: str


@dataclass(frozen=True)
class Statement:
    """What a statement asks for.

    Attributes:
        query: The query.
        is_written: Whether its rows go to a Parquet file, and not into the answer.
        table: The table that the file is of, where it is to be in the catalog.
        url: Where the file goes; None where the workgroup decides.
        is_explained: Whether the answer is how the query would be done, and not what it gives.
    """

    query: exp.Query
    is_written: bool = False
    table: TableName | None = None
    url: str | None = None
    is_explained: bool = False


def parse_statement(sql: str, parameters: list[str]) -> Statement:
    """Read one statement of Athena.

    Args:
        sql: The statement.
        parameters: A literal for each `?`, in order.

    Raises:
        QueryError: It is no statement that the local Athena runs.
    """
    sql = _with_parameters(sql.strip().rstrip(";").strip(), parameters)
    if unload := _UNLOAD.fullmatch(sql):
        return Statement(_parse(unload["query"]), is_written=True, url=unload["url"])
    if ctas := _CTAS.fullmatch(sql):
        table = TableName(ctas["database"].lower(), ctas["table"].lower())
        return Statement(_parse(ctas["query"]), is_written=True, table=table, url=ctas["url"])
    if explained := _EXPLAIN.match(sql):
        return Statement(_parse(sql[explained.end() :]), is_explained=True)
    return Statement(_parse(sql))


def tables_of(query: exp.Query, database: str) -> list[TableName]:
    """Name the catalog's tables in a query, and take the catalog's own name out of it."""
    known = {cte.alias_or_name.lower() for cte in query.find_all(exp.CTE)}
    names = []
    for table in query.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        table.set("catalog", None)
        if table.db or table.name.lower() not in known:
            names.append(TableName((table.db or database).lower(), table.name.lower()))
    return list(dict.fromkeys(names))


def to_duckdb(query: exp.Query) -> str:
    """Write a query for DuckDB, where `format` is `printf`."""
    query = query.copy()
    for call in list(query.find_all(exp.Format)):
        call.replace(exp.Anonymous(this="printf", expressions=[call.this, *call.expressions]))
    return query.sql(DuckDB)


def with_types(query: exp.Query, database: str, columns: dict[str, Any]) -> exp.Query | None:
    """Return a query that keeps Athena's types where DuckDB has others, or None if unknown.

    In Athena integers divide to an integer, a date truncates to a date, and the mean of decimals
    is a decimal.

    Args:
        query: The query.
        database: The session's database.
        columns: `{database: {table: {column: type}}}` of the tables in it.
    """
    schema = MappingSchema(columns, dialect=Athena)
    try:
        tree: Any = qualify(
            query.copy(),
            dialect=Athena,
            db=database,
            schema=schema,
            expand_stars=False,
            quote_identifiers=False,
            validate_qualify_columns=False,
        )
        tree = annotate_types(tree, schema=schema, dialect=Athena)
    except SqlglotError:
        return None
    for call in list(tree.find_all(exp.DateTrunc, exp.TimestampTrunc, exp.Avg)):
        kind = call.this.type
        if kind is not None and kind.this in {exp.DType.DATE, exp.DType.DECIMAL}:
            call.replace(exp.cast(call.copy(), kind))
    return cast("exp.Query", tree)


def _with_parameters(sql: str, parameters: list[str]) -> str:
    try:
        tokens = sqlglot.tokenize(sql, read=Trino)
    except SqlglotError as error:
        raise QueryError(f"SYNTAX_ERROR: {error}") from error
    marks = [token for token in tokens if token.token_type.name == "PLACEHOLDER"]
    if len(marks) != len(parameters):
        raise QueryError(
            f"INVALID_PARAMETER_USAGE: Incorrect number of parameters: "
            f"expected {len(marks)} but found {len(parameters)}"
        )
    for mark, parameter in reversed(list(zip(marks, parameters, strict=True))):
        sql = sql[: mark.start] + parameter + sql[mark.end + 1 :]
    return sql


def _parse(sql: str) -> exp.Query:
    try:
        trees = sqlglot.parse(sql, read=Athena)
    except SqlglotError as error:
        reason = re.sub(r"\x1b\[\d*m", "", str(error))
        raise QueryError(f"SYNTAX_ERROR: {reason}") from error
    if len(trees) != 1 or trees[0] is None:
        raise QueryError("SYNTAX_ERROR: Only one sql statement is allowed")
    if not isinstance(trees[0], exp.Query):
        raise QueryError(
            "NOT_SUPPORTED: the local Athena runs queries, and CREATE TABLE AS and UNLOAD as "
            f"awswrangler writes them to read an answer; found {sql[:80]!r}"
        )
    return _with_names(trees[0])


def _with_names(query: exp.Query) -> exp.Query:
    """Give columns without a name the one they have in Athena: `_col0`, …."""
    if not query.is_star:
        for index, column in enumerate(query.selects):
            if not column.output_name:
                column.replace(exp.alias_(column.copy(), f"_col{index}"))
    return query
