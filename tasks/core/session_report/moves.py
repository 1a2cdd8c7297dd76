"""What became of constituents between two portfolios; weights are in percent and points."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

ENTERED, LEFT, STAYED = "entered", "left", "stayed"


@dataclass(frozen=True)
class Move:
    """What became of a constituent between two portfolios.

    Attributes:
        kind: `ENTERED`, `LEFT` or `STAYED`.
        ticker: The constituent.
        asset_name: B3's short name of the issuer.
        weight_before: Weight before; None where it was not in.
        weight_after: Weight after; None where it is not in.
        quantity_before: Theoretical quantity before, likewise.
        quantity_after: Theoretical quantity after, likewise.
    """

    kind: str
    ticker: str
    asset_name: str
    weight_before: Decimal | None
    weight_after: Decimal | None
    quantity_before: int | None
    quantity_after: int | None

    @property
    def weight_change(self) -> Decimal:
        """In percentage points; what is not in weighs nothing."""
        return (self.weight_after or Decimal("0.000")) - (self.weight_before or Decimal("0.000"))

    @property
    def quantity_change(self) -> int:
        """In shares; of what is not in there are none."""
        return (self.quantity_after or 0) - (self.quantity_before or 0)


@dataclass(frozen=True)
class Moves:
    """What changed between two portfolios; what is the same is not in it.

    Attributes:
        since: The session of the one before, or on which the preview was last shown.
        rows: Entries, exits, then the others, the largest change of weight first.
    """

    since: dt.date
    rows: tuple[Move, ...]

    def of_kind(self, kind: str) -> tuple[Move, ...]:
        """Return the moves of a kind."""
        return tuple(each for each in self.rows if each.kind == kind)

    @property
    def changed_quantities(self) -> tuple[Move, ...]:
        """Those that stayed with another quantity."""
        return tuple(each for each in self.of_kind(STAYED) if each.quantity_change)
