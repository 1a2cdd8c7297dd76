"""B3's levels held against portfolios and quotes, to the cent: what is made of the three."""

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.core.checks import Check
from tasks.core.dataset import Dataset, RawRows
from tasks.core.reconciliation.tables import RAW_RECONCILIATION, REFINED


def _audit(raw: Iterable[RawRows], refined: Mapping[str, Any]) -> list[Check]:
    # Imported here, as of the other datasets: who only names tables need not wait for it.
    from tasks.core.reconciliation.audit import audit_reconciliation_month

    return audit_reconciliation_month(raw, refined)


RECONCILIATION = Dataset(
    name="reconciliation",
    raw=RAW_RECONCILIATION,
    refined=REFINED,
    audit=_audit,
    refine_seconds_a_month=2,
)
