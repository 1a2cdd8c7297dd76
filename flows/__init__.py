"""The flows: one file each, the order of the steps; and what their commands share."""

import os

# Before pyarrow is imported: its own pool keeps what a month of quotes took, the system's does not.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

# Before Prefect is imported: it would send word to its makers, and say so in five lines.
os.environ.setdefault("DO_NOT_TRACK", "1")

# Likewise: how long its client asks again, 126 s each time, so that an API that is gone for a
# minute is survived; and how long one answer may take.
os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "6")
os.environ.setdefault("PREFECT_API_REQUEST_TIMEOUT", "30")
