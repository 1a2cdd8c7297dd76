"""The page of a month: every report that there is of it, the latest session first."""

import datetime as dt
from collections.abc import Collection, Mapping

from tasks.core.session_report.language import find_language
from tasks.core.session_report.page import render


def render_month(month: str, pages: Mapping[dt.date, Collection[str]], language: str) -> str:
    """Return the page of a month, whose links are relative to it.

    Args:
        month: `YYYY-MM`.
        pages: The indices of which there are reports, by session.
        language: A code of `language.LANGUAGES`.

    Raises:
        InvalidInputError: There is no such language.
    """
    sessions = [(day, sorted(pages[day])) for day in sorted(pages, reverse=True) if pages[day]]
    return render("month.html", find_language(language), {"month": month, "sessions": sessions})
