"""Raw objects of the portfolio that are gone or cannot be read, made again."""

from prefect import get_run_logger

from flows.command import today_in_sao_paulo
from flows.period_loading import restore_period
from flows.portfolio_loading import fetch_session, restore_sessions
from flows.portfolio_sessions import register_sessions
from flows.settings import Settings, lost
from tasks.core.errors import (
    BadDataError,
    InvalidInputError,
    RetryableError,
    SourceHasNoDataError,
)
from tasks.core.exchange import may_be_shown
from tasks.core.indices import check_index_code
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.turns import Budget

FETCH_SECONDS = 60.0  # for one object: landing has it, where B3 does not answer


def mend_session(settings: Settings, key: str) -> str:
    """Make a raw object of the portfolio again; return in a few words how.

    B3 is asked where it may show the session still; else, or where it does not, landing is read.

    Args:
        settings: The settings.
        key: The raw object.

    Raises:
        SourceHasNoDataError: Neither has the session; the message names the object.
    """
    table = PORTFOLIO.raw_table_of(key)
    try:
        trading_date = table.session_of(key)
        index_code = check_index_code(table.name_of(key))
    except (ValueError, InvalidInputError) as error:
        raise lost(settings, key, f"it is no session of an index: {error}") from error
    if table is not RAW_PORTFOLIO:
        return restore_period(settings, table, index_code, trading_date)
    said = "B3 shows it no more"
    if may_be_shown(trading_date, today_in_sao_paulo()):
        try:
            fetch_session(settings, index_code, trading_date, Budget.of_all(FETCH_SECONDS))
        except (SourceHasNoDataError, RetryableError, BadDataError) as error:
            get_run_logger().warning("%s is looked for in landing: %s", key, error)
            said = str(error)
        else:
            register_sessions(settings, {trading_date})
            return "fetched again from B3"
    landed = restore_sessions(settings, [index_code], trading_date)
    if not landed:
        raise lost(settings, key, f"landing holds no complete set of its pages and no file; {said}")
    return f"made again from what landing received at {landed[index_code].extracted_at} UTC"
