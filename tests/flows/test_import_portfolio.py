from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flows.import_portfolio import import_portfolio
from tasks.core.errors import BadDataError, IncompleteError, InvalidInputError
from tasks.core.portfolio.model import Portfolio, from_raw_rows, to_raw_rows
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.objects import read_landed
from tests.flows.conftest import RUN_ID, Lake
from tests.portfolios import BPAC11, EXTRACTED_AT, PETR4, THURSDAY, VALE3, portfolio
from tests.unit.portfolio.test_reconcile import write_csv

IBOV = portfolio()
IBXX = portfolio(index_code="IBXX")
BEFORE = portfolio(trading_date=THURSDAY)
OTHER = portfolio(replace(VALE3, weight_pct=Decimal("100.000")))
RUN = RUN_ID[:12]


def key_of(shown: Portfolio) -> str:
    return RAW_PORTFOLIO.object_key(str(shown.trading_date), shown.index_code)


def write(folder: Path, *shown: Portfolio) -> list[str]:
    for number, each in enumerate(shown):
        (folder / f"{number}.csv").write_bytes(write_csv(each, with_sectors=True))
    return [str(folder)]


def run(files: list[str], **parameters: Any) -> Any:
    return import_portfolio(files, **parameters, return_state=True)


def stored(lake: Lake, shown: Portfolio) -> Portfolio:
    return from_raw_rows(shown.trading_date, lake.rows(key_of(shown))).portfolio


def test_a_file_goes_to_landing_by_the_day_of_its_import_to_raw_and_to_readers(
    lake: Lake, tmp_path: Path
) -> None:
    state = run(write(tmp_path, BEFORE))
    assert state.message == f"published IBOV 2025-07-31, run {RUN}"
    (landed,) = lake.list_keys("landing/")
    assert landed.startswith("landing/portfolio/received=2025-08-01/IBOV/")
    assert landed.endswith(".csv.gz")
    assert stored(lake, BEFORE) == BEFORE
    assert list(lake.partitions("raw_portfolio")) == ["2025-07-31"]
    assert (lake.asked, lake.force) == ([["2025-07"]], False)


def test_files_of_several_indices_and_months_are_published_by_one_call(
    lake: Lake, tmp_path: Path
) -> None:
    state = run(write(tmp_path, IBXX, BEFORE, IBOV))
    assert state.message == f"published 3 sessions of IBOV, IBXX: 2 month(s), run {RUN}"
    assert lake.asked == [["2025-07", "2025-08"]]
    assert lake.list_keys("raw/") == [key_of(BEFORE), key_of(IBOV), key_of(IBXX)]
    assert list(lake.partitions("raw_portfolio")) == ["2025-07-31", "2025-08-01"]


def test_what_has_nothing_new_is_up_to_date_and_registered_all_the_same(
    lake: Lake, tmp_path: Path
) -> None:
    lake.put_rows(key_of(IBOV), to_raw_rows(IBOV, EXTRACTED_AT))
    before = lake.etags("raw/")
    lake.is_up_to_date = True
    assert run(write(tmp_path, IBOV)).message == "up to date IBOV 2025-08-01"
    assert lake.etags("raw/") == before
    assert list(lake.partitions("raw_portfolio")) == ["2025-08-01"]
    assert run(write(tmp_path, IBOV, IBXX)).message == "up to date 2 sessions of IBOV, IBXX"


def test_a_file_that_is_refused_is_not_kept(lake: Lake, tmp_path: Path) -> None:
    lake.put_rows(key_of(IBOV), to_raw_rows(IBOV, EXTRACTED_AT))
    before = lake.etags()
    for shown in (OTHER, portfolio(BPAC11, PETR4)):
        error = run(write(tmp_path, shown, IBXX)).result(raise_on_failure=False)
        assert isinstance(error, BadDataError)
        assert lake.etags() == before
    assert lake.asked == []


def test_a_file_replaces_raw_where_it_may(lake: Lake, tmp_path: Path) -> None:
    lake.put_rows(key_of(IBOV), to_raw_rows(IBOV, EXTRACTED_AT))
    run(write(tmp_path, OTHER), replace=True)
    assert stored(lake, OTHER) == OTHER


@pytest.mark.parametrize("damage", [b"", b"PAR1 garbage PAR1"])
def test_raw_that_cannot_be_read_is_named_and_replaced(
    lake: Lake, tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    lake.put(key_of(IBOV), damage)
    run(write(tmp_path, IBOV))
    assert stored(lake, IBOV) == IBOV
    assert f"s3://b3-lake/{key_of(IBOV)}" in caplog.text


def test_files_that_were_saved_again_without_loss_are_taken_and_kept_as_they_are(
    lake: Lake, tmp_path: Path
) -> None:
    text = write_csv(IBOV, with_sectors=True).decode("latin-1")
    body = text.replace("\r\n", ";;;\n").encode("utf-8-sig")
    (tmp_path / "a.csv").write_bytes(body)
    assert run([str(tmp_path)]).message == f"published IBOV 2025-08-01, run {RUN}"
    assert stored(lake, IBOV) == IBOV
    (landed,) = lake.list_keys("landing/")
    assert read_landed("b3-lake", landed) == body


def test_what_is_no_file_in_a_folder_is_skipped_with_a_word_and_the_rest_is_imported(
    lake: Lake, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = write(tmp_path, IBOV)
    (tmp_path / "below.csv").mkdir()
    (tmp_path / "gone.csv").symlink_to("/no/such/file")
    assert run(files).message == f"published IBOV 2025-08-01, run {RUN}"
    assert f"Skipped {tmp_path}/below.csv: expected a file, found a folder" in caplog.text
    assert f"Skipped {tmp_path}/gone.csv: expected a file, found a link" in caplog.text


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "Expected files or folders to import, found none: name at least one."),
        ([""], "Expected the path of a file or a folder, found a blank one"),
        (["/dev/null"], "Expected a file or a folder at /dev/null, found a device"),
        (["s3://"], "Expected s3://bucket/key or s3://bucket/folder/, found s3://"),
        (["s3://not a bucket/"], "Expected a bucket that can be listed at s3://not a bucket/"),
        (["s3://nowhere/"], "Expected a bucket that can be listed at s3://nowhere/"),
    ],
)
def test_what_names_no_file_is_told_in_one_line_and_nothing_is_asked_for(
    lake: Lake, files: list[str], said: str
) -> None:
    error = run(files).result(raise_on_failure=False)
    assert isinstance(error, InvalidInputError)
    assert str(error).startswith(said)
    assert len(str(error).splitlines()) == 1
    assert (lake.asked, lake.list_keys()) == ([], [])


def test_nothing_of_another_file_is_shown_or_kept(
    lake: Lake, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = write(tmp_path, IBOV)
    (tmp_path / "passwords.csv").write_bytes(b"user;password\r\nadmin;hunter2\r\n")
    state = run(files)
    error = state.result(raise_on_failure=False)
    assert isinstance(error, BadDataError)
    assert f"{tmp_path}/passwords.csv: Line 1: expected 'IBOV - Carteira do Dia" in str(error)
    assert "hunter2" not in f"{error} {state.message} {caplog.text}"
    assert "user;password" not in f"{error} {state.message} {caplog.text}"
    assert lake.list_keys() == []


def test_months_that_failed_are_told_each_and_fail_the_run(lake: Lake, tmp_path: Path) -> None:
    lake.failures["2025-07"] = BadDataError("the audit said no")
    error = run(write(tmp_path, BEFORE, IBOV)).result(raise_on_failure=False)
    assert isinstance(error, IncompleteError)
    assert str(error) == "1 month(s) with problems:\nthe audit said no"
    assert lake.asked == [["2025-07", "2025-08"]]
