"""The tables of the day's portfolio, each refined one with the statement that makes it."""

from tasks.core.dataset import Column, Refined, Table

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
        _INDEX_CODE,
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
    partition_key=Column("trading_date", "date", "The session that B3's header names."),
)

PORTFOLIO_DAILY = Table(
    name="portfolio_daily",
    description="The constituents of every index, session by session.",
    grain="one constituent of one index on one session",
    key=("index_code", "trading_date", "ticker"),
    prefix="refined/portfolio_daily/",
    columns=(
        _INDEX_CODE,
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
    partition_key=_MONTH,
)

_DAILY = """
SELECT
    index_code,
    trading_date,
    cod AS ticker,
    asset AS asset_name,
    trim(substring(type, 1, 3)) AS share_class,
    nullif(trim(substring(type, 5, 3)), '') AS corporate_event,
    nullif(trim(substring(type, 9, 2)), '') AS listing_segment,
    segment AS sector,
    theorical_qty AS theoretical_quantity,
    part AS weight_pct,
    CAST(
        rank() OVER (PARTITION BY index_code, trading_date ORDER BY part DESC) AS int
    ) AS weight_rank,
    extracted_at
FROM raw_portfolio
"""

PORTFOLIO_DAILY_SUMMARY = Table(
    name="portfolio_daily_summary",
    description="The totals of every index, session by session.",
    grain="one session of one index",
    key=("index_code", "trading_date"),
    prefix="refined/portfolio_daily_summary/",
    columns=(
        _INDEX_CODE,
        Column("trading_date", "date", "Trading session that the portfolio applies to."),
        Column("constituent_count", "int", "Number of constituents."),
        Column("total_theoretical_quantity", "bigint", "Sum of the theoretical quantities."),
        Column("total_weight_pct", "decimal(6,3)", "Sum of the weights: exactly 100.000."),
        Column("index_divisor", "decimal(28,8)", "B3's divisor of the index (`redutor`)."),
        Column("top5_weight_pct", "decimal(6,3)", "Sum of the five largest weights, in percent."),
        _EXTRACTED_AT,
    ),
    partition_key=_MONTH,
)

_DAILY_SUMMARY = """
WITH ordered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY index_code, trading_date ORDER BY part DESC, cod
        ) AS place
    FROM raw_portfolio
)
SELECT
    index_code,
    trading_date,
    CAST(count(*) AS int) AS constituent_count,
    sum(theorical_qty) AS total_theoretical_quantity,
    CAST(sum(part) AS decimal(6, 3)) AS total_weight_pct,
    max(header_reductor) AS index_divisor,
    CAST(sum(CASE WHEN place <= 5 THEN part END) AS decimal(6, 3)) AS top5_weight_pct,
    max(extracted_at) AS extracted_at
FROM ordered
GROUP BY index_code, trading_date
"""

PORTFOLIO_MONTHLY = Table(
    name="portfolio_monthly",
    description="Each constituent's month: how long it was in the index and with what weight.",
    grain="one constituent of one index in one month",
    key=("index_code", "month", "ticker"),
    prefix="refined/portfolio_monthly/",
    columns=(
        _INDEX_CODE,
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
    partition_key=_MONTH,
)

_MONTHLY = """
SELECT
    index_code,
    ticker,
    max_by(asset_name, trading_date) AS asset_name,
    CAST(count(*) AS int) AS session_count,
    min(trading_date) AS first_trading_date,
    max(trading_date) AS last_trading_date,
    datediff(max(trading_date), min(trading_date)) AS days_between,
    avg(weight_pct) AS avg_weight_pct,
    min(weight_pct) AS min_weight_pct,
    max(weight_pct) AS max_weight_pct,
    avg(CAST(theoretical_quantity AS decimal(19, 0))) AS avg_theoretical_quantity,
    min(theoretical_quantity) AS min_theoretical_quantity,
    max(theoretical_quantity) AS max_theoretical_quantity
FROM portfolio_daily
GROUP BY index_code, ticker
"""

REFINED = (
    Refined(
        PORTFOLIO_DAILY,
        _DAILY,
        order=("index_code", "trading_date", "ticker"),
        about="One output row for each row of raw. Nothing is computed but the split of B3's "
        "fixed-column `type` and the rank of the weight within its index and session, where equal "
        "weights share a rank.",
    ),
    Refined(
        PORTFOLIO_DAILY_SUMMARY,
        _DAILY_SUMMARY,
        order=("index_code", "trading_date"),
        about="One row a session of an index. Counts, quantities and weights equal B3's own "
        "header; the weights sum to exactly 100.000.",
    ),
    Refined(
        PORTFOLIO_MONTHLY,
        _MONTHLY,
        order=("index_code", "ticker"),
        about="Made from `portfolio_daily` of the same run, one row a constituent of an index. "
        "`session_count` is the number of its daily rows; least and greatest values occur among "
        "them; means are rounded half up.",
    ),
)
