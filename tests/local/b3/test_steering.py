"""Steering of single indices and of the list: what each request meets, from which on."""

import base64
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from infra.local.b3.replay import Replay, start
from infra.local.b3.sessions import SESSIONS
from infra.local.b3.state import ReplayState
from infra.local.b3.stock_index import StockIndexQuery

PATHS = {
    "day": "/indexProxy/indexCall/GetPortfolioDay/",
    "file": "/indexProxy/indexCall/GetDownloadPortfolioDay/",
    "levels": "/indexStatisticsProxy/IndexCall/GetPortfolioDay/",
    "list": "/indexProxy/indexCall/GetStockIndex/",
}
ABOUT_AN_INDEX = ("day", "file", "levels")
FIRST, SECOND, LAST = SESSIONS


@pytest.fixture
def replay() -> Iterator[Replay]:
    with start(FIRST) as running:
        yield running


def ask(replay: Replay, kind: str, index: str = "IBOV", page: int = 1) -> requests.Response:
    fields = {"language": "pt-br", "index": index, "pageNumber": page, "pageSize": 120}
    fields |= {"segment": "1", "year": "2025"}
    argument = base64.b64encode(json.dumps(fields).encode()).decode()
    return requests.get(replay.url + PATHS[kind] + argument, timeout=5)


def status(replay: Replay, kind: str, index: str = "IBOV") -> int:
    return ask(replay, kind, index).status_code


def shown(replay: Replay, index: str = "IBOV", page: int = 1) -> str:
    date: str = ask(replay, "day", index, page).json()["header"]["date"]
    return date


def steer(replay: Replay, **fields: Any) -> dict[str, Any]:
    answer = requests.post(replay.url + "/replay", json=fields, timeout=5)
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()
    return state


@pytest.mark.parametrize("kind", ABOUT_AN_INDEX)
def test_a_fault_of_one_index_is_for_every_request_about_it_alone(
    replay: Replay, kind: str
) -> None:
    replay.misbehave("http_500", index="SMLL")
    assert status(replay, kind, "SMLL") == 500
    assert status(replay, kind, "IBOV") == 200
    assert status(replay, "list") == 200
    assert requests.get(f"{replay.url}/InstDados/SerHist/COTAHIST_D01082025.ZIP", timeout=5).ok


def test_a_fault_of_the_list_is_for_the_list_alone(replay: Replay) -> None:
    replay.misbehave("http_500", index="list")
    assert status(replay, "list") == 500
    assert {status(replay, kind) for kind in ABOUT_AN_INDEX} == {200}


def test_several_targets_misbehave_each_in_its_way_and_as_often_as_told(replay: Replay) -> None:
    replay.misbehave("http_500", index="SMLL", times=2)
    replay.misbehave("http_404", index="list", times=1)
    replay.misbehave("maintenance", index="IDIV")
    assert replay.state()["faults"] == {
        "SMLL": {"fault": "http_500", "times": 2},
        "list": {"fault": "http_404", "times": 1},
        "IDIV": {"fault": "maintenance", "times": None},
    }
    assert [status(replay, kind, "SMLL") for kind in ABOUT_AN_INDEX] == [500, 500, 200]
    assert [status(replay, "list") for _ in range(2)] == [404, 200]
    assert [status(replay, "day", "IDIV") for _ in range(3)] == [503] * 3
    assert replay.state()["faults"] == {"IDIV": {"fault": "maintenance", "times": None}}


def test_a_second_fault_of_a_target_takes_the_place_of_the_first(replay: Replay) -> None:
    replay.misbehave("http_500", index="SMLL")
    replay.misbehave("http_404", index="SMLL")
    assert status(replay, "day", "SMLL") == 404


def test_the_fault_of_a_target_comes_before_that_of_every_request(replay: Replay) -> None:
    replay.misbehave("http_500", times=2)
    replay.misbehave("http_404", index="SMLL", times=1)
    assert status(replay, "day", "SMLL") == 404
    assert (replay.state()["fault"], replay.state()["times"]) == ("http_500", 2)
    assert [status(replay, "day", "SMLL"), status(replay, "list")] == [500, 500]
    assert [status(replay, kind) for kind in PATHS] == [200] * 4


def test_the_fault_of_every_request_meets_pages_before_those_of_the_targets_own(
    replay: Replay,
) -> None:
    replay.misbehave("http_500")
    replay.misbehave("repeated_page", index="ITAG")
    assert [ask(replay, "day", "ITAG", page).status_code for page in (1, 2)] == [500, 200]


def test_options_are_those_of_the_target(replay: Replay) -> None:
    replay.misbehave("http_429", retry_after_seconds=7)
    replay.misbehave("http_429", index="SMLL", retry_after_seconds=9)
    waits = [ask(replay, "day", index).headers["Retry-After"] for index in ("IBOV", "SMLL")]
    assert waits == ["7", "9"]


def test_one_target_behaves_again_or_all_do(replay: Replay) -> None:
    replay.misbehave("http_500")
    replay.misbehave("http_404", index="SMLL")
    replay.misbehave("http_404", index="IDIV")
    replay.behave("SMLL")
    assert [status(replay, "day", index) for index in ("SMLL", "IDIV", "IBOV")] == [500, 404, 500]
    replay.behave()
    assert [status(replay, "day", index) for index in ("SMLL", "IDIV", "IBOV")] == [200] * 3


def test_faults_of_targets_are_steered_over_http(replay: Replay) -> None:
    steer(replay, fault="http_500", index="SMLL", times=5)
    state = steer(replay, fault="http_429", index="list", options={"retry_after_seconds": 3})
    assert (state["fault"], state["times"]) == (None, None)
    assert state["faults"] == {
        "SMLL": {"fault": "http_500", "times": 5},
        "list": {"fault": "http_429", "times": None},
    }
    assert ask(replay, "list").headers["Retry-After"] == "3"
    assert steer(replay, fault=None, index="SMLL")["faults"].keys() == {"list"}
    assert steer(replay, fault=None)["faults"] == {}


def test_another_session_is_shown_of_one_index_alone(replay: Replay) -> None:
    replay.show(LAST, index="IBXX")
    assert [shown(replay, index) for index in ("IBXX", "IBOV")] == ["04/08/25", "31/07/25"]
    file = base64.b64decode(ask(replay, "file", "IBXX").content).decode("latin-1")
    assert file.startswith("IBXX - Carteira do Dia 04/08/25")
    assert replay.state()["sessions"] == {"IBXX": "2025-08-04"}


def test_a_session_of_all_ends_what_was_told_of_single_ones(replay: Replay) -> None:
    replay.show(LAST, index="IBXX")
    replay.show(LAST, index="SMLL", after=1)
    replay.show(SECOND)
    assert [shown(replay, index) for index in ("SMLL", "SMLL", "IBXX")] == ["01/08/25"] * 3
    assert (replay.state()["sessions"], replay.state()["coming"]) == ({}, [])


def test_a_session_comes_after_so_many_portfolio_requests(replay: Replay) -> None:
    replay.show(SECOND, index="IDIV")
    replay.show(LAST, after=3)
    assert replay.state()["coming"] == [{"session": "2025-08-04", "index": None, "after": 3}]
    for kind in ("file", "levels", "list"):
        ask(replay, kind)
    dates = [shown(replay, index) for index in ("IBOV", "IDIV", "SMLL", "IBOV", "IDIV")]
    assert dates == ["31/07/25", "01/08/25", "31/07/25", "04/08/25", "04/08/25"]
    state = replay.state()
    assert (state["session"], state["sessions"], state["coming"]) == ("2025-08-04", {}, [])


def test_misbehaved_answers_count_as_well(replay: Replay) -> None:
    replay.show(LAST, after=2)
    replay.misbehave("http_500", times=1)
    assert status(replay, "day") == 500
    assert [shown(replay), shown(replay)] == ["31/07/25", "04/08/25"]


def test_one_index_rolls_over_between_its_pages(replay: Replay) -> None:
    state = steer(replay, session="2025-08-04", index="ITAG", after=1)
    assert state["coming"] == [{"session": "2025-08-04", "index": "ITAG", "after": 1}]
    assert shown(replay, "IBOV") == "31/07/25"
    assert [shown(replay, "ITAG", page) for page in (1, 2)] == ["31/07/25", "04/08/25"]
    assert shown(replay, "IBOV") == "31/07/25"
    assert replay.state()["coming"] == []


def test_a_session_shown_at_once_takes_the_place_of_one_to_come(replay: Replay) -> None:
    replay.show(LAST, index="ITAG", after=1)
    replay.show(SECOND, index="ITAG")
    assert [shown(replay, "ITAG") for _ in range(2)] == ["01/08/25"] * 2


def test_sessions_and_the_list_are_steered_over_http(replay: Replay) -> None:
    state = steer(replay, session="2025-08-04", index="IBXX", listed=["IBXX", "NEWX"])
    assert state["session"] == "2025-07-31"
    assert state["sessions"] == {"IBXX": "2025-08-04"}
    assert state["listed"] == ["IBXX", "NEWX"]
    assert shown(replay, "NEWX") == "31/07/25"
    assert steer(replay, session="2025-08-01", after=1)["coming"][0]["after"] == 1
    assert steer(replay, listed=None)["listed"] is None
    assert ask(replay, "day", "NEWX").json()["header"] is None


def test_a_new_index_has_levels_while_it_is_listed(replay: Replay) -> None:
    def levels() -> set[str | None]:
        rows = ask(replay, "levels", "NEWX").json()["results"]
        return {row["rateValue7"] for row in rows}

    assert levels() == {None}
    replay.list_only(["NEWX"])
    assert len(levels()) > 20


@pytest.mark.parametrize(
    "steering",
    [
        {"fault": "flood", "index": "SMLL", "session": "2025-08-04", "listed": []},
        {"fault": "http_500", "index": "smll"},
        {"fault": None, "index": "List"},
        {"session": "2025-08-04", "index": "list"},
        {"session": "2025-08-04", "index": "list", "fault": "http_500"},
        {"session": "2025-08-04", "after": 0},
        {"after": 3},
        {"index": "SMLL"},
        {"index": "SMLL", "listed": ["SMLL"]},
        {"listed": ["IBOV", "IBOV"]},
        {"listed": ["list"]},
        {"listed": "IBOV"},
        {"index": "SMLL", "times": 3, "session": "2025-08-04"},
    ],
    ids=str,
)
def test_steering_without_meaning_is_refused_and_changes_nothing(
    replay: Replay, steering: dict[str, Any]
) -> None:
    replay.misbehave("http_500", index="SMLL")
    before = replay.state()
    assert requests.post(replay.url + "/replay", json=steering, timeout=5).status_code == 400
    assert replay.state() == before


def test_a_program_is_told_what_is_wrong() -> None:
    state = ReplayState()
    with pytest.raises(ValueError, match=r"index code is 4 to 6 .* found 'smll'"):
        state.misbehave("http_500", index="smll")
    with pytest.raises(ValueError, match="index code"):
        state.behave("smll")
    with pytest.raises(ValueError, match="index code"):
        state.show(LAST, index="list")
    with pytest.raises(ValueError, match="after must be 1 or more"):
        state.show(LAST, after=0)
    with pytest.raises(ValueError, match="index code"):
        state.list_only("IBOV")
    with pytest.raises(ValueError, match="listed once"):
        state.list_only(["IBOV", "IBOV"])


def test_times_are_used_up_exactly_from_many_threads() -> None:
    state = ReplayState()
    state.misbehave("http_500", times=100, index="list")
    state.misbehave("http_404", times=50)
    barrier = threading.Barrier(4)
    query = StockIndexQuery()

    def take_many(_thread: int) -> list[str | None]:
        barrier.wait()
        return [state.take(query)[1].name for _ in range(100)]

    with ThreadPoolExecutor(4) as pool:
        names = [name for taken in pool.map(take_many, range(4)) for name in taken]
    counts = [names.count(name) for name in ("http_500", "http_404", None)]
    assert counts == [100, 50, 250]
    assert len(state.requests) == 400
