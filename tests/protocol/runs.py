"""The flows as functions, each with parameters under which a lake on the stage has work for it."""

import base64
import datetime as dt
from collections.abc import Callable
from inspect import unwrap
from pathlib import Path

from prefect.client.schemas.objects import State

from flows.backfill import backfill
from flows.import_portfolio import import_portfolio
from flows.levels import index_levels
from flows.portfolio import daily_portfolio
from flows.quotes import daily_quotes
from flows.reconcile import reconcile
from flows.report import report
from flows.vacuum import vacuum
from flows.verify import verify
from infra.local.b3.format import DownloadQuery, content_of, render_csv
from infra.local.b3.sessions import generate_portfolio
from tests.standin.glue import BUCKET, DATABASE, JOB

Run = Callable[[], State[object]]


def settings(b3_url: str) -> dict[str, str]:
    """The environment of a flow on the stage."""
    return {
        "B3_LAKE_BUCKET": BUCKET,
        "B3_DATABASE": DATABASE,
        "B3_GLUE_JOB": JOB,
        "B3_INDEX_URL": b3_url,
        "B3_QUOTES_URL": f"{b3_url}/InstDados/SerHist",
    }


def save_portfolio(path: Path, index_code: str, session: dt.date) -> None:
    """Save a portfolio of 40 constituents as B3's page does."""
    query = DownloadQuery(language="pt-br", index=index_code)
    content = content_of(generate_portfolio(index_code, session, 40), query)
    path.write_bytes(base64.b64decode(render_csv(content).body))


def flows_of(index_code: str, session: dt.date, saved: Path) -> dict[str, Run]:
    """Return the flows by name.

    Args:
        index_code: Of portfolios.
        session: Which B3's replay shows, and which has quotes.
        saved: A file of `save_portfolio`.
    """
    return {
        "portfolio": lambda: unwrap(daily_portfolio.fn)(index_codes=(index_code,)),
        "dated": lambda: unwrap(daily_portfolio.fn)(
            index_codes=(index_code,), trading_date=session
        ),
        "reconcile": lambda: unwrap(reconcile.fn)(
            index_codes=(index_code,), start=session, end=session
        ),
        "quotes": lambda: unwrap(daily_quotes.fn)(trading_date=session),
        "levels": lambda: unwrap(index_levels.fn)(year=session.year),
        "import": lambda: unwrap(import_portfolio.fn)([str(saved)]),
        "backfill": lambda: unwrap(backfill.fn)(dataset="quotes", start=session, end=session),
        "revision": lambda: unwrap(daily_portfolio.fn)(index_codes=(index_code,), force=True),
        "report": lambda: unwrap(report.fn)(index_codes=(index_code,), trading_date=session),
        "repair": lambda: unwrap(verify.fn)(repair=True),
        "vacuum": lambda: unwrap(vacuum.fn)(grace_days=1, delete=True),
    }
