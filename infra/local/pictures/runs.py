"""The runs that pictures are about."""

from dataclasses import dataclass
from typing import Any

MONTH_AGO, SAVED, SHOWN, NOT_SHOWN = "2025-07-04", "2025-08-01", "2025-08-04", "2025-07-31"


@dataclass(frozen=True)
class Run:
    """A run that pictures are about.

    Attributes:
        deployment: Whose.
        parameters: Its own.
        after: The runs that have to be there before.
        saved: Of this session a file is in the inbox, which is its `files`.
        is_cancelled: It is cancelled while Glue works.
    """

    deployment: str
    parameters: dict[str, Any]
    after: tuple[str, ...] = ()
    saved: str | None = None
    is_cancelled: bool = False


_PORTFOLIO = {"trading_date": SHOWN, "index_codes": ["IBOV"]}
RUNS = {
    "month-ago": Run("import-portfolio", {}, saved=MONTH_AGO),
    "import": Run("import-portfolio", {}, saved=SAVED),
    "published": Run("daily-portfolio", _PORTFOLIO, after=("import",)),
    "failed": Run("daily-portfolio", _PORTFOLIO | {"trading_date": NOT_SHOWN}),
    "backfill": Run("backfill", {"dataset": "quotes", "start": "2025-07-01", "end": SHOWN}),
    "levels": Run("index-levels", {"year": 2025, "index_codes": ["IBOV"]}),
    # Its report has everything that one can have.
    "reconciled": Run(
        "reconcile",
        {"start": SAVED, "end": SHOWN, "index_codes": ["IBOV"]},
        after=("month-ago", "published", "backfill", "levels"),
    ),
    "in-english": Run("report", _PORTFOLIO | {"language": "en"}, after=("reconciled",)),
    "vacuum": Run("vacuum", {"delete": False}),
    "cancelled": Run(
        "daily-portfolio", _PORTFOLIO | {"force": True}, after=("published",), is_cancelled=True
    ),
}
