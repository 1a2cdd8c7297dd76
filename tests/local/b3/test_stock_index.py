"""The list of indices: which shares it names, and that it agrees with the portfolios."""

import base64
import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.b3.replay import Replay, start
from infra.local.b3.sessions import (
    INDEX_SIZES,
    SESSIONS,
    WITHOUT_PORTFOLIO,
    generate_portfolio,
    published_portfolio,
)

SAMPLE = Path(__file__).parents[3] / "../shared/b3/samples/GetStockIndex_2025-04-07.json"
CALL = "/indexProxy/indexCall/GetStockIndex/"
DAY = "/indexProxy/indexCall/GetPortfolioDay/"


@pytest.fixture
def replay() -> Iterator[Replay]:
    with start() as running:
        yield running


def ask(replay: Replay, **fields: Any) -> requests.Response:
    argument = base64.b64encode(json.dumps({"language": "pt-br"} | fields).encode()).decode()
    return requests.get(replay.url + CALL + argument, timeout=5)


def ask_portfolio(replay: Replay, index: str) -> dict[str, Any]:
    fields = {"language": "pt-br", "pageNumber": 1, "pageSize": 9999, "index": index}
    argument = base64.b64encode(json.dumps(fields | {"segment": "1"}).encode()).decode()
    answer: dict[str, Any] = requests.get(replay.url + DAY + argument, timeout=5).json()
    return answer


def members(body: dict[str, Any]) -> dict[str, set[str]]:
    """Each index with its tickers."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in body["results"]:
        for index_code in row["indexes"].split(","):
            found[index_code].add(row["code"])
    return dict(found)


def in_portfolio(index_code: str, session: dt.date) -> set[str]:
    portfolio = published_portfolio(index_code, session)
    assert portfolio
    return {row.ticker for row in portfolio.constituents}


@pytest.mark.parametrize("session", SESSIONS, ids=str)
def test_the_members_are_those_of_the_portfolios(replay: Replay, session: dt.date) -> None:
    replay.show(session)
    found = members(ask(replay).json())
    assert found.keys() == INDEX_SIZES.keys()
    published = INDEX_SIZES.keys() - WITHOUT_PORTFOLIO
    assert {code: found[code] for code in published} == {
        code: in_portfolio(code, session) for code in published
    }


def test_an_index_without_a_portfolio_is_listed_with_members(replay: Replay) -> None:
    assert {"AGFS"} == WITHOUT_PORTFOLIO
    assert len(members(ask(replay).json())["AGFS"]) == INDEX_SIZES["AGFS"]
    assert ask_portfolio(replay, "AGFS")["results"] is None


def test_each_share_stands_once_by_the_name_of_its_company(replay: Replay) -> None:
    rows = ask(replay).json()["results"]
    assert len({row["code"] for row in rows}) == len(rows)
    names = [(row["company"], row["code"]) for row in rows]
    assert names == sorted(names)
    indexes = [row["indexes"].split(",") for row in rows]
    assert all(codes == sorted(set(codes)) for codes in indexes)


def test_a_row_names_class_and_segment_without_the_event(replay: Replay) -> None:
    rows = {row["code"]: row for row in ask(replay).json()["results"]}
    spotlights = {code: rows[code]["spotlight"] for code in ("VALE3", "CPLE6", "SANB11", "BPAC11")}
    assert spotlights == {
        "VALE3": "ON   NM",
        "CPLE6": "PNB  N2",
        "SANB11": "UNT",
        "BPAC11": "UNT  N2",
    }
    assert rows["PETR4"]["company"] == "PETROBRAS"


@pytest.mark.parametrize(
    ("session", "start_month", "end_month"),
    [
        (dt.date(2025, 1, 2), 1, 4),
        (dt.date(2025, 4, 30), 1, 4),
        (dt.date(2025, 8, 4), 5, 8),
        (dt.date(2024, 12, 30), 9, 12),
    ],
)
def test_the_header_names_the_session_and_the_months_of_the_composition(
    replay: Replay, session: dt.date, start_month: int, end_month: int
) -> None:
    replay.show(session)
    assert ask(replay).json()["header"] == {
        "update": session.isoformat(),
        "startMonth": start_month,
        "endMonth": end_month,
        "year": session.year,
    }


def test_pages_make_up_the_whole(replay: Replay) -> None:
    whole = ask(replay).json()
    total = len(whole["results"])
    assert whole["page"] == {
        "pageNumber": 1,
        "pageSize": total,
        "totalRecords": total,
        "totalPages": 1,
    }
    pages = [ask(replay, pageNumber=number, pageSize=100).json() for number in (1, 2, 3, 4)]
    assert [len(page["results"]) for page in pages] == [100, 100, total - 200, 0]
    assert {page["page"]["totalPages"] for page in pages} == {3}
    assert [row for page in pages for row in page["results"]] == whole["results"]


def test_a_date_is_ignored(replay: Replay) -> None:
    assert ask(replay, date="2025-07-31").content == ask(replay).content


@pytest.mark.parametrize(
    "fields", [{"language": "de"}, {"pageSize": 0}, {"pageNumber": "1"}], ids=str
)
def test_a_field_out_of_range_is_refused(replay: Replay, fields: dict[str, Any]) -> None:
    assert ask(replay, **fields).status_code == 400
    assert replay.requests == []


def test_requests_are_noted(replay: Replay) -> None:
    ask(replay, pageNumber=2, pageSize=9)
    assert [(q.call, q.index_code, q.page_number) for q in replay.requests] == [
        ("GetStockIndex", None, 2)
    ]
    assert replay.state()["requests"] == {"GetStockIndex": 1}


def test_null_results_hide_the_list(replay: Replay) -> None:
    replay.misbehave("null_results")
    assert ask(replay).json() == {
        "page": {"pageNumber": 1, "pageSize": None, "totalRecords": None, "totalPages": None},
        "header": None,
        "results": None,
    }


def test_an_index_that_rolled_over_alone_is_listed_with_its_new_members(replay: Replay) -> None:
    replay.show(SESSIONS[1])
    replay.show(SESSIONS[2], index="IBXX")
    body = ask(replay).json()
    found = members(body)
    assert in_portfolio("IBXX", SESSIONS[1]) != in_portfolio("IBXX", SESSIONS[2])
    assert found["IBXX"] == in_portfolio("IBXX", SESSIONS[2])
    assert found["IBOV"] == in_portfolio("IBOV", SESSIONS[1])
    assert body["header"]["update"] == "2025-08-01"


def test_the_list_names_what_it_is_told_and_portfolios_stay(replay: Replay) -> None:
    replay.list_only(["SMLL", "AGFS", "IBOV"])
    body = ask(replay).json()
    assert all(
        row["indexes"] == ",".join(sorted(row["indexes"].split(","))) for row in body["results"]
    )
    found = members(body)
    assert found.keys() == {"IBOV", "SMLL", "AGFS"}
    assert found["IBOV"] == in_portfolio("IBOV", SESSIONS[-1])
    assert len(ask_portfolio(replay, "IDIV")["results"]) == INDEX_SIZES["IDIV"]
    replay.list_only(None)
    assert members(ask(replay).json()).keys() == INDEX_SIZES.keys()


def test_a_new_index_has_a_portfolio_while_it_is_listed(replay: Replay) -> None:
    assert ask_portfolio(replay, "NEWX")["results"] is None
    replay.list_only(["IBOV", "NEWX"])
    rows = ask_portfolio(replay, "NEWX")["results"]
    expected = generate_portfolio("NEWX", SESSIONS[-1], 30)
    assert {row["cod"] for row in rows} == {row.ticker for row in expected.constituents}
    assert members(ask(replay).json())["NEWX"] == {row["cod"] for row in rows}
    replay.list_only(["IBOV"])
    assert ask_portfolio(replay, "NEWX")["results"] is None


def test_an_empty_list_has_no_rows(replay: Replay) -> None:
    replay.list_only([])
    body = ask(replay).json()
    assert (body["results"], body["page"]["totalRecords"], body["page"]["totalPages"]) == ([], 0, 0)


@pytest.mark.skipif(not SAMPLE.is_file(), reason=f"no recorded answer of B3 in {SAMPLE}")
def test_the_answer_has_the_form_of_the_recorded_one(replay: Replay) -> None:
    recorded = json.loads(SAMPLE.read_bytes())
    answer = ask(replay, pageNumber=1, pageSize=9999)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    ours = answer.json()
    assert list(ours) == list(recorded)
    for part in ("page", "header"):
        assert list(ours[part]) == list(recorded[part])
        assert list(map(type, ours[part].values())) == list(map(type, recorded[part].values()))
    assert {tuple(row) for row in ours["results"]} == {tuple(row) for row in recorded["results"]}
    known = {row["code"]: row["spotlight"] for row in recorded["results"]}
    for row in ours["results"]:
        if row["code"] in ("VALE3", "ITUB4", "BPAC11", "SANB11", "USIM5"):
            assert row["spotlight"] == known[row["code"]]
