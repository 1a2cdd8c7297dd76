"""Misbehaviour in what an answer says: each function takes the right content and spoils it.

Faults of rows keep the header and the record count as they are, and break one rule each: where
one value is wrong on purpose, another makes up for it in the sum.
"""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from infra.local.b3.format import Content, Language
from infra.local.b3.kinds import DAY
from infra.local.b3.sessions import INDEX_SIZES


def _other(language: Language) -> Language:
    return "en-us" if language == "pt-br" else "pt-br"


def other_language(content: Content) -> Content:
    """Speak the other language throughout."""
    other = _other(content.language)
    return replace(content, language=other, date_language=other)


def swapped_date(content: Content) -> Content:
    """Write the date, and it alone, as the other language does."""
    return replace(content, date_language=_other(content.language))


def roll_over(content: Content) -> Content:
    """Show what B3 shows next instead: the next weekday's session, the next period or preview."""
    shown = content.portfolio
    later = content.kind.following(shown.trading_date)
    following = content.kind.make(shown.index_code, later, len(shown.constituents))
    return replace(content, portfolio=following, rows=following.constituents)


def repeat_page(content: Content) -> Content:
    """Show the rows of page 1, whatever page the answer says it is."""
    return replace(content, page_number=1)


def other_total(content: Content) -> Content:
    """Claim one record more."""
    return replace(content, total_records=content.total_records + 1)


def no_session_date(content: Content) -> Content:
    """Name a day on which the exchange was closed."""
    holiday = replace(content.portfolio, trading_date=dt.date(2024, 12, 25))
    return replace(content, portfolio=holiday)


def bad_divisor(content: Content) -> Content:
    """State a divisor of zero."""
    return replace(content, portfolio=replace(content.portfolio, index_divisor=Decimal("0E-8")))


def other_index(content: Content) -> Content:
    """Show another index, complete and consistent."""
    shown = content.portfolio
    other_code = "IBXX" if shown.index_code == "IDIV" else "IDIV"
    other = content.kind.make(other_code, shown.trading_date, INDEX_SIZES[other_code])
    rows = other.constituents
    return replace(content, portfolio=other, rows=rows, total_records=len(rows))


def missing_row(content: Content) -> Content:
    """Leave one constituent out."""
    return replace(content, rows=content.rows[:-1])


def duplicate_ticker(content: Content) -> Content:
    """Give the second constituent the ticker of the first."""
    first, second, *others = content.rows
    return replace(content, rows=(first, replace(second, ticker=first.ticker), *others))


def wrong_weight(content: Content) -> Content:
    """Make the weights sum to a thousandth more than they do at most: of the day 100.000."""
    first, *others = content.rows
    wrong = Decimal("100.001") if content.kind is DAY else Decimal("100.002")
    more = wrong - content.portfolio.total_weight_pct
    heavier = replace(first, weight_pct=first.weight_pct + more)
    return replace(content, rows=(heavier, *others))


def zero_weight(content: Content) -> Content:
    """Give the first constituent's weight to the second."""
    first, second, *others = content.rows
    both = first.weight_pct + second.weight_pct
    rows = (replace(first, weight_pct=Decimal("0.000")), replace(second, weight_pct=both), *others)
    return replace(content, rows=rows)


def wrong_quantity(content: Content) -> Content:
    """Make the quantities sum to one more than the header says."""
    first, *others = content.rows
    more = replace(first, theoretical_quantity=first.theoretical_quantity + 1)
    return replace(content, rows=(more, *others))


def negative_quantity(content: Content) -> Content:
    """Turn the first quantity negative, and keep the sum by the second."""
    first, second, *others = content.rows
    taken = first.theoretical_quantity
    negative = replace(first, theoretical_quantity=-taken)
    filled_up = replace(second, theoretical_quantity=second.theoretical_quantity + 2 * taken)
    return replace(content, rows=(negative, filled_up, *others))
