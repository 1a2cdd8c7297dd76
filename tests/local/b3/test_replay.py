import base64
import datetime as dt
import json
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.b3.faults import FAULTS
from infra.local.b3.replay import Replay, start
from infra.local.b3.sessions import (
    INDEX_SIZES,
    SESSIONS,
    WITHOUT_PORTFOLIO,
    Constituent,
    generate_portfolio,
)

SAMPLES = Path(__file__).parents[3] / ".." / "shared" / "b3" / "samples"
DAY = "/indexProxy/indexCall/GetPortfolioDay/"
DOWNLOAD = "/indexProxy/indexCall/GetDownloadPortfolioDay/"

needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"no recorded answers of B3 in {SAMPLES}"
)


@pytest.fixture
def replay() -> Iterator[Replay]:
    with start() as running:
        yield running


def path_of(call: str, **fields: Any) -> str:
    return call + base64.b64encode(json.dumps(fields).encode()).decode()


def ask(replay: Replay, **changes: Any) -> requests.Response:
    fields: dict[str, Any] = {"language": "pt-br", "pageNumber": 1, "pageSize": 120}
    fields |= {"index": "IBOV", "segment": "2"} | changes
    return requests.get(replay.url + path_of(DAY, **fields), timeout=0.8)


def ask_file(replay: Replay, index: str = "IBOV") -> str:
    path = path_of(DOWNLOAD, index=index, language="pt-br")
    return base64.b64decode(requests.get(replay.url + path, timeout=0.8).content).decode("latin-1")


def decimal_pt(text: str) -> Decimal:
    return Decimal(text.replace(".", "").replace(",", "."))


def weights(answer: dict[str, Any]) -> list[Decimal]:
    return [decimal_pt(row["part"]) for row in answer["results"]]


def quantities(answer: dict[str, Any]) -> list[int]:
    return [int(row["theoricalQty"].replace(".", "")) for row in answer["results"]]


def tickers(answer: dict[str, Any]) -> list[str]:
    return [row["cod"] for row in answer["results"]]


def by_ticker(session: dt.date) -> dict[str, Constituent]:
    return {row.ticker: row for row in generate_portfolio("IBOV", session).constituents}


def test_a_portfolio_comes_whole_and_equals_the_session(replay: Replay) -> None:
    answer = ask(replay)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    body = answer.json()
    expected = generate_portfolio("IBOV", SESSIONS[-1])
    assert body["page"] == {"pageNumber": 1, "pageSize": 120, "totalRecords": 84, "totalPages": 1}
    assert body["header"]["date"] == "04/08/25"
    assert decimal_pt(body["header"]["reductor"]) == expected.index_divisor
    assert int(body["header"]["theoricalQty"].replace(".", "")) == sum(quantities(body))
    assert {
        row["cod"]: (row["asset"], row["segment"], decimal_pt(row["part"]))
        for row in body["results"]
    } == {row.ticker: (row.asset_name, row.sector, row.weight_pct) for row in expected.constituents}


@pytest.mark.parametrize(
    ("language", "date", "text", "divisor_text", "weight"),
    [
        ("pt-br", "31/07/25", "Quantidade Teórica Total", "Redutor", "100,000"),
        ("en-us", "07/31/25", "Total Theorethical Quantity", "Reductor", "100.000"),
    ],
)
def test_header_speaks_the_language_asked_for(
    replay: Replay, language: str, date: str, text: str, divisor_text: str, weight: str
) -> None:
    replay.show(SESSIONS[0])
    header = ask(replay, language=language).json()["header"]
    assert (header["date"], header["text"], header["textReductor"]) == (date, text, divisor_text)
    assert header["part"] == header["partAcum"] == weight


def test_languages_differ_in_separators_only(replay: Replay) -> None:
    portuguese, english = ask(replay).json(), ask(replay, language="en-us").json()
    swap = str.maketrans(",.", ".,")
    for ours, theirs in zip(portuguese["results"], english["results"], strict=True):
        assert ours["part"].translate(swap) == theirs["part"]
        assert ours["theoricalQty"].translate(swap) == theirs["theoricalQty"]
        assert (ours["cod"], ours["type"]) == (theirs["cod"], theirs["type"])


def test_without_sectors_rows_carry_none_and_stand_by_name(replay: Replay) -> None:
    body = ask(replay, segment="1").json()
    assert {(row["segment"], row["partAcum"]) for row in body["results"]} == {(None, None)}
    assert body["header"]["partAcum"] is None
    names = [row["asset"] for row in body["results"]]
    assert names == sorted(names)


def test_with_sectors_rows_are_grouped_and_carry_the_weight_of_their_sector(
    replay: Replay,
) -> None:
    rows = ask(replay).json()["results"]
    sectors = [row["segment"] for row in rows]
    assert sectors == sorted(sectors)
    for sector in set(sectors):
        members = [row for row in rows if row["segment"] == sector]
        total = sum(decimal_pt(row["part"]) for row in members)
        assert {decimal_pt(row["partAcum"]) for row in members} == {total}


@pytest.mark.parametrize(
    ("ticker", "written"),
    [("VALE3", "ON      NM"), ("ITUB4", "PN      N1"), ("SANB11", "UNT"), ("BPAC11", "UNT EJ  N2")],
)
def test_type_stands_in_fixed_columns(replay: Replay, ticker: str, written: str) -> None:
    types = {row["cod"]: row["type"] for row in ask(replay).json()["results"]}
    assert types[ticker] == written


def test_222_constituents_come_in_two_pages(replay: Replay) -> None:
    pages = [ask(replay, index="ITAG", pageNumber=number).json() for number in (1, 2)]
    assert [len(page["results"]) for page in pages] == [120, 102]
    assert [page["page"]["totalPages"] for page in pages] == [2, 2]
    assert len(set(tickers(pages[0]) + tickers(pages[1]))) == 222
    assert sum(weights(pages[0]) + weights(pages[1])) == 100


def test_a_page_past_the_last_is_empty(replay: Replay) -> None:
    assert ask(replay, pageNumber=2).json()["results"] == []


def test_page_size_is_echoed(replay: Replay) -> None:
    page = ask(replay, pageSize=9999).json()["page"]
    assert page == {"pageNumber": 1, "pageSize": 9999, "totalRecords": 84, "totalPages": 1}


def test_unknown_index_has_null_results(replay: Replay) -> None:
    answer = ask(replay, index="XXXX")
    assert answer.status_code == 200
    assert answer.json()["results"] is None
    assert answer.json()["page"]["totalPages"] is None


def test_every_index_that_has_a_portfolio_is_served(replay: Replay) -> None:
    served = {index: ask(replay, index=index).json()["page"] for index in INDEX_SIZES}
    totals = {index: page["totalRecords"] for index, page in served.items()}
    assert totals == INDEX_SIZES | dict.fromkeys(WITHOUT_PORTFOLIO)


def test_one_session_is_shown_at_a_time(replay: Replay) -> None:
    shown = []
    for session in SESSIONS:
        replay.show(session)
        body = ask(replay).json()
        shown.append(body["header"]["date"])
        assert dict(zip(tickers(body), quantities(body), strict=True)) == {
            ticker: row.theoretical_quantity for ticker, row in by_ticker(session).items()
        }
    assert shown == ["31/07/25", "01/08/25", "04/08/25"]


def test_the_same_question_gets_the_same_bytes(replay: Replay) -> None:
    assert ask(replay).content == ask(replay).content


def test_file_holds_the_session(replay: Replay) -> None:
    lines = ask_file(replay).split("\r\n")
    assert lines[0] == "IBOV - Carteira do Dia 04/08/25"
    assert lines[-1] == ""
    rows = [line.split(";") for line in lines[2:-3]]
    expected = by_ticker(SESSIONS[-1])
    assert {row[0]: (int(row[3].replace(".", "")), decimal_pt(row[4])) for row in rows} == {
        ticker: (row.theoretical_quantity, row.weight_pct) for ticker, row in expected.items()
    }
    assert {len(row) for row in rows} == {6}


def blank_values(line: str) -> str:
    """A line's layout: its digits do not count, and neither do numbers' lengths."""
    fields = ("0" if field[:1].isdigit() else field for field in line.split(";"))
    return ";".join(fields)


@needs_samples
def test_file_has_the_layout_of_the_recorded_ones(replay: Replay) -> None:
    recorded = (SAMPLES / "IBOVDia_07-07-25.csv").read_bytes().decode("latin-1").split("\r\n")
    ours = ask_file(replay).split("\r\n")
    assert len(ours) == len(recorded)
    assert ours[0][:-8] == recorded[0][:-8]
    assert ours[1] == recorded[1]
    assert blank_values(ours[-3]) == blank_values(recorded[-3])
    assert blank_values(ours[-2]) == blank_values(recorded[-2])
    assert ours[-3].endswith(";100,000")
    assert ours[-1] == recorded[-1] == ""
    assert [line.count(";") for line in ours] == [line.count(";") for line in recorded]


@needs_samples
def test_page_has_the_form_of_the_recorded_one(replay: Replay) -> None:
    sample = SAMPLES / "GetPortfolioDay_IBOV_2025-04-07_en-us_segment2.json"
    recorded = json.loads(sample.read_bytes())
    answer = ask(replay, language="en-us", pageSize=9999)
    ours = answer.json()
    assert list(ours) == list(recorded)
    assert list(ours["page"]) == list(recorded["page"])
    assert list(ours["header"]) == list(recorded["header"])
    assert list(ours["results"][0]) == list(recorded["results"][0])
    assert ours["header"]["text"] == recorded["header"]["text"]
    assert ours["header"]["textReductor"] == recorded["header"]["textReductor"]
    assert answer.content[:50].split(b":")[0] == sample.read_bytes()[:50].split(b":")[0]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(DAY + "%%%", id="no base64"),
        pytest.param(DAY + base64.b64encode(b"{").decode(), id="no JSON"),
        pytest.param(DAY + base64.b64encode(b"[]").decode(), id="no object"),
        pytest.param(path_of(DAY, language="pt-br"), id="fields missing"),
        pytest.param(path_of(DOWNLOAD, language="en-us", index="IBOV"), id="file not in English"),
    ],
)
def test_a_request_without_meaning_is_refused(replay: Replay, path: str) -> None:
    answer = requests.get(replay.url + path, timeout=0.8)
    assert answer.status_code == 400
    assert "base64" in answer.text
    assert replay.requests == []


@pytest.mark.parametrize(
    "changes",
    [{"segment": "3"}, {"segment": 2}, {"language": "de"}, {"pageNumber": 0}, {"pageSize": -1}],
    ids=str,
)
def test_a_field_out_of_range_is_refused(replay: Replay, changes: dict[str, Any]) -> None:
    assert ask(replay, **changes).status_code == 400


def test_an_escaped_argument_is_understood(replay: Replay) -> None:
    path = path_of(DOWNLOAD, index="IBOV", language="pt-br").replace("=", "%3D")
    assert requests.get(replay.url + path, timeout=0.8).status_code == 200


def test_an_unknown_path_is_not_found(replay: Replay) -> None:
    assert requests.get(replay.url + "/indexPage/day/IBOV", timeout=0.8).status_code == 404


def test_every_request_is_counted(replay: Replay) -> None:
    assert replay.requests == []
    ask(replay, index="ITAG", pageNumber=2)
    ask_file(replay, "IDIV")
    assert [(q.call, q.index_code, q.page_number) for q in replay.requests] == [
        ("GetPortfolioDay", "ITAG", 2),
        ("GetDownloadPortfolioDay", "IDIV", 1),
    ]
    state = requests.get(replay.url + "/replay", timeout=0.8).json()
    assert state["requests"] == {"GetPortfolioDay": 1, "GetDownloadPortfolioDay": 1}


def test_it_is_steered_over_http(replay: Replay) -> None:
    steering = {"session": "2025-07-30", "fault": "http_500", "times": 1}
    state = requests.post(replay.url + "/replay", json=steering, timeout=0.8).json()
    assert (state["session"], state["fault"], state["times"]) == ("2025-07-30", "http_500", 1)
    assert [ask(replay).status_code for _ in range(2)] == [500, 200]
    assert ask(replay).json()["header"]["date"] == "30/07/25"


def test_null_as_fault_makes_it_behave(replay: Replay) -> None:
    replay.misbehave("http_500")
    requests.post(replay.url + "/replay", json={"session": "2025-07-30"}, timeout=0.8)
    assert ask(replay).status_code == 500
    requests.post(replay.url + "/replay", json={"fault": None}, timeout=0.8)
    assert ask(replay).status_code == 200


@pytest.mark.parametrize(
    "steering",
    [
        {"fault": "flood"},
        {"session": "2025-13-01"},
        {"fault": "empty", "times": 0},
        {"times": 3},
        {"fault": "http_429", "options": {"seconds": 3}},
        {"sesion": "2025-08-01"},
    ],
    ids=str,
)
def test_steering_without_meaning_is_refused_and_changes_nothing(
    replay: Replay, steering: dict[str, Any]
) -> None:
    before = replay.state()
    assert requests.post(replay.url + "/replay", json=steering, timeout=0.8).status_code == 400
    assert replay.state() == before


def test_an_unknown_fault_names_the_known_ones(replay: Replay) -> None:
    with pytest.raises(ValueError, match=r"no fault 'flood'; there are timeout, reset"):
        replay.misbehave("flood")
    with pytest.raises(ValueError, match="times must be 1 or more"):
        replay.misbehave("empty", times=0)


def test_a_fault_holds_until_told_otherwise(replay: Replay) -> None:
    replay.misbehave("http_500")
    assert {ask(replay).status_code for _ in range(3)} == {500}
    replay.behave()
    assert ask(replay).status_code == 200


def test_a_fault_of_later_pages_is_not_used_up_by_the_first(replay: Replay) -> None:
    replay.misbehave("repeated_page", times=1)
    assert len(ask(replay, index="ITAG").json()["results"]) == 120
    assert replay.state()["times"] == 1
    ask(replay, index="ITAG", pageNumber=2)
    assert replay.state()["fault"] is None


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("challenge_403", 403, "Just a moment"),
        ("challenge_200", 200, "Just a moment"),
        ("maintenance", 503, "manutenção"),
        ("http_500", 500, "Server Error"),
        ("http_520", 520, "520"),
        ("http_404", 404, "Not Found"),
        ("http_429", 429, "Too Many Requests"),
    ],
)
def test_html_comes_where_json_was_due(replay: Replay, fault: str, status: int, said: str) -> None:
    replay.misbehave(fault)
    answer = ask(replay)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert said in answer.text


def test_429_says_how_long_to_wait(replay: Replay) -> None:
    replay.misbehave("http_429", retry_after_seconds=7)
    assert ask(replay).headers["Retry-After"] == "7"


def test_429_says_until_when_to_wait(replay: Replay) -> None:
    replay.misbehave("http_429_date", retry_after_seconds=30)
    until = parsedate_to_datetime(ask(replay).headers["Retry-After"])
    assert 29 <= (until - dt.datetime.now(dt.UTC)).total_seconds() <= 31


def test_timeout_answers_too_late(replay: Replay) -> None:
    replay.misbehave("timeout", times=1)
    with pytest.raises(requests.Timeout):
        requests.get(replay.url + path_of(DOWNLOAD, index="IBOV", language="pt-br"), timeout=0.2)
    replay.misbehave("timeout", delay_seconds=0.2)
    before = time.monotonic()
    assert ask(replay).status_code == 200
    assert time.monotonic() - before >= 0.2


def test_reset_closes_without_an_answer(replay: Replay) -> None:
    replay.misbehave("reset", times=1)
    with pytest.raises(requests.ConnectionError):
        ask(replay)
    assert ask(replay).status_code == 200


def test_empty_is_an_empty_body(replay: Replay) -> None:
    replay.misbehave("empty")
    answer = ask(replay)
    assert (answer.status_code, answer.content) == (200, b"")


def test_json_string_holds_the_right_answer(replay: Replay) -> None:
    right = ask(replay).json()
    replay.misbehave("json_string")
    assert json.loads(ask(replay).json()) == right
    path = path_of(DOWNLOAD, index="IBOV", language="pt-br")
    file = requests.get(replay.url + path, timeout=0.8).json()
    assert base64.b64decode(file).startswith(b"IBOV - Carteira do Dia")


def test_null_results_hide_a_known_index(replay: Replay) -> None:
    replay.misbehave("null_results")
    assert ask(replay).json() == {
        "page": {"pageNumber": 1, "pageSize": 120, "totalRecords": None, "totalPages": None},
        "header": None,
        "results": None,
    }
    assert ask_file(replay) == ""


def test_oversize_goes_on_until_the_client_leaves(replay: Replay) -> None:
    replay.misbehave("oversize")
    path = path_of(DAY, language="pt-br", pageNumber=1, pageSize=9, index="IBOV", segment="1")
    with requests.get(replay.url + path, stream=True, timeout=0.8) as answer:
        assert "Content-Length" not in answer.headers
        received = 0
        for chunk in answer.iter_content(2**20):
            received += len(chunk)
            if received > 2**24:
                break
    assert received > 2**24


def test_oversize_ends_where_told(replay: Replay) -> None:
    replay.misbehave("oversize", size_bytes=2**17)
    assert 2**17 <= len(ask(replay).content) < 2**18


def test_drip_gives_a_byte_now_and_then(replay: Replay) -> None:
    replay.misbehave("drip", pause_seconds=0.05)
    path = path_of(DAY, language="pt-br", pageNumber=1, pageSize=9, index="IBOV", segment="1")
    with requests.get(replay.url + path, stream=True, timeout=0.8) as answer:
        before = time.monotonic()
        first = [next(answer.iter_content(1)) for _ in range(4)]
    assert b"".join(first) == b'{"pa'
    assert time.monotonic() - before >= 0.15


def test_truncated_announces_more_than_comes(replay: Replay) -> None:
    replay.misbehave("truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(replay)


def test_not_json_keeps_the_content_type(replay: Replay) -> None:
    replay.misbehave("not_json")
    answer = ask(replay)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_other_language_answers_as_if_asked_in_it(replay: Replay) -> None:
    english = ask(replay, language="en-us").json()
    replay.misbehave("other_language")
    assert ask(replay).json() == english


def test_swapped_date_changes_the_date_alone(replay: Replay) -> None:
    right = ask(replay).json()
    replay.misbehave("swapped_date")
    swapped = ask(replay).json()
    assert swapped["header"].pop("date") == "08/04/25"
    assert right["header"].pop("date") == "04/08/25"
    assert swapped == right


def test_rollover_puts_page_2_into_the_next_session(replay: Replay) -> None:
    replay.misbehave("rollover")
    dates = [
        ask(replay, index="ITAG", pageNumber=number).json()["header"]["date"] for number in (1, 2)
    ]
    assert dates == ["04/08/25", "05/08/25"]


def test_repeated_page_gives_page_1_for_page_2(replay: Replay) -> None:
    replay.misbehave("repeated_page")
    first, second = (ask(replay, index="ITAG", pageNumber=number).json() for number in (1, 2))
    assert second["results"] == first["results"]
    assert second["page"]["pageNumber"] == 2


def test_other_total_differs_between_pages(replay: Replay) -> None:
    replay.misbehave("other_total")
    totals = [
        ask(replay, index="ITAG", pageNumber=number).json()["page"]["totalRecords"]
        for number in (1, 2)
    ]
    assert totals == [222, 223]


def spoilt(replay: Replay, fault: str) -> dict[str, Any]:
    right = ask(replay).json()
    replay.misbehave(fault)
    answer: dict[str, Any] = ask(replay).json()
    assert answer["page"] == right["page"]
    assert answer["header"] == right["header"]
    return answer


def test_missing_row_leaves_the_record_count_as_it_is(replay: Replay) -> None:
    answer = spoilt(replay, "missing_row")
    assert len(answer["results"]) == answer["page"]["totalRecords"] - 1


def test_duplicate_ticker_keeps_count_and_sums(replay: Replay) -> None:
    answer = spoilt(replay, "duplicate_ticker")
    assert len(set(tickers(answer))) == len(tickers(answer)) - 1 == 83
    assert sum(weights(answer)) == 100


def test_wrong_weight_spoils_the_sum_of_weights_alone(replay: Replay) -> None:
    answer = spoilt(replay, "wrong_weight")
    assert sum(weights(answer)) == Decimal("100.001")


def test_zero_weight_keeps_the_sum(replay: Replay) -> None:
    answer = spoilt(replay, "zero_weight")
    assert min(weights(answer)) == 0
    assert sum(weights(answer)) == 100


def test_wrong_quantity_spoils_the_sum_of_quantities_alone(replay: Replay) -> None:
    answer = spoilt(replay, "wrong_quantity")
    total = int(answer["header"]["theoricalQty"].replace(".", ""))
    assert sum(quantities(answer)) == total + 1
    assert sum(weights(answer)) == 100


def test_negative_quantity_keeps_the_sum(replay: Replay) -> None:
    answer = spoilt(replay, "negative_quantity")
    assert min(quantities(answer)) < 0
    assert sum(quantities(answer)) == int(answer["header"]["theoricalQty"].replace(".", ""))


def test_no_session_date_is_a_holiday(replay: Replay) -> None:
    replay.misbehave("no_session_date")
    assert ask(replay).json()["header"]["date"] == "25/12/24"
    assert ask_file(replay).startswith("IBOV - Carteira do Dia 25/12/24\r\n")


def test_bad_divisor_is_zero(replay: Replay) -> None:
    replay.misbehave("bad_divisor")
    assert ask(replay).json()["header"]["reductor"] == "0,00000000"


def test_other_index_shows_in_the_file_alone(replay: Replay) -> None:
    right = ask(replay).json()
    replay.misbehave("other_index")
    other = ask(replay).json()
    assert tickers(other) != tickers(right)
    assert len(tickers(other)) == other["page"]["totalRecords"] == 50
    assert sum(weights(other)) == 100
    assert ask_file(replay).startswith("IDIV - Carteira do Dia")


def test_every_fault_has_a_test_of_its_effect() -> None:
    source = "".join(
        Path(__file__).with_name(name).read_text()
        for name in ("test_replay.py", "test_hostile_faults.py")
    )
    assert [name for name in FAULTS if f'"{name}"' not in source] == []


def test_nothing_is_served_after_the_stop() -> None:
    replay = start()
    replay.misbehave("timeout")
    waiting = socket.create_connection(("127.0.0.1", int(replay.url.rpartition(":")[2])))
    path = path_of(DOWNLOAD, index="IBOV", language="pt-br")
    waiting.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    while not replay.requests:
        time.sleep(0.01)
    replay.stop()
    with waiting:
        assert waiting.recv(100) == b""
    with pytest.raises(requests.ConnectionError):
        ask(replay)


def test_it_listens_on_this_machine_only(replay: Replay) -> None:
    assert replay.url.startswith("http://127.0.0.1:")
