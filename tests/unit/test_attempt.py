import json
from typing import Any

import pytest

from tasks.core.attempt import (
    Output,
    attempt_key,
    describe_output,
    has_every_table,
    is_whole,
    read_outcome,
    read_output,
)
from tasks.core.quotes import QUOTES

OBJECTS = [{"key": "refined/t/part-0.parquet", "size": 10}]
OUTCOME: dict[str, Any] = {
    "plan": "run-1",
    "attempt": "a",
    "token": "flow/1",
    "months": {
        "2025-07": {"failed": "raw moved"},
        "2025-08": {"tables": {"quotes_daily": {"objects": OBJECTS, "rows": 3}}},
    },
}
OUTPUT = Output({"refined/t/part-0.parquet": 10}, 3)


def test_an_outcome_says_what_was_made_and_what_was_not() -> None:
    outcome = read_outcome(json.dumps(OUTCOME).encode())
    assert (outcome.run_id, outcome.attempt, outcome.token) == ("run-1", "a", "flow/1")
    assert outcome.months == {"2025-08": {"quotes_daily": OUTPUT}}
    assert outcome.failures == {"2025-07": "raw moved"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"a"', b"{}", b'{"months": {"2025-08": {"tables": 3}}}']
)
def test_what_is_no_outcome_is_not_read_as_one(body: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        read_outcome(body)


def test_an_output_is_written_as_it_was_read() -> None:
    assert read_output(describe_output(OUTPUT)) == OUTPUT


def test_words_about_an_attempt_lie_beside_its_outcome() -> None:
    assert attempt_key("run-1", "a", "outcome") == "runs/run-1/a/outcome.json"
    assert attempt_key("run-1", "a", "removed") == "runs/run-1/a/removed.json"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"refined/t/part-0.parquet": 10}, True),
        ({"refined/t/part-0.parquet": 10, "refined/t/_SUCCESS": 0}, True),
        ({"refined/t/part-0.parquet": 10, "refined/t/.part-0.crc": 8}, True),
        ({"refined/t/part-0.parquet": 10, "refined/t/": 0, "refined/t/x_$folder$": 0}, True),
        ({"refined/t/part-0.parquet": 9}, False),
        ({"refined/t/part-0.parquet": 10, "refined/t/part-1.parquet": 1}, False),
        ({"refined/t/part-1.parquet": 10}, False),
        ({}, False),
    ],
)
def test_whole_is_what_holds_the_objects_named_and_no_others(
    found: dict[str, int], expected: bool
) -> None:
    assert is_whole(OUTPUT, found) is expected


def test_every_table_must_have_been_made() -> None:
    made = {table.name: OUTPUT for table in QUOTES.refined_tables}
    assert has_every_table(made, QUOTES)
    assert not has_every_table({"quotes_daily": OUTPUT}, QUOTES)
