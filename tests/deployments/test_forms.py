"""What the dashboard shows of each flow's parameters, and what they take and refuse."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prefect import Flow
from prefect.exceptions import ParameterTypeError
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import preprocess_schema, validate

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
ENTRYPOINTS = {each["name"]: ROOT / each["entrypoint"] for each in DEPLOYMENTS}
FLOWS: dict[str, Flow[..., Any]] = {
    name: load_flow_from_entrypoint(str(entrypoint)) for name, entrypoint in ENTRYPOINTS.items()
}
FIELDS = [
    (name, field) for name, flow in FLOWS.items() for field in parameter_schema(flow).properties
]
DATED = [
    (name, field)
    for name, field in FIELDS
    if field in {"trading_date", "period_of", "start", "end"}
]
CODED = [
    (name, "index_codes") for name in ("daily-portfolio", "index-levels", "reconcile", "report")
]
OF_REPORTS = [("report", "language"), ("report", "to_folder")]

each_field = pytest.mark.parametrize(("name", "field"), FIELDS)


def schema_of(name: str, field: str) -> dict[str, Any]:
    found: dict[str, Any] = parameter_schema(FLOWS[name]).properties[field]
    return found


def refusals(name: str, field: str, value: object) -> list[str]:
    """What Prefect's server says against a value, and what the dashboard's form does."""
    schema = parameter_schema(FLOWS[name]).model_dump()
    errors = validate({field: value}, schema, ignore_required=True)
    return [error.message for error in errors]


def is_taken(name: str, field: str, value: object) -> bool:
    """Whether a flow runs with a value, however it came to it."""
    needed = {"files": ["a.csv"]} if name == "import-portfolio" else {}
    try:
        FLOWS[name].validate_parameters(needed | {field: value})
    except ParameterTypeError:
        return False
    return True


@each_field
def test_each_field_has_a_title_in_words_and_says_what_it_takes(name: str, field: str) -> None:
    schema = schema_of(name, field)
    words = schema["title"].split(" ")
    assert "_".join(words).lower() == field  # so that what a page or the JSON names is found
    assert schema["title"][0].isupper()
    assert schema["description"].endswith(".")


@each_field
def test_each_field_is_one_input_and_not_a_tab_for_nothing(name: str, field: str) -> None:
    schema = schema_of(name, field)
    assert isinstance(schema["type"], str)
    assert not {"anyOf", "allOf", "oneOf"} & schema.keys()
    assert schema.get("default", 0) is not None  # the dashboard would send it


@each_field
def test_what_is_written_has_examples_that_are_taken(name: str, field: str) -> None:
    schema = schema_of(name, field)
    written = schema.get("items", schema)
    if written["type"] == "boolean" or "enum" in written:
        return
    assert schema["examples"]
    for example in schema["examples"]:
        assert refusals(name, field, example) == []
        assert is_taken(name, field, example)
    assert {"pattern", "minimum"} & written.keys()


@pytest.mark.parametrize(("name", "field"), [*DATED, ("index-levels", "year"), *OF_REPORTS])
def test_what_may_be_left_empty_says_so_and_takes_null(name: str, field: str) -> None:
    assert refusals(name, field, None) == []
    assert is_taken(name, field, None)
    if field not in {"start", "end"}:
        assert "Leave it empty for " in schema_of(name, field)["description"]


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        *[(*each, "2025-08-04") for each in DATED],
        *[(*each, ["IBOV"]) for each in CODED],
        *[(*each, ["ibov", "IBXL11"]) for each in CODED],
        *[(*each, ["IBOV\n"]) for each in CODED],  # the form's field takes a line end
        *[(*each, ["all"]) for each in CODED],
        ("backfill", "index_code", "smll"),
        ("backfill", "dataset", "portfolio"),
        ("backfill", "dataset", "reconciliation"),
        ("index-levels", "year", 1986),
        ("index-levels", "year", 9999),
        ("freshness", "datasets", ["levels", "quotes"]),
        ("freshness", "datasets", ["levels"]),
        ("import-portfolio", "files", ["s3://lake/inbox/", "a folder"]),
        ("import-portfolio", "files", ["s3://lake/inbox/"]),
        ("report", "language", "pt-BR"),
        ("report", "language", "en"),
        ("report", "to_folder", "a folder"),
        ("vacuum", "grace_days", 1),
        ("vacuum", "grace_days", 3650),
        ("vacuum", "delete", True),
        ("verify", "repair", True),
        ("verify", "datasets", ["levels", "quotes"]),
        ("verify", "datasets", ["levels"]),
    ],
)
def test_what_is_right_is_taken(name: str, field: str, value: object) -> None:
    assert refusals(name, field, value) == []
    assert is_taken(name, field, value)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        *[(*each, "04/08/2025") for each in DATED],
        *[(*each, "2025-8-4") for each in DATED],
        *[(*each, "20250804") for each in DATED],
        *[(*each, "2025-13-01") for each in DATED],
        *[(*each, "2025-08-04T00:00:00") for each in DATED],
        *[(*each, "") for each in DATED],
        *[(*each, 1754265600) for each in DATED],
        *[(*each, "IBOV") for each in CODED],
        ("backfill", "dataset", "levels"),
        ("index-levels", "year", "2025"),
        ("freshness", "datasets", ["prices"]),
        ("verify", "datasets", ["prices"]),
        ("verify", "repair", "perhaps"),
        ("report", "language", "none"),
        ("report", "language", "pt"),
        ("report", "to_folder", 7),
        ("vacuum", "grace_days", "7"),
        ("vacuum", "delete", "perhaps"),
    ],
)
def test_what_has_a_wrong_form_is_refused(name: str, field: str, value: object) -> None:
    assert refusals(name, field, value)
    assert not is_taken(name, field, value)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        *[(*each, []) for each in CODED],
        *[(*each, ["IBO"]) for each in CODED],
        *[(*each, ["IBOV SMLL"]) for each in CODED],
        *[(*each, ["IBOV,SMLL"]) for each in CODED],
        *[(*each, ["ÍBOV"]) for each in CODED],
        *[(*each, ["ALL"]) for each in CODED],
        *[(*each, [""]) for each in CODED],
        ("backfill", "index_code", "all"),
        ("index-levels", "year", 1985),
        ("index-levels", "year", 10000),
        ("index-levels", "year", 20250),
        ("vacuum", "grace_days", 0),
        ("vacuum", "grace_days", 3651),
        *[(*each, ["all", "IBOV"]) for each in CODED],
        ("freshness", "datasets", []),
        ("verify", "datasets", []),
        ("import-portfolio", "files", []),
        ("import-portfolio", "files", [" "]),
        ("report", "to_folder", ""),
    ],
)
def test_what_a_flow_has_its_own_words_for_is_refused_before_there_is_a_run(
    name: str, field: str, value: object
) -> None:
    assert refusals(name, field, value)
    assert is_taken(name, field, value)


def test_files_to_import_must_be_named() -> None:
    schema = parameter_schema(FLOWS["import-portfolio"]).model_dump()
    assert [error.message for error in validate({}, schema)] == ["'files' is a required property"]


@pytest.mark.parametrize(
    ("name", "field", "value", "taken"),
    [
        *[(*each, ["IBOV\n", " smll"], ("IBOV", "smll")) for each in CODED],
        ("backfill", "index_code", "IBOV\n", "IBOV"),
    ],
)
def test_a_flow_sees_nothing_of_the_blanks_around_a_code(
    name: str, field: str, value: object, taken: object
) -> None:
    assert FLOWS[name].validate_parameters({field: value})[field] == taken


@pytest.mark.parametrize("name", FLOWS)
def test_a_run_that_gives_nothing_is_taken(name: str) -> None:
    schema = parameter_schema(FLOWS[name]).model_dump()
    assert validate({}, schema, ignore_required=True) == []
    defaults = {
        field: each["default"] for field, each in schema["properties"].items() if "default" in each
    }
    assert validate(defaults, preprocess_schema(schema), ignore_required=True) == []


def test_programs_give_days_and_tuples_as_before() -> None:
    day = dt.date(2025, 8, 4)
    given = {"trading_date": day, "index_codes": ("IBOV", "SMLL"), "force": True}
    assert FLOWS["daily-portfolio"].validate_parameters(given) == given
    span = {"start": day, "end": day}
    taken = FLOWS["backfill"].validate_parameters(span)
    assert (taken["start"], taken["end"], taken["dataset"]) == (day, day, "quotes")


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("import-portfolio", {"files": ["s3://lake/inbox/"]}, "import s3://lake/inbox/"),
        ("import-portfolio", {"files": ["a.csv", "b.csv", "c.csv"]}, "import 3 files"),
        (
            "import-portfolio",
            {"files": ["a.csv"], "period_of": "2025-01-06"},
            "import a.csv, period of 2025-01-06",
        ),
        ("vacuum", {}, "vacuum dry run, 7 days of grace"),
        ("vacuum", {"grace_days": 1, "delete": True}, "vacuum delete, 1 day of grace"),
        ("backfill", {"stale": True}, "backfill quotes stale months"),
        (
            "backfill",
            {"start": "2025-07-01", "end": "2025-07-31", "dry_run": True},
            "backfill quotes 2025-07-01 to 2025-07-31, dry run",
        ),
        ("daily-quotes", {}, "quotes latest"),
        ("reconcile", {}, "reconcile all indices latest"),
        (
            "reconcile",
            {"index_codes": ["IBOV"], "start": "2025-07-31", "end": "2025-08-04"},
            "reconcile IBOV 2025-07-31 to 2025-08-04",
        ),
        ("daily-portfolio", {"index_codes": ["all"]}, "all indices latest"),
        ("index-levels", {"year": 2024}, "IBOV levels 2024"),
        ("freshness", {"datasets": ["levels"]}, "freshness levels latest"),
        ("report", {}, "report IBOV latest"),
        (
            "report",
            {"index_codes": ["all"], "trading_date": "2025-08-04"},
            "report all indices 2025-08-04",
        ),
        ("verify", {"datasets": ["levels"]}, "verify levels"),
        ("verify", {"repair": True}, "repair portfolio quotes levels reconciliation"),
    ],
)
def test_runs_are_named_by_what_they_are_about(
    monkeypatch: pytest.MonkeyPatch, name: str, parameters: dict[str, Any], expected: str
) -> None:
    taken = FLOWS[name].validate_parameters(parameters)
    monkeypatch.setattr("prefect.runtime.flow_run.parameters", taken, raising=False)
    named: Any = FLOWS[name].flow_run_name
    assert named() == expected
