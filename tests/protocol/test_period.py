"""A period and its end: what the daily flow collects of it, and what the documented queries answer.

The flow runs as a function over the stand-in and B3's replay; the day is the session that is shown.
The answers are in `golden/period.txt`, by hand, and in every row what plain Python makes of the
portfolios that the replay shows.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from inspect import unwrap
from itertools import chain, count
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import duckdb
import pytest
import requests

from flows import portfolio, portfolio_loading
from flows.portfolio import daily_portfolio
from infra.local.aws import s3
from infra.local.aws.athena import engine
from infra.local.aws.athena.tables import CatalogTable
from infra.local.b3.period import preview_in_force, preview_portfolio, theoretical_portfolio
from infra.local.b3.period_calls import ConfigurationsQuery, PreviewQuery
from infra.local.b3.replay import Replay, start
from infra.local.b3.sessions import INDEX_SIZES, Constituent, generate_portfolio
from infra.queries import documented_queries
from tasks import site
from tasks.core.exchange import SAO_PAULO
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.paging import page_path
from tasks.core.portfolio.period import PREVIEW_PATH
from tests.protocol.lake import Lake
from tests.protocol.stage import Stage
from tests.standin.glue import BUCKET, DATABASE, JOB

pytestmark = pytest.mark.timeout(600)

FIRST, BEFORE, PREVIEW_1, SWAP, PREVIEW_2, PREVIEW_3, NEW = RUNS = [
    dt.date(2025, *day) for day in ((5, 5), (7, 31), (8, 1), (8, 4), (8, 18), (8, 29), (9, 1))
]
CHANGES, SHOWN, DRIFT, FIGURE = TITLES = (
    "What the next rebalancing changes",
    "First shown in a preview",
    "Drift since the last rebalancing",
    "Drift in one figure",
)
QUERIES = {query.title: query.sql for query in documented_queries() if query.title in TITLES}
GOLDEN = Path(__file__).with_name("golden") / "period.txt"
SIZE = INDEX_SIZES["IBOV"]

Row = tuple[str, ...]
Months = dict[str, list[str]]
Members = dict[str, Constituent]


@dataclass(frozen=True)
class Answer:
    """What a query answers, every value as text; `-` is none."""

    columns: Row
    rows: list[Row]


@pytest.fixture
def replay() -> Iterator[Replay]:
    with start(session=FIRST) as running:
        yield running


@pytest.fixture
def run(stage: Stage, replay: Replay, monkeypatch: pytest.MonkeyPatch) -> Callable[[dt.date], str]:
    """Have B3 show a session, and the flow run on its evening; return what the run ends with."""
    for name, value in {
        "B3_LAKE_BUCKET": BUCKET,
        "B3_DATABASE": DATABASE,
        "B3_GLUE_JOB": JOB,
        "B3_INDEX_URL": replay.url,
    }.items():
        monkeypatch.setenv(name, value)
    numbers = count()

    def run(session: dt.date) -> str:
        now = dt.datetime.combine(session, dt.time(18), SAO_PAULO)
        monkeypatch.setattr(site, "_now", lambda: now.astimezone(dt.UTC))
        for module in (portfolio, portfolio_loading):
            monkeypatch.setattr(module, "today_in_sao_paulo", now.date)
        replay.show(session)
        act = partial(unwrap(daily_portfolio.fn), index_codes=["IBOV"])
        return str(stage.actor(f"evening-{next(numbers)}", act).ends().message)

    return run


@pytest.fixture
def ask(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Answer]:
    """Ask a documented query of what is published, in DuckDB as it stands and through Athena.

    Both see the objects that the latest commits name, and must agree.
    """
    monkeypatch.setattr(
        s3, "local_path", lambda url: tmp_path / url.removeprefix(f"s3://{BUCKET}/")
    )

    def ask(title: str) -> Answer:
        published = published_keys(lake)
        for key in (key for months in published.values() for key in chain(*months.values())):
            if not (tmp_path / key).exists():
                (tmp_path / key).parent.mkdir(parents=True)
                (tmp_path / key).write_bytes(lake.body(key))
        with duckdb.connect() as connection:
            for name, months in published.items():
                connection.execute(view_of(name, months, tmp_path))
            found = connection.sql(QUERIES[title])
            rows = [tuple(map(text_of, row)) for row in found.fetchall()]
            answer = Answer(tuple(found.columns), rows)
        monkeypatch.setattr(
            engine, "find_table", lambda _, name: catalog_table(name, published[name])
        )
        query = engine.Query("id", QUERIES[title], [], DATABASE, "s3://b3-athena/id.csv", Mock())
        through_athena = query.run()
        assert [each["Name"] for each in through_athena.columns] == list(answer.columns)
        assert [tuple(map(text_of, row)) for row in through_athena.rows] == answer.rows
        return answer

    return ask


def published_keys(lake: Lake) -> dict[str, Months]:
    """The objects that the latest commits name, by table and month."""
    found: dict[str, Months] = {table.name: {} for table in PORTFOLIO.refined_tables}
    for month in {key.split("/")[2] for key in lake.keys("published/portfolio/")}:
        for name, table in lake.latest_of(month)["tables"].items():
            found[name][month] = [each["key"] for each in table["objects"]]
    return found


def view_of(name: str, months: Months, folder: Path) -> str:
    selects = (
        f"SELECT *, '{month}' AS month FROM read_parquet({[str(folder / key) for key in keys]})"
        for month, keys in months.items()
    )
    return f"CREATE VIEW {name} AS {' UNION ALL '.join(selects)}"


def catalog_table(name: str, months: Months) -> CatalogTable:
    """A table as Glue's catalog has it, its partitions where the latest commits are."""
    (table,) = [each for each in PORTFOLIO.refined_tables if each.name == name]
    columns = [{"Name": column, "Type": kind} for column, kind in table.types().items()]
    definition = {
        "PartitionKeys": [{"Name": table.partition_key.name, "Type": table.partition_key.type}],
        "StorageDescriptor": engine.PARQUET_STORAGE | {"Columns": columns},
    }
    partitions = [
        {"Values": [month], "StorageDescriptor": {"Location": f"s3://{BUCKET}/{folder}/"}}
        for month, keys in months.items()
        for folder in {key.rpartition("/")[0] for key in keys}
    ]
    return CatalogTable(DATABASE, name, definition, partitions)


def text_of(value: Any) -> str:
    return "-" if value is None else str(value)


def golden() -> dict[tuple[dt.date, str], str]:
    """The sections of the golden file, by session and title."""
    _, *sections = GOLDEN.read_text(encoding="utf-8").split("\n## ")
    found = {}
    for section in sections:
        head, _, body = section.partition("\n")
        title, _, rest = head.partition(": ")
        session, _, count = rest.partition(", ")
        found[dt.date.fromisoformat(session), title] = f"{count}\n{body}"
    return found


def check_golden(answer: Answer, section: str) -> None:
    row_count, *lines = (line.partition("#")[0].strip() for line in section.splitlines())
    assert row_count == f"{len(answer.rows)} row{'' if len(answer.rows) == 1 else 's'}"
    if not answer.rows:
        assert not any(lines)
        return
    head, *texts = filter(None, lines)
    table = [tuple(cell.strip() for cell in line.split("|")) for line in (head, *texts)]
    columns, *rows = table
    assert answer.columns == columns
    first = rows.index(("...",)) if ("...",) in rows else len(answer.rows)
    assert answer.rows[:first] == rows[:first]
    others = rows[first + 1 :]
    assert [row for row in answer.rows[first:] if row in others] == others


def members(constituents: tuple[Constituent, ...]) -> Members:
    return {each.ticker: each for each in constituents}


def day_of(session: dt.date) -> Members:
    return members(generate_portfolio("IBOV", session).constituents)


def period_of(session: dt.date) -> Members:
    return members(theoretical_portfolio("IBOV", session, SIZE).constituents)


def preview_of(session: dt.date) -> Members:
    preview = preview_in_force(session)
    return members(preview_portfolio("IBOV", preview, SIZE).constituents) if preview else {}


def weight(of: Members, ticker: str) -> Decimal:
    return of[ticker].weight_pct if ticker in of else Decimal("0.000")


def cells(of: Members, ticker: str) -> tuple[str, str]:
    if ticker not in of:
        return "-", "-"
    return str(of[ticker].weight_pct), str(of[ticker].theoretical_quantity)


def by_difference(one: Members, other: Members) -> list[tuple[str, Decimal]]:
    """Each ticker of the two with what it weighs more in the other, the largest first."""
    found = [(each, weight(other, each) - weight(one, each)) for each in one.keys() | other.keys()]
    return sorted(found, key=lambda pair: (-abs(pair[1]), pair[0]))


def expected_changes(session: dt.date) -> list[Row]:
    today, preview = day_of(session), preview_of(session)
    rows: list[Row] = []
    for ticker, difference in by_difference(today, preview) if preview else ():
        stays = "stays" if ticker in preview else "leaves"
        move = stays if ticker in today else "enters"
        (now_pct, now), (next_pct, then) = cells(today, ticker), cells(preview, ticker)
        rows.append((move, ticker, now_pct, next_pct, str(difference), now, then, str(session)))
    return sorted(rows, key=lambda row: row[0])


def expected_shown(session: dt.date) -> list[Row]:
    asset_names: dict[str, str] = {}
    shown: dict[str, list[dt.date]] = {}
    for day in (day for day in RUNS if day <= session):
        for ticker, each in preview_of(day).items():
            asset_names[ticker] = each.asset_name
            shown.setdefault(ticker, []).append(day)
    today = day_of(session)
    rows: list[Row] = []
    for ticker, days in sorted(shown.items()):
        is_in = "yes" if ticker in today else "no"
        rows.append((ticker, asset_names[ticker], str(min(days)), str(max(days)), is_in))
    by_session = sorted(rows, key=lambda row: row[2], reverse=True)
    return sorted(by_session, key=lambda row: row[4])


def expected_drift(session: dt.date) -> list[Row]:
    today, period = day_of(session), period_of(session)
    rows: list[Row] = []
    for ticker, difference in by_difference(period, today):
        stays = "stays" if ticker in today else "left"
        move = stays if ticker in period else "entered"
        (then_pct, then), (now_pct, now) = cells(period, ticker), cells(today, ticker)
        change = str(int(now) - int(then)) if move == "stays" else "-"
        rows.append((ticker, move, then_pct, now_pct, str(difference), then, change, str(session)))
    return rows


def expected_figure(session: dt.date) -> list[Row]:
    rows = expected_drift(session)
    moved = [sum(row[1] == move for row in rows) for move in ("entered", "left")]
    half = sum(abs(Decimal(row[4])) for row in rows) / 2
    changed = sum(row[6] not in ("-", "0") for row in rows)
    return [(str(session), str(session), str(float(half)), *map(str, moved), str(changed))]


EXPECTED = {
    CHANGES: expected_changes,
    SHOWN: expected_shown,
    DRIFT: expected_drift,
    FIGURE: expected_figure,
}


def test_a_period_from_its_first_day_over_its_previews_to_the_new_portfolio(
    run: Callable[[dt.date], str], ask: Callable[[str], Answer]
) -> None:
    by_hand = golden()
    for session in RUNS:
        assert run(session).startswith(f"published IBOV {session}, run ")
        for title in TITLES:
            answer = ask(title)
            assert answer.rows == EXPECTED[title](session), (session, title)
            if section := by_hand.pop((session, title), None):
                check_golden(answer, section)
    assert not by_hand


def test_an_old_preview_is_nowhere_once_none_is_in_force(
    run: Callable[[dt.date], str], ask: Callable[[str], Answer], lake: Lake, replay: Replay
) -> None:
    run(PREVIEW_3)
    run(NEW)

    check_old_preview_is_nowhere(lake, replay, NEW, since=PREVIEW_3)
    assert ask(CHANGES).rows == []
    assert {row[2:4] for row in ask(SHOWN).rows} == {(str(PREVIEW_3), str(PREVIEW_3))}
    new = {row[0]: row[2] for row in ask(DRIFT).rows}
    assert new == {ticker: str(each.weight_pct) for ticker, each in period_of(NEW).items()}


@pytest.mark.parametrize("before", [BEFORE, PREVIEW_1])
def test_what_b3_says_of_a_preview_counts_and_not_that_it_answers_one(
    run: Callable[[dt.date], str],
    ask: Callable[[str], Answer],
    lake: Lake,
    replay: Replay,
    before: dt.date,
) -> None:
    run(before)
    shown = ask(SHOWN).rows
    replay.say_preview(False)
    run(SWAP)

    check_old_preview_is_nowhere(lake, replay, SWAP, since=before)
    assert ask(CHANGES).rows == []
    # CURY3 has come into the portfolio; of the previews there is what there was.
    assert sorted(row[:4] for row in ask(SHOWN).rows) == sorted(row[:4] for row in shown)
    assert ask(DRIFT).rows == expected_drift(SWAP)

    replay.say_preview(None)
    run(PREVIEW_2)
    assert ask(CHANGES).rows == expected_changes(PREVIEW_2)


def check_old_preview_is_nowhere(
    lake: Lake, replay: Replay, session: dt.date, since: dt.date
) -> None:
    """B3 answers one on a session; nothing of it came into the lake, and nobody asked for it."""
    asked = [each for each in replay.requests if isinstance(each, PreviewQuery)]
    url = replay.url + page_path(PREVIEW_PATH, "IBOV", 1)
    assert len(requests.get(url, timeout=10).json()["results"]) == SIZE

    said = [each for each in replay.requests if isinstance(each, ConfigurationsQuery)]
    assert len(said) == 2  # one a run
    assert len(asked) == (preview_in_force(since) is not None)
    landed = lake.keys(f"landing/portfolio_preview/received={session}/")
    assert ["IBOV-configurations" in key for key in landed] == [True]
    assert not lake.keys(f"raw/portfolio_preview/trading_date={session}/")
    assert lake.keys(f"raw/portfolio_theoretical/trading_date={session}/")
    keys = chain(*published_keys(lake)["portfolio_preview"].values())
    rows = [row for key in keys for row in lake.rows(key)]
    assert {row["last_session"] for row in rows} <= {since}


def test_without_what_b3_shows_of_the_period_there_is_no_row(
    run: Callable[[dt.date], str], ask: Callable[[str], Answer], replay: Replay
) -> None:
    for call in ("theoretical", "preview"):
        replay.misbehave("http_500", index=call)
    assert "not had" in run(PREVIEW_1)
    assert [ask(title).rows for title in TITLES] == [[], [], [], []]

    # A preview alone is not compared: whether it is in force is not known without the other.
    replay.behave("preview")
    run(PREVIEW_1)
    assert [len(ask(title).rows) for title in TITLES] == [0, SIZE, 0, 0]


def test_a_preview_that_was_shown_later_than_the_periods_portfolio_is_compared_whole(
    run: Callable[[dt.date], str], ask: Callable[[str], Answer], replay: Replay
) -> None:
    """Rows that did not change reach to the later session, others end at that of both."""
    run(PREVIEW_1)
    replay.misbehave("http_500", index="theoretical")
    run(PREVIEW_2)
    assert ask(CHANGES).rows == expected_changes(PREVIEW_2)
