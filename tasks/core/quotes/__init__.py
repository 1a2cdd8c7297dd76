"""The daily quotes of all markets: B3's COTAHIST files, and what is made of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from tasks.core.checks import Check
from tasks.core.dataset import Dataset
from tasks.core.quotes.tables import QUOTES_DAILY, QUOTES_MONTHLY, RAW_QUOTES


def _audit(
    _partition: Sequence[str],
    raw: Iterable[tuple[date, Any]],
    refined: Mapping[str, Any],
    published_dates: Collection[date],
) -> list[Check]:
    # Imported here: pyarrow takes its time, which a run that has nothing to audit need not wait.
    from tasks.core.quotes.audit import audit_quotes_month

    daily, monthly = refined[QUOTES_DAILY.name], refined[QUOTES_MONTHLY.name]
    return audit_quotes_month(raw, daily, monthly, published_dates)


QUOTES = Dataset(
    name="quotes",
    raw=RAW_QUOTES,
    refined=(QUOTES_DAILY, QUOTES_MONTHLY),
    sessions=QUOTES_DAILY,
    audit=_audit,
    refine_seconds_a_month=15,
)
