import inspect

import pytest

from flows import advice
from flows.advice import advise, explain_failure, name_deployments
from tasks.core import errors
from tasks.core.errors import (
    B3PipelineError,
    IncompleteError,
    InvalidInputError,
    RateLimitedError,
    SourceHasNoDataError,
    UnreadableRawError,
)
from tests.deployments.test_prefect_yaml import PROJECT

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, B3PipelineError) and kind is not B3PipelineError
]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "import it: python -m flows.import_portfolio FILE.",
            "import it: deployment `import-portfolio`.",
        ),
        (
            "import it: python -m flows.import_portfolio FILE --period-of YYYY-MM-DD.",
            "import it: deployment `import-portfolio` with `period_of YYYY-MM-DD`.",
        ),
        (
            "raw holds it: python -m flows.portfolio --trading-date 2025-08-01 --index IBOV",
            (
                "raw holds it: deployment `daily-portfolio` with `trading_date 2025-08-01`, "
                "`index_codes IBOV`"
            ),
        ),
        (
            "B3 shows it: python -m flows.portfolio --index all",
            "B3 shows it: deployment `daily-portfolio` with `index_codes all`",
        ),
        (
            "python -m flows.levels --year 2025 --index IBOV; or wait",
            "deployment `index-levels` with `year 2025`, `index_codes IBOV`; or wait",
        ),
        (
            "python -m flows.backfill --index IBXL11 --dataset portfolio --dry-run now",
            "deployment `backfill` with `index_code IBXL11`, `dataset portfolio`, `dry_run` now",
        ),
        (
            "python -m flows.backfill --stale --dataset NAME",
            "deployment `backfill` with `stale`, `dataset NAME`",
        ),
        ("python -m flows.other --x 1", "python -m flows.other --x 1"),
        ("nothing to run", "nothing to run"),
    ],
)
def test_a_page_names_deployments_where_a_message_names_commands(said: str, expected: str) -> None:
    assert name_deployments(said) == expected


def test_every_deployment_has_its_command() -> None:
    names = {each["name"]: each["entrypoint"] for each in PROJECT["deployments"]}
    found = {name: f"flows/{module}.py" for module, (name, _) in advice._DEPLOYMENTS.items()}
    assert found == {name: entrypoint.partition(":")[0] for name, entrypoint in names.items()}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_of_error_says_what_to_do_and_names_no_command(kind: type[Exception]) -> None:
    said = advise(kind.__new__(kind))
    assert "python" not in said
    assert said != advise(RuntimeError("AWS"))


def test_the_nearest_kind_counts() -> None:
    assert advise(RateLimitedError("wait", 1.0)).startswith("It may pass by itself.")
    assert advise(UnreadableRawError("b", "k")).startswith("Run the deployment again: raw")
    assert advise(InvalidInputError("no session")).startswith("Nothing was published.")
    assert advise(RuntimeError("AccessDenied")).startswith("AWS refused or did not answer.")


def test_the_page_says_why_and_what_to_do() -> None:
    error = SourceHasNoDataError(
        "B3 shows another session.\nImport: python -m flows.import_portfolio FILE"
    )
    assert explain_failure("IBOV 2025-07-31", error).splitlines() == [
        "## IBOV 2025-07-31 failed",
        "",
        "### Why",
        "",
        "B3 shows another session.",
        "- Import: deployment `import-portfolio`",
        "",
        "### What to do",
        "",
        advise(error),
    ]


def test_an_error_without_words_is_named_by_its_kind() -> None:
    assert "\nIncompleteError\n" in explain_failure("a run", IncompleteError(""))
