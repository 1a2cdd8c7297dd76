"""Spark's SQL written for DuckDB, with Spark's types, rounding and errors.

DuckDB divides decimals, and takes their mean, in doubles; its sums, ranks and differences of dates
have other types; its casts of text to integers forgive. What is not known to come out as in Spark
is refused.
"""

import functools
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.spark import Spark
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

MACROS = r"""
CREATE MACRO half_up(n, d) AS CASE
    WHEN d = 0 THEN error('[DIVIDE_BY_ZERO] Division by zero.')
    ELSE sign(n) * sign(d) * ((2 * abs(n) + abs(d)) // (2 * abs(d)))
END;
CREATE MACRO to_integer(text) AS CASE
    WHEN regexp_full_match(text, '\s*[+-]?[0-9]+\s*') THEN trim(text)
    WHEN text IS NOT NULL THEN error('[CAST_INVALID_INPUT] The value ''' || text || ''' of the '
        || 'type "STRING" cannot be cast to an integer because it is malformed.')
END;
"""
_MOST_DIGITS = 38
_DIGITS = {exp.DType.INT: 10, exp.DType.BIGINT: 20}


Types = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@functools.lru_cache
def to_duckdb(statement: str, tables: Types) -> str:
    """Write one statement.

    Args:
        statement: Spark's SQL.
        tables: Names of what it may read, each with its columns' names and types.

    Raises:
        ValueError: It holds what is not known to come out as in Spark.
    """
    schema = MappingSchema({name: dict(types) for name, types in tables}, dialect=Spark)
    read = sqlglot.parse_one(statement, read=Spark)
    tree: Any = qualify(read, dialect=Spark, schema=schema, quote_identifiers=False)
    tree = annotate_types(tree, schema=schema, dialect=Spark)
    for node in list(tree.walk(bfs=False))[::-1]:  # what is inside comes first
        if isinstance(node, exp.Paren | exp.Mul | exp.Add | exp.Sub):
            node.type = _type_of(node)
        written = _rewrite(node)
        if written is not None:
            written.type = written.type or node.type
            node.replace(written)
    return str(tree.sql(DuckDB))


def _rewrite(node: Any) -> Any:
    match node:
        case exp.TryCast() if not node.args.get("safe"):  # CAST is read as one, too
            return _cast(node)
        case exp.Div():
            (p1, s1), (p2, s2) = _decimal(node.left), _decimal(node.right)
            scale = max(6, s1 + p2 + 1)
            return _ratio(node.left, s1, node.right, s2, p1 - s1 + s2 + scale, scale)
        case exp.Avg():
            precision, scale = _decimal(node.this)
            total, count = exp.Sum(this=node.this.copy()), exp.Count(this=node.this.copy())
            return _ratio(total, scale, count, 0, precision + 4, scale + 4)
        case exp.Sum():
            precision, scale = _decimal(node.this)
            is_integer = node.this.type.this in _DIGITS
            most = min(_MOST_DIGITS, precision + 10)
            kind = "bigint" if is_integer else f"decimal({most}, {scale})"
            return exp.cast(node.copy(), kind)
        case exp.Window(this=exp.Rank() | exp.DenseRank() | exp.RowNumber()) | exp.DateDiff():
            return exp.cast(node.copy(), "int")
        case exp.ArgMax() | exp.ArgMin():  # DuckDB's own pass over rows whose value is null
            name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
            return exp.func(name, node.this.copy(), node.expression.copy())
        case exp.Window(this=exp.Cast()) | exp.IntDiv() | exp.Mod():
            raise ValueError(f"not known how Spark computes {node.sql(Spark)}")
    return None


def _cast(node: Any) -> Any:
    kind = node.this.type.this
    if kind in {exp.DType.FLOAT, exp.DType.DOUBLE, exp.DType.UNKNOWN}:
        raise ValueError(f"not known how Spark casts {node.this.sql(Spark)}")
    value = node.this.copy()
    if kind in exp.DataType.TEXT_TYPES and node.to.this in _DIGITS:
        value = exp.func("to_integer", value)
    return exp.Cast(this=value, to=node.to.copy())


def _type_of(node: Any) -> Any:
    """Return the type that Spark gives a product, a sum or a difference, in parentheses or not."""
    if isinstance(node, exp.Paren):
        return node.this.type
    if {node.left.type.this, node.right.type.this} <= _DIGITS.keys():
        return node.type
    (p1, s1), (p2, s2) = _decimal(node.left), _decimal(node.right)
    if isinstance(node, exp.Mul):
        precision, scale = p1 + p2 + 1, s1 + s2
    else:
        scale = max(s1, s2)
        precision = max(p1 - s1, p2 - s2) + scale + 1
    if precision > _MOST_DIGITS:  # Spark cuts decimals then
        raise ValueError(f"not known how Spark rounds {node.sql(Spark)}")
    return exp.DataType.build(f"decimal({precision}, {scale})")


def _decimal(node: Any) -> tuple[int, int]:
    """Return the precision and scale that Spark takes a number to have."""
    if node.type.this in _DIGITS:
        return _DIGITS[node.type.this], 0
    if node.type.this != exp.DType.DECIMAL or len(node.type.expressions) != 2:
        raise ValueError(f"not known as a decimal: {node.sql(Spark)}, {node.type}")
    precision, scale = (int(each.name) for each in node.type.expressions)
    return precision, scale


def _ratio(left: Any, s1: int, right: Any, s2: int, precision: int, scale: int) -> Any:
    """Divide in integers, rounded half up to the scale."""
    if precision > _MOST_DIGITS:
        raise ValueError(f"not known how Spark rounds {left.sql(Spark)} / {right.sql(Spark)}")
    numerator = f"{_digits(left, s1)} * {10 ** (scale + s2 - s1)}"
    denominator = _digits(right, s2)
    kind = f"DECIMAL({precision}, {scale})"
    ratio: Any = sqlglot.parse_one(
        f"CAST(CAST(half_up({numerator}, {denominator}) AS DECIMAL(38, 0)) "
        f"* CAST('{10.0**-scale:.{scale}f}' AS DECIMAL({scale}, {scale})) AS {kind})",
        read=DuckDB,
    )
    ratio.type = exp.DataType.build(kind)
    return ratio


def _digits(number: Any, scale: int) -> str:
    """Write all digits of a decimal as an integer."""
    widest = f"CAST({number.sql('duckdb')} AS DECIMAL({_MOST_DIGITS}, {scale}))"
    return f"CAST({widest} * {10**scale} AS HUGEINT)"
