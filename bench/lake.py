"""Raw of the portfolio as it lies in a local lake, made by rule: months of any indices."""

import datetime as dt
import io
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from infra.local.b3.sessions import INDEX_SIZES, Portfolio, generate_portfolio
from tasks.core.exchange import previous_session
from tasks.core.portfolio.tables import RAW_PORTFOLIO


def last_sessions(latest: dt.date, count: int) -> list[dt.date]:
    """Return the last sessions up to the latest one, which comes first."""
    sessions = [latest]
    while len(sessions) < count:
        sessions.append(previous_session(sessions[-1]))
    return sessions


def raw_rows(portfolio: Portfolio) -> list[dict[str, Any]]:
    """Return a generated session as the rows of its raw object."""
    return [
        {
            "index_code": portfolio.index_code,
            "cod": row.ticker,
            "asset": row.asset_name,
            "type": f"{row.share_class:<3} {row.corporate_event or '':<3} "
            f"{row.listing_segment or ''}".rstrip(),
            "segment": row.sector,
            "part": row.weight_pct,
            "theorical_qty": row.theoretical_quantity,
            "header_part": portfolio.total_weight_pct,
            "header_theorical_qty": portfolio.total_theoretical_quantity,
            "header_reductor": portfolio.index_divisor,
            "extracted_at": dt.datetime(2025, 9, 1, 12),  # noqa: DTZ001 - raw keeps UTC so
        }
        for row in portfolio.constituents
    ]


def raw_bytes(portfolio: Portfolio) -> bytes:
    """Return a generated session as the bytes of its raw object."""
    # Imported here: who starts a flow to measure its memory has to be small.
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("index_code", "cod", "asset", "type", "segment")),
            ("part", pa.decimal128(6, 3)),
            ("theorical_qty", pa.int64()),
            ("header_part", pa.decimal128(6, 3)),
            ("header_theorical_qty", pa.int64()),
            ("header_reductor", pa.decimal128(28, 8)),
            ("extracted_at", pa.timestamp("ns")),
        ]
    )
    file = io.BytesIO()
    rows = pa.Table.from_pylist(raw_rows(portfolio), schema=schema)
    pq.write_table(rows, file, use_deprecated_int96_timestamps=True)
    return file.getvalue()


def fill_raw(
    lake: Path,
    index_codes: Collection[str],
    sessions: Sequence[dt.date],
    *,
    is_repeated: bool = False,
) -> None:
    """Write the raw object of each index and session.

    Args:
        lake: Where the bucket lies.
        index_codes: Indices of `INDEX_SIZES`.
        sessions: At least one.
        is_repeated: Whether every session holds what the first one does, which is made quickly:
            the session stands in an object's key alone.
    """
    for session in sessions:
        (lake / RAW_PORTFOLIO.folder(str(session))).mkdir(parents=True, exist_ok=True)
    for code in index_codes:
        body = b""
        for session in sessions:
            if not body or not is_repeated:
                body = raw_bytes(generate_portfolio(code, session, INDEX_SIZES[code]))
            (lake / RAW_PORTFOLIO.object_key(str(session), code)).write_bytes(body)
