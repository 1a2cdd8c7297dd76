"""Which of B3's quotes files raw was loaded from: what makes the next request conditional."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LoadedQuotes:
    """One quotes file that raw holds in full.

    Attributes:
        etag: What B3 called these bytes; empty where B3 did not say.
        sha256: Their digest, and their name in landing.
        trading_dates: The sessions in it.
        record_count: The records in it, as its trailer confirms.
    """

    etag: str
    sha256: str
    trading_dates: tuple[dt.date, ...]
    record_count: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {
            "etag": self.etag,
            "sha256": self.sha256,
            "trading_dates": [date.isoformat() for date in self.trading_dates],
            "record_count": self.record_count,
        }

    @classmethod
    def from_json(cls, text: bytes) -> "LoadedQuotes":
        """Read what `to_dict` gave."""
        values = json.loads(text)
        dates = tuple(map(dt.date.fromisoformat, values["trading_dates"]))
        return cls(values["etag"], values["sha256"], dates, values["record_count"])


NOTHING_LOADED = LoadedQuotes(etag="", sha256="", trading_dates=(), record_count=0)
