"""The tables of what B3 shows beside the day's portfolio: the period's, and previews of the next.

Neither answer names a session: the raw partition is the one that the index's day portfolio named
before and after it.
"""

from tasks.core.dataset import Column, Refined, Table
from tasks.core.portfolio.tables import PORTFOLIO_DAILY, RAW_PORTFOLIO

_WITHOUT_SECTOR = tuple(column for column in RAW_PORTFOLIO.columns if column.name != "segment")
_SHOWN_ON = Column(
    "trading_date", "date", "The session that the index's day portfolio named before and after."
)
_INDEX_CODE = next(column for column in RAW_PORTFOLIO.columns if column.name == "index_code")


def _raw(name: str, description: str) -> Table:
    return Table(
        name=f"raw_{name}",
        description=f"{description}, in B3's own fields, typed, nothing derived.",
        grain="one constituent of one index on one session",
        key=("index_code", "trading_date", "cod"),
        prefix=f"raw/{name}/",
        columns=_WITHOUT_SECTOR,
        partition_key=_SHOWN_ON,
    )


RAW_THEORETICAL = _raw(
    "portfolio_theoretical",
    "The theoretical portfolio of the period, as B3 showed it on a session",
)
RAW_PREVIEW = _raw(
    "portfolio_preview",
    "The preview of the next period's portfolio that was in force on a session",
)

_COLUMNS = (
    _INDEX_CODE,
    Column("ticker", "string", "Ticker of the constituent, e.g. `PETR4`."),
    Column("asset_name", "string", "B3's short name of the issuer."),
    Column("type", "string", "Share class, event and listing segment in B3's fixed columns."),
    Column("theoretical_quantity", "bigint", "Theoretical quantity in the index, in shares."),
    Column("weight_pct", "decimal(6,3)", "Weight in the index, in percent."),
    Column("first_session", "date", "First session of the month on which B3 showed this row."),
    Column("last_session", "date", "Last session of the month on which B3 showed this row."),
)
_ORDER = ("index_code", "ticker", "first_session")

_STATEMENT = """
SELECT
    index_code,
    cod AS ticker,
    asset AS asset_name,
    type,
    theorical_qty AS theoretical_quantity,
    part AS weight_pct,
    min(trading_date) AS first_session,
    max(trading_date) AS last_session
FROM {raw}
GROUP BY index_code, cod, asset, type, theorical_qty, part
"""


def _refined(name: str, description: str) -> Table:
    return Table(
        name=name,
        description=description,
        grain="one row of one index, as B3 showed it in one month",
        key=("index_code", "month", "ticker", "first_session"),
        prefix=f"refined/{name}/",
        columns=_COLUMNS,
        partition_key=PORTFOLIO_DAILY.partition_key,
    )


PORTFOLIO_THEORETICAL = _refined(
    "portfolio_theoretical",
    "The theoretical portfolio of the period, of four months, as B3 showed it. Weights of one "
    "index on one session sum to 99.999 to 100.001.",
)
PORTFOLIO_PREVIEW = _refined(
    "portfolio_preview",
    "The previews of the next period's portfolio, as B3 showed them while they were in force: "
    "three, near the end of a period. No row where there was none.",
)

_ABOUT = (
    "One row for each that B3 showed in the month, with the first and the last session on which it "
    "showed exactly that. A value that changes makes another row; one that comes back is in one "
    "row, from its first to its last session."
)
# What is refined of which raw table.
SPANS = {PORTFOLIO_THEORETICAL: RAW_THEORETICAL, PORTFOLIO_PREVIEW: RAW_PREVIEW}
PERIOD_REFINED = tuple(
    Refined(table, _STATEMENT.format(raw=raw.name), order=_ORDER, about=_ABOUT)
    for table, raw in SPANS.items()
)
