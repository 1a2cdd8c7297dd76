"""What of a report is not fine, and what came of the reconciliation, in words."""

import re
from dataclasses import dataclass

from tasks.core.session_report.language import Language
from tasks.core.session_report.model import Reconciliation, SessionReport, Totals

_REASONS = {
    "no portfolio": "reason_no_portfolio",
    "no quotes": "reason_no_quotes",
    "no divisor": "reason_no_divisor",
    "no level": "reason_no_level",
}
_CLOSES = re.compile(r"(\d+) of (\d+) constituents without a close")
TOTALS = {
    "total_count": "constituent_count",
    "total_quantity": "theoretical_quantity",
    "total_weight": "weight_pct",
    "total_divisor": "index_divisor",
}
"""The totals that are compared: `{text: attribute}`."""


@dataclass(frozen=True)
class Compared:
    """A total that B3 states beside that of the lake, as they are read."""

    name: str
    stated: str
    held: str
    verdict: str


def compare_totals(report: SessionReport, language: Language) -> list[Compared]:
    """Return each total as B3 states it, as the lake holds it, and whether they are equal."""
    return [
        _compare(name, attribute, report.stated, report.held, language)
        for name, attribute in TOTALS.items()
    ]


def _compare(
    name: str, attribute: str, all_stated: Totals | None, all_held: Totals, language: Language
) -> Compared:
    stated, held = getattr(all_stated, attribute, None), getattr(all_held, attribute)
    if stated is None:
        return Compared(name, "–", language.number(held), language.text("not_stated"))
    verdict = language.text("is_equal" if stated == held else "is_different")
    return Compared(name, language.number(stated), language.number(held), verdict)


def find_warnings(report: SessionReport, language: Language) -> list[str]:
    """Return a sentence for each thing that a reader has to know before the figures."""
    return [
        *_warn_of_totals(report, language),
        *_warn_of_reconciliation(report.reconciliation, language),
        *_warn_of_market(report, language),
    ]


def _warn_of_totals(report: SessionReport, language: Language) -> list[str]:
    if report.stated is None:
        return [language.text("warn_no_totals")]
    different = language.text("is_different")
    what = [
        language.text(each.name).lower()
        for each in compare_totals(report, language)
        if each.verdict == different
    ]
    return [language.text("warn_totals", what=", ".join(what))] if what else []


def _warn_of_reconciliation(found: Reconciliation | None, language: Language) -> list[str]:
    if found is None or found.verdict == "equal":
        return []
    if found.verdict == "differs" and found.difference is not None:
        return [language.text("warn_differs", difference=language.change(found.difference))]
    return [language.text("warn_incomplete", reason=tell_reason(found.reason, language))]


def _warn_of_market(report: SessionReport, language: Language) -> list[str]:
    market, warnings = report.market, []
    if market is None:
        return []
    missing = len(report.constituents) - market.quoted_count
    if missing:
        warnings.append(language.text("warn_quotes", missing))
    implied, published = market.implied.level, market.published.level
    if report.reconciliation is None and None not in (implied, published) and implied != published:
        values = {"implied": implied, "published": published}
        written = {name: language.number(each) for name, each in values.items() if each is not None}
        warnings.append(language.text("warn_implied", **written))
    return warnings


def tell_reconciliation(found: Reconciliation | None, language: Language) -> list[str]:
    """Return what came of the reconciliation, or that there was none."""
    if found is None:
        return [language.text("no_reconciliation")]
    levels = {"computed": found.computed_level, "published": found.published_level}
    values = {
        name: language.text("reconciled_unknown") if level is None else language.number(level)
        for name, level in levels.items()
    }
    values["reason"] = tell_reason(found.reason, language)
    if found.difference is not None:
        values["difference"] = language.change(found.difference)
    told = [language.text(f"reconciled_{found.verdict}", **values)]
    if found.outside_count:
        told.append(language.text("reconciled_outside", found.outside_count))
    return told


def tell_reason(reason: str | None, language: Language) -> str:
    """Return the reason of `index_reconciliation` in a language; one that is not known as it is."""
    reason = reason or ""
    if reason in _REASONS:
        return language.text(_REASONS[reason])
    if found := _CLOSES.fullmatch(reason):
        missing, all_ = (language.number(int(each)) for each in found.groups())
        return language.text("reason_closes", missing=missing, all=all_)
    return reason
