"""What has to come of raw rows: the arithmetic of the reconciliation once more, exact.

Products and quotients are fractions here, cut or compared once at the end; the statements that
Glue executes get there in decimals of limited digits.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tasks.core.wording import count

_LEAST_DIVISOR = Decimal("0.005")  # which has two decimals that are not none
EQUAL, DIFFERS, INCOMPLETE = "equal", "differs", "incomplete"
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True, order=True)
class Verdict:
    """What came of one index on one session: a row of `index_reconciliation`."""

    index_code: str
    trading_date: dt.date
    constituent_count: int
    quoted_count: int
    computed_level: Decimal | None
    published_level: Decimal | None
    difference: Decimal | None
    verdict: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.index_code} {self.trading_date}"


@dataclass(frozen=True)
class Implied:
    """What the weight of a constituent says of its price before the session, in reais."""

    price: Fraction
    tolerance: Fraction


def judge_index(trading_date: dt.date, rows: Rows) -> Verdict:
    """Return what comes of the raw rows of an index on a session.

    Args:
        trading_date: The session.
        rows: At least one, all of one index.
    """
    first = rows[0]
    members = [row for row in rows if row["ticker"] is not None]
    prices = [unit_price(row["close"], row["quote_factor"]) for row in members]
    quoted_count = sum(price is not None for price in prices)
    computed = None
    if members and quoted_count == len(members) and first["index_divisor"] >= _LEAST_DIVISOR:
        values = zip(members, prices, strict=True)
        total = sum(int(row["theoretical_quantity"]) * (price or 0) for row, price in values)
        computed = cut(total / Fraction(first["index_divisor"]))
    published = first["level"]
    difference = None if computed is None or published is None else computed - published
    verdict = INCOMPLETE if difference is None else DIFFERS if difference else EQUAL
    reason = _reason(len(members), quoted_count, first, computed)
    return Verdict(
        first["index_code"],
        trading_date,
        len(members),
        quoted_count,
        computed,
        published,
        difference,
        verdict,
        reason,
    )


def _reason(
    member_count: int, quoted_count: int, first: dict[str, Any], computed: Decimal | None
) -> str | None:
    if not member_count:
        return "no portfolio"
    if not first["quote_count"]:
        return "no quotes"
    if quoted_count < member_count:
        return f"{member_count - quoted_count} of {member_count} constituents without a close"
    if computed is None:
        return "no divisor"
    return None if first["level"] is not None else "no level"


def cut(points: Fraction) -> Decimal:
    """Return a level with two decimals: what is beyond them is cut, and not rounded."""
    return Decimal(int(points * 100)).scaleb(-2)


def unit_price(price: Decimal | None, factor: Decimal | None) -> Fraction | None:
    """Return the price of one piece, with the eight decimals that the tables keep of it."""
    if price is None or factor is None:
        return None
    scaled = Fraction(price) / Fraction(factor) * 10**8
    return Fraction(int(scaled + Fraction(1, 2)), 10**8)


def imply_price(row: dict[str, Any]) -> Implied | None:
    """Return the price before the session that a weight implies; None without a level before."""
    level, divisor, quantity = (
        row[name] for name in ("previous_level", "index_divisor", "theoretical_quantity")
    )
    if level is None or divisor is None or not quantity:
        return None
    weight = Fraction(row["weight_pct"])
    a_point = Fraction(divisor) / (100 * Fraction(quantity))
    tolerance = Fraction(15, 10_000) * Fraction(level) + Fraction(1, 100) * weight
    return Implied(weight * Fraction(level) * a_point, tolerance * a_point)


def summarize(verdicts: Sequence[Verdict]) -> str:
    """Return how many are equal, differ or are incomplete, those that differ by name."""
    by_verdict = {
        kind: [each for each in verdicts if each.verdict == kind]
        for kind in (EQUAL, DIFFERS, INCOMPLETE)
    }
    parts = [f"{len(by_verdict[EQUAL])} of {count(len(verdicts), 'level')} equal"]
    if found := by_verdict[DIFFERS]:
        first = ", ".join(f"{each} by {each.difference}" for each in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        parts.append(f"{len(found)} differ: {first}{more}")
    if by_verdict[INCOMPLETE]:
        parts.append(f"{len(by_verdict[INCOMPLETE])} incomplete")
    return "; ".join(parts)


def tabulate(verdicts: Sequence[Verdict]) -> list[dict[str, str]]:
    """Return what is not equal as the rows of a table, what differs first."""
    found = [each for each in verdicts if each.verdict != EQUAL]
    return [
        {
            "verdict": each.verdict,
            "index": each.index_code,
            "session": str(each.trading_date),
            "computed": _show(each.computed_level),
            "published": _show(each.published_level),
            "difference": _show(each.difference),
            "reason": each.reason or "",
        }
        for each in sorted(found, key=lambda each: (each.verdict, each))
    ]


def _show(number: Decimal | None) -> str:
    return "" if number is None else f"{number:,}"
