import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.plan import Month, Subject, digest_raw_objects, name_run
from tasks.core.portfolio import PORTFOLIO
from tasks.core.published import Published
from tasks.core.quotes import QUOTES

etags = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=4)


@given(etags=etags)
def test_the_same_objects_in_any_order_have_the_same_digest(etags: dict[str, str]) -> None:
    assert digest_raw_objects(dict(reversed(etags.items()))) == digest_raw_objects(etags)


@given(one=etags, other=etags)
def test_other_objects_have_another_digest(one: dict[str, str], other: dict[str, str]) -> None:
    assert (digest_raw_objects(one) == digest_raw_objects(other)) == (one == other)


def test_a_run_is_named_by_subject_month_and_digest() -> None:
    assert re.fullmatch(r"IBOV-2025-08-[0-9a-f]{12}", name_run("IBOV", {"2025-08": "abc"}))


def test_a_run_over_some_months_is_named_by_the_first_and_the_last() -> None:
    months = {"2025-08": "c", "2025-06": "a", "2025-07": "b"}
    assert name_run("IBOV", months).startswith("IBOV-2025-06-to-2025-08-")
    assert name_run("IBOV", months) == name_run("IBOV", dict(sorted(months.items())))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(name_run("IBXX", {"2025-08": "abc"}), id="another-index"),
        pytest.param(name_run("IBOV", {"2025-07": "abc"}), id="another-month"),
        pytest.param(name_run("IBOV", {"2025-08": "abd"}), id="other-raw-objects"),
        pytest.param(name_run("IBOV", {"2025-08": "abc"}, "again"), id="another-attempt"),
    ],
)
def test_another_run_has_another_name(other: str) -> None:
    assert name_run("IBOV", {"2025-08": "abc"}) != other


def test_the_same_run_has_the_same_name_on_every_machine() -> None:
    assert name_run("IBOV", {"2025-08": "abc"}) == "IBOV-2025-08-421ef1f2d861"


SUBJECT = Subject(PORTFOLIO, ("IBOV",), "b3-lake", "b3", "b3-refine-portfolio")
SHOWN = Published("s3://b3-lake/refined/t/", "run-1", "abc")
MONTH = Month(SUBJECT, "2025-08", ("raw/k",), "abc", dict.fromkeys(SUBJECT.tables, SHOWN))


def test_a_subject_is_named_by_its_partition_or_its_dataset() -> None:
    quotes = replace(SUBJECT, dataset=QUOTES, partition=())
    assert (str(SUBJECT), str(quotes)) == ("IBOV", "quotes")
    assert SUBJECT.job_arguments == {"--index_code": "IBOV"}
    assert quotes.job_arguments == {}


def test_a_month_says_where_its_tables_lie_and_whether_readers_see_raw() -> None:
    assert (str(MONTH), MONTH.values) == ("IBOV 2025-08", ("IBOV", "2025-08"))
    assert MONTH.prefixes("run-2")["portfolio_daily"] == (
        "refined/portfolio_daily/run_id=run-2/index_code=IBOV/month=2025-08/"
    )
    assert MONTH.is_up_to_date
    assert not replace(MONTH, raw_digest="new").is_up_to_date
    assert not replace(MONTH, published=MONTH.published | {"portfolio_daily": None}).is_up_to_date
