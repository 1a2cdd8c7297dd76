"""Every command and every block of the pages is run by a test, or has a reason why none can."""

import ast
import configparser
import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import nbformat
import pytest
from packaging.requirements import Requirement

from infra.notebook import NOTEBOOK
from tests.covered import BLOCKS, ROWS, Row, row_of, run_by
from tests.documented import (
    ROOT,
    Block,
    Command,
    blocks,
    commands,
    forms,
    is_form,
    pages,
    read_blocks,
    read_inline,
    read_lines,
)

# What nothing here can run, and kinds of blocks that are no language of ours.
MOST_REASONS, MOST_KINDS = 8, 3
BIN = Path(sys.executable).parent
WITHOUT_ROW = "Expected a row of tests/covered.py that says by which test it is run: "


def kinds() -> dict[str, Block]:
    """What rows of blocks are asked for."""
    names = ((each, Path(each.page).name.partition(".")[0]) for each in blocks())
    return {f"{each.language} {name}": each for each, name in names}


def kind_of(text: str) -> Command:
    return Command(text, (), ())


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.text)
def test_every_command_has_a_row(command: Command) -> None:
    assert row_of(command), f"{WITHOUT_ROW}{command.text} ({', '.join(command.pages)})"


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_block_has_a_row(kind: str) -> None:
    assert row_of(kind_of(kind), BLOCKS), f"{WITHOUT_ROW}{kind}"


def test_every_row_has_something() -> None:
    used = [row_of(each) for each in commands()]
    assert [row.pattern for row in ROWS if row not in used] == []
    used = [row_of(kind_of(each), BLOCKS) for each in kinds()]
    assert [row.pattern for row in BLOCKS if row not in used] == []


@pytest.mark.parametrize("row", [*ROWS, *BLOCKS], ids=lambda row: row.pattern)
def test_every_row_names_a_test_that_is_there(row: Row) -> None:
    if not row.by:
        assert len(row.why) >= 20
        return
    file, _, function = row.by.partition("::")
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    defined = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert function in defined, f"{row.by} is not there"
    # One that runs what stands on a page takes it from there.
    assert row.why or row in BLOCKS or f'run_by(__file__, "{function}")' in text, (
        f"{row.by} does not take its commands from the pages: say why"
    )


def test_few_rows_have_a_reason_alone() -> None:
    assert len([row for row in ROWS if not row.by]) <= MOST_REASONS
    assert len([row for row in BLOCKS if not row.by]) <= MOST_KINDS


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("```sh\nmake demo\n\nmake test  # all\n```", ["make demo", "make test  # all"]),
        ("```console\n$ make demo\n1. The cloud\n$ make test\n```", ["make demo", "make test"]),
        ("- a list\n\n  ```sh\n  aws s3 ls a \\\n      b\n  ```", ["aws s3 ls a b"]),
        ("> ```sh\n> make demo\n> ```", ["make demo"]),
        ("```sh\n# a word\nprintf 'a\nb'\n```", ["printf 'a\nb'"]),
        ("```\nterraform init\nflows/   one\n```", ["terraform init"]),
        ("~~~sh\nmake demo\n~~~", ["make demo"]),
        ("```python\nmake demo\n```", []),
    ],
)
def test_lines_of_a_block_are_read(text: str, lines: list[str]) -> None:
    assert [line for block in read_blocks(text) for line in read_lines(block)] == lines


@pytest.mark.parametrize("text", ["```sh\nmake demo\n", "```sh\nmake 'demo\n```"])
def test_a_block_that_does_not_end_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not closed|a whole command"):
        [read_lines(block) for block in read_blocks(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Run `make demo\nLIVE=1`, or `make`.", ["make demo LIVE=1"]),
        ("| `aws s3 ls a\\|b` | `Makefile` |", ["aws s3 ls a|b"]),
        ("`A=b .venv/bin/prefect deploy --all`", ["A=b .venv/bin/prefect deploy --all"]),
        ("```sh\nmake `demo it`\n```\n`prefect.yaml`, `duckdb.connect`, `setting a b`", []),
    ],
)
def test_commands_in_sentences_are_read(text: str, found: list[str]) -> None:
    assert read_inline(text) == found


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("python -m flows.quotes [--trading-date D]", True),
        ("python -m flows.import_portfolio FILE…", True),
        ("make deploy ENV=prod IMAGE_TAG=<commit>", True),
        ("export PREFECT_API_URL=", True),
        ("python -m flows.quotes --trading-date", True),
        ("python -m infra.tables > infra/terraform/tables.json", False),
        ("pip install 'duckdb>=1.4,<3'", False),
    ],
)
def test_a_form_is_told_from_a_command(text: str, *, is_one: bool) -> None:
    assert is_form(text) is is_one


def test_pages_are_those_of_every_language_and_not_what_was() -> None:
    found = {page.relative_to(ROOT).as_posix() for page in pages()}
    assert found >= {"README.md", "SECURITY.md", "infra/terraform/README.md", "docs/INSTALL.md"}
    assert found >= {page.relative_to(ROOT).as_posix() for page in ROOT.rglob("docs/adr/*.md")}
    assert "CHANGELOG.md" not in found


def take(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hand a line of a flow's command to it, to be read and not run; return its words."""
    _, _, module, *arguments = shlex.split(line)
    command = importlib.import_module(module)
    monkeypatch.setattr(command, "run_command", lambda *_, **__: 0)
    assert command.main(arguments) == 0
    return arguments


@pytest.mark.parametrize(
    "line", run_by(__file__, "test_each_command_that_a_sentence_names_is_taken")
)
def test_each_command_that_a_sentence_names_is_taken(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert take(line, monkeypatch) == []


@pytest.mark.parametrize("form", [each for each in forms() if " flows." in each])
def test_each_form_has_options_that_there_are(form: str) -> None:
    module = importlib.import_module(form.split()[2])
    known = {"--verbose", "--help", *(flag for flag, _ in module.OPTIONS)}
    assert set(re.findall(r"--[\w-]+", form)) <= known


MAKE = list(dict.fromkeys([*(each.text for each in commands()), *forms()]))


@pytest.mark.parametrize("line", [each for each in MAKE if each.startswith("make ")])
def test_each_line_of_make_starts_what_takes_it(line: str) -> None:
    """What a line gives make is handed on, or read from the environment by what it starts."""
    _, target, *given = shlex.split(line)

    def plan(*variables: str) -> str:
        done = subprocess.run(
            ["make", "--dry-run", "--assume-old=requirements-dev.lock", target, *variables],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    read = "".join(path.read_text() for path in (ROOT / "deployments").glob("*.py"))
    for each in given:
        others = [one for one in given if one is not each]
        handed_on = plan(*others) != plan(*given)
        assert handed_on or f'"{each.partition("=")[0]}"' in read, f"{each} makes no difference"
    for module in re.findall(r"python -m ([\w.]+)", plan(*given)):
        assert module in ("pytest", "pip", "venv") or importlib.util.find_spec(module)


CI_RUNS = run_by(__file__, "test_ci_runs_the_checks_and_all_tests")


@pytest.mark.parametrize("line", CI_RUNS)
def test_ci_runs_the_checks_and_all_tests(line: str) -> None:
    ran = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert line in ran or (line.startswith("pytest tests/") and "make test" in ran)


SMALL = run_by(__file__, "test_each_small_line_leaves_what_it_should")


@pytest.mark.parametrize("line", SMALL)
def test_each_small_line_leaves_what_it_should(tmp_path: Path, line: str) -> None:
    program, *_, last = line.split()
    left = ".git/hooks/pre-commit" if program == "pre-commit" else last
    for file in ("deployments/environments/example.tfvars.json", ".pre-commit-config.yaml"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "infra" / "terraform").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONSAFEPATH": "1"}
    subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    written = (tmp_path / left).read_text()
    assert written
    if program == "cp":
        assert written == (ROOT / "deployments/environments/example.tfvars.json").read_text()
    elif program == "python":
        assert written == (ROOT / left).read_text()


# What AWS's and Prefect's own programs, and Terraform, read; all else our code has to.
OF_OTHERS = {
    *("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("PREFECT_API_URL", "PREFECT_API_KEY", "TF_VAR_prefect_credential"),
}
EXPORTS = run_by(__file__, "test_each_variable_that_is_set_is_read_by_what_comes_after")


@pytest.mark.parametrize("line", EXPORTS)
def test_each_variable_that_is_set_is_read_by_what_comes_after(line: str) -> None:
    if line.startswith("unset "):
        names = line.split()[1:]
        assert set(names) <= OF_OTHERS
        given = os.environ | dict.fromkeys(names, "set")
        done = subprocess.run(
            ["bash", "-ec", f"{line}; env"], env=given, capture_output=True, text=True, check=True
        )
        left = {each.partition("=")[0] for each in done.stdout.splitlines()}
        assert not left.intersection(names)
        return
    name, _, value = line.removeprefix("export ").partition("=")
    printed = subprocess.run(
        ["bash", "-c", f"{line}; printenv {name}"], capture_output=True, text=True, check=True
    ).stdout
    assert printed == f"{shlex.split(value)[0]}\n"
    read = "".join(path.read_text() for path in (ROOT / "deployments").glob("*.py"))
    assert name in OF_OTHERS or f'"{name}"' in read


def test_words_of_the_shell_do_what_they_say(tmp_path: Path) -> None:
    """In the order of the pages, in a folder with a saved file."""
    (tmp_path / ".venv").symlink_to(BIN.parent)
    (tmp_path / "IBOVDia_04-08-25.csv").write_text("saved", encoding="utf-8")
    lines = run_by(__file__, "test_words_of_the_shell_do_what_they_say")
    done = subprocess.run(
        ["bash", "-ec", "\n".join([*lines, "command -v python"])],
        cwd=tmp_path,
        env=os.environ | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).parent.resolve() == BIN.resolve()
    inbox = tmp_path / ".local" / "lake" / "b3-lake" / "inbox"
    assert (inbox / "IBOVDia_04-08-25.csv").read_text(encoding="utf-8") == "saved"


def test_prefect_is_pointed_at_a_server_and_away_from_it(tmp_path: Path) -> None:
    sets, unsets = run_by(__file__, "test_prefect_is_pointed_at_a_server_and_away_from_it")
    profiles = tmp_path / "profiles.toml"
    environment = {name: value for name, value in os.environ.items() if "PREFECT_" not in name}
    environment |= {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_PROFILES_PATH": str(profiles),
    }
    name, _, address = sets.removeprefix("prefect config set ").partition("=")
    subprocess.run(["bash", "-ec", sets], env=environment, stdin=subprocess.DEVNULL, check=True)
    assert f'{name} = "{address}"' in profiles.read_text()
    subprocess.run(["bash", "-ec", unsets], env=environment, stdin=subprocess.DEVNULL, check=True)
    assert name not in profiles.read_text()


def imported() -> set[str]:
    """What the notebook imports, but for Python's own."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    trees = [ast.parse(cell.source) for cell in cells if cell.cell_type == "code"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)


PIP = run_by(__file__, "test_each_line_of_pip_names_what_is_imported")


@pytest.mark.parametrize("line", PIP)
def test_each_line_of_pip_names_what_is_imported(line: str) -> None:
    named = [Requirement(each) for each in shlex.split(line)[2:]]
    names = {each.name for each in named}
    project: Any = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = [*project["dependencies"], *project["optional-dependencies"]["views"]]
    for each in named:
        if each.specifier:
            assert str(each.specifier) in [str(Requirement(one).specifier) for one in ours]
    if "jupyterlab" not in names:
        return
    brought = {
        Requirement(each).name
        for name in names - {"jupyterlab"}
        for each in requires(name) or ()
        if "extra" not in each
    }
    one_way = {"duckdb", "awswrangler"} & names  # the notebook asks either
    assert imported() - {"duckdb", "awswrangler"} <= names | brought
    assert len(one_way) == 1


def test_each_profile_is_one_that_aws_reads() -> None:
    found = [block for block in blocks() if block.language == "ini"]
    assert found
    for block in found:
        read = configparser.ConfigParser()
        read.read_string(block.text)
        assert read.sections()
        for section in read.sections():
            assert re.fullmatch(r"default|(profile|sso-session) [\w-]+", section)
            assert read[section]


def test_each_block_of_json_is_json() -> None:
    for block in blocks():
        if block.language == "json":
            json.loads(block.text)
