"""What a flow makes of raw that is not what its key says."""

from typing import Any

import pytest

from tasks import month, objects
from tasks.core.errors import BadDataError
from tasks.core.plan import RawObject
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tests.protocol.lake import DAYS, Lake, seen
from tests.protocol.stage import Stage, before

D1, D2, *_ = DAYS


@pytest.fixture
def published(stage: Stage, lake: Lake) -> None:
    """Two indices of one session, published."""
    lake.write(D1)
    lake.write(D1, index_code="IDIV")
    assert stage.flow("first").ends()


@pytest.mark.parametrize("kind", ["another-index", "cut", "gone"])
def test_what_readers_see_and_raw_cannot_give_any_more_is_not_published_away(
    stage: Stage, lake: Lake, published: None, kind: str
) -> None:
    key = RAW_PORTFOLIO.object_key(str(D1), "IDIV")
    lake.write(D2)
    if kind == "another-index":
        lake.put(key, lake.body(RAW_PORTFOLIO.object_key(str(D1), "IBOV")))
    elif kind == "cut":
        lake.damage(D1, "IDIV")
    else:
        lake.delete([key])
    stage.flow("a").fails(BadDataError, "Nothing was published")
    assert lake.latest.number == 1
    assert lake.seen() == seen(D1)


@pytest.mark.parametrize("kind", ["cut", "other-columns", "no-session"])
def test_what_nobody_has_seen_yet_is_left_out_by_name_and_the_rest_published(
    stage: Stage, lake: Lake, published: None, kind: str
) -> None:
    lake.write(D2)
    key = RAW_PORTFOLIO.object_key("2025-08-05", "IDIV")
    if kind == "no-session":
        key = RAW_PORTFOLIO.object_key("2025-08-99", "IDIV")
        lake.put(key, lake.body(RAW_PORTFOLIO.object_key(str(D1), "IDIV")))
    elif kind == "other-columns":
        lake.put(key, lake.body(lake.keys("refined/portfolio_monthly/")[-1]))
    else:
        lake.put(key, lake.body(RAW_PORTFOLIO.object_key(str(D1), "IDIV"))[:200])
    stage.flow("a").fails(BadDataError, key)
    assert lake.seen() == seen(D1, D2)


def test_what_a_flow_has_found_sound_is_not_looked_into_again(
    stage: Stage, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_into = []
    has_footer = objects.has_footer

    def look_into(bucket: str, raw: RawObject, *how: Any) -> bool:
        looked_into.append(RAW_PORTFOLIO.session_of(raw.key))
        return has_footer(bucket, raw, *how)

    monkeypatch.setattr(month, "has_footer", look_into)
    lake.write(D1, D2)
    flow = stage.flow("a")
    flow.goes_to(before("glue:StartJobRun"))
    lake.write(D2, revision=1)
    assert flow.ends()
    assert sorted(looked_into) == [D1, D2, D2]
    assert lake.seen() == seen(D1) | seen(D2, revision=1)
