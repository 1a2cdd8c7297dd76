"""The tool itself: what it changes, that it does so in a copy, and what it says in the end."""

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mutants import areas, known, of_python, of_text
from tests.mutants.__main__ import draw, main, possible
from tests.mutants.areas import AREAS, NAMES, NARROWEST
from tests.mutants.change import Change
from tests.mutants.table import Tally, render

PYTHON = {
    "if a < b: pass": {
        "comparison turned: if a >= b: pass",
        "boundary shifted: if a <= b: pass",
    },
    "if a <= b: pass": {
        "comparison turned: if a > b: pass",
        "boundary shifted: if a < b: pass",
    },
    "c = a > b >= d": {
        "comparison turned: c = a <= b >= d",
        "boundary shifted: c = a >= b >= d",
        "comparison turned: c = a > b < d",
        "boundary shifted: c = a > b > d",
    },
    "c = (é == b)": {"comparison turned: c = (é != b)"},
    "c = a != b": {"comparison turned: c = a == b"},
    "c = a in b": {"comparison turned: c = a not in b"},
    "c = a not  in b": {"comparison turned: c = a in b"},
    "c = a is b": {"comparison turned: c = a is not b"},
    "c = a is not b": {"comparison turned: c = a is b"},
    "c = a and b and d": {"and/or swapped: c = a or b and d"},
    "c = (a or b)": {"and/or swapped: c = (a and b)"},
    "c = not a": {"not removed: c = a"},
    "c = 7": {"number changed: c = 8"},
    "c = 0.5": {"number changed: c = 2.0"},
    'c = Decimal("100.009")': {'number changed: c = Decimal("100.000")'},
    "c = True": {"truth turned: c = False"},
    "raise ValueError(a)": {"raise removed: pass  # raise ValueError(a)"},
    "if a:\n    raise ValueError(\n        b)": {"check removed: if False and (a):"},
    "for a in b:\n    if a:\n        continue": {"check removed: if False and (a):"},
    "def f(): return a": {"return emptied: def f(): return None"},
    "def f(): return False": {"truth turned: def f(): return True"},
    "def f(a=1, *, b=False): pass": {
        "default changed: def f(a=2, *, b=False): pass",
        "default changed: def f(a=1, *, b=True): pass",
    },
    'def f(a: str = ""): pass': {'default changed: def f(a: str = "other"): pass'},
    "class A:\n    b: int = 3": {"default changed: b: int = 4"},
    '@task(name="a", retries=3, **OVER_AWS)\ndef f(): pass': {
        'number changed: @task(name="a", retries=4, **OVER_AWS)',
        'decorator\'s argument removed: @task(name="a", retries=3, )',
    },
    "@task(retry_condition_fn=a, b=c)\ndef f(): pass": {
        "decorator's argument removed: @task(b=c)",
        "decorator's argument removed: @task(retry_condition_fn=a, )",
    },
    # What is left alone: texts, annotations, what is for the type checker, what returns nothing.
    '"""Of 3 < 4."""': set(),
    'c = f"{a < 3}"': set(),
    "def f(a: Literal[3]) -> Literal[4]: return None": set(),
    "if TYPE_CHECKING:\n    c = 3": set(),
    "@dataclass(frozen=True, eq=a)\nclass A: pass": set(),
    "c = zip(a, b, strict=True)": set(),
    "c = Model(strict=True)": {"truth turned: c = Model(strict=False)"},
    "c = zip(a, b, strict=False)": {"truth turned: c = zip(a, b, strict=True)"},
}
SQL = {
    "SELECT min(a)": {"function swapped: SELECT max(a)"},
    "SELECT max_by(a, b)": {"function swapped: SELECT min_by(a, b)"},
    "SELECT first(a)": {"function swapped: SELECT last(a)"},
    "SELECT rank() b": {"function swapped: SELECT dense_rank() b"},
    "SELECT sum(a)": {"function swapped: SELECT max(a)"},
    "SELECT nullif(f(a), '') AS b": {"function dropped: SELECT (f(a)) AS b"},
    "SELECT trim(a)": {"function dropped: SELECT (a)"},
    "SELECT f GROUP BY a, b, c": {"grouping column dropped: SELECT f GROUP BY a, b"},
    "SELECT f OVER (PARTITION BY a, b ORDER BY c DESC)": {
        "grouping column dropped: SELECT f OVER (PARTITION BY a ORDER BY c DESC)",
        "order turned: SELECT f OVER (PARTITION BY a, b ORDER BY c)",
    },
    "SELECT a LEFT JOIN b": {"join of another kind: SELECT a JOIN b"},
    "SELECT a JOIN b": {"join of another kind: SELECT a LEFT JOIN b"},
    "SELECT a WHERE b": {"where removed: SELECT a WHERE true"},
    "SELECT a\n  AND b": {"condition removed: ", "and/or swapped: OR b"},
    "SELECT a UNION ALL b": {"union of all: SELECT a UNION b"},
    "SELECT DISTINCT a": {"distinct dropped: SELECT a"},
    "SELECT a = b": {"comparison turned: SELECT a <> b"},
    "SELECT a >= b": {"boundary shifted: SELECT a > b"},
    "SELECT a OR b": {"and/or swapped: SELECT a AND b"},
    "SELECT decimal(6, a1)": {"number changed: SELECT decimal(7, a1)"},
    "A text of no statement, min(a) = 3": set(),
}
YAML = {
    '- cron: "58 8 * * 1-5"': {
        'schedule moved: - cron: "5 8 * * 1-5"',
        'schedule moved: - cron: "58 9 * * 1-5"',
        'schedule moved: - cron: "58 8 * * *"',
    },
    "timezone: America/Sao_Paulo": {"time zone changed: timezone: UTC"},
    "limit: 1": {"number changed: limit: 2"},
    "delete: true": {"truth turned: delete: false"},
    "index_codes: [all]": {"parameter changed: index_codes: [other]"},
    "      days: 7": {"parameter removed: ", "number changed: days: 8"},
    "concurrency_limit: *one": {"limit removed: "},
    "strategy: ENQUEUE": {"collision changed: strategy: CANCEL_NEW"},
    "entrypoint: flows/a.py:b": {"entrypoint changed: entrypoint: flows/other.py:b"},
    "description: |\n  limit: 1\n# limit: 2": set(),
}
TERRAFORM = {
    'actions = ["s3:GetObject", "s3:PutObject"]': {
        'right removed: actions = ["s3:PutObject"]',
        'right widened: actions = ["s3:*", "s3:PutObject"]',
        'right widened: actions = ["s3:GetObject", "s3:*"]',
    },
    '  "sqs:GetQueueUrl",': {"right removed: ", 'right widened: "sqs:*",'},
    'resources = ["${var.lake_arn}/raw/*"]': {'right widened: resources = ["${var.lake_arn}/*"]'},
    'operator = "LessThanThreshold"': {'alarm inverted: operator = "GreaterThanThreshold"'},
    'treat = "breaching"': {'alarm inverted: treat = "notBreaching"'},
    'effect = "Deny"': {'effect turned: effect = "Allow"'},
    'status = "Enabled"': {'status turned: status = "Disabled"'},
    "expired = true": {"truth turned: expired = false"},
    "days = 30": {"number changed: days = 31"},
    '# days = 30\ndescription = "a:B"': set(),
}


def told(changes: list[Change], source: bytes) -> set[str]:
    return {f"{change.kind}: {change.new_line(source)}" for change in changes}


@pytest.mark.parametrize("text", PYTHON)
def test_python_is_changed_as_it_is_said_and_stays_python(text: str) -> None:
    source = text.encode()
    found = list(of_python.changes("a.py", source))
    assert told(found, source) == PYTHON[text]
    for change in found:
        ast.parse(change.apply(source))
        assert of_python.is_valid(change, source)


@pytest.mark.parametrize("text", SQL)
def test_statements_are_changed_as_it_is_said(text: str) -> None:
    source = f'"""Of min(a)."""\nA = """\n{text}\n"""'.encode()
    found = list(of_text.of_sql("a.py", source))
    assert told(found, source) == SQL[text]
    assert all(of_python.is_valid(change, source) for change in found)


@pytest.mark.parametrize("text", YAML)
def test_schedules_and_parameters_are_changed_as_it_is_said(text: str) -> None:
    assert told(list(of_text.of_yaml("a.yaml", text.encode())), text.encode()) == YAML[text]


@pytest.mark.parametrize("text", TERRAFORM)
def test_rights_and_alarms_are_changed_as_it_is_said(text: str) -> None:
    found = list(of_text.of_terraform("a.tf", text.encode()))
    assert told(found, text.encode()) == TERRAFORM[text]


def test_a_change_that_says_the_same_or_nothing_is_none() -> None:
    source = b"a = 1"
    assert not of_python.is_valid(Change("a.py", 4, 5, "(1)", ""), source)
    assert not of_python.is_valid(Change("a.py", 4, 5, "(", ""), source)


def test_a_change_is_told_in_one_line() -> None:
    source = b"x = 1\n  y = 2\n"
    change = Change("a.py", 12, 13, "3", "number changed")
    assert change.tell(source) == "a.py:2  number changed: y = 2  →  y = 3"
    assert Change("a.py", 6, 14, "", "").new_line(source) == ""


def is_there(tests: str) -> bool:
    """Whether there is a folder, a file, or a test of a file: `file.py::test`."""
    path, _, test = tests.partition("::")
    found = ROOT / path
    return found.exists() and (not test or f"\ndef {test}(" in found.read_text())


def test_every_area_has_changes_in_this_tree_and_tests_that_are_there() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("the tree is no checkout")
    files = {name for name in listed.stdout.decode().splitlines() if (ROOT / name).is_file()}
    for area in AREAS:
        for path in filter(area.holds, files):
            assert all(map(is_there, areas.tests_of(area.name, path, files))), path
    assert all(is_there(f"tests/{each}") for tests in NARROWEST.values() for each in tests)
    assert all(possible(ROOT, files, name, ["tables", "settings", ".", "main"]) for name in NAMES)


@pytest.mark.parametrize(
    ("area", "path", "expected"),
    [
        ("core", "tasks/core/quotes/audit.py", ["unit/quotes/test_audit.py", "unit/quotes"]),
        ("core", "tasks/core/indices.py", ["unit/test_indices.py"]),
        ("core", "tasks/core/new.py", ["unit"]),
        ("tasks", "tasks/new.py", ["tasks/test_new.py", "tasks"]),
        (
            "statements",
            "tasks/core/quotes/tables.py",
            ["standin/test_golden.py", "standin/test_odd_raw.py"],
        ),
        ("core", "tasks/core/quotes/tables.py", ["unit/quotes"]),
    ],
)
def test_the_narrowest_tests_come_first(area: str, path: str, expected: list[str]) -> None:
    files = {"tests/unit/quotes/test_audit.py", "tests/tasks/test_new.py"}
    assert areas.tests_of(area, path, files) == tuple(f"tests/{each}" for each in expected)


# A tree of two modules: the tests notice every change of one, and none of the other.
NOTICED = "def less(a, b):\n    return a < b\n"
TREE = {
    "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\n",
    "tasks/core/noticed.py": NOTICED,
    "tasks/core/missed.py": "def more(a, b):\n    return a > b\n",
    "tests/unit/test_noticed.py": "from tasks.core.noticed import less\n\n\n"
    "def test_it():\n    assert [less(1, 2), less(2, 2), less(3, 2)] == [True, False, False]\n",
    "tests/unit/test_missed.py": "import tasks.core.missed\n\n\ndef test_it():\n    pass\n",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not there")
    root = tmp_path / "tree"
    for name, text in TREE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    monkeypatch.setattr("tests.mutants.trial.SLOW", ())  # of which its tests need nothing
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return root


def list_known(tree: Path, *lines: str) -> None:
    file = tree / "tests" / "mutants" / "survivors.txt"
    file.parent.mkdir()
    file.write_text("# a remark\n" + "\n\n".join(f"tasks/core/missed.py\n{x}\nwhy" for x in lines))


def test_what_is_noticed_is_counted_in_a_copy_of_the_tree(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--area", "core", "--only", "noticed"], tree) == 0
    out, told = capfd.readouterr()
    assert out.splitlines()[1].split() == ["core", "3", "3", "0", "0"]
    assert "core 1/3  noticed  tasks/core/noticed.py:2  return emptied: return a < b" in told
    found = {str(path.relative_to(tree)) for path in tree.rglob("*.*") if ".git" not in path.parts}
    assert found == set(TREE)
    assert {name: (tree / name).read_text() for name in TREE} == TREE


def test_a_survivor_is_listed_and_one_that_makes_no_difference_is_not_counted(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    list_known(tree, "return a <= b", "return a is b")
    assert main(["--area", "core", "--only", "missed"], tree) == 1
    assert capfd.readouterr().out.splitlines()[1:] == [
        "core        2        0            2              1  below nine of ten",
        "not noticed:",
        "  tasks/core/missed.py:2  return emptied: return a > b  →  return None",
        "  tasks/core/missed.py:2  boundary shifted: return a > b  →  return a >= b",
        "in survivors.txt, and no change any more:",
        "  tasks/core/missed.py: return a is b",
        "seed 13",
    ]


def test_a_tree_that_fails_without_any_change_is_told_first(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tree / "tests/unit/test_noticed.py").write_text("def test_it():\n    assert 1 == 2\n")
    assert main(["--area", "core", "--only", "noticed"], tree) == 2
    out, told = capfd.readouterr()
    assert out == ""
    assert "tests/unit fail without any change" in told
    assert "assert 1 == 2" in told


def test_tests_that_do_not_end_in_time_have_noticed(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tree / "tasks/core/noticed.py").write_text("def wait():\n    while 0 > 1:\n        pass\n")
    (tree / "tests/unit/test_noticed.py").write_text(
        "from tasks.core.noticed import wait\n\n\ndef test_it():\n    wait()\n"
    )
    (tree / "tests/unit/test_missed.py").unlink()
    monkeypatch.setattr("tests.mutants.trial._AT_LEAST_SECONDS", 3.0)
    monkeypatch.setattr("tests.mutants.trial._TIMES_AS_LONG", 1)
    monkeypatch.setattr("tests.mutants.of_python._BOUNDARY", {})
    assert main(["--area", "core", "--only", "noticed", "--count", "1", "--seed", "2"], tree) == 0
    out, told = capfd.readouterr()
    assert "comparison turned: while 0 > 1:  →  while 0 <= 1:" in told
    assert out.splitlines()[1].split() == ["core", "1", "1", "0", "0"]


def test_words_that_no_file_holds_are_told(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "nowhere"], tree) == 2
    assert "no file to change" in capfd.readouterr().err


def test_an_area_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--area", "kernel"])
    assert end.value.code == 2
    assert "prefect.yaml" in capsys.readouterr().err


def test_the_same_seed_draws_the_same_changes_and_another_one_others() -> None:
    files = {f"tasks/core/{name}.py" for name in ("numbers", "commit", "exchange")}
    changes = possible(ROOT, files, "core")
    drawn = draw(changes, ROOT, "1:core", 9)
    assert len(drawn) == 9
    assert drawn == draw(changes, ROOT, "1:core", 9)
    assert drawn != draw(changes, ROOT, "2:core", 9)


def test_every_area_is_held_to_nine_of_ten() -> None:
    assert Tally(noticed=9, survivors=["one"]).is_good
    missed = Tally(noticed=8, survivors=["one"])
    assert not missed.is_good
    assert "below" in render({"terraform": missed}, [], 1)


def test_the_list_of_what_makes_no_difference_can_be_read() -> None:
    for each in known.read(known.FILE.read_text()):
        assert (ROOT / each.path).is_file()
    with pytest.raises(ValueError, match="expected a file, its new line and a reason"):
        known.read("a.py\nb = 1\n")
