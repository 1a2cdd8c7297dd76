"""The audit of a refined month of all indices: what must hold before anybody may read it.

It compares what the Glue job computed in Spark with what `expected` computes from raw. Raw is
taken one object at a time and refined rows are tuples, for 40 indices have 80,000 in a month.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tasks.core.checks import Check, none_of
from tasks.core.dataset import RawRows, Table
from tasks.core.portfolio.expected import (
    Row,
    ShownRows,
    expected_daily,
    expected_monthly,
    expected_summary,
)
from tasks.core.portfolio.model import WHOLE_PCT, from_raw_rows
from tasks.core.portfolio.period_tables import SPANS
from tasks.core.portfolio.tables import (
    PORTFOLIO_DAILY,
    PORTFOLIO_DAILY_SUMMARY,
    PORTFOLIO_MONTHLY,
)
from tasks.core.wording import count, every

Values = tuple[Any, ...]
Session = tuple[str, dt.date]
_TABLES = (PORTFOLIO_DAILY, PORTFOLIO_DAILY_SUMMARY, PORTFOLIO_MONTHLY, *SPANS)
_OF_MONTH = (
    "index_code",
    "trading_date",
    "ticker",
    "asset_name",
    "weight_pct",
    "theoretical_quantity",
)


def audit_portfolio_month(raw: Iterable[RawRows], refined: Mapping[str, Any]) -> list[Check]:
    """Check what a run refined of a month, of whatever indices raw holds.

    Args:
        raw: Every raw object of the month, with its table and session (rows: `pyarrow.Table`).
        refined: `{table: rows}` of the refined tables, likewise, without the month.

    Returns:
        One verdict a check.
    """
    daily, summary, monthly, *spans = (_rows(table, refined[table.name]) for table in _TABLES)
    found = _by_session(daily)
    object_count = 0
    held: list[Session] = []
    unread: list[dt.date] = []
    daily_differences: list[str] = []
    summaries: list[Values] = []
    shown = {table: ShownRows() for table in SPANS.values()}
    for table, day, rows in raw:
        object_count += 1
        if not len(rows) or not table.types().keys() <= set(rows.column_names):
            unread.append(day)
            continue
        if table in shown:
            shown[table].add(day, rows)
            continue
        session = from_raw_rows(day, rows.to_pylist())
        held.append((session.portfolio.index_code, day))
        summaries.append(tuple(expected_summary(session).values()))
        expected = [tuple(row.values()) for row in expected_daily(session)]
        daily_differences += _differences(PORTFOLIO_DAILY, expected, found.get(held[-1], []))
    stray = [row for key in found.keys() - set(held) for row in found[key]]
    months = [tuple(row.values()) for row in expected_monthly(_of_month(daily))]
    return [
        none_of(
            "raw_objects_hold_rows",
            "B3's fields in each raw object",
            unread,
            f"rows in {every(object_count, 'raw object')}",
        ),
        none_of(
            "columns_are_there",
            "the columns of each table",
            _missing_columns(refined),
            every(sum(len(table.types()) for table in _TABLES), "column"),
        ),
        _check_sessions("daily", held, found),
        _check_sessions("summary", held, _by_session(summary)),
        *map(_check_key, _TABLES, (daily, summary, monthly, *spans)),
        *(
            _check_spans(table, shown[raw_table].spans(), rows)
            for (table, raw_table), rows in zip(SPANS.items(), spans, strict=True)
        ),
        none_of(
            "daily_weights_sum_to_100",
            f"{WHOLE_PCT} a session",
            _wrong_weight_sums(found),
            f"{WHOLE_PCT} in {every(len(found), 'session')}",
        ),
        none_of(
            "daily_equals_raw",
            "the constituents of raw",
            sorted(daily_differences + _differences(PORTFOLIO_DAILY, [], stray)),
            f"{every(len(daily), 'row')} equal",
        ),
        none_of(
            "summary_equals_header",
            "B3's header",
            _summary_differences(summaries, summary),
            f"{every(len(summaries), 'header')} equal",
        ),
        none_of(
            "monthly_agrees_with_daily",
            "daily's figures",
            _differences(PORTFOLIO_MONTHLY, months, monthly),
            f"{every(len(months), 'row')} equal",
        ),
    ]


def _rows(table: Table, rows: Any) -> list[Values]:
    """Return rows in the order of the table's columns; a column that is not there has nulls."""
    columns = [
        rows[name].to_pylist() if name in rows.column_names else [None] * len(rows)
        for name in table.types()
    ]
    return list(zip(*columns, strict=True))


def _missing_columns(refined: Mapping[str, Any]) -> list[str]:
    return [
        f"{table.name}.{name}"
        for table in _TABLES
        for name in table.types()
        if name not in refined[table.name].column_names
    ]


def _of_month(daily: Iterable[Values]) -> Iterator[Row]:
    """Yield what the month is made of, in rows that lack nothing of it."""
    places = {name: list(PORTFOLIO_DAILY.types()).index(name) for name in _OF_MONTH}
    for values in daily:
        row = {name: values[place] for name, place in places.items()}
        if None not in row.values():
            yield row


def _by_session(rows: Iterable[Values]) -> dict[Session, list[Values]]:
    """Return the rows of a table that begins with index and session."""
    by_session: dict[Session, list[Values]] = defaultdict(list)
    for row in rows:
        by_session[row[:2]].append(row)
    return by_session


def _check_sessions(name: str, held: Iterable[Session], found: Mapping[Session, Any]) -> Check:
    wanted = set(held)
    missing = [(*_words(session), "is missing") for session in wanted - found.keys()]
    stray = [(*_words(session), "is not in raw") for session in found.keys() - wanted]
    indices = count(len({index_code for index_code, _ in wanted}), "index", "indices")
    return none_of(
        f"{name}_has_the_sessions_of_raw",
        "every session of each index, and no other",
        map(" ".join, sorted(missing + stray)),
        f"{every(len(wanted), 'session')}, of {indices}",
    )


def _check_spans(table: Table, expected: list[Values], found: list[Values]) -> Check:
    return none_of(
        f"{table.name}_equals_raw",
        "rows and sessions of raw",
        _differences(table, expected, found),
        f"{every(len(expected), 'row')} equal",
    )


def _words(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(map(str, values))


def _key(table: Table, row: Values) -> str:
    """Return the values of a table's key in a row; all are of one month."""
    names = list(table.types())
    return " ".join(_words(row[names.index(name)] for name in table.key if name in names))


def _check_key(table: Table, rows: Iterable[Values]) -> Check:
    counts = Counter(_key(table, row) for row in rows)
    doubles = sorted(key for key, count in counts.items() if count > 1)
    found = f"no key twice in {count(len(counts), 'row')}"
    return none_of(f"{table.name}_key_is_unique", "no key twice", doubles, found)


def _differences(table: Table, expected: list[Values], found: list[Values]) -> list[str]:
    """Return the keys of rows that one side has and the other has not, or not as often."""
    there, here = Counter(expected), Counter(found)
    return sorted({_key(table, row) for row in [*(there - here), *(here - there)]})


def _wrong_weight_sums(daily: Mapping[Session, Sequence[Values]]) -> list[str]:
    place = list(PORTFOLIO_DAILY.types()).index("weight_pct")
    sums = {
        " ".join(_words(session)): sum(row[place] for row in rows if row[place] is not None)
        for session, rows in daily.items()
    }
    return [f"{session}: {total}" for session, total in sorted(sums.items()) if total != WHOLE_PCT]


def _summary_differences(expected: Iterable[Values], found: Iterable[Values]) -> list[str]:
    names = list(PORTFOLIO_DAILY_SUMMARY.types())
    rows = {row[:2]: row for row in found}
    differences = []
    for right in sorted(expected):
        row = rows.get(right[:2], (None,) * len(names))
        differences += [
            f"{right[0]} {right[1]} {name} {value}, not {row[place]}"
            for place, (name, value) in enumerate(zip(names, right, strict=True))
            if row[place] != value
        ]
    return differences
