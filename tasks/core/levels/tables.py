"""The table of the index levels."""

from tasks.core.dataset import Column, Table

INDEX_LEVELS = Table(
    name="index_levels",
    description="B3's published level of an index at the close, session by session.",
    grain="one session of one index",
    key=("index_code", "trading_date"),
    prefix="raw/index_levels/",
    columns=(
        Column("index_code", "string", "B3's code of the index, e.g. `IBOV`."),
        Column("trading_date", "date", "The session."),
        Column("level", "decimal(18,2)", "Level of the index at the close, in points."),
        Column("extracted_at", "timestamp", "When the year was read from its source (UTC)."),
    ),
    partition_key=Column("year", "string", "Year of the sessions, `YYYY`."),
)
