"""By which test each command of the pages is run, and each kind of block.

The first row whose pattern fits the whole of a command is the command's. A command without a row, a
row without a command and a test that is not there fail `tests/unit/test_documented.py`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.documented import ROOT, Command, commands


@dataclass(frozen=True)
class Row:
    """What some commands are run by.

    Attributes:
        pattern: A regular expression for the whole of a command.
        by: The test that runs it, `file::function` under `tests`; none where nothing here can.
        why: Where it is not run as it stands: what is done in its place, or why nothing can be.
        in_sentences: Whether it is the row of what stands in no block alone.
    """

    pattern: str
    by: str = ""
    why: str = ""
    in_sentences: bool = False


_DEPLOY = "infra/test_terraform_on_local_cloud.py::"
_PLATFORM = "e2e/test_platform.py::"
_AWS = "e2e/test_aws_cli.py::"
_HERE = "unit/test_documented.py::"
_VIEWS = "e2e/test_views.py::"
_MODULE = "the module that make starts, with what make hands on to it"

ROWS = (
    # Flows and what is beside them.
    Row(
        r"python -m flows\.(freshness|levels|quotes|reconcile|vacuum)",
        f"{_HERE}test_each_command_that_a_sentence_names_is_taken",
        "a name of it; by today's date the replay of B3 has nothing. Their own tests give a date",
        in_sentences=True,
    ),
    Row(
        r"python -m flows\.levels --index all",
        "e2e/test_all_indices.py::"
        "test_forty_indices_are_one_run_and_what_failed_is_noticed_and_filled",
        "of a year that the replay of B3 has",
        in_sentences=True,
    ),
    Row(r"python -m flows\.\w+( .*)?", "e2e/test_docs.py::test_each_command_of_the_docs_ends_well"),
    Row(
        r"set -a; \. \.local/env; set \+a",
        "e2e/test_docs.py::test_each_block_that_loads_the_settings_runs_in_its_order",
    ),
    Row(
        r"python -m infra\.local( up)?",
        "local/test_up.py::test_up_writes_its_settings_says_ready_and_ends_at_sigterm",
        "on a port of its own, over a folder of its own",
    ),
    Row(
        r"make demo",
        "e2e/test_demo.py::test_each_session_is_published_and_each_question_answered",
        f"{_MODULE}; .ci/run types it as it stands",
    ),
    Row(
        r"make (demo|local) LIVE=1",
        "local/test_next_steps.py::test_lines_of_make_start_the_program_on_the_state",
        "planned by make and not run: it asks B3, and no test leaves the machine",
    ),
    Row(r"python -m infra\.local up --live", "", "it asks B3, and no test leaves the machine"),
    # Deployed.
    Row(
        r"set -a; \. \.local/env; \. \.local/prefect/env; set \+a",
        f"{_PLATFORM}test_shell_that_loads_the_settings_deploys",
    ),
    Row(
        r"(\.venv/bin/)?prefect deploy --all",
        f"{_PLATFORM}test_shell_that_loads_the_settings_deploys",
        "in the block that loads the settings first",
    ),
    Row(
        r"prefect deploy( --name daily-quotes)?",
        f"{_PLATFORM}test_shell_that_loads_the_settings_deploys",
        "a name of it: whole it stands in the block that loads the settings first",
        in_sentences=True,
    ),
    Row(
        r"prefect deployment run .*",
        f"{_PLATFORM}test_each_line_that_starts_a_run_ends_well",
    ),
    Row(
        r"prefect config (un)?set .*",
        f"{_HERE}test_prefect_is_pointed_at_a_server_and_away_from_it",
    ),
    Row(
        r"prefect (config view|deployment schedule .*)",
        f"{_PLATFORM}test_each_line_that_starts_no_run_ends_well",
    ),
    Row(
        r"prefect server start",
        f"{_PLATFORM}test_run_with_a_custom_date_completes_and_its_rows_answer",
        "by what starts the platform, on a port of its own, until it is ended",
    ),
    Row(r"prefect cloud login", "", "it opens a browser, for an account of Prefect Cloud"),
    Row(
        r"make local( PORT=0)?",
        f"{_PLATFORM}test_run_with_a_custom_date_completes_and_its_rows_answer",
        f"{_MODULE}, until it is ended",
    ),
    Row(
        r"cp deployments/environments/\S+ deployments/environments/\S+",
        f"{_HERE}test_each_small_line_leaves_what_it_should",
    ),
    Row(
        r"make (deploy|destroy|state)|python -m deployments\.verify",
        "deployments/test_deploy.py::test_without_a_name_the_environments_are_told",
        f"{_MODULE}; those of the others are told likewise in a test beside each",
    ),
    Row(
        r"make (deploy ENV=\w+( DRY_RUN=1)?|destroy ENV=\w+( DELETE_DATA=1)?|state ENV=prod)",
        f"{_DEPLOY}test_everything_is_made_used_changed_and_taken_down",
        f"{_MODULE}, and the word yes as --auto-approve",
    ),
    Row(
        r"make destroy ENV=\w+ DRY_RUN=1",
        "deployments/test_destroy.py::test_dry_run_only_looks",
        f"{_MODULE}, over a stand-in for Terraform",
    ),
    Row(
        r"make deploy ENV=\w+ INFRASTRUCTURE=1( DRY_RUN=1)?",
        "deployments/test_deploy.py::"
        "test_user_of_a_push_pool_is_made_before_there_is_a_block_with_its_key",
        f"{_MODULE}, over a stand-in for Terraform",
    ),
    Row(
        r"python -m deployments\.verify --env \w+( --only alarms)?",
        f"{_DEPLOY}test_everything_is_made_used_changed_and_taken_down",
        "on a copy of the project, whose environment is one of the local cloud",
    ),
    Row(
        r"python -m deployments\.schedules",
        "deployments/test_schedules.py::test_command_goes_by_the_file_and_says_what_it_removed",
        "in the test's own process",
    ),
    Row(
        r"export \w+=\S+|unset( \w+)+",
        f"{_HERE}test_each_variable_that_is_set_is_read_by_what_comes_after",
        "nothing is to be seen of it by itself",
    ),
    Row(
        r"python -m deployments\.variables --env \w+|set -a; \. \.local/(prod|lab)\.env; set \+a",
        "deployments/test_variables.py::"
        "test_a_shell_has_what_a_deployment_would_have_and_the_settings_of_the_flows",
        "in the test's own process, over a stand-in for Terraform; a shell then loads the file",
    ),
    Row(
        r"make (image|push|release( DATE=\S+)?)|git (pull --ff-only|push|tag -d|reset --hard) .*",
        "deployments/test_release.py::test_the_commands_of_contributing_make_a_release",
        "of a small project, by what is read there from the page",
    ),
    # Terraform.
    Row(
        r"TF_DATA_DIR=\S+ terraform .*",
        f"{_DEPLOY}test_everything_is_made_used_changed_and_taken_down",
    ),
    Row(
        r"terraform init",
        "infra/test_terraform.py::test_it_is_valid",
        "in a copy of the project, by its fixture",
    ),
    Row(
        r"terraform apply",
        f"{_DEPLOY}test_everything_is_made_used_changed_and_taken_down",
        "with the state and the variables of an environment",
    ),
    Row(
        r"terraform test",
        "infra/test_terraform.py::test_its_variants_hold",
        "in a copy of the project",
    ),
    # AWS's command line.
    Row(
        r'aws s3api \S+ --bucket "\$B3_LAKE_BUCKET" .*',
        f"{_AWS}test_a_commit_is_put_back_as_the_page_says",
    ),
    Row(
        r'aws s3api \S+ --bucket "\$STATE_BUCKET" .*',
        f"{_AWS}test_a_lost_state_is_put_back_as_the_page_says",
    ),
    Row(
        r"aws (configure|ec2|ecs|glue|iam get-role|s3 \w+|sts) .*",
        f"{_AWS}test_each_line_of_the_pages_brings_what_is_there",
    ),
    Row(r"aws sso login .*", "", "it opens a browser, for an account of AWS"),
    Row(
        r"aws iam create-access-key|aws s3 cp|prefect deployment run",
        "",
        "a name of it: what is typed has more words",
        in_sentences=True,
    ),
    # On one machine.
    Row(
        r"\. \.venv/bin/activate|mkdir -p \S+|cp IBOVDia_\S+ \.local/lake/b3-lake/inbox/",
        f"{_HERE}test_words_of_the_shell_do_what_they_say",
    ),
    Row(
        r"make clean",
        f"{_HERE}test_each_line_of_make_starts_what_takes_it",
        "planned by make and not run: it would take away what runs this test",
    ),
    Row(r"git pull", "", "it asks the code host, and no test leaves the machine"),
    # For analysts.
    Row(
        r"pip install .*",
        f"{_HERE}test_each_line_of_pip_names_what_is_imported",
        "nothing is installed: what it names is held against what is imported",
    ),
    Row(
        r"(B3_VIEWS=\S+ )?jupyter lab docs/notebooks/explore\.ipynb",
        f"{_VIEWS}test_the_notebook_shows_the_same_either_way",
        "its cells run, without Jupyter's page around them",
    ),
    Row(
        r"duckdb -readonly lake\.duckdb",
        f"{_VIEWS}test_each_sql_example_is_answered_or_at_least_read",
        "by DuckDB's library, as its program is in no lock file",
    ),
    # For contributors.
    Row(r"make (check|test)|pytest tests/infra", f"{_HERE}test_ci_runs_the_checks_and_all_tests"),
    Row(
        r"make test ARGS=.*",
        f"{_HERE}test_each_line_of_make_starts_what_takes_it",
        "planned by make and not run: it would run this test",
    ),
    Row(
        r"make docs",
        "unit/test_docs.py::test_the_job_steps_are_those_of_the_code",
        "what it writes is compared, of each page by a test, with what is there",
    ),
    Row(
        r"python -m infra\.tables > infra/terraform/tables\.json|pre-commit install",
        f"{_HERE}test_each_small_line_leaves_what_it_should",
    ),
    Row(
        r"make lock( UPGRADE=1)?",
        "unit/test_dependencies.py::test_a_lock_file_is_of_the_ranges",
        "what it wrote is held: it asks the index of packages",
    ),
    Row(
        r"make proofs",
        "proofs/test_tools.py::test_those_that_are_there_are_named_and_of_others_why_not",
        f"{_MODULE}, of tools that need no index; .ci/run types it as it stands",
    ),
    Row(
        r"make drill",
        "drill/test_drill.py::test_nothing_is_lost_doubled_or_half_shown",
        f"{_MODULE}, with a fixed seed",
    ),
    Row(
        r"make drill MINUTES=60",
        "e2e/test_drill.py::test_a_flow_is_asked_to_end_and_nothing_is_lost_doubled_or_half_shown",
        "each kind of trial once: the whole takes more than an hour",
    ),
    Row(
        r"make mutants( .*)?",
        "mutants/test_mutants.py::test_what_is_noticed_is_counted_in_a_copy_of_the_tree",
        f"{_MODULE}, of a small tree: the whole takes hours",
    ),
    Row(r"make bench", "", "it measures for the better part of an hour, and judges nothing"),
    Row(
        r"python -m tests\.fuzz( 120 1)?",
        "fuzz/test_fuzz.py::test_a_parser_refuses_what_is_damaged_in_our_words_alone",
        "for a second or two: as it stands it takes two minutes a parser",
    ),
    Row(
        r"python -m tests\.e2e\.transcript",
        "e2e/test_demo.py::test_readme_shows_what_the_demo_prints",
        "what it writes is compared with what is there",
    ),
    Row(
        r"python -m infra\.notebook",
        f"{_VIEWS}test_what_ran_is_what_is_stored_with_what_the_demos_lake_gives",
        "what it stores is compared with what is there",
    ),
    Row(
        r"python -m infra\.local\.pictures .*",
        "unit/test_pictures.py::test_the_command_that_takes_the_pictures_of_the_docs_takes_just_them",
        "without taking them: that takes a quarter of an hour",
    ),
    Row(r"docker run --privileged .*", "", "it needs Docker, and changes the machine's kernel"),
    Row(r"docker buildx imagetools inspect .*", "", "it needs Docker, and asks a registry"),
)
# Of blocks of other kinds: the language, a space, and the page's name without its language.
BLOCKS = (
    Row(
        r"sql ATHENA_QUERIES",
        f"{_VIEWS}test_each_documented_query_gives_in_the_file_what_athena_gives",
    ),
    Row(
        r"sql GLUE_JOB_STEPS",
        "unit/test_docs.py::test_the_job_steps_show_each_statement_as_the_plan_carries_it",
    ),
    Row(r"sql ANALYSTS", f"{_VIEWS}test_each_sql_example_is_answered_or_at_least_read"),
    Row(r"sql .*", "e2e/test_docs.py::test_each_question_of_the_docs_is_answered"),
    Row(r"python .*", f"{_VIEWS}test_each_python_example_runs"),
    Row(r"(sh|console) .*", f"{_HERE}test_every_command_has_a_row"),
    Row(r"ini .*", f"{_HERE}test_each_profile_is_one_that_aws_reads"),
    Row(r"json .*", f"{_HERE}test_each_block_of_json_is_json"),
    Row(r"hcl .*", "", "an example of what to write where a state is lost, with a made-up account"),
    Row(r"mermaid .*", "", "a drawing, which the code host makes"),
    Row(r" .*", "", "what a program says, or what is in a folder; commands in it have their rows"),
)


def row_of(command: Command, rows: tuple[Row, ...] = ROWS) -> Row | None:
    """Return the row of a command."""
    return next((row for row in rows if _fits(row, command)), None)


def _fits(row: Row, command: Command) -> bool:
    if row.in_sentences and command.blocks:
        return False
    return re.fullmatch(row.pattern, command.text, re.S) is not None


def run_by(file: str, function: str) -> list[str]:
    """Return the commands that are a test's, in the order of the pages.

    Args:
        file: The test's own file.
        function: Its name.
    """
    return [each.text for each in _of(file, function)]


def blocks_run_by(file: str, function: str) -> list[tuple[str, ...]]:
    """Return the blocks, each whole, of those that a test runs as they stand."""
    found = [block for each in _of(file, function, is_whole=True) for block in each.blocks]
    return list(dict.fromkeys(found))


def _of(file: str, function: str, *, is_whole: bool = False) -> list[Command]:
    by = f"{Path(file).relative_to(ROOT / 'tests').as_posix()}::{function}"
    rows = ((each, row_of(each)) for each in commands())
    of_test = [(each, row) for each, row in rows if row is not None and row.by == by]
    return [each for each, row in of_test if not (is_whole and row.why)]
