"""The tables of B3's daily quotes."""

from tasks.core.dataset import Column, Table

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
        Column("prazot", "string", "Forward term in days; empty on the cash market."),
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
    partition_keys=(Column("trading_date", "date", "The session."),),
    object_name="quotes.parquet",
)

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
        Column("forward_days", "int", "Forward term in days; null on the cash market."),
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
    partition_keys=(_MONTH,),
)

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
    partition_keys=(_MONTH,),
)
