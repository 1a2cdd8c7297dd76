"""The span of sessions that one of B3's daily quotes files covers, and that file's name.

B3 publishes the same records by day, month and year:

```
https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_D03022022.ZIP   one session, DDMMYYYY
https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_M022022.ZIP     one month, MMYYYY
https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_A2022.ZIP       one year, YYYY
```
"""

import datetime as dt
from calendar import monthrange
from dataclasses import dataclass
from typing import Literal

_NAME_FORMATS = {"D": "D%d%m%Y", "M": "M%m%Y", "A": "A%Y"}


@dataclass(frozen=True, order=True)
class QuotesPeriod:
    """A day, a month or a year of quotes. Make one with `day`, `month` or `year`.

    Attributes:
        first_date: First calendar day of the period.
        last_date: Last calendar day of the period, inclusive.
        kind: B3's letter for the file: `D` (day), `M` (month) or `A` (year).
    """

    first_date: dt.date
    last_date: dt.date
    kind: Literal["D", "M", "A"]

    @classmethod
    def day(cls, trading_date: dt.date) -> "QuotesPeriod":
        """Return the period of one session."""
        return cls(trading_date, trading_date, "D")

    @classmethod
    def month(cls, year: int, month: int) -> "QuotesPeriod":
        """Return the period of one calendar month."""
        last_day = monthrange(year, month)[1]
        return cls(dt.date(year, month, 1), dt.date(year, month, last_day), "M")

    @classmethod
    def year(cls, year: int) -> "QuotesPeriod":
        """Return the period of one calendar year."""
        return cls(dt.date(year, 1, 1), dt.date(year, 12, 31), "A")

    @property
    def file_stem(self) -> str:
        """B3's name of the file without its ending, e.g. `COTAHIST_D03022022`."""
        return f"COTAHIST_{self.first_date.strftime(_NAME_FORMATS[self.kind])}"

    def __contains__(self, date: dt.date) -> bool:
        """Tell whether `date` lies in the period."""
        return self.first_date <= date <= self.last_date

    def __str__(self) -> str:
        """Return the period as people write it: `2022-02-03`, `2022-02` or `2022`."""
        length = {"D": 10, "M": 7, "A": 4}[self.kind]
        return self.first_date.isoformat()[:length]
