"""What must hold of a portfolio that was read, before anything of it is stored.

The invariants are those that B3's own files hold: the weights sum to exactly 100.000 (those of a
period to 99.999 to 100.001), the quantities sum to the header's total, no ticker stands twice, and
every text has its form, so that it is safe in a path, a statement, a page and a line of a log.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from tasks.core.checks import Check, compare, none_of, show_value
from tasks.core.exchange import explains_as_swapped, is_session, next_session
from tasks.core.numbers import swap_day_and_month
from tasks.core.portfolio.model import (
    LEAST_OF_PERIOD_PCT,
    MOST_OF_PERIOD_PCT,
    WHOLE_PCT,
    Constituent,
    Portfolio,
)
from tasks.core.texts import PLAIN_FORM, TICKER_FORM, is_plain, is_ticker, show
from tasks.core.wording import count, every


def check_portfolio(
    portfolio: Portfolio, *, record_count: int | None = None, today: dt.date | None = None
) -> list[Check]:
    """Check a portfolio against its own header and the exchange's calendar.

    Args:
        portfolio: What was read.
        record_count: The count of constituents that the source states, where it states one.
        today: The day in São Paulo on which B3 answered; None for a file of any age.

    Returns:
        One verdict a check.
    """
    there = count(len(portfolio.constituents), "constituent")
    checks = [
        compare("weights_sum_to_100", WHOLE_PCT, portfolio.weight_sum, f"in {there}"),
        compare("header_weight_is_100", WHOLE_PCT, portfolio.total_weight_pct, "in the header"),
        *_check_rows(portfolio, record_count),
    ]
    return checks + _check_session(portfolio.trading_date, today)


def check_period(portfolio: Portfolio, *, record_count: int | None = None) -> list[Check]:
    """Check a portfolio of a period, or a preview of one, against its own header.

    Args:
        portfolio: What was read; its session is known from elsewhere.
        record_count: The count of constituents that the source states, where it states one.

    Returns:
        One verdict a check.
    """
    there = count(len(portfolio.constituents), "constituent")
    weights = (
        ("weights_sum_to_100", portfolio.weight_sum, f"in {there}"),
        ("header_weight_is_100", portfolio.total_weight_pct, "in the header"),
    )
    return [
        *(
            Check(
                name,
                f"{LEAST_OF_PERIOD_PCT} to {MOST_OF_PERIOD_PCT}",
                f"{show_value(weight)} {where}",
                LEAST_OF_PERIOD_PCT <= weight <= MOST_OF_PERIOD_PCT,
            )
            for name, weight, where in weights
        ),
        *_check_rows(portfolio, record_count),
    ]


def _check_rows(portfolio: Portfolio, record_count: int | None) -> list[Check]:
    rows = portfolio.constituents
    expected_count = len(rows) if record_count is None else record_count
    counts = Counter(map(str, rows))
    there = count(len(rows), "constituent")
    return [
        compare("constituent_count", count(expected_count, "constituent"), there),
        compare(
            "quantities_sum_to_header",
            portfolio.total_theoretical_quantity,
            sum(row.theoretical_quantity for row in rows),
            f"in {there}",
        ),
        none_of(
            "tickers_are_unique",
            "no ticker twice",
            [ticker for ticker, number in counts.items() if number > 1],
            f"no ticker twice in {there}",
        ),
        *_check_texts(rows),
        none_of(
            # B3 rounds: a constituent of the broad indices may stand there with 0,000.
            "weights_are_not_negative",
            "no weight below zero",
            [f"{row} {row.weight_pct}" for row in rows if row.weight_pct < 0],
            f"no weight below zero in {there}",
        ),
        none_of(
            "quantities_are_positive",
            "every quantity above zero",
            [f"{r} {r.theoretical_quantity}" for r in rows if r.theoretical_quantity <= 0],
            f"{every(len(rows), 'quantity', 'quantities')} above zero",
        ),
        Check(
            "divisor_is_positive",
            "above zero",
            show_value(portfolio.index_divisor),
            portfolio.index_divisor > 0,
        ),
    ]


def _check_texts(rows: Sequence[Constituent]) -> list[Check]:
    texts = [
        (row, name, text)
        for row in rows
        for name, text in (("asset_name", row.asset_name), ("sector", row.sector))
        if text is not None
    ]
    return [
        none_of(
            "tickers_have_their_form",
            TICKER_FORM,
            [show(row.ticker) for row in rows if not is_ticker(row.ticker)],
            f"{every(len(rows), 'ticker')} in that form",
        ),
        none_of(
            "names_and_sectors_are_plain",
            PLAIN_FORM,
            [f"{row} {name} {show(text)}" for row, name, text in texts if not is_plain(text)],
            f"{every(len(texts), 'name or sector', 'names and sectors')} in that form",
        ),
        none_of(
            "types_keep_their_columns",
            "class(3) event(3) listing segment(2), blanks between, in ASCII",
            [f"{row} {show(row.type)}" for row in rows if not row.has_readable_type],
            f"{every(len(rows), 'type')} in that form",
        ),
    ]


def _check_session(day: dt.date, today: dt.date | None) -> list[Check]:
    checks = [Check("date_is_a_session", "a session of B3", f"{day:%Y-%m-%d, %A}", is_session(day))]
    if today:
        latest = next_session(today)
        swapped = swap_day_and_month(day)
        is_swapped = explains_as_swapped(day, swapped, today)
        checks += [
            Check("date_is_not_past_next_session", f"{latest} or before", str(day), day <= latest),
            Check(
                "day_and_month_are_not_swapped",
                f"a session that B3 shows about {today}",
                f"{day}, which is {swapped} with day and month swapped" if is_swapped else str(day),
                not is_swapped,
            ),
        ]
    return checks
