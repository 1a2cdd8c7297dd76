import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.dataset import Column, Dataset
from tasks.core.datasets import DATASETS
from tasks.core.plan import (
    Plan,
    RawObject,
    Subject,
    digest_month,
    digest_statements,
    normalize,
    plan_key,
    shorten,
)
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.period_tables import RAW_PREVIEW, RAW_THEORETICAL
from tasks.core.quotes import QUOTES

FIRST = RawObject("raw/portfolio/trading_date=2025-08-01/IBOV.parquet", '"a"', 10)
SECOND = RawObject("raw/portfolio/trading_date=2025-08-04/IBOV.parquet", '"b"', 20)
PLAN = Plan(PORTFOLIO, {"2025-08": (SECOND, FIRST)})
(DAILY, *_) = PORTFOLIO.refined


def changed(**changes: object) -> Dataset:
    """The portfolio with another first table."""
    return replace(PORTFOLIO, refined=(replace(DAILY, **changes), *PORTFOLIO.refined[1:]))  # type: ignore[arg-type]


def test_a_plan_names_its_inputs_and_carries_its_statements() -> None:
    plan = json.loads(PLAN.to_bytes())
    assert plan.keys() == {"format", "dataset", "months", "raw", "tables"}
    assert (plan["format"], plan["dataset"]) == (2, "portfolio")
    month = plan["months"]["2025-08"]
    assert month["digest"] == digest_month(PORTFOLIO, (FIRST, SECOND))
    assert month["inputs"] == [
        {"table": "raw_portfolio", "key": each.key, "etag": each.etag, "size": each.size}
        for each in (FIRST, SECOND)
    ]
    assert [table["name"] for table in plan["tables"]] == [
        table.name for table in PORTFOLIO.refined_tables
    ]
    first = plan["tables"][0]
    assert first["statement"] == DAILY.statement.strip()
    assert first["columns"][:2] == [["index_code", "string"], ["trading_date", "date"]]
    assert first["order"] == ["index_code", "trading_date", "ticker"]


def test_a_plan_describes_each_raw_table_so_that_a_month_may_hold_nothing_of_it() -> None:
    plan = json.loads(PLAN.to_bytes())
    described = {each["name"]: each["columns"] for each in plan["raw"]}
    assert list(described) == [
        "raw_portfolio",
        "raw_portfolio_theoretical",
        "raw_portfolio_preview",
    ]
    assert described["raw_portfolio_preview"] == [
        ["index_code", "string"],
        ["cod", "string"],
        ["asset", "string"],
        ["type", "string"],
        ["part", "decimal(6,3)"],
        ["theorical_qty", "bigint"],
        ["header_part", "decimal(6,3)"],
        ["header_theorical_qty", "bigint"],
        ["header_reductor", "decimal(28,8)"],
        ["extracted_at", "timestamp"],
        ["trading_date", "date"],
    ]
    assert ["segment", "string"] in described["raw_portfolio"]


def test_an_input_is_named_by_the_table_that_it_lies_in() -> None:
    tables = (PORTFOLIO.raw, RAW_THEORETICAL, RAW_PREVIEW)
    keys = [table.object_key("2025-08-01", "IBOV") for table in tables]
    inputs = tuple(RawObject(key, '"a"', 1) for key in keys[::-1])
    plan = json.loads(Plan(PORTFOLIO, {"2025-08": inputs}).to_bytes())
    named = {each["key"]: each["table"] for each in plan["months"]["2025-08"]["inputs"]}
    assert named == dict(zip(keys, [table.name for table in tables], strict=True))
    assert list(named) == sorted(keys)


def test_a_plan_is_named_by_the_digest_of_its_exact_bytes() -> None:
    assert PLAN.run_id == hashlib.sha256(PLAN.to_bytes()).hexdigest()
    assert plan_key(PLAN.run_id) == f"runs/{PLAN.run_id}/plan.json"
    assert shorten(PLAN.run_id) == PLAN.run_id[:12]


def test_the_same_plan_gives_the_same_bytes_whatever_the_order() -> None:
    months = {"2025-09": (FIRST,), "2025-08": (FIRST, SECOND)}
    one, other = Plan(PORTFOLIO, months), Plan(PORTFOLIO, dict(sorted(months.items())))
    assert one.to_bytes() == other.to_bytes()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Plan(PORTFOLIO, {"2025-08": (FIRST,)}), id="an-object-less"),
        pytest.param(Plan(PORTFOLIO, {"2025-09": (FIRST, SECOND)}), id="another-month"),
        pytest.param(
            Plan(PORTFOLIO, {"2025-08": (FIRST, replace(SECOND, etag='"c"'))}), id="other-bytes"
        ),
        pytest.param(Plan(QUOTES, {"2025-08": ()}), id="another-dataset"),
        pytest.param(
            Plan(replace(PORTFOLIO, beside=()), {"2025-08": (FIRST, SECOND)}), id="less-raw"
        ),
    ],
)
def test_another_plan_has_another_name(other: Plan) -> None:
    assert other.run_id != PLAN.run_id


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(changed(statement=DAILY.statement.replace("DESC", "ASC")), id="statement"),
        pytest.param(changed(order=("ticker",)), id="order"),
        pytest.param(
            changed(
                table=replace(
                    DAILY.table, columns=(*DAILY.table.columns, Column("new", "int", "New."))
                )
            ),
            id="column",
        ),
        pytest.param(replace(PORTFOLIO, refined=PORTFOLIO.refined[:2]), id="table"),
    ],
)
def test_a_month_that_is_made_otherwise_has_another_digest(other: Dataset) -> None:
    assert digest_statements(other) != digest_statements(PORTFOLIO)
    assert digest_month(other, (FIRST,)) != digest_month(PORTFOLIO, (FIRST,))


def test_other_bytes_at_the_same_key_are_another_month() -> None:
    digest = digest_month(PORTFOLIO, (FIRST, SECOND))
    assert digest_month(PORTFOLIO, (FIRST, replace(SECOND, etag='"c"'))) != digest
    assert digest_month(PORTFOLIO, (SECOND, replace(FIRST, size=11))) == digest


@pytest.mark.parametrize(
    "statement",
    [
        DAILY.statement.replace("\n", "\n\n    -- a comment, with 'quotes'\n"),
        DAILY.statement.replace("SELECT", "/* two\n lines */ SELECT  "),
        " ".join(DAILY.statement.split()).replace("( ", "("),
    ],
    ids=["comment", "block", "one-line"],
)
def test_white_space_and_comments_are_no_change_of_a_statement(statement: str) -> None:
    assert digest_statements(changed(statement=statement)) == digest_statements(PORTFOLIO)


def test_what_stands_in_quotes_is_kept_as_it_is() -> None:
    assert normalize("SELECT 'a  -- b'  AS  x") == "SELECT 'a  -- b' AS x"
    assert normalize("a = 'it''s  /* so */' -- no") == "a='it''s  /* so */'"
    assert normalize('SELECT  "a -- b"') == 'SELECT "a -- b"'
    assert normalize(r"SELECT 'it\'s -- x'  AS y") == r"SELECT 'it\'s -- x' AS y"
    assert normalize("SELECT  `a  b`") == "SELECT `a  b`"
    assert normalize("count( * ) ,\n b") == normalize("count(*), b") == "count(*),b"


keys = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=4)


@given(one=keys, other=keys)
def test_other_objects_have_another_digest(one: dict[str, str], other: dict[str, str]) -> None:
    def digest(etags: dict[str, str]) -> str:
        return digest_month(QUOTES, tuple(RawObject(k, e, 1) for k, e in etags.items()))

    assert (digest(one) == digest(other)) == (one == other)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda each: each.name)
def test_a_subject_is_named_by_its_dataset(dataset: Dataset) -> None:
    assert str(Subject(dataset, "b3-lake", "b3", "b3-refine")) == dataset.name
