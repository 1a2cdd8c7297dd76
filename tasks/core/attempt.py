"""What one start of Glue made of a plan, as it says itself in its outcome.

```
runs/<run_id>/<attempt>/outcome.json    the job's very last act
runs/<run_id>/<attempt>/refused.json    an audit found it wrong; never used again
runs/<run_id>/<attempt>/removed.json    the vacuum's mark; never used again
```

Without an outcome there is no output.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tasks.core.dataset import Dataset
from tasks.core.plan import RUNS

RAW_MOVED = "raw moved"
"""Why a month failed that is to be planned again: raw was written to while the job read it."""

Word = Literal["outcome", "refused", "removed"]


@dataclass(frozen=True)
class Output:
    """What an attempt made of one table in one month.

    Attributes:
        objects: `{key: size in bytes}`: these and no others.
        rows: How many rows they hold.
    """

    objects: Mapping[str, int]
    rows: int


@dataclass(frozen=True)
class Outcome:
    """What an attempt made.

    Attributes:
        run_id: Its plan.
        attempt: Its name, which the job made itself.
        token: Who asked for it.
        months: `{month: {table: output}}` of those that were made.
        failures: `{month: why it was not}`.
    """

    run_id: str
    attempt: str
    token: str
    months: Mapping[str, Mapping[str, Output]]
    failures: Mapping[str, str]


def attempt_key(run_id: str, attempt: str, word: Word) -> str:
    """Return where a word about an attempt lies."""
    return f"{RUNS}{run_id}/{attempt}/{word}.json"


# What JSON ends in that is no document of ours: of another form, nested without end, or with a
# number that no integer or date holds.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)


def read_outcome(body: bytes) -> Outcome:
    """Read an outcome.

    Raises:
        UNREADABLE: One of them, where it is none.
    """
    document = json.loads(body)
    months = document["months"]
    return Outcome(
        run_id=document["plan"],
        attempt=document["attempt"],
        token=document["token"],
        months={
            month: {table: read_output(made) for table, made in each["tables"].items()}
            for month, each in months.items()
            if "tables" in each
        },
        failures={month: each["failed"] for month, each in months.items() if "failed" in each},
    )


def read_output(document: Mapping[str, Any]) -> Output:
    """Read what was made of one table, from an outcome or a commit."""
    objects = {str(each["key"]): int(each["size"]) for each in document["objects"]}
    return Output(objects, int(document["rows"]))


def describe_output(output: Output) -> dict[str, Any]:
    """Return it as JSON holds it: `read_output` backwards."""
    objects = [{"key": key, "size": size} for key, size in sorted(output.objects.items())]
    return {"objects": objects, "rows": output.rows}


def is_whole(output: Output, found: Mapping[str, int]) -> bool:
    """Return whether a location holds exactly the objects named, in their sizes.

    Args:
        output: What is named.
        found: `{key: size}` of what lies there. What Spark and its file systems leave beside the
            rows does not count.
    """
    return {key: size for key, size in found.items() if is_data(key)} == dict(output.objects)


def has_every_table(outputs: Mapping[str, Output], dataset: Dataset) -> bool:
    """Return whether every table of a dataset was made."""
    return outputs.keys() == {table.name for table in dataset.refined_tables}


def is_data(key: str) -> bool:
    """Return whether rows lie at a key, and not what Spark and its file systems leave beside.

    That is what Athena reads: nothing whose name, or the name of a folder above it, is hidden, such
    as `_temporary/` and `__magic/` of a job that was killed.
    """
    parts = key.split("/")
    is_hidden = any(part.startswith(("_", ".")) for part in parts)
    return bool(parts[-1]) and not is_hidden and not key.endswith("_$folder$")
