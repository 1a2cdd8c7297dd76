import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tasks.core.errors import BadDataError
from tasks.core.portfolio.model import Portfolio
from tasks.core.portfolio.reconcile import (
    SavedFile,
    SavedPortfolio,
    add_sectors,
    differences,
    read_saved_files,
    reconcile,
)
from tests.portfolios import (
    BPAC11,
    FRIDAY,
    PETR4,
    THURSDAY,
    VALE3,
    portfolio,
    write_date,
    write_number,
)

TODAY = dt.date(2025, 8, 3)
SESSION = ("IBOV", FRIDAY)
CODES = ["IBOV", "SMLL"]


def write_csv(shown: Portfolio, *, with_sectors: bool = False) -> bytes:
    lines = [f"{shown.index_code} - Carteira do Dia {write_date(shown.trading_date)}"]
    head, tail = ("Setor;", ";Part. (%)Acum.") if with_sectors else ("", "")
    lines.append(f"{head}Código;Ação;Tipo;Qtde. Teórica;Part. (%){tail}")
    for row in shown.constituents:
        cells = [row.ticker, row.asset_name, row.type, write_number(row.theoretical_quantity)]
        cells.append(write_number(row.weight_pct))
        lines.append(";".join([row.sector or "", *cells, "1,000"] if with_sectors else cells) + ";")
    quantity = write_number(shown.total_theoretical_quantity)
    lines.append(f"Quantidade Teórica Total;;;{quantity};{write_number(shown.total_weight_pct)}")
    lines.append(f"Redutor;;;{write_number(shown.index_divisor)}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def write_period_csv(shown: Portfolio, period: str = "Mai. a Ago. 2025") -> bytes:
    _, rest = write_csv(shown).split(b"\r\n", 1)
    return f"{shown.index_code} - Carteira {period}\r\n".encode("latin-1") + rest


def file(shown: Portfolio, name: str = "a.csv", *, with_sectors: bool = False) -> SavedFile:
    return SavedFile(name, write_csv(shown, with_sectors=with_sectors))


def saved(shown: Portfolio, name: str = "a.csv") -> SavedPortfolio:
    return SavedPortfolio(SavedFile(name, b""), shown)


def without_sectors(shown: Portfolio) -> Portfolio:
    return replace(
        shown, constituents=tuple(replace(row, sector=None) for row in shown.constituents)
    )


def test_index_and_session_come_from_the_content() -> None:
    (one,) = read_saved_files([file(portfolio(), "IBXXDia_01-01-01.csv")], TODAY)
    assert one.session == SESSION
    assert one.portfolio == without_sectors(portfolio())


def test_the_by_sector_form_carries_sectors() -> None:
    (one,) = read_saved_files([file(portfolio(), with_sectors=True)], TODAY)
    assert one.portfolio == portfolio()


def test_every_bad_file_is_told_of_and_nothing_goes_on() -> None:
    wrong = portfolio(BPAC11, PETR4)
    files = [
        file(portfolio()),
        file(wrong, "wrong.csv"),
        SavedFile("page.csv", b"<html>"),
        SavedFile("cut.csv", write_csv(portfolio()).replace(b"100,000", b"100")),
    ]
    with pytest.raises(BadDataError) as raised:
        read_saved_files(files, TODAY)
    message = str(raised.value)
    assert "wrong.csv (IBOV 2025-08-01)" in message
    assert "weights_sum_to_100: expected 100.000; found 40.000" in message
    assert "page.csv: Line 1: expected 'IBOV - Carteira do Dia" in message
    assert "cut.csv: Line 6: expected a pt-br number" in message
    assert message.endswith("Nothing was written.")
    assert "a.csv" not in message
    told = [line.partition(".csv")[0] for line in message.splitlines() if ".csv" in line]
    assert told == ["wrong", "page", "cut"]


def test_a_session_that_is_to_come_is_refused() -> None:
    later = portfolio(trading_date=dt.date(2025, 8, 5))
    with pytest.raises(BadDataError, match="expected 2025-08-04 or before; found 2025-08-05"):
        read_saved_files([file(later)], TODAY)


def test_a_file_of_a_period_is_of_the_session_that_is_given() -> None:
    files = [SavedFile(code, write_period_csv(portfolio(index_code=code))) for code in CODES]
    for day in (FRIDAY, THURSDAY):
        saved_files = read_saved_files(files, TODAY, day)
        assert [one.session for one in saved_files] == [(code, day) for code in CODES]
        expected = [without_sectors(portfolio(index_code=c, trading_date=day)) for c in CODES]
        assert [one.portfolio for one in saved_files] == expected
        assert [one.file for one in saved_files] == files


@pytest.mark.parametrize(("least", "is_sound"), [("59.999", True), ("59.998", False)])
def test_the_weights_of_a_period_are_rounded_one_by_one(least: str, is_sound: bool) -> None:
    shown = portfolio(replace(VALE3, weight_pct=Decimal(least)), PETR4, BPAC11)
    file = SavedFile("q.csv", write_period_csv(shown))
    if is_sound:
        (one,) = read_saved_files([file], TODAY, FRIDAY)
        assert one.portfolio == without_sectors(shown)
    else:
        with pytest.raises(BadDataError) as raised:
            read_saved_files([file], TODAY, FRIDAY)
        lines = str(raised.value).splitlines()
        assert lines[0].startswith("q.csv (IBOV 2025-08-01)")
        assert "weights_sum_to_100: expected 99.999 to " in str(raised.value)
        assert lines[-1] == "Nothing was written."
    with pytest.raises(BadDataError, match=r"weights_sum_to_100: expected 100\.000"):
        read_saved_files([SavedFile("a.csv", write_csv(shown))], TODAY)


def test_files_of_the_day_and_of_a_period_do_not_go_together() -> None:
    files = [file(portfolio(), "day.csv"), SavedFile("period.csv", write_period_csv(portfolio()))]
    for refused, period_of in ((0, FRIDAY), (1, None)):
        with pytest.raises(BadDataError) as raised:
            read_saved_files(files, TODAY, period_of)
        told, end = str(raised.value).splitlines()
        assert told.startswith(f"{files[refused].name}: Line 1: expected 'IBOV - Carteira ")
        assert end == "Nothing was written."


def test_what_the_file_does_not_carry_is_no_difference_and_stays() -> None:
    wanted = reconcile(
        [saved(without_sectors(portfolio()))], {SESSION: portfolio()}, may_replace=False
    )
    assert wanted == {SESSION: portfolio()}


def test_sectors_that_raw_lacks_are_taken_over() -> None:
    stored = {SESSION: without_sectors(portfolio())}
    assert reconcile([saved(portfolio())], stored, may_replace=False) == {SESSION: portfolio()}


def test_a_new_session_is_taken_as_it_is() -> None:
    assert reconcile([saved(portfolio())], {SESSION: None}, may_replace=False) == {
        SESSION: portfolio()
    }


OTHER = portfolio(
    replace(VALE3, weight_pct=Decimal("59.999"), sector="Outro"),
    PETR4,
    replace(BPAC11, ticker="NEW3", weight_pct=Decimal("0.501")),
    index_divisor=Decimal("1.00000000"),
)


def test_a_file_that_disagrees_with_raw_is_refused_and_the_message_says_where() -> None:
    with pytest.raises(BadDataError) as raised:
        reconcile([saved(OTHER)], {SESSION: portfolio()}, may_replace=False)
    lines = str(raised.value).splitlines()
    assert lines == [
        "a.csv (IBOV 2025-08-01) disagrees with raw:",
        "  index_divisor: 16036751.16744128 there, 1.00000000 in the file",
        "  BPAC11: only there",
        "  NEW3: only in the file",
        "  VALE3 sector: Mineração there, Outro in the file",
        "  VALE3 weight_pct: 60.000 there, 59.999 in the file",
        "Nothing was written. If the files are right, run again with --replace.",
    ]


def test_a_file_replaces_raw_when_it_may_and_keeps_the_sectors_it_does_not_carry() -> None:
    new = without_sectors(OTHER)
    wanted = reconcile([saved(new)], {SESSION: portfolio()}, may_replace=True)[SESSION]
    sectors = {row.ticker: row.sector for row in wanted.constituents}
    assert sectors == {"VALE3": "Mineração", "PETR4": None, "NEW3": None}
    assert without_sectors(wanted) == new


def test_the_two_forms_of_a_session_complete_each_other() -> None:
    files = [saved(portfolio(), "sectors.csv"), saved(without_sectors(portfolio()), "plain.csv")]
    for order in (files, files[::-1]):
        assert reconcile(order, {SESSION: None}, may_replace=False) == {SESSION: portfolio()}


@pytest.mark.parametrize("may_replace", [True, False])
def test_two_files_of_a_session_must_agree_whatever_may_be_replaced(may_replace: bool) -> None:
    files = [saved(portfolio()), saved(OTHER, "b.csv")]
    with pytest.raises(BadDataError, match=r"b\.csv .* disagrees with another file"):
        reconcile(files, {SESSION: None}, may_replace=may_replace)


def test_many_differences_are_counted() -> None:
    rows = [replace(VALE3, ticker=f"AA{n:02}3") for n in range(14)]
    with pytest.raises(BadDataError, match="and 7 more"):
        reconcile([saved(portfolio(*rows))], {SESSION: portfolio(VALE3)}, may_replace=False)


def test_equal_portfolios_have_no_differences() -> None:
    assert differences(portfolio(), portfolio()) == []
    assert add_sectors(portfolio(), None) == portfolio()


def test_b3s_own_files_are_read(samples: Path) -> None:
    paths = sorted(samples.glob("*Dia_*.csv"))
    files = [SavedFile(path.name, path.read_bytes()) for path in paths]
    assert len(read_saved_files(files, dt.date(2026, 11, 23))) == len(paths) > 0


def test_b3s_own_file_of_a_period_is_read(samples: Path) -> None:
    body = (samples / "IBOVQuad_1-2025.csv").read_bytes()
    day = dt.date(2025, 1, 6)
    (one,) = read_saved_files([SavedFile("IBOVQuad_1-2025.csv", body)], TODAY, day)
    assert one.session == ("IBOV", day)
    assert len(one.portfolio.constituents) == 87
    assert one.portfolio.weight_sum == Decimal("99.999")
    assert one.portfolio.index_divisor == Decimal("16279911.48376400")
