"""Imports run one way, and what decides knows nothing of the world: read from the syntax trees."""

import ast
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import ROOT

OURS = ("flows", "tasks", "infra", "deployments", "tests")
# What the modules under a name may import of ours; the longest name that fits counts.
MAY_IMPORT = {
    "tasks.core": ("tasks.core",),
    "tasks": ("tasks",),
    "flows": ("flows", "tasks"),
    "infra.glue": (),
    "infra": ("infra", "deployments", "tasks.core"),
    "infra.local.aws": ("infra.local.aws",),
    "infra.local.b3": ("infra.local.b3", "tasks.core"),
    "deployments": ("deployments", "tasks.core"),
    "infra.local.pictures": ("infra.local.pictures",),  # it sees what a person sees
}
OUTSIDE_CORE = (
    "awswrangler",
    "httpx",
    "rich",
    "tenacity",
    "boto3",
    "botocore",
    "os",
    "prefect",
    "pydantic_settings",
    "requests",
    "time",
    "urllib3",
)
CLOCK_CALLS = {"now", "today", "utcnow"}
# A step, or what is asked or shown like one though it is no task of its own.
MAKES_A_STEP = {"task", "materialize", "tried_again", "create_markdown_artifact"}
# What a step may use of other steps: refining is the way that every dataset takes, and the vacuum
# asks whatever may name an object.
MAY_USE = {
    "tasks.refine": (
        "tasks.glue",
        "tasks.month",
        "tasks.runs",
        "tasks.shelf",
        "tasks.report",
        "tasks.catalog",
        "tasks.work_at_hand",
    ),
    "tasks.inventory": (
        "tasks.catalog",
        "tasks.sweep",
        "tasks.inventory_landing",
        "tasks.inventory_months",
        "tasks.work_at_hand",
    ),
    "tasks.work_at_hand": ("tasks.glue",),
    "tasks.sweep": ("tasks.shelf", "tasks.catalog", "tasks.runs", "tasks.glue"),
    "tasks.month": ("tasks.shelf",),
    "tasks.published": ("tasks.shelf",),
    "tasks.shelf": ("tasks.catalog", "tasks.runs"),
}
# Who must not come to a dataset's room by whatever way.
WITHOUT_ROOMS = (
    *("tasks.store", "tasks.refine", "tasks.glue", "tasks.shelf", "tasks.month"),
    *("tasks.runs", "tasks.sweep", "tasks.catalog", "tasks.report", "tasks.objects"),
    *("tasks.landing", "tasks.places", "tasks.published", "tasks.views", "tasks.duckdb_file"),
    *("tasks.http", "tasks.http_errors", "tasks.deadline", "tasks.turns"),
    *("tasks.side_by_side", "tasks.refusals", "tasks.disk"),
    *("tasks.inventory", "tasks.inventory_landing", "tasks.inventory_months"),
    *("tasks.inventory_commits", "tasks.work_at_hand", "tasks.session_pages"),
)
# Who knows what is particular to a dataset, beside its own room: the steps that ask for it and read
# it, and the list of datasets. Everything else in `tasks` takes a dataset as it comes.
ROOMS = {
    f"tasks.core.{path.parent.name}" for path in (ROOT / "tasks" / "core").glob("*/__init__.py")
}
MAY_NAME_ROOMS = (
    *("tasks.download", "tasks.download_period", "tasks.download_quotes"),
    *("tasks.reading", "tasks.reading_period", "tasks.saved_files"),
    "tasks.core.datasets",
)

Modules = dict[str, str]


def project() -> Modules:
    """`{module: source}` of the code that is shipped."""
    paths = [path for name in OURS if name != "tests" for path in (ROOT / name).rglob("*.py")]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text() for path in paths
    }


def is_under(module: str, *names: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


def imported(source: str) -> Iterator[str]:
    """Names of what is imported anywhere in a module: `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def decorator_name(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def defines_tasks(source: str) -> bool:
    """Whether a module has steps: functions decorated as such, or made one by a call."""
    return any(
        decorator_name(made_by) in MAKES_A_STEP
        for node in ast.walk(ast.parse(source))
        for made_by in (
            node.decorator_list
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            else [node.func]
            if isinstance(node, ast.Call)
            else []
        )
    )


def imports_against_the_layers(modules: Modules) -> list[str]:
    def may_import(module: str) -> tuple[str, ...]:
        layer = max((name for name in MAY_IMPORT if is_under(module, name)), key=len)
        return MAY_IMPORT[layer]

    return [
        f"{module} imports {name}"
        for module, source in modules.items()
        for name in imported(source)
        if is_under(name, *OURS) and not is_under(name, *may_import(module))
    ]


def imports_of_the_world_in_core(modules: Modules) -> list[str]:
    return [
        f"{module} imports {name}"
        for module, source in modules.items()
        if is_under(module, "tasks.core")
        for name in imported(source)
        if is_under(name, *OUTSIDE_CORE)
    ]


def clock_readings_in_core(modules: Modules) -> list[str]:
    return [
        f"{module} line {node.lineno} calls {node.func.attr}()"
        for module, source in modules.items()
        if is_under(module, "tasks.core")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK_CALLS
    ]


def imports_between_tasks(modules: Modules) -> list[str]:
    with_tasks = {
        module
        for module, source in modules.items()
        if is_under(module, "tasks") and (module in MAY_USE or defines_tasks(source))
    }
    return [
        f"{module} imports {name}"
        for module in sorted(with_tasks)
        for name in imported(modules[module])
        if is_under(name, *with_tasks) and not is_under(name, *MAY_USE.get(module, ()))
    ]


def imports_of_a_room_from_outside(modules: Modules) -> list[str]:
    names_rooms = (*ROOMS, "tasks.core.datasets")
    return [
        f"{module} imports {name}"
        for module, source in modules.items()
        if is_under(module, "tasks") and not is_under(module, *MAY_NAME_ROOMS)
        for name in imported(source)
        for room in names_rooms
        if is_under(name, room) and not is_under(module, room)
    ]


def ways_to_a_room(modules: Modules) -> list[str]:
    def reached(module: str) -> set[str]:
        found, ahead = {module}, [module]
        while ahead:
            for name in imported(modules[ahead.pop()]):
                target = next(
                    (
                        each
                        for each in modules
                        if name in (each, f"{each}.{name.rpartition('.')[2]}")
                    ),
                    "",
                )
                if target and target not in found:
                    found.add(target)
                    ahead.append(target)
        return found

    return [
        f"{module} comes to {name}"
        for module in WITHOUT_ROOMS
        if module in modules
        for name in sorted(reached(module))
        if is_under(name, *ROOMS, "tasks.core.datasets")
    ]


Rule = Callable[[Modules], list[str]]
RULES: list[Rule] = [
    imports_against_the_layers,
    imports_of_the_world_in_core,
    clock_readings_in_core,
    imports_between_tasks,
    imports_of_a_room_from_outside,
    ways_to_a_room,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Rule) -> None:
    assert rule(project()) == []


def test_the_rules_look_at_every_module() -> None:
    modules = project()
    assert {
        "flows.portfolio",
        "tasks.download",
        "tasks.core.portfolio.audit",
        "infra.glue.refine",
        *MAY_USE,
        *WITHOUT_ROOMS,
    } <= (modules.keys())
    assert [module for module in modules if not is_under(module, *MAY_IMPORT)] == []
    assert {f"tasks.core.{name}" for name in ("portfolio", "quotes", "levels")} <= ROOMS
    steps = {module for module, source in modules.items() if defines_tasks(source)}
    assert {module for module in steps if is_under(module, "tasks")} == {
        f"tasks.{name}"
        for name in (
            *("catalog", "download", "download_period", "download_quotes", "glue", "landing"),
            *("month", "published", "reading", "reading_period", "report", "runs"),
            *("saved_files", "shelf"),
            *("session_pages", "store", "sweep", "views"),
            *("inventory", "inventory_landing", "work_at_hand"),
        )
    }


@pytest.mark.parametrize(
    ("rule", "modules"),
    [
        (imports_against_the_layers, {"tasks.core.a": "import tasks.download"}),
        (imports_against_the_layers, {"tasks.core.a": "from tasks import __version__"}),
        (imports_against_the_layers, {"tasks.core.a": "def f():\n    from flows import quotes"}),
        (imports_against_the_layers, {"tasks.a": "from flows.settings import Settings"}),
        (imports_against_the_layers, {"tasks.a": "import infra.local"}),
        (imports_against_the_layers, {"flows.a": "from infra.local import setup"}),
        (
            imports_against_the_layers,
            {"infra.glue.a": "from tasks.core.datasets import TABLES"},
        ),
        (imports_against_the_layers, {"infra.local.a": "from flows.portfolio import main"}),
        (imports_against_the_layers, {"infra.local.a": "from tasks.download import Download"}),
        (imports_against_the_layers, {"infra.local.aws.a": "from infra.local.b3 import replay"}),
        (imports_against_the_layers, {"infra.local.aws.a": "import infra.local.up"}),
        (
            imports_against_the_layers,
            {"infra.local.aws.a": "from tasks.core.datasets import TABLES"},
        ),
        (imports_against_the_layers, {"infra.local.b3.a": "from infra.local.aws import s3"}),
        (imports_against_the_layers, {"infra.local.b3.a": "import infra.local.up"}),
        (imports_against_the_layers, {"deployments.a": "import flows.portfolio"}),
        (imports_against_the_layers, {"deployments.a": "from infra.local import setup"}),
        (imports_against_the_layers, {"tasks.a": "from tests.portfolios import portfolio"}),
        (imports_of_the_world_in_core, {"tasks.core.a": "import boto3"}),
        (imports_of_the_world_in_core, {"tasks.core.a": "from prefect import task"}),
        (imports_of_the_world_in_core, {"tasks.core.a": "from os import environ"}),
        (imports_of_the_world_in_core, {"tasks.core.a": "import os.path"}),
        (imports_of_the_world_in_core, {"tasks.core.a": "def f():\n    import time"}),
        (imports_of_the_world_in_core, {"tasks.core.a": "from pydantic_settings import X"}),
        (clock_readings_in_core, {"tasks.core.a": "import datetime as dt\ndt.datetime.now()"}),
        (clock_readings_in_core, {"tasks.core.a": "from datetime import date\ndate.today()"}),
        (
            imports_between_tasks,
            {
                "tasks.a": "from tasks.b import g\n@task(name='f')\ndef f(): ...",
                "tasks.b": "@materialize\ndef g(): ...",
            },
        ),
        (
            imports_between_tasks,
            {
                "tasks.a": "@prefect.task\nasync def f():\n    import tasks.b",
                "tasks.b": "@prefect.assets.materialize(a)\ndef g(): ...",
            },
        ),
        (
            imports_between_tasks,
            {
                "tasks.refine": "from tasks.download import g\n@task\ndef f(): ...",
                "tasks.download": "@task\ndef g(): ...",
            },
        ),
        (
            imports_between_tasks,
            {
                "tasks.shelf": "from tasks.month import g\nstep = materialize(a)(f)",
                "tasks.month": "@task\ndef g(): ...",
            },
        ),
        (
            imports_between_tasks,
            {"tasks.refine": "from tasks.sweep import g", "tasks.sweep": "@task\ndef g(): ..."},
        ),
        (
            imports_between_tasks,
            {
                "tasks.a": "from tasks.b import g\n@task\ndef f(): ...",
                "tasks.b": "@tried_again\ndef g(): ...",
            },
        ),
        (imports_against_the_layers, {"infra.local.pictures.a": "from infra.local.up import f"}),
        (
            ways_to_a_room,
            {
                "tasks.shelf": "from tasks.new import f",
                "tasks.new": "def f():\n    import tasks.core.quotes",
                "tasks.core.quotes": "",
            },
        ),
        (imports_against_the_layers, {"infra.glue.refine": "from infra.tables import tables"}),
        (
            imports_of_a_room_from_outside,
            {"tasks.store": "from tasks.core.quotes.tables import RAW_QUOTES"},
        ),
        (imports_of_a_room_from_outside, {"tasks.refine": "from tasks.core.quotes import QUOTES"}),
        (
            imports_of_a_room_from_outside,
            {"tasks.shelf": "def f():\n    from tasks.core.datasets import DATASETS"},
        ),
        (imports_of_a_room_from_outside, {"tasks.new": "import tasks.core.levels.answer"}),
        (
            imports_of_a_room_from_outside,
            {"tasks.core.exchange": "from tasks.core.quotes.files import QuotesPeriod"},
        ),
        (
            imports_of_a_room_from_outside,
            {"tasks.core.quotes.audit": "from tasks.core.portfolio.model import Portfolio"},
        ),
    ],
)
def test_a_rule_finds_what_breaks_it(rule: Rule, modules: Modules) -> None:
    assert len(rule(modules)) == 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_lets_the_rest_pass(rule: Rule) -> None:
    modules = {
        "flows.portfolio": "import os\nfrom flows.settings import S\nfrom tasks.download import f",
        "tasks.download": "import requests\nfrom tasks.retries import R\n@task\ndef f(): ...",
        "tasks.retries": "from tasks.core.errors import E",
        "tasks.reading": "from tasks.core.quotes.convert import c\n@task\ndef f(): ...",
        "tasks.refine": "from tasks.month import g\nfrom tasks.glue import h",
        "tasks.month": "from tasks.shelf import p\n@task\ndef g(): ...",
        "tasks.shelf": "from tasks.runs import r\nstep = materialize(a)(p)",
        "tasks.runs": "@tried_again\ndef r(): ...",
        "tasks.glue": "@task\ndef h(): ...",
        "tasks.store": "@task\ndef g(): ...",
        "tasks.core.datasets": "from tasks.core.quotes import QUOTES",
        "tasks.core.quotes.audit": "from tasks.core.quotes.tables import RAW_QUOTES",
        "tasks.core.errors": "import datetime as dt\nfrom tasks.core.checks import C\nosprey = 1",
        "infra.tables": "from tasks.core.datasets import TABLES\nfrom infra.local import setup",
    }
    assert rule(modules) == []
