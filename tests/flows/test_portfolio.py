import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import boto3
import pytest

from flows import portfolio as command
from flows.portfolio import daily_portfolio
from infra.local.b3.replay import Replay
from infra.local.b3.sessions import published_portfolio
from tasks.core.errors import BadDataError, InvalidInputError, SourceHasNoDataError
from tasks.core.portfolio.model import from_raw_rows, to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tests.flows.conftest import RUN_ID, Lake
from tests.portfolios import EXTRACTED_AT, FRIDAY, THURSDAY, portfolio

KEY = RAW_PORTFOLIO.object_key(str(FRIDAY), "IBOV")
BEFORE = RAW_PORTFOLIO.object_key(str(THURSDAY), "IBOV")
PUBLISHED = f"published IBOV 2025-08-01, run {RUN_ID[:12]}"
DAMAGES = [b"", b"PAR1 garbage PAR1"]


def run(**parameters: Any) -> Any:
    return daily_portfolio(**parameters, return_state=True)


def weights(lake: Lake, key: str = KEY) -> dict[str, Decimal]:
    return {row["cod"]: row["part"] for row in lake.rows(key)}


def served() -> dict[str, Decimal]:
    shown = published_portfolio("IBOV", FRIDAY)
    assert shown
    return {row.ticker: row.weight_pct for row in shown.constituents}


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that the dashboard was given."""
    shown: list[str] = []
    monkeypatch.setattr(command, "report_page", lambda _key, page, _said: shown.append(page))
    return shown


def test_what_b3_shows_goes_to_landing_to_raw_and_to_readers(
    lake: Lake, replay: Replay, pages: list[str]
) -> None:
    assert run().message == PUBLISHED
    (landed,) = lake.list_keys("landing/")
    assert landed.startswith("landing/portfolio/received=2025-08-01/IBOV/")
    assert lake.list_keys("raw/") == [KEY]
    assert weights(lake) == served()
    assert lake.partitions("raw_portfolio") == {
        "2025-08-01": "s3://b3-lake/raw/portfolio/trading_date=2025-08-01/"
    }
    assert (lake.asked, lake.force) == ([["2025-08"]], False)
    assert len(replay.requests) == 1
    assert "The lake holds no session of IBOV before this one" in pages[0]


def test_a_second_run_changes_nothing(lake: Lake) -> None:
    run()
    before = lake.etags()
    lake.is_up_to_date = True
    assert run().message == "up to date IBOV 2025-08-01"
    assert lake.etags() == before


def test_an_index_goes_beside_the_others_of_its_session(lake: Lake) -> None:
    run()
    assert run(index_codes=["SMLL"], force=True).message == PUBLISHED.replace("IBOV", "SMLL")
    assert lake.list_keys("raw/") == [KEY, RAW_PORTFOLIO.object_key(str(FRIDAY), "SMLL")]
    assert lake.force


def test_a_corrected_portfolio_is_written_to_raw(lake: Lake) -> None:
    run()
    sound = weights(lake)
    stored = from_raw_rows(FRIDAY, lake.rows(KEY)).portfolio
    first, *others = stored.constituents
    changed = replace(first, weight_pct=first.weight_pct + 1)
    wrong = replace(stored, constituents=(changed, *others))
    lake.put_rows(KEY, to_raw_rows(wrong, EXTRACTED_AT))
    assert weights(lake) != sound
    run()
    assert weights(lake) == sound == served()


def test_a_session_that_raw_holds_is_worked_from_raw(lake: Lake, replay: Replay) -> None:
    lake.put_rows(BEFORE, to_raw_rows(portfolio(trading_date=THURSDAY), EXTRACTED_AT))
    assert run(trading_date=THURSDAY).message == PUBLISHED.replace("08-01", "07-31")
    assert replay.requests == []
    assert lake.asked == [["2025-07"]]
    assert list(lake.partitions("raw_portfolio")) == ["2025-07-31"]


def test_a_partition_that_a_killed_run_left_out_is_registered_by_the_next(lake: Lake) -> None:
    run()
    boto3.client("glue").delete_partition(
        DatabaseName="b3", TableName="raw_portfolio", PartitionValues=["2025-08-01"]
    )
    lake.is_up_to_date = True
    run(trading_date=FRIDAY)
    assert list(lake.partitions("raw_portfolio")) == ["2025-08-01"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "parameters", [{}, {"trading_date": FRIDAY}, {"force": True}], ids=["plain", "date", "force"]
)
def test_raw_that_cannot_be_read_is_replaced_by_what_b3_shows(
    lake: Lake, damage: bytes, parameters: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    lake.put(KEY, damage)
    assert run(**parameters).message == PUBLISHED
    assert weights(lake) == served()
    assert f"s3://b3-lake/{KEY}" in caplog.text


def test_raw_that_holds_another_index_is_replaced(lake: Lake) -> None:
    lake.put_rows(KEY, to_raw_rows(portfolio(index_code="IBXX"), EXTRACTED_AT))
    run(trading_date=FRIDAY)
    assert weights(lake) == served()


@pytest.mark.parametrize("damage", [None, *DAMAGES])
def test_raw_that_is_lost_is_taken_from_landing_where_b3_shows_another_session(
    lake: Lake, replay: Replay, damage: bytes | None
) -> None:
    run()
    if damage is None:
        boto3.client("s3").delete_object(Bucket="b3-lake", Key=KEY)
    else:
        lake.put(KEY, damage)
    replay.show(dt.date(2025, 8, 4))
    assert run(trading_date=FRIDAY).message == PUBLISHED
    assert weights(lake) == served()


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_page_says_so_where_the_session_before_cannot_be_read(
    lake: Lake, damage: bytes, pages: list[str]
) -> None:
    lake.put(BEFORE, damage)
    assert run().message == PUBLISHED
    assert "The last session that the lake holds before cannot be read: " in pages[0]
    assert f"s3://b3-lake/{BEFORE}" in pages[0]


def test_the_page_tells_the_moves_against_the_session_before(
    lake: Lake, replay: Replay, pages: list[str]
) -> None:
    replay.show(THURSDAY)
    run()
    replay.show(FRIDAY)
    pages.clear()
    run()
    assert "### Moves against 2025-07-31, the last session that the lake holds" in pages[0]


def store_session(lake: Lake, day: dt.date, code: str = "IBOV") -> None:
    """Store a session of one's own; the rows are of no matter but for the day."""
    rows = to_raw_rows(portfolio(trading_date=day, index_code=code), EXTRACTED_AT)
    lake.put_rows(RAW_PORTFOLIO.object_key(str(day), code), rows)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (dt.date(2025, 7, 29), "### Moves against 2025-07-29, the last session"),
        (dt.date(2025, 7, 2), "### Moves against 2025-07-02, the last session"),
        (dt.date(2025, 3, 5), "### Moves against 2025-03-05, the last session"),
        (dt.date(2023, 1, 3), "### Moves against 2023-01-03, the last session"),
        (
            dt.date(2022, 12, 29),
            "no session of IBOV before this one, back to the beginning of 2023",
        ),
    ],
    ids=str,
)
def test_the_moves_are_against_the_last_session_of_the_index_that_is_held(
    lake: Lake, pages: list[str], held: dt.date, said: str
) -> None:
    store_session(lake, held)
    store_session(lake, dt.date(2022, 12, 28))
    store_session(lake, THURSDAY, code="SMLL")
    store_session(lake, dt.date(2025, 8, 4))
    run()
    assert said in pages[0]


@pytest.mark.parametrize(
    ("shown", "wanted"), [(THURSDAY, FRIDAY), (dt.date(2025, 8, 4), FRIDAY), (FRIDAY, THURSDAY)]
)
def test_another_session_than_asked_is_kept_in_landing_alone(
    lake: Lake, replay: Replay, shown: dt.date, wanted: dt.date
) -> None:
    replay.show(shown)
    error = run(trading_date=wanted).result(raise_on_failure=False)
    assert isinstance(error, SourceHasNoDataError)
    assert f"IBOV of {wanted}, found {shown}" in str(error)
    assert [key.partition("/")[0] for key in lake.list_keys()] == ["landing"]
    assert lake.asked == []


def test_a_bad_answer_is_kept_in_landing_alone(lake: Lake, replay: Replay) -> None:
    run()
    before = lake.etags("raw/")
    replay.misbehave("wrong_weight")
    error = run().result(raise_on_failure=False)
    assert isinstance(error, BadDataError)
    assert "Landing keeps the bytes; raw and refined are untouched" in str(error)
    assert lake.etags("raw/") == before
    assert len(lake.list_keys("landing/")) == 2
    assert len(lake.asked) == 1


@pytest.mark.parametrize(
    "parameters",
    [
        {"index_codes": []},
        {"index_codes": ["../IBOV"]},
        {"index_codes": ["IBOV", "all"]},
        {"trading_date": dt.date(2025, 8, 2)},
        {"trading_date": dt.date(2025, 8, 5)},
    ],
)
def test_wrong_parameters_from_the_dashboard_end_the_run_before_any_request(
    lake: Lake, replay: Replay, parameters: dict[str, Any]
) -> None:
    error = run(**parameters).result(raise_on_failure=False)
    assert isinstance(error, InvalidInputError)
    assert (replay.requests, lake.list_keys()) == ([], [])


def test_refining_is_given_what_makes_raw_again(lake: Lake) -> None:
    run()
    lake.put(KEY, b"")
    with pytest.raises(SourceHasNoDataError, match="s3://b3-lake/raw/portfolio/x"):
        lake.mend("raw/portfolio/x.parquet")
