"""What a replay shows at one moment: of each index a session, and the list of the indices."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.local.b3.kinds import DAY, Kind
from infra.local.b3.period import preview_in_force
from infra.local.b3.sessions import INDEX_SIZES, WITHOUT_PORTFOLIO, Constituent, Portfolio

NEW_INDEX_SIZE = 30
"""Constituents of an index that is listed and not in `INDEX_SIZES`."""


@dataclass(frozen=True)
class Shown:
    """What is shown; with a session alone, that session of every index of `INDEX_SIZES`.

    Attributes:
        session: The session of every index that `sessions` does not name.
        sessions: The session of single indices.
        listed: What the list names; None for `INDEX_SIZES`.
        says_preview: Whether a preview is said to be in force; None for by the calendar.
    """

    session: dt.date
    sessions: Mapping[str, dt.date] = field(default_factory=dict)
    listed: tuple[str, ...] | None = None
    says_preview: bool | None = None

    def listed_codes(self) -> list[str]:
        """Return what the list names, in order."""
        return sorted(INDEX_SIZES if self.listed is None else self.listed)

    def constituent_count(self, index_code: str) -> int | None:
        """Return how many constituents a published portfolio has; None where none is published."""
        return None if index_code in WITHOUT_PORTFOLIO else self._size(index_code)

    def portfolio(self, index_code: str, kind: Kind = DAY) -> Portfolio | None:
        """Return what is shown of an index of a kind; None where nothing is published."""
        count = self.constituent_count(index_code)
        return None if count is None else self._make(index_code, count, kind)

    def has_preview(self, index_code: str) -> bool:
        """Return whether a preview of an index is said to be in force."""
        if self.constituent_count(index_code) is None:
            return False
        if self.says_preview is not None:
            return self.says_preview
        return preview_in_force(self._session(index_code)) is not None

    def members(self, index_code: str) -> tuple[Constituent, ...]:
        """Return the constituents of an index, its portfolio published or not."""
        count = self._size(index_code)
        return () if count is None else self._make(index_code, count, DAY).constituents

    def _make(self, index_code: str, count: int, kind: Kind) -> Portfolio:
        return kind.make(index_code, self._session(index_code), count)

    def _session(self, index_code: str) -> dt.date:
        return self.sessions.get(index_code, self.session)

    def _size(self, index_code: str) -> int | None:
        is_new = self.listed is not None and index_code in self.listed
        return INDEX_SIZES.get(index_code, NEW_INDEX_SIZE if is_new else None)
