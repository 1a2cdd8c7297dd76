"""The tables of B3's daily quotes, each refined one with the statement that makes it."""

from tasks.core.dataset import Column, Refined, Table

_MONEY = "decimal(13,2)"
_PER_LOT = "in the currency of `modref`, for `fatcot` pieces"

RAW_QUOTES = Table(
    name="raw_quotes",
    description="B3's daily quotes (COTAHIST) in B3's own fields, typed, nothing derived.",
    grain="one instrument of one market and forward term on one session",
    key=("trading_date", "codneg", "tpmerc", "prazot"),
    prefix="raw/quotes/",
    columns=(
        Column("data", "date", "The session, as the record states it."),
        Column("codbdi", "string", "BDI code: `02` round lot, `12` FII, `96` odd lot, ..."),
        Column("codneg", "string", "Ticker."),
        Column("tpmerc", "string", "Market: `010` cash, `020` odd lot, `030` forward, `070` call."),
        Column("nomres", "string", "Short name of the issuer."),
        Column("especi", "string", "Share class, event and listing segment in fixed columns."),
        Column("prazot", "string", "Forward term in days; empty if none; in 1987-88 a few bytes."),
        Column("modref", "string", "Currency, `R$` since 1994."),
        Column("preabe", _MONEY, f"Opening price, {_PER_LOT}."),
        Column("premax", _MONEY, f"Highest price, {_PER_LOT}."),
        Column("premin", _MONEY, f"Lowest price, {_PER_LOT}."),
        Column("premed", _MONEY, f"Average price, {_PER_LOT}; B3's may lie outside of the range."),
        Column("preult", _MONEY, f"Price of the last trade, {_PER_LOT}."),
        Column("preofc", _MONEY, f"Best bid at the close, {_PER_LOT}; 0 if none."),
        Column("preofv", _MONEY, f"Best ask at the close, {_PER_LOT}; 0 if none."),
        Column("totneg", "bigint", "Number of trades."),
        Column("quatot", "bigint", "Quantity traded, in shares or contracts."),
        Column("voltot", "decimal(18,2)", "Volume traded, in the currency of `modref`."),
        Column("preexe", _MONEY, "Strike of an option, or contract value of a forward."),
        Column("indopc", "bigint", "How the strike is corrected; 0 for not at all."),
        Column("datven", "date", "Expiry; 9999-12-31 if none."),
        Column("fatcot", "bigint", "Quote factor: the number of pieces that prices are for."),
        Column("ptoexe", "decimal(13,6)", "Strike in points, of options on an index."),
        Column("codisi", "string", "ISIN, or B3's internal code before 1995."),
        Column("dismes", "bigint", "Distribution number of the paper."),
    ),
    partition_key=Column("trading_date", "date", "The session."),
)

QUOTES_OBJECT = "quotes"
"""The one object of each partition of `raw_quotes`."""

_PER_PIECE = "in `currency`, for one piece"
_UNIT = "decimal(19,8)"
_MONTH = Column("month", "string", "Month of the sessions, `YYYY-MM`.")

QUOTES_DAILY = Table(
    name="quotes_daily",
    description="B3's daily quotes of every market, session by session, prices for one piece.",
    grain="one instrument of one market and forward term on one session",
    key=("trading_date", "ticker", "market_type", "forward_days"),
    prefix="refined/quotes_daily/",
    columns=(
        Column("trading_date", "date", "The session."),
        Column("ticker", "string", "Ticker, e.g. `PETR4`."),
        Column("market_type", "string", "B3's market: `010` cash, `020` odd lot, `070` call, …."),
        Column("forward_days", "int", "Forward term in days; null if none, or unreadable."),
        Column(
            "instrument_kind",
            "string",
            "`share`, `unit`, `fund`, `bdr`, `right`, `bonus`, `forward`, `future`, `call`, `put`, "
            "`call_exercise`, `put_exercise` or `other`.",
        ),
        Column("lot", "string", "`round` on the cash market, `odd` on the odd lots', else `none`."),
        Column("bdi_code", "string", "BDI code: `02` round lot, `12` FII, `14` ETF, `96` odd lot."),
        Column("issuer_name", "string", "B3's short name of the issuer."),
        Column("specification", "string", "Share class, event and segment in fixed columns."),
        Column("currency", "string", "Currency, `R$` since July 1994."),
        Column("open_price", _UNIT, f"Opening price, {_PER_PIECE}."),
        Column("high_price", _UNIT, f"Highest price, {_PER_PIECE}."),
        Column("low_price", _UNIT, f"Lowest price, {_PER_PIECE}."),
        Column("average_price", _UNIT, f"B3's average price, {_PER_PIECE}."),
        Column("close_price", _UNIT, f"Price of the last trade, {_PER_PIECE}."),
        Column("best_bid_price", _UNIT, f"Best bid at the close, {_PER_PIECE}; null if none."),
        Column("best_ask_price", _UNIT, f"Best ask at the close, {_PER_PIECE}; null if none."),
        Column("trade_count", "bigint", "Number of trades."),
        Column("quantity", "bigint", "Quantity traded, in pieces: shares or contracts."),
        Column("volume", "decimal(18,2)", "Volume traded, in `currency`."),
        Column("quote_factor", "bigint", "Pieces that B3's prices are for; prices here are for 1."),
        Column("strike_price", _MONEY, "Strike as B3 states it; null if none."),
        Column("strike_points", "decimal(13,6)", "Strike in points; null if none."),
        Column("expiry_date", "date", "Expiry of an option or future; null if none."),
        Column("isin", "string", "ISIN, or B3's internal code before 1995."),
        Column("distribution_number", "bigint", "Distribution number of the paper."),
    ),
    partition_key=_MONTH,
)

_DAILY = """
SELECT
    data AS trading_date,
    codneg AS ticker,
    tpmerc AS market_type,
    CASE
        WHEN prazot RLIKE '^ *[0-9]+ *$' AND NOT prazot RLIKE '[^ 0-9]' THEN CAST(prazot AS int)
    END AS forward_days,
    CASE
        WHEN tpmerc = '070' THEN 'call'
        WHEN tpmerc = '080' THEN 'put'
        WHEN tpmerc = '012' THEN 'call_exercise'
        WHEN tpmerc = '013' THEN 'put_exercise'
        WHEN tpmerc = '030' THEN 'forward'
        WHEN tpmerc IN ('050', '060') THEN 'future'
        WHEN especi LIKE 'DIR%' THEN 'right'
        WHEN especi LIKE 'BNS%' THEN 'bonus'
        WHEN especi LIKE 'DR%' THEN 'bdr'
        WHEN especi LIKE 'UNT%' THEN 'unit'
        WHEN especi LIKE 'CI%' OR codbdi IN ('12', '13', '14') THEN 'fund'
        WHEN substring(especi, 1, 2) IN ('ON', 'OP', 'PN', 'PP') THEN 'share'
        ELSE 'other'
    END AS instrument_kind,
    CASE tpmerc WHEN '010' THEN 'round' WHEN '020' THEN 'odd' ELSE 'none' END AS lot,
    codbdi AS bdi_code,
    nomres AS issuer_name,
    especi AS specification,
    modref AS currency,
    CAST(preabe / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)) AS open_price,
    CAST(premax / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)) AS high_price,
    CAST(premin / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)) AS low_price,
    CAST(premed / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)) AS average_price,
    CAST(preult / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)) AS close_price,
    CAST(
        nullif(preofc, 0) / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)
    ) AS best_bid_price,
    CAST(
        nullif(preofv, 0) / CAST(fatcot AS decimal(7, 0)) AS decimal(19, 8)
    ) AS best_ask_price,
    totneg AS trade_count,
    quatot AS quantity,
    voltot AS volume,
    fatcot AS quote_factor,
    nullif(preexe, 0) AS strike_price,
    nullif(ptoexe, 0) AS strike_points,
    nullif(datven, DATE '9999-12-31') AS expiry_date,
    codisi AS isin,
    dismes AS distribution_number
FROM raw_quotes
"""

QUOTES_MONTHLY = Table(
    name="quotes_monthly",
    description="Each ticker's month on the cash market, round lots.",
    grain="one ticker and currency in one month",
    key=("month", "ticker", "currency"),
    prefix="refined/quotes_monthly/",
    columns=(
        Column("ticker", "string", "Ticker, e.g. `PETR4`."),
        Column("currency", "string", "Currency, `R$` since July 1994."),
        Column("issuer_name", "string", "B3's short name, as on the last session in the month."),
        Column("session_count", "int", "Sessions of the month on which it traded."),
        Column("first_trading_date", "date", "First of those sessions."),
        Column("last_trading_date", "date", "Last of those sessions."),
        Column("open_price", _UNIT, f"Opening price of the first session, {_PER_PIECE}."),
        Column("high_price", _UNIT, f"Highest price, {_PER_PIECE}."),
        Column("low_price", _UNIT, f"Lowest price, {_PER_PIECE}."),
        Column("close_price", _UNIT, f"Last price of the last session, {_PER_PIECE}."),
        Column("trade_count", "bigint", "Number of trades."),
        Column("quantity", "bigint", "Quantity traded, in pieces."),
        Column("volume", "decimal(28,2)", "Volume traded, in `currency`."),
    ),
    partition_key=_MONTH,
)

_MONTHLY = """
SELECT
    ticker,
    currency,
    max_by(issuer_name, struct(trading_date, volume, issuer_name)) AS issuer_name,
    CAST(size(collect_set(trading_date)) AS int) AS session_count,
    min(trading_date) AS first_trading_date,
    max(trading_date) AS last_trading_date,
    min_by(open_price, struct(trading_date, -volume, open_price)) AS open_price,
    max(high_price) AS high_price,
    min(low_price) AS low_price,
    max_by(close_price, struct(trading_date, volume, close_price)) AS close_price,
    sum(trade_count) AS trade_count,
    sum(quantity) AS quantity,
    sum(volume) AS volume
FROM quotes_daily
WHERE market_type = '010'
GROUP BY ticker, currency
"""

REFINED = (
    Refined(
        QUOTES_DAILY,
        _DAILY,
        order=("ticker", "trading_date", "market_type", "forward_days"),
        about="One output row for each row of raw, with the same quantity, volume and number of "
        "trades. B3 quotes some instruments for 1,000 pieces; a price here is for one: B3's price "
        "divided by the quote factor. With eight decimals that is exact for every factor that is a "
        "power of ten up to 1,000,000, and the audit multiplies it back and asks for equality. B3 "
        "writes 0 for no bid, no ask and no strike, and 9999-12-31 for no expiry: here those are "
        "null, and so is a forward term that raw holds in control bytes, as of 1987 and 1988. A "
        "key that raw itself repeats with other figures, as on 1986-10-10, stands here as often.",
    ),
    Refined(
        QUOTES_MONTHLY,
        _MONTHLY,
        order=("ticker", "currency"),
        about="Made from `quotes_daily` of the same run, one row a ticker and currency, of the "
        "cash market's round lots alone. The currency is part of the key because Brazil's changed "
        "in the middle of a month more than once. The opening price is that of the first session "
        "in the month, the closing price that of the last; high and low occur among the daily "
        "ones; trades, quantity and volume are sums over the month. Where raw repeats a ticker on "
        "a session, the record of the greater volume opens and closes it.",
    ),
)
