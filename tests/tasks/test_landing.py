import datetime as dt

import boto3
import pytest

from tasks.core.levels.tables import INDEX_LEVELS
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.landing import find_landed, read_landed_lists, read_note, write_note
from tasks.objects import land_bytes, list_at
from tasks.reading import read_absences
from tests.portfolios import FRIDAY, THURSDAY, answer, to_bytes

pytestmark = pytest.mark.usefixtures("no_run_logger", "bucket")

BUCKET = "b3-lake"
LIST = {
    "results": [{"code": "PETR4", "indexes": "IBOV,IBXX"}, {"code": "VALE3", "indexes": "IBOV"}]
}
NONE: dict[str, object] = {"page": {}, "header": None, "results": None}


def land(day: dt.date, name: str, payload: object) -> str:
    folder = RAW_PORTFOLIO.landing_folder(day, name)
    return land_bytes(BUCKET, folder, to_bytes(payload), "json", {})


def test_what_came_on_some_days_is_found_by_what_was_asked_for() -> None:
    first = land(THURSDAY, "IBOV", answer())
    second = land(FRIDAY, "IBOV", answer())
    other = land(FRIDAY, "indices", LIST)
    land(dt.date(2025, 7, 30), "IBOV", answer())
    land_bytes(BUCKET, INDEX_LEVELS.landing_folder(FRIDAY, "IBOV-2025"), b"{}", "json", {})
    found = find_landed(BUCKET, RAW_PORTFOLIO, [THURSDAY, FRIDAY])
    assert {name: sorted(keys) for name, keys in found.items()} == {
        "IBOV": sorted([first, second]),
        "indices": [other],
    }
    assert list(find_landed(BUCKET, INDEX_LEVELS, [FRIDAY])) == ["IBOV-2025"]


def test_the_latest_answer_stands_last(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [land(FRIDAY, "IBOV", answer()), land(FRIDAY, "IBOV", NONE)]
    for latest in keys:

        def listed(bucket: str, prefix: str, latest: str = latest) -> object:
            found, at = list_at(bucket, prefix)
            hours = {each.key: dt.timedelta(hours=each.key == latest) for each in found}
            return [
                type(each)(each.key, each.etag, each.size, each.modified_at + hours[each.key])
                for each in found
            ], at

        monkeypatch.setattr("tasks.landing.list_at", listed)
        assert find_landed(BUCKET, RAW_PORTFOLIO, [FRIDAY])["IBOV"][-1] == latest


def test_what_any_list_names_counts_and_one_that_cannot_be_read_is_passed_over() -> None:
    keys = [
        land(THURSDAY, "indices", LIST),
        land(FRIDAY, "indices", {"results": [{"code": "PETR3", "indexes": "IBOV,IDIV"}]}),
        land(FRIDAY, "indices", {"results": None}),
    ]
    assert read_landed_lists(BUCKET, [*keys, "landing/portfolio/gone.json.gz"]) == {
        "IBOV": {"PETR4", "VALE3", "PETR3"},
        "IBXX": {"PETR4"},
        "IDIV": {"PETR3"},
    }


def test_of_what_b3_said_that_it_has_none_is_known() -> None:
    keys = {
        "AGFS": land(FRIDAY, "AGFS", NONE),
        "IBOV": land(FRIDAY, "IBOV", answer()),
        "SMLL": land(FRIDAY, "SMLL", "no answer"),
        "GONE": "landing/portfolio/gone.json.gz",
    }
    assert read_absences(BUCKET, keys) == {"AGFS"}


def test_of_levels_a_year_without_any_is_known_too() -> None:
    def row(day: int, level: str | None) -> dict[str, object]:
        rates = {f"rateValue{month}": None for month in range(1, 13)}
        return {"day": day, **rates, "rateValue8": level}

    empty = {"results": [row(day, None) for day in range(1, 32)]}
    some = {"results": [row(day, "1.000,00" if day == 1 else None) for day in range(1, 32)]}
    keys = {
        "AGFS": land(FRIDAY, "AGFS-2025", empty),
        "IBOV": land(FRIDAY, "IBOV-2025", some),
        "IDIV": land(FRIDAY, "IDIV-2025", {"results": []}),
    }
    assert read_absences(BUCKET, keys, 2025) == {"AGFS", "IDIV"}


def test_a_note_is_read_back_and_nothing_where_there_is_none() -> None:
    assert read_note(BUCKET, "landing/x/loaded.json") is None
    write_note(BUCKET, "landing/x/loaded.json", {"etag": "e", "dates": ["2025-08-01"]})
    note = read_note(BUCKET, "landing/x/loaded.json")
    assert note == {"etag": "e", "dates": ["2025-08-01"]}


def test_a_note_is_written_in_lines_for_people() -> None:
    write_note(BUCKET, "landing/x/loaded.json", {"etag": "e", "rows": 3})
    stored = boto3.client("s3").get_object(Bucket=BUCKET, Key="landing/x/loaded.json")
    assert stored["Body"].read() == b'{\n "etag": "e",\n "rows": 3\n}'
    assert stored["ContentType"] == "application/json"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff"])
def test_what_is_no_note_counts_as_none(body: bytes) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="landing/x/loaded.json", Body=body)
    assert read_note(BUCKET, "landing/x/loaded.json") is None
