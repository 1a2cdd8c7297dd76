"""Whether a disk is full, and which, whoever noticed it: Python, pyarrow or DuckDB."""

import errno
import re
import shutil
import tempfile
from pathlib import Path

from tasks.core.errors import DiskFullError

_FULL = {errno.ENOSPC, errno.EDQUOT}
# Libraries that write files by themselves say it in the system's words, or in their own.
_SAID = re.compile(r"no space left on device|disk quota exceeded|disk is full", re.IGNORECASE)
_WRITERS = ("_duckdb", "duckdb", "pyarrow", "sqlite3")


def find_full_disk(error: BaseException) -> DiskFullError | None:
    """Return what to say where an error is that a disk is full; None where it is another."""
    if not _is_full(error):
        return None
    named = error.filename if isinstance(error, OSError) else None
    place = Path(named if isinstance(named, str) else tempfile.gettempdir())
    return DiskFullError(
        f"Expected room on the disk of {place}, found it full{_say_free(place)}. Nothing is lost: "
        f"what landing and raw hold stays, and readers see what they saw. Make room there, or name "
        f"a folder on a larger disk in TMPDIR, and run it again."
    )


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL or bool(_SAID.search(str(error)))
    return type(error).__module__.startswith(_WRITERS) and bool(_SAID.search(str(error)))


def _say_free(place: Path) -> str:
    try:
        usage = shutil.disk_usage(place if place.is_dir() else place.parent)
    except OSError:
        return ""
    return f" ({usage.free:,} of {usage.total:,} bytes free)"
