"""The tables of the day's portfolio."""

from tasks.core.dataset import Column, Table

_INDEX_CODE = Column("index_code", "string", "B3's code of the index, e.g. `IBOV`.")
_MONTH = Column("month", "string", "Month of the sessions, `YYYY-MM`.")
_EXTRACTED_AT = Column(
    "extracted_at", "timestamp", "When the session was read from its source (UTC)."
)

RAW_PORTFOLIO = Table(
    name="raw_portfolio",
    description="The day's portfolio of an index in B3's own fields, typed, nothing derived.",
    grain="one constituent of one index on one session",
    key=("index_code", "trading_date", "cod"),
    prefix="raw/portfolio/",
    columns=(
        Column("cod", "string", "Ticker, as B3 writes it."),
        Column("asset", "string", "B3's short name of the issuer."),
        Column("type", "string", "Share class, event and listing segment in fixed columns."),
        Column("segment", "string", "B3's sector; null where the source has none."),
        Column("part", "decimal(6,3)", "Weight in the index, in percent."),
        Column("theorical_qty", "bigint", "Theoretical quantity, in shares (B3's spelling)."),
        Column("header_part", "decimal(6,3)", "Total weight that the header states, in percent."),
        Column("header_theorical_qty", "bigint", "Total quantity that the header states."),
        Column("header_reductor", "decimal(28,8)", "The index divisor that the header states."),
        _EXTRACTED_AT,
    ),
    partition_keys=(
        _INDEX_CODE,
        Column("trading_date", "date", "The session that B3's header names."),
    ),
    object_name="portfolio.parquet",
)

PORTFOLIO_DAILY = Table(
    name="portfolio_daily",
    description="The constituents of an index, session by session.",
    grain="one constituent of one index on one session",
    key=("index_code", "trading_date", "ticker"),
    prefix="refined/portfolio_daily/",
    columns=(
        Column("trading_date", "date", "Trading session that the portfolio applies to."),
        Column("ticker", "string", "Ticker of the constituent, e.g. `PETR4`."),
        Column("asset_name", "string", "B3's short name of the issuer."),
        Column("share_class", "string", "`ON`, `PN`, `PNA`, `PNB`, `UNT` (unit), `CI` (quota)."),
        Column(
            "corporate_event",
            "string",
            "Event of the day: `ED` (ex dividend), `EJ` (ex interest), `ER`, …; null if none.",
        ),
        Column(
            "listing_segment",
            "string",
            "B3's listing segment: `NM` (Novo Mercado), `N1`, `N2`, …; null if none.",
        ),
        Column("sector", "string", "B3's sector and subsector; null where the source has none."),
        Column("theoretical_quantity", "bigint", "Theoretical quantity in the index, in shares."),
        Column("weight_pct", "decimal(6,3)", "Weight in the index, in percent."),
        Column("weight_rank", "int", "Rank by weight in the session, 1 the heaviest; ties share."),
        _EXTRACTED_AT,
    ),
    partition_keys=(_INDEX_CODE, _MONTH),
)

PORTFOLIO_DAILY_SUMMARY = Table(
    name="portfolio_daily_summary",
    description="The totals of an index, session by session.",
    grain="one session of one index",
    key=("index_code", "trading_date"),
    prefix="refined/portfolio_daily_summary/",
    columns=(
        Column("trading_date", "date", "Trading session that the portfolio applies to."),
        Column("constituent_count", "int", "Number of constituents."),
        Column("total_theoretical_quantity", "bigint", "Sum of the theoretical quantities."),
        Column("total_weight_pct", "decimal(6,3)", "Sum of the weights: exactly 100.000."),
        Column("index_divisor", "decimal(28,8)", "B3's divisor of the index (`redutor`)."),
        Column("top5_weight_pct", "decimal(6,3)", "Sum of the five largest weights, in percent."),
        _EXTRACTED_AT,
    ),
    partition_keys=(_INDEX_CODE, _MONTH),
)

PORTFOLIO_MONTHLY = Table(
    name="portfolio_monthly",
    description="Each constituent's month: how long it was in the index and with what weight.",
    grain="one constituent of one index in one month",
    key=("index_code", "month", "ticker"),
    prefix="refined/portfolio_monthly/",
    columns=(
        Column("ticker", "string", "Ticker of the constituent."),
        Column("asset_name", "string", "B3's short name, as on the last session in the month."),
        Column("session_count", "int", "Sessions of the month that held the constituent."),
        Column("first_trading_date", "date", "First of those sessions."),
        Column("last_trading_date", "date", "Last of those sessions."),
        Column("days_between", "int", "Calendar days from the first to the last of them."),
        Column("avg_weight_pct", "decimal(10,7)", "Mean weight over those sessions, half up."),
        Column("min_weight_pct", "decimal(6,3)", "Least weight over those sessions."),
        Column("max_weight_pct", "decimal(6,3)", "Greatest weight over those sessions."),
        Column("avg_theoretical_quantity", "decimal(23,4)", "Mean quantity, half up."),
        Column("min_theoretical_quantity", "bigint", "Least quantity over those sessions."),
        Column("max_theoretical_quantity", "bigint", "Greatest quantity over those sessions."),
    ),
    partition_keys=(_INDEX_CODE, _MONTH),
)
