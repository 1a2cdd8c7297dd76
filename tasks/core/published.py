"""What readers see of a month, and whether a new run would change it."""

from collections.abc import Collection
from dataclasses import dataclass

RUN_ID = "b3_run_id"
PUBLISHED_AT = "b3_published_at"
RAW_DIGEST = "b3_raw_digest"


@dataclass(frozen=True)
class Published:
    """One published partition of one table.

    Attributes:
        location: The S3 location that readers are sent to.
        run_id: The run that wrote it; empty where the partition does not say.
        raw_digest: The digest of the raw objects it was made from; empty likewise.
    """

    location: str
    run_id: str
    raw_digest: str


def is_up_to_date(published: Collection[Published | None], raw_digest: str) -> bool:
    """Return whether every table shows what was made from these raw objects.

    Args:
        published: What each table of the month shows; None where it shows nothing.
        raw_digest: The digest of the raw objects as they are now.
    """
    return all(table is not None and table.raw_digest == raw_digest for table in published)
