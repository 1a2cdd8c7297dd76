"""Reports beside everything else: the last step of a run, and again where the lake says otherwise.

Flows run as functions over the stand-in and B3's replay. How a page looks does not matter here: one
is what it says, without charts.
"""

import datetime as dt
import itertools
import logging
import signal
from pathlib import Path
from typing import Any

import boto3
import pytest
from prefect.exceptions import TerminationSignal

from flows import reporting
from flows.report import main
from flows.report_lake import Lake as ReadLake
from flows.report_session import make_reports
from flows.reporting import Reported, report_last
from flows.settings import load_settings
from tasks.core.errors import (
    CommitError,
    InvalidInputError,
    OrchestratorError,
    PublishConflictError,
    SourceHasNoDataError,
)
from tasks.core.portfolio.period_tables import PORTFOLIO_PREVIEW, PORTFOLIO_THEORETICAL
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.session_report.model import SessionReport
from tests.protocol.reported import D1, D2, D3, REPORTS, Scene
from tests.protocol.runs import save_portfolio
from tests.protocol.stage import before
from tests.standin.glue import BUCKET


def say(made: SessionReport, language: str) -> str:
    """A page that is told by what it says."""
    return f"{language} {made!r}"


def list_month(month: str, pages: Any, language: str) -> str:
    found = sorted((str(day), sorted(codes)) for day, codes in pages.items())
    return f"{language} {month} {found}"


@pytest.fixture(autouse=True)
def pages_without_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "render_page", say)
    monkeypatch.setattr(reporting, "render_month", list_month)


def test_a_publish_ends_with_the_reports_of_its_indices(scene: Scene) -> None:
    assert scene.portfolio("IDIV", "IMOB").startswith("published 2 indices of 2025-08-04, run ")
    pages = scene.reports()
    assert list(pages) == ["2025-08-04/IDIV.html", "2025-08-04/IMOB.html", "2025-08.html"]
    assert pages["2025-08-04/IDIV.html"].startswith(b"pt-BR SessionReport(index_code='IDIV'")
    assert pages["2025-08.html"] == b"pt-BR 2025-08 [('2025-08-04', ['IDIV', 'IMOB'])]"
    text, description = scene.artifacts["reports"]
    assert description == "2 reports, 2 of them new."
    where = f"https://us-east-1.console.aws.amazon.com/s3/object/{BUCKET}?region=us-east-1&prefix="
    folder = "reports%2Fportfolio%2F"
    idiv, imob = (f"[{code}]({where}{folder}2025-08-04%2F{code}.html)" for code in ("IDIV", "IMOB"))
    assert text.splitlines() == [
        f"- 2025-08-04: {idiv}, {imob}",
        f"- [All of 2025-08]({where}{folder}2025-08.html)",
        "",
        "How a page of a private bucket is opened: docs/OPERATIONS.md, Reports.",
    ]


def test_a_run_with_nothing_new_writes_no_page(scene: Scene) -> None:
    scene.portfolio("IDIV")
    scene.writes()
    scene.artifacts.clear()
    assert scene.portfolio("IDIV") == "up to date IDIV 2025-08-04"
    assert scene.writes() == []
    assert "reports" not in scene.artifacts


def test_a_month_that_is_published_again_leaves_pages_that_say_the_same(scene: Scene) -> None:
    scene.portfolio("IDIV", session=D2)
    scene.writes()
    scene.portfolio("IDIV", session=D3)
    assert scene.writes() == ["2025-08-04/IDIV.html", "2025-08.html"]
    assert scene.run("report", trading_date=D2, index_codes=("IDIV",)).startswith("up to date ")
    assert scene.writes() == []


def test_quotes_and_the_reconciliation_bring_what_a_report_lacked(scene: Scene) -> None:
    scene.portfolio("IDIV", "IMOB")
    assert b"market=None, reconciliation=None" in scene.reports()["2025-08-04/IDIV.html"]
    scene.run("quotes", trading_date=D2)
    scene.writes()
    scene.run("quotes", trading_date=D3)
    assert scene.writes() == ["2025-08-04/IDIV.html", "2025-08-04/IMOB.html"]
    page = scene.reports()["2025-08-04/IDIV.html"]
    assert b"market=Market(previous_session=datetime.date(2025, 8, 1), quoted_count=50" in page
    assert b"reconciliation=None" in page
    scene.run("levels", year=2025, index_codes=("IDIV",))
    scene.writes()
    scene.run("reconcile", start=D3, end=D3)
    assert scene.writes() == ["2025-08-04/IDIV.html", "2025-08-04/IMOB.html"]
    pages = scene.reports()
    assert b"reconciliation=Reconciliation(verdict='equal'" in pages["2025-08-04/IDIV.html"]
    assert b"reconciliation=Reconciliation(verdict='incomplete'" in pages["2025-08-04/IMOB.html"]


def test_a_saved_file_brings_the_report_of_its_session(scene: Scene, tmp_path: Path) -> None:
    saved = tmp_path / "saved.csv"
    save_portfolio(saved, "IBXX", dt.date(2024, 3, 1))
    scene.run("import", [str(saved)])
    assert list(scene.reports()) == ["2024-03-01/IBXX.html", "2024-03.html"]


def test_no_reports_are_made_where_none_are_wanted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B3_REPORTS", "none")
    scene.portfolio("IDIV")
    assert scene.reports() == {}
    assert scene.run("report", index_codes=("IDIV",)).startswith("wrote report IDIV 2025-08-04: ")
    assert scene.reports()["2025-08-04/IDIV.html"].startswith(b"pt-BR ")


def test_runs_take_the_language_of_the_settings(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B3_REPORTS", "en")
    scene.portfolio("IDIV")
    assert scene.reports()["2025-08-04/IDIV.html"].startswith(b"en ")
    scene.writes()
    scene.run("report", index_codes=("IDIV",), language="pt-BR")
    assert scene.writes() == ["2025-08-04/IDIV.html", "2025-08.html"]
    assert scene.reports()["2025-08-04/IDIV.html"].startswith(b"pt-BR ")


def test_moves_are_against_the_last_session_held_however_long_ago(scene: Scene) -> None:
    long_ago = dt.date(2025, 3, 5)
    scene.portfolio("IDIV", session=long_ago)
    for session in (dt.date(2025, 7, 4), D1):
        scene.portfolio("IMOB", session=session)
    scene.portfolio("IDIV", "IMOB", session=D3)
    pages = scene.reports()
    for page, since in (
        ("2025-03-05/IDIV", "moves=None"),
        ("2025-07-31/IMOB", "moves=Moves(since=datetime.date(2025, 7, 4)"),
        ("2025-08-04/IDIV", "moves=Moves(since=datetime.date(2025, 3, 5)"),
        ("2025-08-04/IMOB", "moves=Moves(since=datetime.date(2025, 7, 31)"),
    ):
        assert since.encode() in pages[f"{page}.html"], page


# Killed, raced, refused


def test_killed_after_each_page_the_next_run_writes_the_rest(scene: Scene) -> None:
    scene.portfolio("IDIV", "IMOB")
    whole = scene.reports()
    for count in range(1, len(whole) + 1):
        scene.forget_reports()
        dies = scene.actor("portfolio", index_codes=("IDIV", "IMOB"), trading_date=D3)
        left = itertools.count(1)
        dies.goes_to(
            lambda event, left=left, count=count: (  # type: ignore[misc]
                event.when == "after"
                and event.what == "s3:PutObject"
                and event.key.startswith(REPORTS)
                and next(left) == count
            )
        )
        dies.is_killed()
        assert len(scene.reports()) == count
        assert scene.portfolio("IDIV", "IMOB") == "up to date 2 indices of 2025-08-04"
        assert scene.reports() == whole


def test_a_slow_run_does_not_leave_a_page_of_what_was(scene: Scene) -> None:
    scene.portfolio("IDIV")
    scene.run("quotes", trading_date=D2)
    scene.forget_reports()
    slow = scene.actor("report", index_codes=("IDIV",), trading_date=D3)
    slow.goes_to(before("s3:PutObject", f"{REPORTS}2025-08-04/IDIV.html"))
    scene.run("quotes", trading_date=D3)
    newer = scene.reports()
    assert b"market=Market(" in newer["2025-08-04/IDIV.html"]
    slow.ends()
    assert scene.reports() == newer


def test_the_page_of_a_month_names_what_was_written_meanwhile(scene: Scene) -> None:
    scene.portfolio("IDIV", "IMOB")
    scene.forget_reports()
    slow = scene.actor("report", index_codes=("IDIV",), trading_date=D3)
    slow.goes_to(before("s3:PutObject", f"{REPORTS}2025-08.html"))
    scene.run("report", index_codes=("IMOB",), trading_date=D3)
    slow.ends()
    assert scene.reports()["2025-08.html"] == b"pt-BR 2025-08 [('2025-08-04', ['IDIV', 'IMOB'])]"


def test_a_lake_that_never_rests_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.portfolio("IDIV")
    monkeypatch.setattr(ReadLake, "is_as_read", lambda _lake: False)
    scene.forget_reports()
    with pytest.raises(PublishConflictError, match="changed in each of 5 rounds"):
        scene.run("report", index_codes=("IDIV",))
    assert list(scene.reports()) == ["2025-08-04/IDIV.html", "2025-08.html"]


@pytest.mark.parametrize("what", ["published", "another month", "raw levels", "raw portfolio"])
def test_what_a_report_was_made_of_is_looked_at_again(scene: Scene, what: str) -> None:
    scene.portfolio("IDIV")
    scene.run("levels", year=2025, index_codes=("IDIV",))
    lake = ReadLake(load_settings())
    make_reports(lake, D3, {"IDIV"})
    assert lake.is_as_read()
    if what == "published":
        scene.run("portfolio", index_codes=("IDIV",), trading_date=D3, force=True)
    elif what == "another month":
        scene.portfolio("IDIV", session=D1)
    else:
        prefix = "raw/index_levels/" if what == "raw levels" else RAW_PORTFOLIO.prefix
        (key,) = scene.lake.keys(prefix)
        scene.lake.put(key, b"another")
    assert not lake.is_as_read()


def test_a_month_ago_is_the_last_session_of_the_ten_days_up_to_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B3_REPORTS", "none")
    session, later, early, late = (
        dt.date(2025, *each) for each in ((7, 1), (6, 2), (5, 21), (5, 22))
    )

    def month_ago() -> dt.date | None:
        (made,) = make_reports(ReadLake(load_settings()), session, {"IDIV"})
        return made.month_ago.trading_date if made.month_ago else None

    for day in (session, later, early):
        scene.portfolio("IDIV", session=day)
    assert month_ago() is None  # 1 June is a Sunday; 2 June is later, 21 May too long before
    scene.portfolio("IDIV", session=late)
    assert month_ago() == late


def test_on_which_sessions_a_preview_was_shown_is_told_by_what_was_published(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B3_REPORTS", "none")
    for day in (D1, D2, D3):
        scene.portfolio("IBOV", session=day)
    lake = ReadLake(load_settings())
    assert [
        {code: sorted(days) for code, days in lake.shown(table, month).items()}
        for table in (PORTFOLIO_PREVIEW, PORTFOLIO_THEORETICAL)
        for month in ("2025-07", "2025-08", "2025-06")
    ] == [{}, {"IBOV": [D2, D3]}, {}, {"IBOV": [D1]}, {"IBOV": [D2, D3]}, {}]
    (made,) = make_reports(lake, D2, {"IBOV"})
    assert made.rebalancing
    assert made.rebalancing.since == D2


def test_the_first_session_of_a_year_has_what_the_year_before_ended_with(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B3_REPORTS", "none")
    last, first = dt.date(2024, 12, 30), dt.date(2025, 1, 2)
    for day in (last, first):
        scene.portfolio("IDIV", session=day)
        scene.run("quotes", trading_date=day)
        scene.run("levels", year=day.year, index_codes=("IDIV",))
    (made,) = make_reports(ReadLake(load_settings()), first, {"IDIV"})
    assert made.market
    assert made.market.previous_session == last
    assert None not in (made.market.published.previous, made.market.implied.previous)
    assert made.market.published == made.market.implied
    assert made.moves
    assert made.moves.since == last


def refuse(*_: object, **__: object) -> None:
    raise InvalidInputError("S3 does not take it")


def test_what_fails_of_reports_is_a_warning_and_stands_in_the_outcome(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tasks.session_pages.put_pages", refuse)
    monkeypatch.setattr(reporting, "get_run_logger", lambda: logging.getLogger("run"))
    said = scene.portfolio("IDIV")
    assert said.startswith("published IDIV 2025-08-04, run ")
    assert said.endswith(" (without reports: the log says why)")
    assert "No reports: S3 does not take it" in caplog.text
    assert scene.lake.keys("published/portfolio/")


def test_a_defect_in_a_page_does_not_fail_a_publish_and_is_told_with_where(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> str:
        raise ZeroDivisionError("of a chart")

    monkeypatch.setattr(reporting, "render_page", fail)
    monkeypatch.setattr(reporting, "get_run_logger", lambda: logging.getLogger("run"))
    assert scene.portfolio("IDIV").endswith(" (without reports: the log says why)")
    assert "ZeroDivisionError: of a chart" in caplog.text
    assert "test_reports.py" in caplog.text


def test_a_run_that_is_told_to_end_while_it_makes_reports_ends(scene: Scene) -> None:
    scene.replay.show(D3)
    told = scene.actor("portfolio", index_codes=("IDIV",), trading_date=D3)
    told.loses(
        before("s3:PutObject", f"{REPORTS}2025-08-04/IDIV.html"),
        lambda: TerminationSignal(signal=signal.SIGTERM),
    )
    with pytest.raises(TerminationSignal):
        told.ends()
    assert scene.reports() == {}


def test_prefect_that_is_gone_ends_the_run(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OrchestratorError("Prefect does not answer")

    monkeypatch.setattr(reporting, "write_reports", fail)
    with pytest.raises(OrchestratorError):
        report_last(load_settings(), {D3: ["IDIV"]})


def test_only_the_latest_ten_sessions_are_reported_by_themselves(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[Any] = []

    def note(_settings: Any, _place: Any, wanted: Any, language: str) -> reporting.Reported:
        asked.append((list(wanted), language))
        return reporting.Reported()

    monkeypatch.setattr(reporting, "write_reports", note)
    monkeypatch.setattr(reporting, "get_run_logger", lambda: logging.getLogger("run"))
    caplog.set_level("INFO", "run")
    days = [dt.date(2025, 7, day) for day in range(1, 13)]
    wanted = {day: ["IDIV"] for day in reversed(days)} | {dt.date(2025, 7, 14): []}
    assert report_last(load_settings(), wanted) == ""
    assert asked == [(days[2:], "pt-BR")]
    assert "No reports of 2025-07-01 to 2025-07-02: make them with python -m flows.report" in (
        caplog.text
    )
    assert report_last(load_settings(), {D3: []}) == ""
    assert len(asked) == 1


def test_a_file_that_is_gone_is_told_with_what_mends_it(scene: Scene) -> None:
    scene.portfolio("IDIV")
    for key in scene.lake.keys("refined/portfolio_daily/"):
        boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(CommitError, match=r"flows\.verify --repair"):
        scene.run("report", index_codes=("IDIV",))


def test_without_b3s_totals_the_report_is_made_all_the_same(scene: Scene) -> None:
    scene.portfolio("IDIV")
    scene.lake.damage(D3, "IDIV")
    scene.run("report", index_codes=("IDIV",))
    assert b"stated=None, constituents=(Constituent(" in scene.reports()["2025-08-04/IDIV.html"]


def test_levels_that_cannot_be_read_are_left_out(scene: Scene) -> None:
    scene.portfolio("IDIV")
    scene.run("levels", year=2025, index_codes=("IDIV",))
    scene.run("report", index_codes=("IDIV",))
    assert b"level=Decimal(" in scene.reports()["2025-08-04/IDIV.html"]
    (key,) = scene.lake.keys("raw/index_levels/")
    scene.lake.put(key, scene.lake.body(key)[:50])
    scene.run("report", index_codes=("IDIV",))
    assert b"level=Decimal(" not in scene.reports()["2025-08-04/IDIV.html"]


def test_sessions_without_a_report_have_no_link(scene: Scene) -> None:
    reporting.link_reports(load_settings(), Reported({D1: [], D3: ["IDIV"]}, {"a page"}))
    text, description = scene.artifacts["reports"]
    assert [line.partition("]")[0] for line in text.splitlines() if line.startswith("-")] == [
        "- 2025-08-04: [IDIV",
        "- [All of 2025-08",
    ]
    assert description == "1 report, 1 of them new."


# By hand


def test_all_indices_of_the_latest_session_are_reported_by_hand(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B3_REPORTS", "none")
    scene.portfolio("IDIV", session=D2)
    scene.portfolio("IDIV", "IMOB", session=D3)
    monkeypatch.setenv("B3_REPORTS", "pt-BR")
    assert scene.run("report", index_codes=("all",)) == (
        f"wrote report IDIV IMOB 2025-08-04: s3://{BUCKET}/{REPORTS}2025-08.html"
    )
    assert list(scene.reports()) == [
        *("2025-08-04/IDIV.html", "2025-08-04/IMOB.html", "2025-08.html"),
    ]
    assert scene.artifacts["reports"][1] == "2 reports, 2 of them new."
    assert scene.run("report", index_codes=("IDIV",), trading_date=D2) == (
        f"wrote report IDIV 2025-08-01: s3://{BUCKET}/{REPORTS}2025-08-01/IDIV.html"
    )


def test_the_latest_session_is_that_of_the_indices_that_are_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B3_REPORTS", "none")
    scene.portfolio("IMOB", session=D1)
    scene.portfolio("IDIV", session=D3)
    assert scene.run("report", index_codes=("IMOB",)).startswith("wrote report IMOB 2025-07-31: ")


def test_reports_go_to_a_folder_and_leave_the_lake_alone(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B3_REPORTS", "none")
    scene.portfolio("IDIV")
    before_it, to = scene.lake.keys(), tmp_path / "pages"
    said = scene.run("report", index_codes=("IDIV",), language="en", to_folder=str(to))
    assert said == f"wrote report IDIV 2025-08-04: {to}/2025-08-04/IDIV.html"
    assert scene.lake.keys() == before_it
    assert (to / "2025-08-04" / "IDIV.html").read_text().startswith("en SessionReport(")
    assert (to / "2025-08.html").read_text() == "en 2025-08 [('2025-08-04', ['IDIV'])]"
    assert "reports" not in scene.artifacts


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"index_codes": ("SMLL",)}, "Expected a published portfolio of SMLL, found none."),
        (
            {"index_codes": ("IDIV", "SMLL"), "trading_date": D3},
            "of 2025-08 they see 2025-08-04 to 2025-08-04. The reports of 1 other index are there.",
        ),
        (
            {"index_codes": ("all",), "trading_date": D1},
            "Expected the portfolio of any index on 2025-07-31 among what readers see, found",
        ),
    ],
)
def test_what_readers_do_not_see_is_told(
    scene: Scene, parameters: dict[str, Any], said: str
) -> None:
    scene.portfolio("IDIV")
    with pytest.raises(SourceHasNoDataError) as raised:
        scene.run("report", **parameters)
    assert said in str(raised.value)


def test_of_an_empty_lake_there_is_nothing_to_report(scene: Scene) -> None:
    with pytest.raises(SourceHasNoDataError, match="portfolio of all indices, found none"):
        scene.run("report", index_codes=("all",))
    assert scene.reports() == {}


@pytest.mark.parametrize("folder", ["", " "])
def test_a_folder_without_a_name_is_not_taken_for_the_lake(
    scene: Scene, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--to", folder])
    assert raised.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "expected a folder for the pages, found an empty name" in said
    with pytest.raises(InvalidInputError, match="found an empty name"):
        scene.run("report", to_folder=folder)
