"""Answers that hold another index than the one that was asked for: an answer does not say which."""

from collections import defaultdict
from collections.abc import Mapping

from tasks.core.indices import Members, find_owner, has_turned_over
from tasks.core.portfolio.model import Portfolio

_ADVICE = "If it is right all the same, import a saved file of it, which names its index."


def find_strays(
    shown: Mapping[str, Portfolio], members: Members, before: Mapping[str, Portfolio]
) -> dict[str, str]:
    """Return, by index, why what B3 showed is taken for the content of another one.

    Args:
        shown: What B3 showed of each index.
        members: B3's list of indices; empty where it was not asked for.
        before: What is known of the session before, of some or all of them.
    """
    strays = {}
    for code, portfolio in shown.items():
        tickers = {row.ticker for row in portfolio.constituents}
        reason = find_owner(code, tickers, members)
        earlier = before.get(code)
        if not reason and earlier:
            known = {row.ticker for row in earlier.constituents}
            if has_turned_over(tickers, known):
                reason = (
                    f"{len(tickers & known)} of its {len(tickers)} tickers were in it on "
                    f"{earlier.trading_date}, when it had {len(known)}"
                )
        if reason:
            strays[code] = reason
    return {code: _refuse(code, why) for code, why in (strays | _twins(shown, strays)).items()}


def _twins(shown: Mapping[str, Portfolio], strays: Mapping[str, str]) -> dict[str, str]:
    """Return what is the same for two indices: divisor, quantities, constituents."""
    by_content = defaultdict(list)
    for code, portfolio in shown.items():
        if code not in strays:
            content = portfolio.trading_date, portfolio.index_divisor, portfolio.constituents
            by_content[content].append(code)
    return {
        code: f"the same came for {', '.join(other for other in codes if other != code)}"
        for codes in by_content.values()
        for code in codes
        if len(codes) > 1
    }


def _refuse(index_code: str, reason: str) -> str:
    return (
        f"Expected B3 to answer with the portfolio of {index_code}, found that {reason}: it is "
        f"taken for another index. {_ADVICE}"
    )
