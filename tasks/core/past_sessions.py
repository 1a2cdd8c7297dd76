"""Where the exchange's days of 1986 to 1999 were others than the rules say.

The rules of exchange_calendars (BVMF) give B3's own sessions from 2000 on. Before, they are wrong
in every year: the exchange closed on Maundy Thursdays, on Ash Wednesdays and by government order,
and holidays were moved to Mondays. These days are known from audits of B3's yearly quote files,
from published series of index levels and from other calendars; of 1990 to 1999 several agree on
each. Of 1989 three more were closed that are not known by day: B3's file of that year holds 242
sessions, where 245 are left here.
"""

import datetime as dt

FIRST_SURE_YEAR = 2000
"""From here on the rules are B3's own list; of a year before, B3's files are the authority."""

_CLOSED = """
1986  02-12 02-28 03-03 03-27 05-26
1987  03-04 03-25 03-26 03-27 03-30 03-31 04-01 04-16 04-20 06-15
1988  02-17 03-31 04-18 05-13 05-30 10-10 10-31
1989  01-16 01-17
1990  02-28 03-14 03-15 03-16 04-12 10-03
1991  02-01 02-13 03-28
1992  03-04 04-16
1993  02-24 04-08
1994  02-16 03-31 07-01 10-03
1995  03-01 04-13
1996  02-21 04-04 10-03
1997  03-27 07-09
1998  04-09
1999  04-01
"""
_TRADED = """
1986  04-26 05-29
1987  04-21 06-18
1988  04-21 06-02 10-12 11-02
"""


def _read(days: str) -> frozenset[dt.date]:
    years = [line.split() for line in days.strip().splitlines()]
    return frozenset(
        dt.date.fromisoformat(f"{year}-{day}") for year, *rest in years for day in rest
    )


CLOSED = _read(_CLOSED)
"""Days without trading that the rules take for sessions."""
TRADED = _read(_TRADED)
"""Sessions that the rules take for closed; 1986-04-26 was a Saturday."""
