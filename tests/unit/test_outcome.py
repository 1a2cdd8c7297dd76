import pytest

from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    IncompleteError,
    NotPublishedError,
    RetryableError,
)
from tasks.core.outcome import conclude, count_indices, name_indices

DONE = "published 2 indices of 2025-08-01, run 123"
BAD, LATE = BadDataError("a check failed"), RetryableError("no answer")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["IBOV"], "IBOV"),
        (("IBOV", "SMLL", "IBXX"), "IBOV SMLL IBXX"),
        (("IBOV", "SMLL", "IBXX", "IDIV"), "4 indices"),
        (["all"], "all indices"),
    ],
)
def test_a_few_indices_are_named_and_many_are_counted(codes: list[str], expected: str) -> None:
    assert name_indices(codes) == expected


def test_one_index_is_counted_as_one() -> None:
    assert [count_indices(number) for number in (0, 1, 2)] == ["0 indices", "1 index", "2 indices"]


def test_what_was_done_is_the_outcome_where_nothing_failed() -> None:
    assert conclude(DONE, {}, [], ["IBOV", "SMLL"]) == DONE


def test_indices_of_which_b3_publishes_nothing_are_told_and_no_failure() -> None:
    said = conclude(DONE, {}, ["BDRX", "IFIX"], ["BDRX", "IBOV", "IFIX", "SMLL"])
    assert said == f"{DONE} (B3 publishes none of BDRX, IFIX)"


@pytest.mark.parametrize("without", [["BDRX"], ["BDRX", "IFIX"]])
def test_nothing_of_any_is_a_failure(without: list[str]) -> None:
    with pytest.raises(NotPublishedError, match=f"B3 lists {' and '.join(without)} without"):
        conclude("", {}, without, without)


@pytest.mark.parametrize("done", ["", "up to date IBOV 2025-08-01"])
@pytest.mark.parametrize("about", ["IBOV", "2025-08"])
def test_the_one_failure_of_the_one_index_is_raised_as_it_is(done: str, about: str) -> None:
    with pytest.raises(BadDataError) as raised:
        conclude(done, {about: BAD}, [], ["IBOV"])
    assert raised.value is BAD


@pytest.mark.parametrize(
    ("done", "errors", "without", "asked", "lines"),
    [
        pytest.param(
            DONE,
            {"IBOV": BAD},
            [],
            ["IBOV", "IBXX", "SMLL"],
            [f"1 of 3 indices failed; {DONE}:", "  IBOV: a check failed"],
            id="one-of-some",
        ),
        pytest.param(
            "",
            {"IBOV": BAD, "SMLL": LATE},
            [],
            ["IBOV", "SMLL"],
            [
                "2 of 2 indices failed; nothing was published:",
                "  IBOV: a check failed",
                "  SMLL: no answer",
            ],
            id="all",
        ),
        pytest.param(
            DONE,
            {"IBOV": BAD},
            ["BDRX"],
            ["BDRX", "IBOV", "IBXX", "SMLL"],
            [
                f"1 of 4 indices failed; {DONE} (B3 publishes none of BDRX):",
                "  IBOV: a check failed",
            ],
            id="beside-one-that-b3-does-not-publish",
        ),
        pytest.param(
            "",
            {"IBOV": BAD},
            ["BDRX"],
            ["BDRX", "IBOV"],
            ["1 of 2 indices failed; nothing was published:", "  IBOV: a check failed"],
            id="and-the-others-are-not-published",
        ),
        pytest.param(
            DONE,
            {"B3's list of indices": LATE},
            [],
            ["IBOV", "SMLL"],
            [
                f"0 of 2 indices failed; {DONE}:",
                "  B3's list of indices: no answer",
            ],
            id="what-is-no-index",
        ),
        pytest.param(
            DONE,
            {"SMLL": BAD, "2025-08": LATE},
            [],
            ["IBOV", "SMLL"],
            [
                f"1 of 2 indices failed; {DONE}:",
                "  SMLL: a check failed",
                "  2025-08: no answer",
            ],
            id="an-index-and-a-month",
        ),
        pytest.param(
            "",
            {"IBOV": BAD, "2025-08": LATE},
            [],
            ["IBOV"],
            [
                "1 of 1 index failed; nothing was published:",
                "  IBOV: a check failed",
                "  2025-08: no answer",
            ],
            id="two-failures-of-one-index",
        ),
    ],
)
def test_each_failure_has_a_line_below_what_was_done(
    done: str,
    errors: dict[str, B3PipelineError],
    without: list[str],
    asked: list[str],
    lines: list[str],
) -> None:
    with pytest.raises(IncompleteError) as raised:
        conclude(done, errors, without, asked)
    assert str(raised.value).splitlines() == lines
