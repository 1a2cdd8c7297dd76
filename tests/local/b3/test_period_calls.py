"""What the replay answers about the period and the next one, and how it is steered there."""

import base64
import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.b3.period import Preview, period_of, preview_portfolio, theoretical_portfolio
from infra.local.b3.replay import Replay, start
from infra.local.b3.sessions import Portfolio

SAMPLES = Path(__file__).parents[3] / ".." / "shared" / "b3" / "samples"
CALLS = {
    "day": "GetPortfolioDay",
    "theoretical": "GetTheoricalPortfolio",
    "preview": "GetQuartelyPreview",
    "configurations": "GetConfigurations",
    "theoretical file": "GetDownloadPortfolioTheorical",
    "preview file": "GetDownloadPreview",
}
PAGES = ("theoretical", "preview")
FILES = ("theoretical file", "preview file")
NEW_CALLS = tuple(CALLS)[1:]
BEFORE, FIRST, SECOND = dt.date(2025, 7, 31), dt.date(2025, 8, 1), dt.date(2025, 8, 18)
LAST, NEW = dt.date(2025, 8, 29), dt.date(2025, 9, 1)
OLD_PREVIEW = dt.date(2025, 5, 2)


@pytest.fixture
def replay() -> Iterator[Replay]:
    with start(FIRST) as running:
        yield running


def ask(replay: Replay, kind: str, index: str = "IBOV", **changes: Any) -> requests.Response:
    fields = {"language": "pt-br", "pageNumber": 1, "pageSize": 120, "index": index}
    fields |= {"segment": "1"} | changes
    argument = base64.b64encode(json.dumps(fields).encode()).decode()
    url = f"{replay.url}/indexProxy/indexCall/{CALLS[kind]}/{argument}"
    return requests.get(url, timeout=5)


def page(replay: Replay, kind: str, index: str = "IBOV", **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = ask(replay, kind, index, **changes).json()
    return body


def file(replay: Replay, kind: str, index: str = "IBOV") -> list[str]:
    text = base64.b64decode(ask(replay, kind, index).content).decode("latin-1")
    return text.split("\r\n")


def has_preview(replay: Replay, index: str = "IBOV") -> int:
    has: int = page(replay, "configurations", index)["preview"][0]["has"]
    return has


def steer(replay: Replay, **fields: Any) -> dict[str, Any]:
    answer = requests.post(replay.url + "/replay", json=fields, timeout=5)
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()
    return state


def number(text: str) -> Decimal:
    return Decimal(text.replace(".", "").replace(",", "."))


def rows_of(body: dict[str, Any]) -> list[tuple[str, str, Decimal, Decimal]]:
    return [
        (row["cod"], row["asset"], number(row["theoricalQty"]), number(row["part"]))
        for row in body["results"]
    ]


def expected(portfolio: Portfolio) -> list[tuple[str, str, Decimal, Decimal]]:
    return [
        (row.ticker, row.asset_name, Decimal(row.theoretical_quantity), row.weight_pct)
        for row in portfolio.constituents
    ]


def theoretical(day: dt.date, index: str = "IBOV", count: int = 84) -> Portfolio:
    return theoretical_portfolio(index, day, count)


def preview(made_on: dt.date, index: str = "IBOV", count: int = 84) -> Portfolio:
    return preview_portfolio(index, Preview(period_of(made_on).next(), made_on), count)


def weights(body: dict[str, Any]) -> Decimal:
    return sum((number(row["part"]) for row in body["results"]), Decimal(0))


def quantities(body: dict[str, Any]) -> Decimal:
    return sum((number(row["theoricalQty"]) for row in body["results"]), Decimal(0))


def tickers(body: dict[str, Any]) -> list[str]:
    return [row["cod"] for row in body["results"]]


# Forms


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_has_a_short_header_and_short_rows(replay: Replay, kind: str) -> None:
    body = page(replay, kind)
    assert list(body) == ["page", "header", "results"]
    assert body["page"] == {"pageNumber": 1, "pageSize": 120, "totalRecords": 84, "totalPages": 1}
    assert list(body["header"]) == ["part", "theoricalQty", "reductor"]
    cont = ["cont"] if kind == "theoretical" else []
    for row in body["results"]:
        assert list(row) == ["cod", "asset", "type", "theoricalQty", "part", *cont]
    assert body["header"]["part"] == "100,000"
    assert number(body["header"]["theoricalQty"]) == quantities(body)
    assert weights(body) in (Decimal("99.999"), Decimal("100.000"))


def test_the_portfolio_of_the_period_is_answered(replay: Replay) -> None:
    made, body = theoretical(FIRST), page(replay, "theoretical")
    assert rows_of(body) == expected(made)
    assert number(body["header"]["reductor"]) == made.index_divisor
    places = {row["cod"]: row["cont"] for row in body["results"]}
    by_name = sorted(made.constituents, key=lambda row: (row.asset_name, row.ticker))
    assert [places[row.ticker] for row in by_name] == list(range(1, 85))


def test_a_header_of_100_stands_over_weights_of_99_999(replay: Replay) -> None:
    bodies = [page(replay, "theoretical", index) for index in ("IBOV", "IBXX", "SMLL", "IDIV")]
    bodies += [page(replay, "theoretical", index) for index in ("IFNC", "UTIL", "IEEX", "ICON")]
    assert {weights(body) for body in bodies} == {Decimal("99.999"), Decimal("100.000")}
    assert {body["header"]["part"] for body in bodies} == {"100,000"}


@pytest.mark.parametrize("kind", PAGES)
def test_languages_differ_in_separators(replay: Replay, kind: str) -> None:
    ours, theirs = page(replay, kind), page(replay, kind, language="en-us")
    swap = str.maketrans(",.", ".,")
    assert {key: value.translate(swap) for key, value in ours["header"].items()} == theirs["header"]
    assert [row["part"].translate(swap) for row in ours["results"]] == [
        row["part"] for row in theirs["results"]
    ]


@pytest.mark.parametrize("kind", PAGES)
def test_222_constituents_come_in_two_pages(replay: Replay, kind: str) -> None:
    pages = [page(replay, kind, "ITAG", pageNumber=number) for number in (1, 2)]
    assert [len(one["results"]) for one in pages] == [120, 102]
    assert pages[0]["header"] == pages[1]["header"]
    assert len({*tickers(pages[0]), *tickers(pages[1])}) == 222


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("theoretical file", "IBOV - Carteira Mai. a Ago. 2025"),
        ("preview file", "IBOV - Prévia da Carteira Set. a Dez. 2025"),
    ],
)
def test_a_file_names_its_period_and_holds_the_rows_of_the_pages(
    replay: Replay, kind: str, title: str
) -> None:
    lines = file(replay, kind)
    assert lines[:2] == [title, "Código;Ação;Tipo;Qtde. Teórica;Part. (%)"]
    body = page(replay, kind.removesuffix(" file"))
    keys = ("cod", "asset", "type", "theoricalQty", "part")
    assert lines[2:-3] == [";".join(row[key] for key in keys) + ";" for row in body["results"]]
    header = body["header"]
    assert lines[-3:] == [
        f"Quantidade Teórica Total;;;{header['theoricalQty']};100,000",
        f"Redutor;;;{header['reductor']}",
        "",
    ]


def test_a_page_has_the_form_of_the_recorded_one(replay: Replay) -> None:
    sample = SAMPLES / "GetTheoricalPortfolio_IBOV_2022.json"
    if not sample.is_file():
        pytest.skip(f"no recorded answer of B3 in {SAMPLES}")
    recorded, ours = json.loads(sample.read_bytes()), page(replay, "theoretical", pageSize=9999)
    for part in ("page", "header"):
        assert list(ours[part]) == list(recorded[part])
        assert {key: type(value) for key, value in ours[part].items()} == {
            key: type(value) for key, value in recorded[part].items()
        }
    assert list(ours) == list(recorded)
    for body in (ours, recorded):
        assert tickers(body) == sorted(tickers(body))
        assert sorted(row["cont"] for row in body["results"]) == list(
            range(1, len(body["results"]) + 1)
        )
    assert list(ours["results"][0]) == list(recorded["results"][0])


def test_a_file_has_the_layout_of_the_recorded_one(replay: Replay) -> None:
    sample = SAMPLES / "IBOVQuad_1-2025.csv"
    if not sample.is_file():
        pytest.skip(f"no saved file of B3 in {SAMPLES}")
    replay.show(dt.date(2025, 2, 3))
    recorded = sample.read_bytes().decode("latin-1").split("\r\n")
    ours = file(replay, "theoretical file")
    assert ours[:2] == recorded[:2]
    assert {line.count(";") for line in ours[2:-3]} == {line.count(";") for line in recorded[2:-3]}
    assert [line.split(";")[0] for line in ours[-3:]] == [
        line.split(";")[0] for line in recorded[-3:]
    ]


@pytest.mark.parametrize("kind", NEW_CALLS)
def test_a_request_without_its_fields_is_refused(replay: Replay, kind: str) -> None:
    assert ask(replay, kind, language="fr-fr").status_code == 400
    assert replay.requests == []


def test_an_index_without_a_portfolio_has_neither(replay: Replay) -> None:
    for index in ("AGFS", "XXXX"):
        for kind in PAGES:
            body = page(replay, kind, index)
            assert (body["header"], body["results"]) == (None, None)
            assert body["page"]["totalRecords"] is None
        assert has_preview(replay, index) == 0
        assert [file(replay, kind, index) for kind in FILES] == [[""], [""]]


def test_a_new_index_has_both_while_it_is_listed(replay: Replay) -> None:
    replay.list_only(["NEWX"])
    assert [page(replay, kind, "NEWX")["page"]["totalRecords"] for kind in PAGES] == [30, 30]
    assert has_preview(replay, "NEWX") == 1


# By the session that is shown


@pytest.mark.parametrize(
    ("session", "has", "made_on"),
    [
        (BEFORE, 0, OLD_PREVIEW),
        (FIRST, 1, FIRST),
        (dt.date(2025, 8, 15), 1, FIRST),
        (SECOND, 1, SECOND),
        (LAST, 1, LAST),
        (NEW, 0, LAST),
    ],
    ids=str,
)
def test_configurations_alone_tell_an_old_preview_from_one_in_force(
    replay: Replay, session: dt.date, has: int, made_on: dt.date
) -> None:
    replay.show(session)
    assert has_preview(replay) == has
    assert rows_of(page(replay, "preview")) == expected(preview(made_on))


def test_an_old_preview_says_so_in_its_file_alone(replay: Replay) -> None:
    replay.show(BEFORE)
    assert file(replay, "preview file")[0] == "IBOV - Prévia da Carteira Mai. a Ago. 2025"


def test_each_index_is_answered_by_its_own_session(replay: Replay) -> None:
    replay.show(BEFORE)
    replay.show(NEW, index="IBOV")
    replay.show(LAST, index="IBXX")
    assert rows_of(page(replay, "theoretical")) == expected(theoretical(NEW))
    assert rows_of(page(replay, "theoretical", "IBXX")) == expected(theoretical(LAST, "IBXX", 100))
    assert [has_preview(replay, index) for index in ("IBOV", "IBXX", "SMLL")] == [0, 1, 0]


def test_the_new_calls_are_counted_and_move_no_session(replay: Replay) -> None:
    replay.show(NEW, after=1)
    for kind in NEW_CALLS:
        ask(replay, kind)
    assert replay.state()["coming"] == [{"session": "2025-09-01", "index": None, "after": 1}]
    assert replay.state()["requests"] == {CALLS[kind]: 1 for kind in NEW_CALLS}
    ask(replay, "day")
    assert replay.state()["session"] == "2025-09-01"


# What is steered


def test_whether_there_is_a_preview_is_said_as_told(replay: Replay) -> None:
    right = page(replay, "preview")
    replay.say_preview(False)
    assert (has_preview(replay), page(replay, "preview")) == (0, right)
    replay.say_preview(True)
    replay.show(BEFORE)
    assert has_preview(replay) == 1
    assert rows_of(page(replay, "preview")) == expected(preview(OLD_PREVIEW))
    replay.say_preview(None)
    assert has_preview(replay) == 0


def test_it_is_steered_over_http(replay: Replay) -> None:
    assert replay.state()["preview"] is None
    assert steer(replay, preview=False)["preview"] is False
    assert has_preview(replay) == 0
    assert steer(replay, session="2025-07-31", preview=True)["preview"] is True
    assert steer(replay, fault=None)["preview"] is True
    assert has_preview(replay) == 1
    assert steer(replay, preview=None)["preview"] is None
    assert has_preview(replay) == 0


@pytest.mark.parametrize(
    "steering",
    [
        {"preview": "yes"},
        {"preview": 1},
        {"preview": True, "index": "IBOV"},
        {"session": "2025-08-04", "index": "theoretical"},
        {"session": "2025-08-04", "index": "preview", "fault": "http_500"},
        {"listed": ["preview"]},
        {"fault": "http_500", "index": "Preview"},
    ],
    ids=str,
)
def test_steering_without_meaning_is_refused(replay: Replay, steering: dict[str, Any]) -> None:
    before = replay.state()
    assert requests.post(replay.url + "/replay", json=steering, timeout=5).status_code == 400
    assert replay.state() == before


@pytest.mark.parametrize("target", ["theoretical", "preview", "configurations"])
def test_a_fault_of_a_call_is_for_that_call_of_every_index(replay: Replay, target: str) -> None:
    steer(replay, fault="http_500", index=target)
    for index in ("IBOV", "SMLL"):
        bad = {kind for kind in CALLS if ask(replay, kind, index).status_code == 500}
        assert bad == {kind for kind in CALLS if kind.startswith(target)}
    steer(replay, fault=None, index=target)
    assert {ask(replay, kind).status_code for kind in CALLS} == {200}


def test_a_fault_of_an_index_is_for_all_that_is_asked_about_it(replay: Replay) -> None:
    replay.misbehave("http_500", index="SMLL")
    assert {ask(replay, kind, "SMLL").status_code for kind in CALLS} == {500}
    assert {ask(replay, kind, "IBOV").status_code for kind in CALLS} == {200}


def test_the_faults_of_index_call_and_all_come_in_this_order(replay: Replay) -> None:
    replay.misbehave("http_500")
    replay.misbehave("http_520", index="preview")
    replay.misbehave("http_404", index="SMLL", times=1)
    statuses = [ask(replay, "preview", "SMLL").status_code for _ in range(2)]
    assert statuses == [404, 520]
    assert [ask(replay, kind).status_code for kind in ("preview", "theoretical")] == [520, 500]


# Faults of content


def spoilt(replay: Replay, kind: str, fault: str, **changes: Any) -> dict[str, Any]:
    right = page(replay, kind, **changes)
    replay.misbehave(fault, index=kind)
    body = page(replay, kind, **changes)
    assert body != right
    return body


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("index", ["IBOV", "IBXX", "SMLL", "IDIV", "IFNC", "UTIL"])
def test_wrong_weight_makes_100_002_of_any_right_sum(replay: Replay, kind: str, index: str) -> None:
    replay.misbehave("wrong_weight", index=kind)
    body = page(replay, kind, index)
    assert weights(body) == Decimal("100.002")
    assert body["header"]["part"] == "100,000"


@pytest.mark.parametrize("kind", PAGES)
def test_wrong_quantity_spoils_the_sum(replay: Replay, kind: str) -> None:
    body = spoilt(replay, kind, "wrong_quantity")
    assert quantities(body) == number(body["header"]["theoricalQty"]) + 1


@pytest.mark.parametrize("kind", PAGES)
def test_missing_row_leaves_the_count(replay: Replay, kind: str) -> None:
    body = spoilt(replay, kind, "missing_row")
    assert (len(body["results"]), body["page"]["totalRecords"]) == (83, 84)


@pytest.mark.parametrize("kind", PAGES)
def test_duplicate_ticker_stands_twice(replay: Replay, kind: str) -> None:
    body = spoilt(replay, kind, "duplicate_ticker")
    assert (len(tickers(body)), len(set(tickers(body)))) == (84, 83)


@pytest.mark.parametrize("kind", PAGES)
def test_other_language_and_bad_divisor_show(replay: Replay, kind: str) -> None:
    english = page(replay, kind, language="en-us")
    assert spoilt(replay, kind, "other_language") == english
    replay.misbehave("bad_divisor", index=kind)
    assert page(replay, kind)["header"]["reductor"] == "0,00000000"


@pytest.mark.parametrize(
    ("kind", "other"), [("theoretical", theoretical), ("preview", preview)], ids=PAGES
)
def test_other_index_is_the_same_kind_of_portfolio_of_another(
    replay: Replay, kind: str, other: Any
) -> None:
    assert rows_of(spoilt(replay, kind, "other_index")) == expected(other(FIRST, "IDIV", 50))
    assert file(replay, f"{kind} file")[0].startswith("IDIV - ")


@pytest.mark.parametrize("kind", PAGES)
def test_null_results_make_it_empty(replay: Replay, kind: str) -> None:
    body = spoilt(replay, kind, "null_results")
    assert (body["header"], body["results"]) == (None, None)
    assert file(replay, f"{kind} file") == [""]


def test_configurations_without_results_say_nothing(replay: Replay) -> None:
    assert spoilt(replay, "configurations", "null_results")["preview"] is None


@pytest.mark.parametrize("kind", PAGES)
def test_later_pages_roll_over_repeat_or_claim_another_total(replay: Replay, kind: str) -> None:
    first = page(replay, kind, "ITAG")
    replay.misbehave("rollover", index=kind)
    made = theoretical(NEW, "ITAG", 222) if kind == "theoretical" else preview(SECOND, "ITAG", 222)
    later = page(replay, kind, "ITAG", pageNumber=2)
    assert rows_of(later) == expected(made)[120:]
    right = page(replay, kind, "ITAG")
    assert right == first
    replay.misbehave("repeated_page", index=kind)
    assert page(replay, kind, "ITAG", pageNumber=2)["results"] == first["results"]
    replay.misbehave("other_total", index=kind)
    totals = [page(replay, kind, "ITAG", pageNumber=n)["page"]["totalRecords"] for n in (1, 2)]
    assert totals == [222, 223]
