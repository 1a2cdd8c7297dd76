"""What a source answered, and when."""

import datetime as dt
from dataclasses import dataclass
from typing import Generic, TypeVar

from tasks.core.exchange import day_in_sao_paulo

Form = TypeVar("Form")


@dataclass(frozen=True)
class Download(Generic[Form]):
    """What B3 answered, read; landing keeps the bytes.

    Attributes:
        pages: Its answers, in order.
        received_at: When the last of them had come (UTC, whole seconds).
    """

    pages: tuple[Form, ...]
    received_at: dt.datetime

    @property
    def day(self) -> dt.date:
        """The day it was where the exchange is."""
        return day_in_sao_paulo(self.received_at)
