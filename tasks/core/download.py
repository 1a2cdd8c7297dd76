"""What a source answered, and when."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from tasks.core.exchange import day_in_sao_paulo

Form = TypeVar("Form")


class Paged(Protocol):
    """A part of an answer of several pages, which says how many there are."""

    @property
    def page(self) -> Any:
        """Where it stands among them; `totalPages` of it is how many there are."""


@dataclass(frozen=True)
class Download(Generic[Form]):
    """What B3 answered, read; landing keeps the bytes.

    Attributes:
        pages: Its answers, in order.
        received_at: When the last of them had come (UTC, whole seconds).
        keys: Where landing keeps them, in order.
    """

    pages: tuple[Form, ...]
    received_at: dt.datetime
    keys: tuple[str, ...] = ()

    @property
    def day(self) -> dt.date:
        """The day it was where the exchange is."""
        return day_in_sao_paulo(self.received_at)
