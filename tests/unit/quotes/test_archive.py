"""Reading COTAHIST: what a good file gives, and what is refused, and how it is told."""

import datetime as dt
import errno
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import BadDataError
from tasks.core.quotes.archive import BLOCK_RECORDS, read_sessions
from tasks.core.quotes.files import QuotesPeriod
from tasks.core.quotes.record import LINE_BYTES, field_at
from tasks.core.quotes.session import MOST_QUANTITY, MOST_RECORDS
from tests.cotahist_text import (
    LAYOUT,
    NUMERIC_NAMES,
    RECORD,
    SESSION,
    read_line,
    write_line,
    write_text,
    zip_text,
)

DAY = QuotesPeriod.day(SESSION)
MONTH = QuotesPeriod.month(2022, 2)
YEAR = QuotesPeriod.year(2022)
LINE = write_line(RECORD)


def read_rows(
    source: Path | io.BytesIO, period: QuotesPeriod = DAY, **options: Any
) -> list[dict[str, Any]]:
    batches = [batch for _, batch in read_sessions(source, period, **options)]
    return [row for batch in batches for row in batch.to_pylist()]


def read_text(text: bytes, period: QuotesPeriod = DAY, **options: Any) -> list[dict[str, Any]]:
    return read_rows(zip_text(text), period, **options)


def changed(line: bytes, position: int, to: bytes) -> bytes:
    return line[: position - 1] + to + line[position - 1 + len(to) :]


def unlike(count: int, line: bytes = LINE) -> list[bytes]:
    """That many lines of one session, no two alike."""
    return [changed(line, 13, f"{number:012}".encode()) for number in range(count)]


def line_on(date: dt.date, **values: Any) -> bytes:
    return write_line({**RECORD, "data": date, **values})


@pytest.mark.parametrize("threads", [1, 3])
def test_real_session_equals_a_slow_reader_field_by_field(samples: Path, threads: int) -> None:
    sample = samples / "COTAHIST_D03022022.ZIP"
    with zipfile.ZipFile(sample) as archive:
        lines = archive.read(archive.namelist()[0]).splitlines()[1:-1]
    expected = [read_line(line) for line in lines]

    rows = read_rows(sample, threads=threads)

    assert len(rows) == 7_261
    assert rows == expected
    assert sum(row["voltot"] for row in rows) == Decimal("24290319192.93")
    assert sum(row["quatot"] for row in rows) == 2_096_815_921


def test_truncated_real_file_is_refused_by_its_trailer(samples: Path) -> None:
    text = (samples / "COTAHIST_D04012016_truncated.TXT").read_bytes()
    with pytest.raises(BadDataError, match=r"line 506: .*count 504 .* found 1745"):
        read_text(text, QuotesPeriod.day(dt.date(2016, 1, 4)))


def test_real_lines_of_1986_2010_and_2024_are_read_as_the_slow_reader_reads_them(
    samples: Path,
) -> None:
    lines = (samples / "COTAHIST_odd_lines.TXT").read_bytes().splitlines(keepends=True)
    lines = [line for line in lines if line[:2] == b"01"]
    for year in (1986, 2010, 2024):
        of_year = [line for line in lines if line[2:6] == str(year).encode()]
        text = write_text(of_year, file_date=dt.date(year, 12, 31))
        assert read_text(text, QuotesPeriod.year(year)) == [read_line(line) for line in of_year]


@pytest.mark.parametrize("with_ends", [0, 2])
def test_trailer_may_count_records_with_or_without_the_ends(with_ends: int) -> None:
    assert len(read_text(write_text(unlike(5), count=5 + with_ends))) == 5


@pytest.mark.parametrize("count", [0, 4, 6, 8])
def test_any_other_trailer_count_is_refused(count: int) -> None:
    with pytest.raises(BadDataError, match=rf"line 7: .*count 5 .* found {count}"):
        read_text(write_text(unlike(5), count=count))


def test_latin_1_names_are_decoded_beside_plain_ones() -> None:
    names = ["SÃO CARLOS", "Ã£ÿ", "PLAIN", "\x80"]
    lines = [line_on(SESSION, nomres=name, codneg=name) for name in names]
    rows = read_text(write_text(lines))
    assert [row["nomres"] for row in rows] == names
    assert [row["codneg"] for row in rows] == names


def test_sessions_come_apart_across_block_borders() -> None:
    days = [dt.date(2022, 2, day) for day in (1, 2, 3)]
    count = BLOCK_RECORDS // 2 + 100
    lines = [line for day in days for line in unlike(count, line_on(day))]

    batches = list(read_sessions(zip_text(write_text(lines)), MONTH))

    assert max(batch.num_rows for _, batch in batches) <= BLOCK_RECORDS
    for day in days:
        assert sum(batch.num_rows for date, batch in batches if date == day) == count
    assert all(set(batch["data"].to_pylist()) == {date} for date, batch in batches)


def test_session_longer_than_a_block_comes_in_several() -> None:
    first, second = (line_on(dt.date(2022, 2, day)) for day in (1, 3))
    lines = unlike(5, first) + unlike(2 * BLOCK_RECORDS + 1, second)
    batches = read_sessions(zip_text(write_text(lines)), MONTH)
    counts = [(date.day, batch.num_rows) for date, batch in batches]
    assert counts == [(1, 5), (3, BLOCK_RECORDS), (3, BLOCK_RECORDS), (3, 1)]


def test_stored_zip_is_read_like_a_deflated_one() -> None:
    stored = zip_text(write_text([LINE]), method=zipfile.ZIP_STORED)
    assert read_rows(stored) == [RECORD]


def test_year_file_may_be_made_after_its_last_session() -> None:
    text = write_text([line_on(dt.date(1986, 1, 2))], file_date=dt.date(1999, 12, 10))
    text = text.replace(b"COTAHIST.1999", b"COTAHIST.1986")
    assert len(read_text(text, QuotesPeriod.year(1986))) == 1


BAD_TEXTS = {
    "no record": (write_text([]), "without any record"),
    "nothing at all": (b"", "without any record|line 1"),
    "html": (b"<html>" * 200, "line 1: expected the header"),
    "header of another kind": (
        write_text([LINE]).replace(b"COTAHIST.", b"COTAPLUS.", 1),
        "line 1: expected the header",
    ),
    "header date is no date": (
        write_text([LINE]).replace(b"BOVESPA 20220203", b"BOVESPA 20221303"),
        "line 1: expected the header",
    ),
    "another day's file": (
        write_text([LINE], file_date=dt.date(2022, 2, 4)),
        "file of 2022-02-03, found year 2022 and date 2022-02-04",
    ),
    "another year's file": (
        write_text([LINE]).replace(b"COTAHIST.2022", b"COTAHIST.2021"),
        "file of 2022-02-03, found year 2021",
    ),
    "trailer of another file": (
        write_text([LINE], trailer_date=dt.date(2022, 2, 4)),
        "line 3: expected the trailer to repeat",
    ),
    "no trailer": (write_text([LINE] * 3)[: -2 * 247], "line 3: expected the trailer"),
    "text after the trailer": (
        write_text([LINE]) + b"more",
        "End of the file, after the trailer in line 3: expected CRLF and nothing .*found b'more'",
    ),
    "much text after the trailer": (
        write_text([LINE]) + b"more" * 80,
        "End of the file, after the trailer in line 3: expected nothing more",
    ),
    "many end-of-file marks": (write_text([LINE]) + b"\x1a" * 300, "End of the file, .*line 3"),
    "two end-of-file marks": (write_text([LINE]) + b"\x1a\x1a", "End of the file.*found 0x1A"),
    "many empty lines": (write_text([LINE]) + b"\r\n" * 200, "End of the file, .*line 3"),
    "no end of the last line": (
        write_text([LINE])[:-2],
        "End of the file, after the trailer in line 3: expected CRLF .*found no end of the line",
    ),
    "half an end of the last line": (write_text([LINE])[:-1], r"End of the file.*found b'\\r'"),
    "another end of the last line": (
        write_text([LINE])[:-2] + b"\n",
        r"End of the file.*expected CRLF .*found b'\\n'",
    ),
    "an end-of-file mark": (write_text([LINE]) + b"\x1a", "End of the file.*found 0x1A"),
    "an end-of-file mark in a line": (write_text([LINE]) + b"\x1a\r\n", "End of .*found 0x1A"),
    "an end-of-file mark in place of the line's end": (
        write_text([LINE])[:-2] + b"\x1a",
        "End of the file.*found 0x1A",
    ),
    "an empty line": (write_text([LINE]) + b"\r\n", "End of the file.*found an empty line"),
    "line feeds and no last one": (
        write_text([LINE]).replace(b"\r\n", b"\n")[:-1],
        "End of the file, after the trailer in line 3: expected LF .*found no end of the line",
    ),
    "line feeds and an empty line": (
        write_text([LINE]).replace(b"\r\n", b"\n") + b"\n",
        "End of the file.*expected LF .*found an empty line",
    ),
    "the only record's trailer cut off": (
        write_text([LINE])[:-3],
        "End of the file, line 2: expected the trailer .*found b'01.* and 246 bytes after",
    ),
    "a header alone": (write_text([LINE])[:247], "End of the file, line 2: .*found b''"),
    "a record cut off": (
        write_text(unlike(3))[:-300],
        "End of the file, line 3: expected the trailer .*found b'01.*cut off",
    ),
    "record of another session": (
        write_text([LINE, line_on(dt.date(2022, 2, 4))]),
        r"line 3, field DATA \(positions 3-10\): .*2022-02-03 to 2022-02-03.*'20220204'",
    ),
    "record of type 02": (
        write_text([LINE, changed(LINE, 2, b"2")]),
        r"line 3, field TIPREG \(positions 1-2\): expected a record of type 01, .*found '02'",
    ),
    "trailer in the middle": (
        write_text([LINE, write_text([])[247:], LINE]),
        "End of the file, after the trailer in line 3: expected nothing more",
    ),
    "session that is no date": (
        write_text([changed(LINE, 7, b"1302")]),
        "line 2, field DATA .*found '20221302'",
    ),
    "expiry that is no date": (
        write_text([LINE, changed(LINE, 203, b"20220230")]),
        r"line 3, field DATVEN \(positions 203-210\): expected a date .*found '20220230'",
    ),
    "short line": (write_text([LINE, LINE[:50] + LINE[51:], LINE]), "line 3: .* found 244 bytes"),
    "long line": (
        write_text([LINE, LINE[:50] + LINE[49:], LINE]),
        "line 3: .* found more than 245",
    ),
    "a line feed among others": (
        write_text([LINE, changed(LINE, 13, b"X")[:-2] + b"\n", LINE]),
        "line 3: expected 245 bytes and the end of line .*, found 245 bytes and LF",
    ),
    "a carriage return among line feeds": (
        write_text([LINE]).replace(b"\r\n", b"\n").replace(b"R6200\n", b"R6200\r\n"),
        "line 2: expected 245 bytes .*found 245 bytes and CRLF",
    ),
    "a short line among line feeds": (
        write_text([LINE, LINE[:50] + LINE[51:], LINE]).replace(b"\r\n", b"\n"),
        "line 3: .* found 244 bytes",
    ),
    "carriage returns alone": (write_text([LINE] * 9).replace(b"\r\n", b"\r"), "line 1: expected"),
    "only the last line short": (write_text([LINE])[:-3] + b"\r\n", "End of the file"),
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("case", BAD_TEXTS)
def test_bad_text_is_refused_by_line_and_field(case: str, threads: int) -> None:
    text, message = BAD_TEXTS[case]
    with pytest.raises(BadDataError, match=message):
        read_text(text, threads=threads)


@pytest.mark.parametrize("threads", [1, 3])
def test_lines_may_end_with_line_feeds(threads: int) -> None:
    lines = unlike(BLOCK_RECORDS + 5)
    text = write_text(lines)
    expected = read_text(text, threads=threads)
    assert read_text(text.replace(b"\r\n", b"\n"), threads=threads) == expected
    assert len(expected) == len(lines)


def test_month_refuses_sessions_out_of_order_and_outside_of_it() -> None:
    third, fourth = (line_on(dt.date(2022, 2, day)) for day in (3, 4))
    march = line_on(dt.date(2022, 3, 1))
    end = dt.date(2022, 2, 28)
    assert len(read_text(write_text([third, fourth], file_date=end), MONTH)) == 2
    with pytest.raises(BadDataError, match=r"line 3, field DATA .*from 2022-02-04 .*'20220203'"):
        read_text(write_text([fourth, third], file_date=end), MONTH)
    with pytest.raises(BadDataError, match=r"line 3, field DATA .*to 2022-02-28.*'20220301'"):
        read_text(write_text([third, march], file_date=end), MONTH)


def test_file_made_before_its_last_session_is_refused() -> None:
    text = write_text([line_on(dt.date(2022, 2, 4))], file_date=SESSION)
    with pytest.raises(BadDataError, match="made on 2022-02-04"):
        read_text(text, YEAR)


def test_the_first_of_two_bad_values_is_named_by_record_and_then_by_field() -> None:
    bad_date, bad_factor = changed(LINE, 203, b"99990000"), changed(LINE, 211, b"0000000")
    for lines, named in (
        ([bad_date, bad_factor], "line 2, field DATVEN"),
        ([bad_factor, bad_date], "line 2, field FATCOT"),
        ([LINE, changed(bad_date, 211, b"0000000")], "line 3, field DATVEN"),
    ):
        with pytest.raises(BadDataError, match=named):
            read_text(write_text(lines))


@pytest.mark.parametrize("first", [1, BLOCK_RECORDS - 1, BLOCK_RECORDS])
def test_the_first_of_two_bad_records_is_named_whatever_is_wrong_with_it(first: int) -> None:
    bad_digit, bad_date = changed(LINE, 60, b"x"), changed(LINE, 203, b"99990000")
    for pair, field in (((bad_digit, bad_date), "PREABE"), ((bad_date, bad_digit), "DATVEN")):
        lines = [LINE] * (first - 1) + list(pair)
        with pytest.raises(BadDataError, match=f"line {first + 1}, field {field}"):
            read_text(write_text(lines))


@pytest.mark.parametrize(
    ("position", "to", "message"),
    [
        (
            211,
            b"0000000",
            r"field FATCOT \(positions 211-217\): expected a factor from 1 to",
        ),
        (211, b"1000001", "field FATCOT .*found '1000001'"),
        (203, b"00010101", "field DATVEN .*expected a date as YYYYMMDD from 1900 on"),
        (203, b"18991231", "field DATVEN .*found '18991231'"),
        (50, b"ABC", r"field PRAZOT \(positions 50-52\): expected a term in digits, or none"),
        (50, b"6 0", "field PRAZOT .*found '6 0'"),
        (50, b"-60", "field PRAZOT .*found '-60'"),
        (50, b"60\xb2", "field PRAZOT .*found '60²'"),
    ],
)
def test_what_a_month_could_not_be_refined_with_is_refused_by_line_and_field(
    position: int, to: bytes, message: str
) -> None:
    good = unlike(3)
    with pytest.raises(BadDataError, match=f"line 3, {message}"):
        read_text(write_text([good[0], changed(good[1], position, to), good[2]]))


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (b"   ", ""),
        (b"060", "060"),
        (b" 60", " 60"),
        (b"60 ", "60"),
        (b"\x00\x0f ", "\x00\x0f"),
        (b"\x9c\x0f ", "\x9c\x0f"),
        (b'\x09" ', '\t"'),
        (b"6\n0", "6\n0"),
    ],
)
def test_a_term_is_kept_as_it_stands_where_it_is_digits_or_unreadable(
    term: bytes, expected: str
) -> None:
    (row,) = read_text(write_text([changed(LINE, 50, term)]))
    assert row["prazot"] == expected


def test_a_date_of_1900_and_a_factor_of_one_are_read() -> None:
    for factor in (1, 1_000_000):
        line = line_on(SESSION, datven=dt.date(1900, 1, 1), fatcot=factor)
        (row,) = read_text(write_text([line]))
        assert (row["datven"], row["fatcot"]) == (dt.date(1900, 1, 1), factor)


@pytest.mark.parametrize("between", [0, 1, BLOCK_RECORDS - 1, 2 * BLOCK_RECORDS])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_record_that_stands_twice_in_a_session_is_refused(between: int, threads: int) -> None:
    lines = unlike(between + 3)
    lines[between + 2] = lines[1]
    with pytest.raises(BadDataError, match=f"line {between + 4}: .*found that of line 3 again"):
        read_text(write_text(lines), threads=threads)


def test_a_record_may_stand_on_two_sessions_and_a_key_twice_with_other_figures() -> None:
    first, second = (line_on(dt.date(2022, 2, day)) for day in (1, 3))
    other = changed(second, 245, b"1")
    rows = read_text(write_text([first, second, other]), MONTH)
    assert [row["dismes"] for row in rows] == [200, 200, 201]


def test_quantities_that_a_month_could_not_sum_are_refused_where_they_pass_the_limit() -> None:
    parts = [line_on(SESSION, quatot=MOST_QUANTITY // 4)] * 4
    parts = [changed(line, 13, f"{number:012}".encode()) for number, line in enumerate(parts)]
    assert len(read_text(write_text(parts))) == 4
    more = line_on(SESSION, quatot=1)
    with pytest.raises(BadDataError, match=r"line 6, field QUATOT .*at most 100,000,000,"):
        read_text(write_text([*parts, more, LINE]))
    next_day = line_on(dt.date(2022, 2, 4), quatot=MOST_QUANTITY)
    text = write_text([*parts, next_day], file_date=dt.date(2022, 2, 28))
    assert len(read_text(text, MONTH)) == 5


def test_quantities_are_summed_over_all_blocks_of_a_session() -> None:
    lines = unlike(BLOCK_RECORDS + 2, line_on(SESSION, quatot=MOST_QUANTITY // BLOCK_RECORDS))
    with pytest.raises(BadDataError, match=f"line {BLOCK_RECORDS + 2}, field QUATOT"):
        read_text(write_text(lines))


def test_a_session_of_too_many_records_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.core.quotes.session.MOST_RECORDS", 3)
    assert len(read_text(write_text(unlike(3)))) == 3
    with pytest.raises(BadDataError, match="line 2: expected at most 3 records in a session"):
        read_text(write_text(unlike(4)))


@pytest.mark.parametrize("name", NUMERIC_NAMES)
@pytest.mark.parametrize("byte", [b" ", b"-", b".", b"/", b":", b"A", b"\x00", b"\x1f", b"\xb2"])
def test_anything_but_a_digit_in_a_numeric_field_is_refused(name: str, byte: bytes) -> None:
    first, last, _ = LAYOUT[name]
    for position in (first, last):
        text = write_text([LINE, changed(LINE, position, byte), LINE])
        with pytest.raises(BadDataError, match=f"line 3, field {name.upper()} "):
            read_text(text)


def test_text_beyond_the_limit_is_refused_before_it_is_unpacked() -> None:
    text = write_text(unlike(10))
    assert len(read_text(text, max_text_bytes=len(text))) == 10
    with pytest.raises(BadDataError, match="at most 2,963 bytes of text, found 2,964"):
        read_text(text, max_text_bytes=len(text) - 1)


def test_zip_of_two_files_or_none_is_refused() -> None:
    for count in (0, 2):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for number in range(count):
                archive.writestr(f"{number}.TXT", write_text([LINE]))
        with pytest.raises(BadDataError, match=f"one text file in the ZIP, found {count} files"):
            read_rows(file)


@pytest.mark.parametrize(
    "other",
    [
        "COTAHIST_A2022/",
        "deep/folder/",
        "folder\\",
        "__MACOSX/._COTAHIST.TXT",
        "deep/__MACOSX/._COTAHIST.TXT",
        "COTAHIST_A2022/.DS_Store",
        "COTAHIST_A2022/._COTAHIST_A2022.TXT",
    ],
)
def test_folders_in_a_zip_and_what_macos_adds_are_no_files(other: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(other, b"" if other.endswith(("/", "\\")) else b"Mac OS X")
        archive.writestr("COTAHIST_A2022/COTAHIST_A2022.TXT", write_text([LINE]))
    assert read_rows(file) == [RECORD]


def test_zip_packed_by_another_method_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("COTAHIST.TXT", write_text([LINE]))
    with pytest.raises(BadDataError, match="stored or deflated, found method 12"):
        read_rows(file)


@pytest.mark.parametrize("position", [0, 246])
def test_no_field_lies_outside_of_a_record(position: int) -> None:
    with pytest.raises(ValueError, match=f"No field covers position {position}"):
        field_at(position)


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", zip_text(LINE).read()[:-30]])
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    with pytest.raises(BadDataError, match="sound ZIP"):
        read_rows(io.BytesIO(content))


def test_zip_that_states_more_text_than_it_holds_is_refused() -> None:
    content = bytearray(zip_text(write_text([LINE] * 3)).read())
    size_in_directory = content.rindex(b"PK\x01\x02") + 24
    content[size_in_directory : size_in_directory + 4] = (50 * 247).to_bytes(4, "little")
    with pytest.raises(BadDataError, match=r"found its end before|sound ZIP"):
        read_rows(io.BytesIO(content))


@pytest.mark.parametrize("name", ["file", "bytes"])
@pytest.mark.parametrize(
    ("place", "to"),
    [
        pytest.param(-6, b"\xff", id="the-directory's-size"),
        pytest.param(-3, b"\xff", id="the-directory's-offset"),
        pytest.param(-22 - 13, b"\xff", id="the-member's-offset"),
    ],
)
def test_a_zip_with_one_wrong_byte_at_its_end_is_refused(
    place: int, to: bytes, name: str, tmp_path: Path
) -> None:
    content = bytearray(zip_text(write_text([LINE])).read())
    content[place] = to[0]
    path = tmp_path / "COTAHIST.ZIP"
    path.write_bytes(content)
    with pytest.raises(BadDataError, match="sound ZIP"):
        read_rows(path if name == "file" else io.BytesIO(bytes(content)))


def test_a_disk_that_fails_is_no_bad_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(zipfile.ZipExtFile, "read", fail)
    with pytest.raises(OSError, match="Input/output error"):
        read_rows(zip_text(write_text([LINE])))


def test_missing_file_is_no_bad_data(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_rows(tmp_path / "COTAHIST_D03022022.ZIP")


def test_sessions_at_their_limits_fit_into_64_bits_a_month_and_65_megabytes_each() -> None:
    assert 23 * MOST_QUANTITY < 2**63
    assert MOST_RECORDS * LINE_BYTES < 65_000_000
