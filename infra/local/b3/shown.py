"""What a replay shows at one moment: of each index a session, and the list of the indices."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.local.b3.sessions import (
    INDEX_SIZES,
    WITHOUT_PORTFOLIO,
    Constituent,
    Portfolio,
    generate_portfolio,
)

NEW_INDEX_SIZE = 30
"""Constituents of an index that is listed and not in `INDEX_SIZES`."""


@dataclass(frozen=True)
class Shown:
    """What is shown; with a session alone, that session of every index of `INDEX_SIZES`.

    Attributes:
        session: The session of every index that `sessions` does not name.
        sessions: The session of single indices.
        listed: What the list names; None for `INDEX_SIZES`.
    """

    session: dt.date
    sessions: Mapping[str, dt.date] = field(default_factory=dict)
    listed: tuple[str, ...] | None = None

    def listed_codes(self) -> list[str]:
        """Return what the list names, in order."""
        return sorted(INDEX_SIZES if self.listed is None else self.listed)

    def constituent_count(self, index_code: str) -> int | None:
        """Return how many constituents a published portfolio has; None where none is published."""
        return None if index_code in WITHOUT_PORTFOLIO else self._size(index_code)

    def portfolio(self, index_code: str) -> Portfolio | None:
        """Return the portfolio that is shown of an index; None where none is published."""
        count = self.constituent_count(index_code)
        return None if count is None else self._generate(index_code, count)

    def members(self, index_code: str) -> tuple[Constituent, ...]:
        """Return the constituents of an index, its portfolio published or not."""
        count = self._size(index_code)
        return () if count is None else self._generate(index_code, count).constituents

    def _generate(self, index_code: str, count: int) -> Portfolio:
        session = self.sessions.get(index_code, self.session)
        return generate_portfolio(index_code, session, count)

    def _size(self, index_code: str) -> int | None:
        is_new = self.listed is not None and index_code in self.listed
        return INDEX_SIZES.get(index_code, NEW_INDEX_SIZE if is_new else None)
