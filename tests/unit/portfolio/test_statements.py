import re

import pytest

from infra.glue.refine_portfolio import FILE_ORDER, STATEMENTS, main, parse_arguments
from tasks.core.dataset import Table
from tasks.core.portfolio import PORTFOLIO

ARGUMENTS = {
    "--lake": "s3://b3-lake",
    "--index_code": "IBOV",
    "--months": "2025-07,2025-08",
    "--run_id": "run-1",
}


def argv(**changes: str | None) -> list[str]:
    chosen = ARGUMENTS | {f"--{name}": value for name, value in changes.items()}
    return [part for pair in chosen.items() if pair[1] is not None for part in pair]  # type: ignore[misc]


def test_reads_its_arguments() -> None:
    arguments = parse_arguments(argv())
    assert arguments.lake == "s3://b3-lake"
    assert arguments.index_code == "IBOV"
    assert arguments.months == ["2025-07", "2025-08"]
    assert arguments.run_id == "run-1"


def test_arguments_that_glue_adds_are_left_alone() -> None:
    added = ["--JOB_NAME", "b3-refine", "--enable-metrics", "true", "--job-language", "python"]
    assert parse_arguments([*added, *argv()]).run_id == "run-1"


@pytest.mark.parametrize("name", ["lake", "index_code", "months", "run_id"])
def test_a_missing_argument_ends_the_job_and_is_named(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv(**{name: None}))
    assert ended.value.code == 2
    assert f"--{name}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "months",
    ["", "2025", "2025-13", "2025-8", "2025-08-01", "2025-07,,2025-08", "2025-07, 2025-08", "*"],
)
def test_a_malformed_month_ends_the_job_and_is_told(months: str) -> None:
    with pytest.raises(SystemExit, match="--months: expected YYYY-MM, comma separated; found '"):
        main(argv(months=months))


def test_there_is_one_statement_and_one_file_order_a_table() -> None:
    names = [table.name for table in PORTFOLIO.refined]
    assert list(STATEMENTS) == names
    assert list(FILE_ORDER) == names


@pytest.mark.parametrize("table", PORTFOLIO.refined, ids=lambda table: table.name)
def test_a_statement_gives_the_columns_of_its_table_in_order(table: Table) -> None:
    # The last SELECT is the one that is written; an item ends in its name.
    select = STATEMENTS[table.name].rsplit("SELECT", 1)[1].rsplit("FROM", 1)[0]
    while "(" in select:
        select = re.sub(r"\([^()]*\)", "", select)
    names = [item.split()[-1] for item in select.split(",")]
    assert names == [column.name for column in table.columns + table.partition_keys]
