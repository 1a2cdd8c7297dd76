import re

import pytest

from infra.glue.refine_quotes import FILE_ORDER, STATEMENTS, main, parse_arguments
from tasks.core.dataset import Table
from tasks.core.quotes import QUOTES

ARGUMENTS = {"--lake": "s3://b3-lake", "--months": "2025-07,2025-08", "--run_id": "run-1"}


def argv(**changes: str | None) -> list[str]:
    chosen = ARGUMENTS | {f"--{name}": value for name, value in changes.items()}
    return [part for pair in chosen.items() if pair[1] is not None for part in pair]  # type: ignore[misc]


def test_reads_its_arguments_and_leaves_those_of_glue_alone() -> None:
    arguments = parse_arguments(["--JOB_NAME", "b3-refine-quotes", *argv()])
    assert (arguments.lake, arguments.run_id) == ("s3://b3-lake", "run-1")
    assert arguments.months == ["2025-07", "2025-08"]


@pytest.mark.parametrize("name", ["lake", "months", "run_id"])
def test_a_missing_argument_ends_the_job_and_is_named(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(argv(**{name: None}))
    assert f"--{name}" in capsys.readouterr().err


@pytest.mark.parametrize("months", ["", "2025", "2025-13", "2025-07,,2025-08", "*"])
def test_a_malformed_month_ends_the_job_and_is_told(months: str) -> None:
    with pytest.raises(SystemExit, match="--months: expected YYYY-MM, comma separated; found '"):
        main(argv(months=months))


def test_there_is_one_statement_and_one_file_order_a_table() -> None:
    names = [table.name for table in QUOTES.refined]
    assert list(STATEMENTS) == list(FILE_ORDER) == names


@pytest.mark.parametrize("table", QUOTES.refined, ids=lambda table: table.name)
def test_a_statement_gives_the_columns_of_its_table_in_order(table: Table) -> None:
    select = STATEMENTS[table.name].rsplit("SELECT", 1)[1].rsplit("FROM", 1)[0]
    while "(" in select:
        select = re.sub(r"\([^()]*\)", "", select)
    names = [item.split()[-1] for item in select.split(",")]
    assert names == [column.name for column in table.columns + table.partition_keys]


def test_a_month_of_quotes_is_partitioned_by_month_alone() -> None:
    for table in QUOTES.refined:
        assert [key.name for key in table.partition_keys] == ["month"]
