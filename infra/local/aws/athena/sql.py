"""Athena's SQL, read by sqlglot and written for DuckDB."""

import re
from dataclasses import dataclass
from typing import Any, cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from infra.local.aws.athena.tables import QueryError

_NAME = r'[`"]?[\w-]+[`"]?(?:\.[`"]?[\w-]+[`"]?)?'
_DDL = (
    ("repair", re.compile(rf"MSCK\s+REPAIR\s+TABLE\s+(?P<name>{_NAME})", re.IGNORECASE)),
    ("partitions", re.compile(rf"SHOW\s+PARTITIONS\s+(?P<name>{_NAME})", re.IGNORECASE)),
    ("tables", re.compile(rf"SHOW\s+TABLES(?:\s+IN\s+(?P<name>{_NAME}))?", re.IGNORECASE)),
    ("describe", re.compile(rf"DESCRIBE\s+(?P<name>{_NAME})", re.IGNORECASE)),
)
_UNLOAD = re.compile(
    r"UNLOAD\s*\((?P<query>.*)\)\s*TO\s*'(?P<url>[^']+)'(?:\s*WITH\s*\((?P<options>.*)\))?",
    re.IGNORECASE | re.DOTALL,
)
_FORMAT = re.compile(r"format\s*=\s*'(\w+)'", re.IGNORECASE)
_LOCATION = re.compile(r"external_location\s*=\s*'([^']+)'", re.IGNORECASE)


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
        kind: `select`, `ctas`, `unload`, `repair`, `partitions`, `tables` or `describe`.
        query: The query of the first three.
        table: The table of `ctas` and of the last four (of `tables` only its database).
        url: Where `ctas` and `unload` write; empty where the workgroup decides.
    """

    kind: str
    query: exp.Query | None = None
    table: TableName | None = None
    url: str = ""

    @property
    def is_ddl(self) -> bool:
        """Whether the answer is plain text, with no header."""
        return self.kind in {"repair", "partitions", "tables", "describe"}


def parse_statement(sql: str, parameters: list[str], database: str) -> Statement:
    """Read one statement of Athena.

    Args:
        sql: The statement.
        parameters: A literal for each `?`, in order.
        database: The session's database.

    Raises:
        QueryError: It is no statement that the local Athena runs.
    """
    sql = sql.strip().rstrip(";").strip()
    for kind, pattern in _DDL:
        if ddl := pattern.fullmatch(sql):
            return Statement(kind, table=_table_name(kind, ddl["name"], database))
    sql = _with_parameters(sql, parameters)
    if unload := _UNLOAD.fullmatch(sql):
        _require_parquet(unload["options"] or "")
        return Statement("unload", _parse_query(unload["query"]), url=unload["url"])
    tree = _parse(sql)
    if isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Query):
        return _ctas(tree, sql, database)
    if isinstance(tree, exp.Query):
        return Statement("select", _with_names(tree))
    raise QueryError(
        "NOT_SUPPORTED: the local Athena runs SELECT, CREATE TABLE AS, UNLOAD, MSCK REPAIR TABLE, "
        f"SHOW PARTITIONS, SHOW TABLES and DESCRIBE; found {sql[:80]!r}"
    )


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
    return query.sql("duckdb")


def with_types(query: exp.Query, database: str, columns: dict[str, Any]) -> exp.Query | None:
    """Return a query that keeps Athena's types where DuckDB has others, or None if unknown.

    In Athena integers divide to an integer, a date truncates to a date, and the mean of decimals
    is a decimal.

    Args:
        query: The query.
        database: The session's database.
        columns: `{database: {table: {column: type}}}` of the tables in it.
    """
    schema = MappingSchema(columns, dialect="athena")
    try:
        tree: Any = qualify(
            query.copy(),
            dialect="athena",
            db=database,
            schema=schema,
            expand_stars=False,
            quote_identifiers=False,
            validate_qualify_columns=False,
        )
        tree = annotate_types(tree, schema=schema, dialect="athena")
    except SqlglotError:
        return None
    for call in list(tree.find_all(exp.DateTrunc, exp.TimestampTrunc, exp.Avg)):
        kind = call.this.type
        if kind is not None and kind.this in {exp.DType.DATE, exp.DType.DECIMAL}:
            call.replace(exp.cast(call.copy(), kind))
    return cast("exp.Query", tree)


def _table_name(kind: str, written: str | None, database: str) -> TableName:
    parts = [part.strip('`"').lower() for part in (written or "").split(".")]
    if kind == "tables":
        return TableName(parts[0] or database, "")
    return TableName(parts[-2] if len(parts) > 1 else database, parts[-1])


def _with_parameters(sql: str, parameters: list[str]) -> str:
    try:
        tokens = sqlglot.tokenize(sql, read="trino")
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


def _parse(sql: str) -> Any:
    try:
        trees = sqlglot.parse(sql, read="athena")
    except SqlglotError as error:
        reason = re.sub(r"\x1b\[\d*m", "", str(error))
        raise QueryError(f"SYNTAX_ERROR: {reason}") from error
    if len(trees) != 1 or trees[0] is None:
        raise QueryError("SYNTAX_ERROR: Only one sql statement is allowed")
    return trees[0]


def _parse_query(sql: str) -> exp.Query:
    tree = _parse(sql)
    if not isinstance(tree, exp.Query):
        raise QueryError(f"SYNTAX_ERROR: expected a query, found {sql[:80]!r}")
    return _with_names(tree)


def _with_names(query: exp.Query) -> exp.Query:
    """Give columns without a name the one they have in Athena: `_col0`, …."""
    if not query.is_star:
        for index, column in enumerate(query.selects):
            if not column.output_name:
                column.replace(exp.alias_(column.copy(), f"_col{index}"))
    return query


def _ctas(tree: exp.Create, sql: str, database: str) -> Statement:
    _require_parquet(sql)
    location = _LOCATION.search(sql)
    table = tree.find(exp.Table)
    if table is None or not isinstance(tree.expression, exp.Query):
        raise QueryError("SYNTAX_ERROR: CREATE TABLE AS needs a table and a query")
    name = TableName((table.db or database).lower(), table.name.lower())
    return Statement("ctas", _with_names(tree.expression), name, location[1] if location else "")


def _require_parquet(options: str) -> None:
    written = _FORMAT.search(options)
    if written and written[1].upper() != "PARQUET":
        raise QueryError(f"NOT_SUPPORTED: the local Athena writes PARQUET, not {written[1]}")
