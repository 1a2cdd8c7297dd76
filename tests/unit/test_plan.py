import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.plan import digest_raw_objects, name_run

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
