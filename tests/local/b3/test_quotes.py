import datetime as dt
import io
import zipfile
from collections.abc import Iterator

import pytest
import requests

from infra.local.b3.replay import Replay, start
from infra.local.b3.sessions import SESSIONS, published_portfolio
from tests.cotahist_text import read_line


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with start() as running:
        yield running


def ask(replay: Replay, name: str, **headers: str) -> requests.Response:
    return requests.get(f"{replay.url}/InstDados/SerHist/{name}", headers=headers, timeout=20)


def records(answer: requests.Response) -> list[dict[str, object]]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        (name,) = archive.namelist()
        return [read_line(line) for line in archive.read(name).splitlines()[1:-1]]


def test_a_days_file_holds_a_quote_of_every_constituent(replay: Replay) -> None:
    answer = ask(replay, "COTAHIST_D01082025.ZIP")
    assert answer.headers["Content-Type"] == "application/x-zip-compressed"
    assert answer.headers["Last-Modified"] == "Fri, 01 Aug 2025 23:30:00 GMT"
    found = records(answer)
    assert {record["data"] for record in found} == {dt.date(2025, 8, 1)}
    cash = {record["codneg"] for record in found if record["tpmerc"] == "010"}
    portfolio = published_portfolio("IBOV", SESSIONS[-1])
    assert portfolio
    assert cash >= {row.ticker for row in portfolio.constituents}


def test_the_files_of_a_day_and_of_its_month_hold_the_same_records(replay: Replay) -> None:
    day = records(ask(replay, "COTAHIST_D31072025.ZIP"))
    month = records(ask(replay, "COTAHIST_M072025.ZIP"))
    assert [record for record in month if record["data"] == dt.date(2025, 7, 31)] == day


def test_a_client_that_names_the_etag_gets_no_body(replay: Replay) -> None:
    first = ask(replay, "COTAHIST_D01082025.ZIP")
    etag = first.headers["ETag"]
    again = ask(replay, "COTAHIST_D01082025.ZIP", **{"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    other = ask(replay, "COTAHIST_D01082025.ZIP", **{"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize(
    "name",
    [
        "COTAHIST_D02082025.ZIP",
        "COTAHIST_D05012099.ZIP",
        "COTAHIST_A2099.ZIP",
        "COTAHIST_A1985.ZIP",
    ],
)
def test_there_is_no_file_where_there_was_no_session(replay: Replay, name: str) -> None:
    answer = ask(replay, name)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=UTF-8")


@pytest.mark.parametrize(
    "name", ["COTAHIST_X2025.ZIP", "COTAHIST_D32012025.ZIP", "COTAHIST_M132025.ZIP", "a.zip"]
)
def test_a_name_that_means_nothing_is_a_bad_request(replay: Replay, name: str) -> None:
    assert ask(replay, name).status_code == 400


def test_the_year_that_is_not_over_ends_today(replay: Replay) -> None:
    today = dt.datetime.now(dt.UTC).date()
    answer = ask(replay, f"COTAHIST_A{today.year}.ZIP")
    assert answer.status_code in (200, 404)  # 404 in the first days of January
    if answer.ok:
        assert max(str(record["data"]) for record in records(answer)) <= str(today)
