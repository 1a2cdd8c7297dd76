"""The daily quotes of all markets: B3's COTAHIST files, and what is made of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.core.checks import Check
from tasks.core.dataset import Dataset, RawRows
from tasks.core.quotes.tables import QUOTES_DAILY, QUOTES_MONTHLY, RAW_QUOTES, REFINED


def _audit(raw: Iterable[RawRows], refined: Mapping[str, Any]) -> list[Check]:
    # Imported here: pyarrow takes its time, which a run that has nothing to audit need not wait.
    from tasks.core.quotes.audit import audit_quotes_month

    sessions = ((day, rows) for _, day, rows in raw)
    return audit_quotes_month(sessions, refined[QUOTES_DAILY.name], refined[QUOTES_MONTHLY.name])


QUOTES = Dataset(
    name="quotes",
    raw=RAW_QUOTES,
    refined=REFINED,
    audit=_audit,
    refine_seconds_a_month=15,
)
