import datetime as dt
import json
from dataclasses import replace

import pytest

from tasks.core.attempt import Outcome, Output
from tasks.core.commit import (
    Commit,
    commit_key,
    commits_prefix,
    describe_origin,
    locations_of,
    number_commits,
    read_commit,
    write_commit,
)
from tasks.core.errors import CommitError, RefinementError
from tasks.core.month import Look, PublishedMonths, Work, make_commit
from tasks.core.plan import RawObject, digest_month, digest_statements
from tasks.core.portfolio import PORTFOLIO
from tasks.core.quotes import QUOTES

AT = dt.datetime(2025, 8, 4, 12, 30, tzinfo=dt.UTC)
FIRST = RawObject("raw/quotes/trading_date=2025-08-01/quotes.parquet", '"a"', 10)
SECOND = RawObject("raw/quotes/trading_date=2025-08-04/quotes.parquet", '"b"', 20)
TABLES = {
    table.name: Output({f"{table.prefix}x.parquet": 10}, 3) for table in QUOTES.refined_tables
}
COMMIT = Commit(
    number=2,
    month="2025-08",
    digest=digest_month(QUOTES, (FIRST, SECOND)),
    statements=digest_statements(QUOTES),
    inputs=(FIRST, SECOND),
    run_id="run-1",
    attempt="a",
    tables=TABLES,
    published_at=AT,
    flow_run="flow-1",
)
KEY = "published/quotes/2025-08/000002.json"
OUTCOME = Outcome("run-2", "b", "flow-2/1", {"2025-08": TABLES}, {})


def test_a_commit_is_read_as_it_was_written() -> None:
    assert commit_key(QUOTES, "2025-08", 2) == KEY
    assert KEY.startswith(commits_prefix(QUOTES, "2025-08"))
    assert read_commit(write_commit(COMMIT, QUOTES, "b3-lake"), KEY) == COMMIT


def test_a_commit_says_where_its_tables_lie_and_what_they_are_made_of() -> None:
    document = json.loads(write_commit(COMMIT, QUOTES, "b3-lake"))
    assert (document["format"], document["dataset"], document["number"]) == (1, "quotes", 2)
    assert document["tables"]["quotes_daily"] == {
        "location": "s3://b3-lake/refined/quotes_daily/run_id=run-1/attempt=a/month=2025-08/",
        "objects": [{"key": "refined/quotes_daily/x.parquet", "size": 10}],
        "rows": 3,
    }
    assert document["inputs"][0]["etag"] == '"a"'


def test_a_table_that_a_commit_does_not_know_has_no_location() -> None:
    older = replace(COMMIT, tables={"quotes_daily": TABLES["quotes_daily"]})
    assert list(locations_of(older, QUOTES, "b3-lake")) == ["quotes_daily"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"number": 3},
        {"month": "2025-09"},
        {"dataset": "portfolio"},
        {"published_at": "yesterday"},
        {"inputs": None},
        {"tables": {"quotes_daily": {}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_not_the_commit_of_its_place_is_an_error_that_names_the_last_good_one(
    change: dict[str, object],
) -> None:
    document = json.loads(write_commit(COMMIT, QUOTES, "b3-lake")) | change
    with pytest.raises(CommitError, match=rf"{KEY}.*before it is 000001.*Nothing was published"):
        read_commit(json.dumps(document).encode(), KEY)


@pytest.mark.parametrize("field", json.loads(write_commit(COMMIT, QUOTES, "b3-lake")))
def test_a_commit_without_one_of_its_fields_is_an_error(field: str) -> None:
    document = json.loads(write_commit(COMMIT, QUOTES, "b3-lake"))
    del document[field]
    with pytest.raises(CommitError, match=KEY):
        read_commit(json.dumps(document).encode(), KEY)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null"])
def test_bytes_that_are_no_commit_are_an_error(body: bytes) -> None:
    with pytest.raises(CommitError, match=KEY):
        read_commit(body, KEY)


def keys(*numbers: int) -> list[str]:
    return [commit_key(QUOTES, "2025-08", number) for number in numbers]


def test_commits_are_numbered_without_a_gap() -> None:
    assert number_commits([]) == []
    assert number_commits(keys(2, 1, 3)) == [1, 2, 3]
    assert number_commits(keys(*range(1, 1002)))[-1] == 1001


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (keys(1, 3), r"Expected .*000002\.json, found .*000003\.json.* before it is 000001"),
        (keys(2), r"Expected .*000001\.json.* before it is 000000"),
        (["published/quotes/2025-08/17.json"], r"found published/quotes/2025-08/17\.json"),
        (["published/quotes/2025-08/000001.json.bak"], "000001.json.bak"),
        (["published/quotes/2025-08/0000001.json"], "0000001"),
    ],
)
def test_a_gap_or_a_strange_name_is_an_error(found: list[str], said: str) -> None:
    with pytest.raises(CommitError, match=said):
        number_commits(found)


def test_a_commit_covers_what_is_among_its_inputs_and_was_made_alike() -> None:
    assert COMMIT.covers(COMMIT.statements, [FIRST])
    assert COMMIT.covers(COMMIT.statements, [FIRST, SECOND])
    assert not COMMIT.covers(COMMIT.statements, [FIRST, replace(SECOND, etag='"new"')])
    assert not COMMIT.covers("others", [FIRST])
    assert not COMMIT.covers(COMMIT.statements, [replace(FIRST, etag='"new"')])
    assert not COMMIT.covers(COMMIT.statements, [replace(FIRST, key="raw/other")])


def test_what_raw_has_lost_of_a_commit_is_named() -> None:
    assert COMMIT.lost_by([FIRST, replace(SECOND, etag='"new"')]) == []
    assert COMMIT.lost_by([SECOND]) == [FIRST.key]


def test_who_published_is_said() -> None:
    assert describe_origin(None) == "nothing is published yet"
    assert describe_origin(COMMIT) == (
        "flow run flow-1 published commit 2 at 2025-08-04 12:30:00 UTC"
    )


def look(commit: Commit | None = COMMIT, *inputs: RawObject, **changes: object) -> Look:
    made = Look(QUOTES, "2025-08", commit, commit is not None, inputs, (), AT)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_month_is_up_to_date_where_the_same_was_made_alike_and_is_there() -> None:
    assert look(COMMIT, FIRST, SECOND).is_up_to_date
    assert not look(COMMIT, FIRST, replace(SECOND, etag='"new"')).is_up_to_date
    assert not look(COMMIT, FIRST, SECOND, is_whole=False).is_up_to_date
    assert not look(replace(COMMIT, digest="otherwise"), FIRST, SECOND).is_up_to_date
    assert not look(None, FIRST, SECOND).is_up_to_date


def test_what_readers_see_and_raw_has_lost_is_seen() -> None:
    assert look(COMMIT, SECOND).lost == [FIRST.key]
    assert look(None, SECOND).lost == []


def test_a_look_knows_what_can_be_read_and_the_bytes_that_were_kept() -> None:
    good, kept, bad = (RawObject(f"raw/{name}", "e", 1) for name in ("good", "kept", "bad"))
    found = Look(QUOTES, "2025-08", None, False, (good, kept, bad), (bad.key,), AT)
    assert replace(found, bodies={kept.key: b"PAR1"}).sound == {good: None, kept: b"PAR1"}


def test_a_commit_takes_the_number_after_the_one_that_was_seen() -> None:
    made = make_commit(look(COMMIT, FIRST), OUTCOME, "flow-2")
    assert (made.number, made.month, made.inputs) == (3, "2025-08", (FIRST,))
    assert (made.run_id, made.attempt, made.flow_run) == ("run-2", "b", "flow-2")
    assert made.digest == digest_month(QUOTES, (FIRST,))
    assert made.statements == digest_statements(QUOTES)
    assert made.tables == TABLES
    assert make_commit(look(None, FIRST), OUTCOME, "flow-2").number == 1


def test_a_commit_is_never_older_than_the_one_before() -> None:
    later = AT + dt.timedelta(days=1)
    before = replace(COMMIT, published_at=later)
    assert make_commit(look(before, FIRST), OUTCOME, "f").published_at == later
    assert make_commit(look(COMMIT, FIRST, at=later), OUTCOME, "f").published_at == later
    assert make_commit(look(None, FIRST), OUTCOME, "f").published_at == AT


def test_what_is_left_out_is_said_a_line_each() -> None:
    assert Work(left_out={"raw/a": "cut", "raw/b": "gone"}).describe_left_out() == (
        "  raw/a: cut\n  raw/b: gone"
    )


def test_a_month_tells_the_run_that_made_it_or_why_there_is_none() -> None:
    error = RefinementError("no")
    months = PublishedMonths({"2025-08": "run-1"}, ["2025-07"], {"2025-06": error})
    assert (months.run_of("2025-08"), months.run_of("2025-07")) == ("run-1", "")
    with pytest.raises(RefinementError) as raised:
        months.run_of("2025-06")
    assert raised.value is error


def test_a_commit_names_each_raw_object_by_the_table_that_it_lies_in() -> None:
    keys = [table.object_key("2025-08-01", "IBOV") for table in PORTFOLIO.raw_tables]
    inputs = tuple(RawObject(key, '"a"', 1) for key in sorted(keys))
    tables = {t.name: Output({f"{t.prefix}x.parquet": 1}, 0) for t in PORTFOLIO.refined_tables}
    commit = replace(COMMIT, inputs=inputs, tables=tables)
    body = write_commit(commit, PORTFOLIO, "b3-lake")
    named = {each["key"]: each["table"] for each in json.loads(body)["inputs"]}
    assert named == {key: table.name for key, table in zip(keys, PORTFOLIO.raw_tables, strict=True)}
    key = commit_key(PORTFOLIO, "2025-08", 2)
    assert read_commit(body, key) == commit
