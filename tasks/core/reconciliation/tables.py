"""The tables of the reconciliation, each refined one with the statement that makes it.

All arithmetic is in decimals that Spark neither cuts nor rounds on the way (at most 38 digits).
"""

from tasks.core.dataset import Column, Refined, Table

_INDEX_CODE = Column("index_code", "string", "B3's code of the index, e.g. `IBOV`.")
_TRADING_DATE = Column("trading_date", "date", "The session.")
_MONTH = Column("month", "string", "Month of the sessions, `YYYY-MM`.")
_LEVEL, _UNIT, _RATIO = "decimal(18,2)", "decimal(19,8)", "decimal(15,6)"

RAW_RECONCILIATION = Table(
    name="raw_reconciliation",
    description="What raw holds of portfolio, quotes and levels of a session, side by side.",
    grain="one constituent of one index on one session; without a ticker where none is known",
    key=("index_code", "trading_date", "ticker"),
    prefix="raw/reconciliation/",
    columns=(
        _INDEX_CODE,
        Column("ticker", "string", "Ticker; null where raw has a level and no portfolio."),
        Column("type", "string", "Share class, event and listing segment in fixed columns."),
        Column("previous_type", "string", "The same of the session before; null if not held."),
        Column("theoretical_quantity", "decimal(18,0)", "Theoretical quantity, in shares."),
        Column("weight_pct", "decimal(6,3)", "Published weight in the index, in percent."),
        Column("index_divisor", "decimal(28,8)", "The session's divisor (`redutor`)."),
        Column("close", "decimal(13,2)", "Cash market close in reais, for `quote_factor` pieces."),
        Column("quote_factor", "decimal(7,0)", "Quote factor of `close`, in pieces."),
        Column("previous_close", "decimal(13,2)", "The same of the session before."),
        Column("previous_quote_factor", "decimal(7,0)", "Quote factor of `previous_close`."),
        Column("level", _LEVEL, "B3's level at the close, in points; null if not held."),
        Column("previous_level", _LEVEL, "That of the session before; null if not held."),
        Column("quote_count", "bigint", "Closes of the cash market held of the session."),
    ),
    partition_key=_TRADING_DATE,
)

INDEX_RECONCILIATION = Table(
    name="index_reconciliation",
    description="Each index's level as computed from portfolio and quotes, against B3's.",
    grain="one session of one index",
    key=("index_code", "trading_date"),
    prefix="refined/index_reconciliation/",
    columns=(
        _INDEX_CODE,
        _TRADING_DATE,
        Column("constituent_count", "int", "Number of constituents."),
        Column("quoted_count", "int", "How many of them have a close on the cash market."),
        Column("computed_level", _LEVEL, "Level computed, cut to two decimals; null if it cannot."),
        Column("published_level", _LEVEL, "B3's level at the close; null if not held."),
        Column("difference", _LEVEL, "Computed less published level, in points."),
        Column("verdict", "string", "`equal`, `differs` or `incomplete`."),
        Column("reason", "string", "Why it is incomplete; null if it is not."),
    ),
    partition_key=_MONTH,
)

_INDEX = """
WITH priced AS (
    SELECT
        *,
        CAST(close / quote_factor AS decimal(19, 8)) AS close_price
    FROM raw_reconciliation
),
summed AS (
    SELECT
        index_code,
        trading_date,
        CAST(count(ticker) AS int) AS constituent_count,
        CAST(count(close_price) AS int) AS quoted_count,
        CAST(sum(theoretical_quantity * close_price) AS decimal(28, 8)) AS market_value,
        CAST(max(index_divisor) AS decimal(22, 8)) AS divisor,
        max(level) AS published_level,
        max(quote_count) AS quote_count
    FROM priced
    GROUP BY index_code, trading_date
),
rounded AS (
    SELECT
        *,
        CASE WHEN quoted_count = constituent_count THEN
            CAST(
                CAST(market_value AS decimal(18, 2)) / nullif(CAST(divisor AS decimal(16, 2)), 0)
                AS decimal(13, 2)
            )
        END AS near_level
    FROM summed
),
computed AS (
    SELECT
        *,
        CASE
            WHEN near_level * divisor > market_value
                THEN CAST(near_level - CAST('0.01' AS decimal(3, 2)) AS decimal(18, 2))
            WHEN (near_level + CAST('0.01' AS decimal(3, 2))) * divisor <= market_value
                THEN CAST(near_level + CAST('0.01' AS decimal(3, 2)) AS decimal(18, 2))
            ELSE CAST(near_level AS decimal(18, 2))
        END AS computed_level
    FROM rounded
)
SELECT
    index_code,
    trading_date,
    constituent_count,
    quoted_count,
    computed_level,
    published_level,
    CAST(computed_level - published_level AS decimal(18, 2)) AS difference,
    CASE
        WHEN computed_level IS NULL OR published_level IS NULL THEN 'incomplete'
        WHEN computed_level = published_level THEN 'equal'
        ELSE 'differs'
    END AS verdict,
    CASE
        WHEN constituent_count = 0 THEN 'no portfolio'
        WHEN quote_count = 0 THEN 'no quotes'
        WHEN quoted_count < constituent_count THEN concat(
            CAST(constituent_count - quoted_count AS string), ' of ',
            CAST(constituent_count AS string), ' constituents without a close'
        )
        WHEN computed_level IS NULL THEN 'no divisor'
        WHEN published_level IS NULL THEN 'no level'
    END AS reason
FROM computed
"""

CONSTITUENT_RECONCILIATION = Table(
    name="constituent_reconciliation",
    description="The price before the session that each weight implies, against the quoted close.",
    grain="one constituent of one index on one session",
    key=("index_code", "trading_date", "ticker"),
    prefix="refined/constituent_reconciliation/",
    columns=(
        _INDEX_CODE,
        _TRADING_DATE,
        Column("ticker", "string", "Ticker of the constituent."),
        Column("corporate_event", "string", "Event of the day: `ED`, `EJ`, …; null if none."),
        Column("previous_event", "string", "That of the session before; null if none or not held."),
        Column("theoretical_quantity", "bigint", "Theoretical quantity in the index, in shares."),
        Column("weight_pct", "decimal(6,3)", "Published weight in the index, in percent."),
        Column("close_price", _UNIT, "Close of the session, in reais for one; null if none."),
        Column("previous_close_price", _UNIT, "Close of the session before, likewise."),
        Column("implied_price", _RATIO, "Price before the session that the weight implies."),
        Column("price_tolerance", _RATIO, "By how much three decimals of weight may put it off."),
        Column("difference", _RATIO, "Close of the session before less implied price, in reais."),
        Column("verdict", "string", "`within` the tolerance, `outside` it (ex), or `unknown`."),
    ),
    partition_key=_MONTH,
)

_CONSTITUENT = """
WITH priced AS (
    SELECT
        *,
        CAST(close / quote_factor AS decimal(19, 8)) AS close_price,
        CAST(previous_close / previous_quote_factor AS decimal(19, 8)) AS previous_close_price,
        CAST(theoretical_quantity AS decimal(11, 0)) AS quantity,
        CAST(index_divisor AS decimal(19, 2)) AS divisor,
        CAST(
            CAST(previous_level AS decimal(13, 2)) * CAST(index_divisor AS decimal(22, 8))
            AS decimal(19, 2)
        ) AS value_before
    FROM raw_reconciliation
    WHERE ticker IS NOT NULL
),
implied AS (
    SELECT
        *,
        CAST(
            CAST(value_before * weight_pct / quantity AS decimal(21, 8))
            * CAST('0.01' AS decimal(3, 2)) AS decimal(15, 6)
        ) AS implied_price,
        CAST(
            CAST(
                CAST(
                    value_before * CAST('0.0015' AS decimal(5, 4))
                    + divisor * weight_pct * CAST('0.01' AS decimal(3, 2)) AS decimal(20, 5)
                ) / quantity AS decimal(21, 8)
            ) * CAST('0.01' AS decimal(3, 2)) AS decimal(15, 6)
        ) AS price_tolerance
    FROM priced
)
SELECT
    index_code,
    trading_date,
    ticker,
    nullif(trim(substring(type, 5, 3)), '') AS corporate_event,
    nullif(trim(substring(previous_type, 5, 3)), '') AS previous_event,
    CAST(theoretical_quantity AS bigint) AS theoretical_quantity,
    weight_pct,
    close_price,
    previous_close_price,
    implied_price,
    price_tolerance,
    CAST(previous_close_price - implied_price AS decimal(15, 6)) AS difference,
    CASE
        WHEN implied_price IS NULL OR previous_close_price IS NULL THEN 'unknown'
        WHEN abs(previous_close_price - implied_price) <= price_tolerance THEN 'within'
        ELSE 'outside'
    END AS verdict
FROM implied
"""

REFINED = (
    Refined(
        INDEX_RECONCILIATION,
        _INDEX,
        order=("index_code", "trading_date"),
        about="The sum of theoretical quantity times close on the cash market, over the divisor of "
        "the session's own portfolio, cut and not rounded to two decimals, is B3's level. Without "
        "the close of every constituent nothing is computed, and `reason` says what is missing.",
    ),
    Refined(
        CONSTITUENT_RECONCILIATION,
        _CONSTITUENT,
        order=("index_code", "trading_date", "ticker"),
        about="Weights are those of the theoretical prices before the session, which give the "
        "level before it: weight times level before times divisor over quantity is the close "
        "before, less what goes ex. A weight may be off by 0.0005 percentage points for its three "
        "decimals and by 0.001 to make 100, the level before by 0.01: what is farther off went ex.",
        skips_sessions=True,  # those with a level and no portfolio
    ),
)
