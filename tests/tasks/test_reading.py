import datetime as dt
import gzip
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Literal

import boto3
import pytest

from infra.local.b3.replay import Replay
from tasks import reading, reading_period
from tasks.core.download import Download
from tasks.core.errors import B3PipelineError, BadDataError, SourceHasNoDataError
from tasks.core.portfolio.model import Portfolio, RawSession
from tasks.core.portfolio.pages import Page
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.vacuum import StoredObject
from tasks.download import download_portfolio
from tasks.objects import land_bytes, list_etags
from tasks.reading import read_landed_portfolios, read_portfolios
from tasks.turns import Budget
from tests.portfolios import BPAC11, FRIDAY, THURSDAY, answer, portfolio, to_bytes
from tests.unit.portfolio.test_reconcile import write_csv

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"


def download(replay: Replay, today: dt.date = FRIDAY, index_code: str = "IBOV") -> Download[Page]:
    pages = download_portfolio.fn(replay.url, index_code, BUCKET, Budget.of(20.0)).pages
    return Download(pages, dt.datetime.combine(today, dt.time(15), dt.UTC))


def read(replay: Replay, today: dt.date = FRIDAY, trading_date: dt.date | None = None) -> Portfolio:
    answers = {"IBOV": download(replay, today)}
    found = read_portfolios.fn(answers, trading_date)["IBOV"]
    if isinstance(found, B3PipelineError):
        raise found
    return found


def test_a_right_answer_becomes_a_portfolio(replay: Replay) -> None:
    portfolio = read(replay)
    assert str(portfolio) == "IBOV 2025-08-01"
    assert len(portfolio.constituents) == 84


def test_an_answer_that_is_refused_stops_no_other(replay: Replay) -> None:
    answers = {"SMLL": download(replay, index_code="SMLL")}
    replay.misbehave("wrong_weight", times=1)
    answers |= {code: download(replay, index_code=code) for code in ("IBOV", "IDIV")}
    found = read_portfolios.fn(answers, FRIDAY)
    assert {code: type(each) for code, each in found.items()} == {
        "SMLL": Portfolio,
        "IBOV": BadDataError,
        "IDIV": Portfolio,
    }
    assert [str(found[code]) for code in ("SMLL", "IDIV")] == ["SMLL 2025-08-01", "IDIV 2025-08-01"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("other_language", "asked for pt-br; an answer in another form is not stored"),
        ("swapped_date", "day_and_month_are_not_swapped: .* which is 2025-08-01 with day and"),
        ("missing_row", "constituent_count: expected 84 constituents; found 83"),
        ("duplicate_ticker", "tickers_are_unique: expected no ticker twice; found "),
        ("wrong_weight", "weights_sum_to_100: expected 100.000; found 100.001"),
        ("wrong_quantity", "quantities_sum_to_header: expected "),
        ("negative_quantity", "quantities_are_positive: expected every quantity above zero; found"),
        ("no_session_date", "date_is_a_session: .*found 2024-12-25, Wednesday"),
        ("bad_divisor", "divisor_is_positive: expected above zero; found 0.00000000"),
    ],
)
def test_a_wrong_answer_is_refused_with_expected_and_found(
    replay: Replay, fault: str, said: str
) -> None:
    replay.misbehave(fault)
    with pytest.raises(BadDataError, match=said):
        read(replay)


def test_a_refusal_says_what_is_kept_and_what_is_untouched(replay: Replay) -> None:
    replay.misbehave("wrong_weight")
    with pytest.raises(BadDataError, match="Landing keeps the bytes; raw and refined are unt"):
        read(replay)


def test_a_session_past_the_next_one_is_refused(replay: Replay) -> None:
    with pytest.raises(BadDataError, match="date_is_not_past_next_session: expected 2025-07-31"):
        read(replay, today=dt.date(2025, 7, 30))


def test_on_a_weekend_the_next_session_is_right(replay: Replay) -> None:
    replay.show(dt.date(2025, 8, 4))
    assert read(replay, today=dt.date(2025, 8, 2)).trading_date == dt.date(2025, 8, 4)


def test_the_session_that_is_wanted_is_read(replay: Replay) -> None:
    assert read(replay, trading_date=FRIDAY).trading_date == FRIDAY


@pytest.mark.parametrize("wanted", [THURSDAY, dt.date(2025, 8, 4)])
def test_another_session_than_the_one_wanted_is_told_with_what_to_do(
    replay: Replay, wanted: dt.date
) -> None:
    with pytest.raises(SourceHasNoDataError) as error:
        read(replay, trading_date=wanted)
    for said in (f"IBOV of {wanted}", "found 2025-08-01", "import", "nothing else was written"):
        assert said in str(error.value)


def test_a_value_that_cannot_be_read_says_that_the_bytes_are_kept(replay: Replay) -> None:
    replay.misbehave("other_language")
    with pytest.raises(BadDataError, match="Landing keeps the bytes; raw and refined are unt"):
        read(replay)


class Landing:
    """Puts answers and files into landing, each at a time of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times: dict[str, dt.datetime] = {}
        monkeypatch.setattr(reading, "list_at", self.list_at)

    def list_at(self, bucket: str, prefix: str) -> tuple[list[StoredObject], dt.datetime]:
        found = [StoredObject(key, "", 0, at) for key, at in self.times.items()]
        return found, NOON

    def put(
        self,
        at: dt.datetime,
        body: bytes,
        kind: Literal["json", "csv"] = "json",
        index_code: str = "IBOV",
    ) -> None:
        folder = RAW_PORTFOLIO.landing_folder(at.date(), index_code)
        before = set(list_etags(BUCKET, ""))
        land_bytes(BUCKET, folder, body, kind, {})
        (key,) = set(list_etags(BUCKET, "")) - before
        self.times[key] = at


@pytest.fixture
def landing(monkeypatch: pytest.MonkeyPatch) -> Landing:
    return Landing(monkeypatch)


NOON = dt.datetime(2025, 8, 1, 15, tzinfo=dt.UTC)
CORRECTED = portfolio(index_divisor=Decimal("1.00000000"))


def read_landed(index_code: str = "IBOV") -> RawSession | None:
    return read_landed_portfolios.fn(BUCKET, [index_code], FRIDAY, {}).get(index_code)


def test_the_session_that_landing_received_last_is_read(landing: Landing) -> None:
    assert read_landed() is None
    landing.put(NOON, to_bytes(answer()))
    landing.put(NOON + dt.timedelta(days=3), to_bytes(answer(CORRECTED)))
    landing.put(NOON + dt.timedelta(days=1), to_bytes(answer(portfolio(trading_date=THURSDAY))))
    session = read_landed()
    assert session == RawSession(CORRECTED, dt.datetime(2025, 8, 4, 15))  # noqa: DTZ001
    assert read_landed("IBXX") is None


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_what_came_years_later_is_found_too(landing: Landing, kind: Literal["json", "csv"]) -> None:
    body = to_bytes(answer()) if kind == "json" else write_csv(portfolio(), with_sectors=True)
    landing.put(NOON + dt.timedelta(days=900), body, kind)
    session = read_landed()
    assert session
    assert session.portfolio == portfolio()


def test_answers_from_other_times_are_not_read_where_those_about_the_session_will_do(
    landing: Landing, calls: list[str]
) -> None:
    landing.put(NOON, to_bytes(answer()))
    for days in (-900, 900):
        landing.put(NOON + dt.timedelta(days), to_bytes(answer(CORRECTED)))
    calls.clear()
    session = read_landed()
    assert session
    assert session.portfolio == portfolio()
    assert calls == ["GetObject"]


@pytest.mark.parametrize(("days", "is_near"), [(-31, True), (31, True), (-32, False), (32, False)])
def test_what_came_within_a_month_is_from_about_the_session(
    landing: Landing, calls: list[str], days: int, is_near: bool
) -> None:
    landing.put(NOON, to_bytes(answer()))
    landing.put(NOON + dt.timedelta(days), to_bytes(answer(CORRECTED)))
    calls.clear()
    assert read_landed()
    assert len(calls) == 1 + is_near


def test_several_indices_are_read_from_one_listing(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.put(NOON, to_bytes(answer()))
    landing.put(NOON, to_bytes(answer(CORRECTED)), index_code="IBXX")
    landing.put(NOON, to_bytes(answer(portfolio(BPAC11))), index_code="SMLL")
    listed: list[str] = []

    def list_at(bucket: str, prefix: str) -> tuple[list[StoredObject], dt.datetime]:
        listed.append(prefix)
        return landing.list_at(bucket, prefix)

    monkeypatch.setattr(reading, "list_at", list_at)
    codes = ["IBXX", "IDIV", "SMLL", "IBOV"]
    found = read_landed_portfolios.fn(BUCKET, codes, FRIDAY, {})
    assert {code: each.portfolio for code, each in found.items()} == {
        "IBXX": portfolio(index_code="IBXX", index_divisor=CORRECTED.index_divisor),
        "IBOV": portfolio(),
    }
    assert listed == ["landing/portfolio/"]


def test_an_answer_that_holds_another_index_than_the_session_before_is_passed_over(
    landing: Landing,
) -> None:
    landing.put(NOON, to_bytes(answer()))
    before = {"IBOV": portfolio(BPAC11, trading_date=THURSDAY)}
    assert read_landed_portfolios.fn(BUCKET, ["IBOV"], FRIDAY, before) == {}
    others = {"IBXX": before["IBOV"], "IBOV": portfolio(trading_date=THURSDAY)}
    assert read_landed_portfolios.fn(BUCKET, ["IBOV"], FRIDAY, others).keys() == {"IBOV"}


def test_b3s_list_of_indices_is_no_answer_about_one(landing: Landing) -> None:
    landing.put(NOON, b'{"results": []}', index_code="indices")
    landing.put(NOON, to_bytes(answer()))
    session = read_landed()
    assert session
    assert session.portfolio == portfolio()


def test_a_saved_file_of_any_time_counts_beside_the_answers(landing: Landing) -> None:
    landing.put(NOON, to_bytes(answer()))
    landing.put(NOON + dt.timedelta(days=900), write_csv(CORRECTED, with_sectors=True), "csv")
    session = read_landed()
    assert session
    assert session.portfolio == CORRECTED


@pytest.mark.parametrize("damage", [b"", b"no gzip", gzip.compress(b"{" * 99, mtime=0)[:20]])
def test_what_is_damaged_or_gone_in_landing_is_passed_over(landing: Landing, damage: bytes) -> None:
    landing.put(NOON, to_bytes(answer(CORRECTED)))
    (key,) = landing.times
    landing.put(NOON - dt.timedelta(hours=1), to_bytes(answer()))
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=damage)
    landing.times[f"{key.rpartition('/')[0]}/gone.json.gz"] = NOON
    landing.times["landing/portfolio/notes.txt"] = NOON
    session = read_landed()
    assert session
    assert session.portfolio == portfolio()


@pytest.mark.parametrize(
    ("module", "step", "given", "name"),
    [
        (reading, "read_portfolios", {}, "check IBOV SMLL"),
        (reading, "read_levels", {"year": 2025}, "check IBOV SMLL levels 2025"),
        (reading_period, "read_period", {"what": "preview"}, "check IBOV SMLL preview"),
    ],
)
def test_a_step_is_named_by_the_indices_that_it_is_about(
    monkeypatch: pytest.MonkeyPatch, module: Any, step: str, given: dict[str, Any], name: str
) -> None:
    parameters = {"downloads": {"SMLL": 1, "IBOV": 2}} | given
    running = SimpleNamespace(task_run=SimpleNamespace(parameters=parameters))
    monkeypatch.setattr(module, "runtime", running)
    assert getattr(module, step).task_run_name() == name
