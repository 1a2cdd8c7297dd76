"""Writes COTAHIST files as B3 publishes them, of a day, a month or a year, up to their real size.

Run `python -m infra.local.b3.cotahist_files --help`. The defaults make a year of about 2.5 million
records, 620 MB of text.
"""

import argparse
import datetime as dt
import re
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from infra.local.b3.cotahist_session import session_lines
from tasks.core.exchange import is_session
from tasks.core.quotes.files import QuotesPeriod

DEFAULT_INSTRUMENTS = 10_550

_PERIOD = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def write_quotes_zip(
    directory: Path,
    period: QuotesPeriod,
    *,
    instrument_count: int = DEFAULT_INSTRUMENTS,
    seed: int = 1,
) -> Path:
    """Write the ZIP of a period under B3's name; the same arguments give the same bytes.

    Args:
        directory: Where to; it is made if it does not exist.
        period: The day, month or year.
        instrument_count: Instruments of the market, at least 10; about 95 % of them have a
            record on each session.
        seed: Another seed gives other numbers.

    Returns:
        The file's path. It appears when it is whole.

    Raises:
        ValueError: The period has no session.
    """
    sessions = list_sessions(period)
    if not sessions:
        raise ValueError(f"Expected a period with a session of the exchange, found {period}.")
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{period.file_name}"
    partial = path.with_suffix(".part")
    member = zipfile.ZipInfo(f"{period.file_stem}.TXT", (*sessions[-1].timetuple()[:3], 20, 30, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    mark = f"COTAHIST.{sessions[-1]:%Y}BOVESPA {sessions[-1]:%Y%m%d}"
    count = 2  # the trailer counts the header and itself, as B3's did to 2024
    with zipfile.ZipFile(partial, "w") as archive, archive.open(member, "w") as text:
        text.write(f"{'00' + mark:<245}\r\n".encode())
        for trading_date in sessions:
            lines = session_lines(trading_date, instrument_count, seed)
            text.write(lines.tobytes())
            count += len(lines)
        text.write(f"{f'99{mark}{count:011}':<245}\r\n".encode())
    return partial.replace(path)


def list_sessions(period: QuotesPeriod) -> list[dt.date]:
    """Return the sessions of a period, in order, by the exchange's calendar."""
    length = (period.last_date - period.first_date).days + 1
    days = (period.first_date + dt.timedelta(day) for day in range(length))
    return [day for day in days if is_session(day)]


def parse_period(text: str) -> QuotesPeriod:
    """Return the period that `2022-02-03`, `2022-02` or `2022` names.

    Raises:
        ValueError: It names none.
    """
    match = _PERIOD.fullmatch(text)
    if not match:
        raise ValueError(f"Expected YYYY-MM-DD, YYYY-MM or YYYY, found {text!r}.")
    year, month, day = match.groups()
    if day:
        return QuotesPeriod.day(dt.date.fromisoformat(text))
    return QuotesPeriod.month(int(year), int(month)) if month else QuotesPeriod.year(int(year))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files that the command line asks for; print their paths."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.b3.cotahist_files",
        description="Write generated COTAHIST files: same arguments, same bytes.",
    )
    parser.add_argument("directory", type=Path, help="where to write them")
    parser.add_argument(
        "periods", nargs="+", metavar="PERIOD", help="2022-02-03 (day), 2022-02 (month), 2022"
    )
    parser.add_argument(
        "--instruments",
        type=int,
        default=DEFAULT_INSTRUMENTS,
        help="instruments of the market, at least 10 (default: %(default)s, the real size)",
    )
    options = parser.parse_args(arguments)
    try:
        for text in options.periods:
            period = parse_period(text)
            print(write_quotes_zip(options.directory, period, instrument_count=options.instruments))
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
