"""Saved files of the portfolio of a period: to raw by the session given with them, and back."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prefect import flow

import flows.import_portfolio as command
from flows.import_portfolio import import_portfolio
from flows.period_loading import note_key
from flows.portfolio_mending import mend_session
from tasks.core.errors import BadDataError, InvalidInputError, SourceHasNoDataError
from tasks.core.portfolio.model import Portfolio, from_raw_rows
from tasks.core.portfolio.period_tables import RAW_THEORETICAL
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.landing import read_note, write_note
from tasks.objects import land_bytes, read_landed
from tests.flows.conftest import BUCKET, RUN_ID, Lake
from tests.portfolios import BPAC11, FRIDAY, PETR4, THURSDAY, VALE3, portfolio
from tests.unit.portfolio.test_reconcile import without_sectors, write_csv, write_period_csv

IBOV = without_sectors(portfolio(trading_date=THURSDAY))
SMLL = replace(IBOV, index_code="SMLL")
OTHER = replace(
    without_sectors(portfolio(replace(VALE3, weight_pct=Decimal("59.999")), PETR4, BPAC11)),
    trading_date=THURSDAY,
)
RUN = RUN_ID[:12]
MONDAY, TUESDAY = dt.date(2025, 8, 4), dt.date(2025, 8, 5)


def key_of(shown: Portfolio) -> str:
    return RAW_THEORETICAL.object_key(str(shown.trading_date), shown.index_code)


def write(folder: Path, *bodies: bytes) -> list[str]:
    for number, body in enumerate(bodies):
        (folder / f"{number}.csv").write_bytes(body)
    return [str(folder)]


def run(files: list[str], period_of: dt.date | None = THURSDAY, **parameters: Any) -> Any:
    return import_portfolio(files, period_of=period_of, **parameters, return_state=True)


def import_one(tmp_path: Path, shown: Portfolio, **parameters: Any) -> Any:
    return run(write(tmp_path, write_period_csv(shown)), shown.trading_date, **parameters)


def error_of(state: Any) -> Any:
    return state.result(raise_on_failure=False)


def stored(lake: Lake, shown: Portfolio) -> Portfolio:
    return from_raw_rows(shown.trading_date, lake.rows(key_of(shown))).portfolio


def mend(lake: Lake, shown: Portfolio = IBOV) -> str:
    @flow
    def mend_one() -> str:
        return mend_session(lake.settings, key_of(shown))

    return mend_one()


def test_a_file_goes_to_landing_to_raw_by_its_session_and_to_readers_of_its_month(
    lake: Lake, tmp_path: Path
) -> None:
    state = import_one(tmp_path, IBOV)
    assert state.message == f"published theoretical portfolio of IBOV on 2025-07-31, run {RUN}"
    note, landed = sorted(lake.list_keys("landing/"), reverse=True)
    assert landed.startswith("landing/portfolio_theoretical/received=2025-08-01/IBOV/")
    assert landed.endswith(".csv.gz")
    assert read_landed(BUCKET, landed) == write_period_csv(IBOV)
    assert note == note_key(RAW_THEORETICAL, "IBOV", THURSDAY)
    noted = read_note(BUCKET, note) or {}
    assert noted["answers"] == [landed]
    assert dt.datetime.fromisoformat(noted["extracted_at"]).microsecond == 0
    assert lake.list_keys("raw/") == [key_of(IBOV)]
    assert stored(lake, IBOV) == IBOV
    assert list(lake.partitions("raw_portfolio_theoretical")) == ["2025-07-31"]
    assert lake.partitions("raw_portfolio") == {}
    assert (lake.asked, lake.force) == ([["2025-07"]], False)


def test_files_of_several_indices_are_of_one_session(lake: Lake, tmp_path: Path) -> None:
    state = run(write(tmp_path, write_period_csv(SMLL), write_period_csv(IBOV)))
    assert (
        state.message == f"published theoretical portfolio of IBOV, SMLL on 2025-07-31, run {RUN}"
    )
    assert (stored(lake, IBOV), stored(lake, SMLL)) == (IBOV, SMLL)
    for code in ("IBOV", "SMLL"):
        (answer,) = (read_note(BUCKET, note_key(RAW_THEORETICAL, code, THURSDAY)) or {})["answers"]
        assert f"/{code}/" in answer
    assert lake.asked == [["2025-07"]]


def test_one_file_is_of_as_many_sessions_as_it_is_given_with(lake: Lake, tmp_path: Path) -> None:
    later = replace(IBOV, trading_date=FRIDAY)
    for shown in (IBOV, later):
        import_one(tmp_path, shown)
    assert lake.list_keys("raw/") == [key_of(IBOV), key_of(later)]
    assert lake.asked == [["2025-07"], ["2025-08"]]


def test_what_has_nothing_new_is_up_to_date(lake: Lake, tmp_path: Path) -> None:
    import_one(tmp_path, IBOV)
    before = lake.etags("raw/")
    lake.is_up_to_date = True
    state = import_one(tmp_path, IBOV)
    assert state.message == "up to date theoretical portfolio of IBOV on 2025-07-31"
    assert lake.etags("raw/") == before


def test_months_that_failed_fail_the_run(lake: Lake, tmp_path: Path) -> None:
    lake.failures["2025-07"] = BadDataError("the audit said no")
    error = error_of(import_one(tmp_path, IBOV))
    assert str(error) == "1 month(s) with problems:\nthe audit said no"


def test_what_raw_holds_of_the_day_is_another_matter(lake: Lake, tmp_path: Path) -> None:
    day = tmp_path / "day"
    day.mkdir()
    run(write(day, write_csv(portfolio(trading_date=THURSDAY))), None)
    of_the_day = RAW_PORTFOLIO.object_key("2025-07-31", "IBOV")
    before = lake.etags("raw/portfolio/")
    assert list(before) == [of_the_day]
    import_one(tmp_path, OTHER)
    assert lake.etags("raw/portfolio/") == before
    assert stored(lake, OTHER) == OTHER


@pytest.mark.parametrize("other", [write_csv(IBOV), b"user;password\r\n", write_period_csv(OTHER)])
def test_what_does_not_go_with_a_file_of_the_period_has_nothing_written(
    lake: Lake, tmp_path: Path, other: bytes
) -> None:
    state = run(write(tmp_path, write_period_csv(IBOV), other))
    error = error_of(state)
    assert isinstance(error, BadDataError)
    assert "1.csv" in str(error)
    assert "Nothing was written." in str(error)
    assert (lake.asked, lake.list_keys()) == ([], [])


def test_a_file_that_disagrees_with_raw_is_refused_unless_it_may_replace(
    lake: Lake, tmp_path: Path
) -> None:
    import_one(tmp_path, IBOV)
    before = lake.etags()
    error = error_of(import_one(tmp_path, OTHER))
    assert isinstance(error, BadDataError)
    assert "VALE3 weight_pct: 60.000 there, 59.999 in the file" in str(error)
    assert lake.etags() == before
    import_one(tmp_path, OTHER, replace=True)
    assert stored(lake, OTHER) == OTHER
    lake.delete(key_of(OTHER))
    mend(lake)
    assert stored(lake, OTHER) == OTHER


def test_without_a_session_nothing_is_changed_and_the_page_says_what_to_fill_in(
    lake: Lake, tmp_path: Path
) -> None:
    error = error_of(run(write(tmp_path, write_period_csv(IBOV)), None))
    assert isinstance(error, BadDataError)
    assert "names months and no session" in str(error)
    assert (lake.asked, lake.list_keys()) == ([], [])


@pytest.mark.parametrize(
    ("period_of", "said"),
    [
        (dt.date(2025, 7, 27), "2025-07-27 (Sunday) is no session of B3"),
        (TUESDAY, "2025-08-05 lies past the next session"),
    ],
)
def test_the_session_must_be_one_that_b3_can_have_shown(
    lake: Lake, tmp_path: Path, period_of: dt.date, said: str
) -> None:
    error = error_of(run(write(tmp_path, write_period_csv(IBOV)), period_of))
    assert isinstance(error, InvalidInputError)
    assert str(error).startswith(said)
    assert (lake.asked, lake.list_keys()) == ([], [])


def test_the_next_session_is_one(lake: Lake, tmp_path: Path) -> None:
    state = import_one(tmp_path, replace(IBOV, trading_date=MONDAY))
    assert state.message == f"published theoretical portfolio of IBOV on 2025-08-04, run {RUN}"


@pytest.mark.parametrize("damage", [None, b"", b"PAR1 garbage PAR1"])
def test_raw_that_is_gone_or_damaged_is_made_again_from_the_file(
    lake: Lake, tmp_path: Path, damage: bytes | None
) -> None:
    import_one(tmp_path, IBOV)
    before = lake.rows(key_of(IBOV))
    lake.delete(key_of(IBOV))
    if damage is not None:
        lake.put(key_of(IBOV), damage)
    assert mend(lake).startswith("made again from what landing received at ")
    assert lake.rows(key_of(IBOV)) == before


def note(lake: Lake, *answers: str) -> None:
    key = note_key(RAW_THEORETICAL, "IBOV", THURSDAY)
    there = read_note(BUCKET, key) or {}
    write_note(BUCKET, key, there | {"answers": list(answers)})


def put_file(
    shown: Portfolio,
    period: str = "Mai. a Ago. 2025",
    folder: str = f"{RAW_THEORETICAL.landing_prefix}x/",
) -> str:
    return land_bytes(BUCKET, folder, write_period_csv(shown, period), "csv", {})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda lake, answer: lake.delete(answer), id="gone"),
        pytest.param(lambda lake, answer: lake.put(answer, b"cut"), id="damaged"),
        pytest.param(lambda lake, _: note(lake, put_file(SMLL)), id="of-another-index"),
        pytest.param(
            lambda lake, _: note(lake, put_file(IBOV, "Jan. a Abr. 2025")), id="of-other-months"
        ),
        pytest.param(
            lambda lake, _: note(lake, put_file(portfolio(BPAC11))), id="with-other-weights"
        ),
        pytest.param(
            lambda lake, answer: note(lake, answer, put_file(OTHER)), id="two-files-at-once"
        ),
        pytest.param(lambda lake, answer: note(lake, answer, "a.json.gz"), id="a-file-and-a-page"),
        pytest.param(lambda lake, _: note(lake), id="none"),
        pytest.param(lambda lake, _: note(lake, put_file(IBOV, folder="x/")), id="elsewhere"),
    ],
)
def test_nothing_is_made_of_a_file_that_is_not_the_one_that_was_read(
    lake: Lake, tmp_path: Path, change: Callable[[Lake, str], object]
) -> None:
    import_one(tmp_path, IBOV)
    (answer,) = lake.list_keys("landing/portfolio_theoretical/received=")
    lake.delete(key_of(IBOV))
    change(lake, answer)
    with pytest.raises(SourceHasNoDataError, match="landing does not hold what it was read from"):
        mend(lake)
    assert lake.list_keys("raw/") == []


def test_the_command_looks_at_files_and_session_before_it_starts(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check(_run: object, *, check: Callable[[], object], **_: object) -> int:
        check()
        return 0

    monkeypatch.setattr(command, "run_command", check)
    files = write(tmp_path, write_period_csv(IBOV))
    assert command.main([*files, "--period-of", "2025-07-31"]) == 0
    for wrong in ([], ["--period-of", "2025-04-30"]):
        with pytest.raises(BadDataError, match="Nothing was written"):
            command.main([*files, *wrong])
    for wrong in (["--period-of", "2025-07-27"], ["--period-of", "31/07/2025"]):
        with pytest.raises(SystemExit) as ended:
            command.main([*files, *wrong])
        assert ended.value.code == 2
        assert "--period-of" in capsys.readouterr().err
