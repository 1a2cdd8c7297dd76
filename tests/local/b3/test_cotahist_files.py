"""The generator of COTAHIST files: what it writes is what the reader and B3's layout ask for."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from infra.local.b3.constituents import LISTED_SHARES
from infra.local.b3.cotahist_files import list_sessions, main, parse_period, write_quotes_zip
from tasks.core.quotes.archive import read_sessions
from tasks.core.quotes.files import QuotesPeriod

DAY = QuotesPeriod.day(dt.date(2025, 8, 1))
MONTH = QuotesPeriod.month(2025, 8)
SMALL = 300


def read_table(path: Path, period: QuotesPeriod) -> pa.Table:
    return pa.Table.from_batches([batch for _, batch in read_sessions(path, period)])


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    path = write_quotes_zip(tmp_path_factory.mktemp("day"), DAY)
    return read_table(path, DAY)


def test_a_day_of_real_size_looks_like_a_market(day: pa.Table) -> None:
    assert 9_800 < len(day) < 10_550
    is_option = pc.is_in(day["tpmerc"].cast("string"), pa.array(["070", "080"]))
    assert 0.82 < pc.mean(is_option.cast("int8")).as_py() < 0.86
    assert set(day["tpmerc"].to_pylist()) == {"010", "020", "030", "070", "080"}
    assert {"02", "12", "14", "34", "62", "74", "75", "78", "82", "96"} == set(
        day["codbdi"].to_pylist()
    )
    assert set(day["fatcot"].to_pylist()) == {1, 1000}
    assert "000" in day["prazot"].to_pylist()
    assert pc.max(day["ptoexe"].cast(pa.decimal128(13, 6))).as_py() > 80_000


def test_instruments_are_unique_within_a_session(day: pa.Table) -> None:
    keys = list(
        zip(*(day[name].to_pylist() for name in ("codneg", "tpmerc", "prazot")), strict=True)
    )
    assert len(set(keys)) == len(keys)


def test_prices_and_volumes_agree(day: pa.Table) -> None:
    outside = 0
    for row in day.to_pylist():
        assert 0 < row["premin"] <= min(row["preabe"], row["preult"])
        assert max(row["preabe"], row["preult"]) <= row["premax"]
        outside += not row["premin"] <= row["premed"] <= row["premax"]
        exact = row["premed"] * row["quatot"] / row["fatcot"]
        assert 0 <= exact - row["voltot"] < 1
        assert row["totneg"] >= 1
    assert outside < len(day) * 0.002


@pytest.mark.parametrize("count", [SMALL, 10_550])
def test_listed_shares_trade_on_the_cash_market_each_session(tmp_path: Path, count: int) -> None:
    table = read_table(write_quotes_zip(tmp_path, DAY, instrument_count=count), DAY)
    rows = zip(*(table[name].to_pylist() for name in ("codneg", "tpmerc", "codbdi")), strict=True)
    cash = {ticker for ticker, market, bdi in rows if (market, bdi) == ("010", "02")}
    assert {share.ticker for share in LISTED_SHARES} <= cash


def test_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    def content(name: str, seed: int) -> bytes:
        path = write_quotes_zip(tmp_path / name, DAY, instrument_count=20, seed=seed)
        return path.read_bytes()

    assert content("a", 1) == content("b", 1)
    assert content("a", 1) != content("c", 2)


def test_month_holds_each_session_with_the_records_of_its_day(tmp_path: Path) -> None:
    month = read_table(write_quotes_zip(tmp_path, MONTH, instrument_count=SMALL), MONTH)
    day = read_table(write_quotes_zip(tmp_path, DAY, instrument_count=SMALL), DAY)
    sessions = list_sessions(MONTH)
    assert len(sessions) == 21
    assert sorted(set(month["data"].to_pylist())) == sessions
    of_day = month.filter(pc.equal(month["data"], DAY.first_date))
    assert of_day.to_pylist() == day.to_pylist()


def test_period_without_a_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2025-08-02"):
        write_quotes_zip(tmp_path, QuotesPeriod.day(dt.date(2025, 8, 2)))
    assert list(tmp_path.iterdir()) == []


def test_command_writes_files_and_prints_their_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "2025-08-01", "2025-08", "--instruments", "20"]) == 0
    names = ["COTAHIST_D01082025.ZIP", "COTAHIST_M082025.ZIP"]
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in names]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


@pytest.mark.parametrize("text", ["", "2025-13", "2025-02-30", "25", "2025-8", "2025-08-01x"])
def test_what_names_no_period_is_wrong_usage(tmp_path: Path, text: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path), text])
    assert stopped.value.code == 2


def test_year_is_a_period() -> None:
    assert parse_period("2025") == QuotesPeriod.year(2025)
