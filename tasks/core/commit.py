"""The commits of a month: numbered objects, of which the highest is what readers see.

`published/<dataset>/<month>/000017.json`, numbers of six digits without a gap. None is ever
changed or deleted.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import index

from tasks.core.attempt import UNREADABLE, Output, describe_output, read_output
from tasks.core.dataset import Dataset
from tasks.core.errors import CommitError
from tasks.core.plan import RawObject, describe_inputs

FORMAT = 1
PUBLISHED = "published/"
_NAME = re.compile(r"(\d{6})\.json")


@dataclass(frozen=True)
class Commit:
    """What readers see of one month of a dataset.

    Attributes:
        number: 1 and up, of the month.
        month: `YYYY-MM`.
        digest: Of what it was made from, and how.
        statements: Digest of how alone.
        inputs: The raw objects that it was made from.
        run_id: The plan that it was made by.
        attempt: The start of Glue that made it.
        tables: `{table: its objects and rows}`.
        published_at: When, by S3's clock; never before the commit before.
        flow_run: The flow run that published it.
    """

    number: int
    month: str
    digest: str
    statements: str
    inputs: tuple[RawObject, ...]
    run_id: str
    attempt: str
    tables: Mapping[str, Output]
    published_at: dt.datetime
    flow_run: str

    def covers(self, statements: str, inputs: Iterable[RawObject]) -> bool:
        """Return whether it was made in the same way, from at least the same objects."""
        held = {(each.key, each.etag) for each in self.inputs}
        return self.statements == statements and {(i.key, i.etag) for i in inputs} <= held

    def lost_by(self, inputs: Iterable[RawObject]) -> list[str]:
        """Return the keys that it was made from and that are not among `inputs`."""
        return sorted({each.key for each in self.inputs} - {each.key for each in inputs})


def commits_prefix(dataset: Dataset, month: str) -> str:
    """Return what all commits of a month lie under."""
    return f"{PUBLISHED}{dataset.name}/{month}/"


def commit_key(dataset: Dataset, month: str, number: int) -> str:
    """Return where a commit lies."""
    return f"{commits_prefix(dataset, month)}{number:06}.json"


def number_commits(keys: Iterable[str]) -> list[int]:
    """Return the numbers of a month's commits, in order.

    Args:
        keys: All that lies under its prefix.

    Raises:
        CommitError: A name is not that of a commit, or a number is missing; the message names
            it and the last commit before it.
    """
    numbers = []
    for key in sorted(keys):
        match = _NAME.fullmatch(key.rpartition("/")[2])
        if not match:
            raise CommitError(f"Expected commits 000001.json and on, found {key}. {_UNTOUCHED}")
        numbers.append(int(match[1]))
        if numbers[-1] != len(numbers):
            folder = key.rpartition("/")[0]
            raise CommitError(
                f"Expected {folder}/{len(numbers):06}.json, found {key}: a commit is gone. The "
                f"last one before it is {len(numbers) - 1:06}. {_UNTOUCHED}"
            )
    return numbers


_UNTOUCHED = "Nothing was published. Restore the object from the bucket's versions."


def write_commit(commit: Commit, dataset: Dataset, bucket: str) -> bytes:
    """Return a commit as it is stored."""
    document = {
        "format": FORMAT,
        "number": commit.number,
        "dataset": dataset.name,
        "month": commit.month,
        "digest": commit.digest,
        "statements": commit.statements,
        "inputs": describe_inputs(dataset, commit.inputs),
        "run_id": commit.run_id,
        "attempt": commit.attempt,
        "tables": {
            table: {"location": location, **describe_output(commit.tables[table])}
            for table, location in locations_of(commit, dataset, bucket).items()
        },
        "published_at": commit.published_at.isoformat(),
        "flow_run": commit.flow_run,
    }
    return json.dumps(document, indent=1).encode()


def read_commit(body: bytes, key: str) -> Commit:
    """Read a commit.

    Args:
        body: Its bytes.
        key: Where it lies.

    Raises:
        CommitError: It cannot be read, or is not the commit of that place.
    """
    try:
        document = json.loads(body)
        commit = Commit(
            number=index(document["number"]),
            month=document["month"],
            digest=document["digest"],
            statements=document["statements"],
            inputs=tuple(RawObject(i["key"], i["etag"], i["size"]) for i in document["inputs"]),
            run_id=document["run_id"],
            attempt=document["attempt"],
            tables={name: read_output(made) for name, made in document["tables"].items()},
            published_at=dt.datetime.fromisoformat(document["published_at"]).astimezone(dt.UTC),
            flow_run=document["flow_run"],
        )
        place = f"{document['dataset']}/{commit.month}/{commit.number:06}.json"
        says = document["format"], place
    except UNREADABLE as error:
        raise _unreadable(key, repr(error)) from error
    if says != (FORMAT, key.removeprefix(PUBLISHED)):
        raise _unreadable(key, f"it is {says[1]} in format {says[0]!r}")
    return commit


def _unreadable(key: str, found: str) -> CommitError:
    return CommitError(
        f"Expected a commit of format {FORMAT} in {key}, found none that can be read ({found}). "
        f"The last one before it is {int(key[-11:-5]) - 1:06}. {_UNTOUCHED}"
    )


def locations_of(commit: Commit, dataset: Dataset, bucket: str) -> dict[str, str]:
    """Return `{table: the S3 location that readers are sent to}` of what it names."""
    return {
        table.name: (
            f"s3://{bucket}/{table.attempt_folder(commit.run_id, commit.attempt, commit.month)}"
        )
        for table in dataset.refined_tables
        if table.name in commit.tables
    }


def describe_origin(commit: Commit | None) -> str:
    """Say who published what readers see, and when."""
    if commit is None:
        return "nothing is published yet"
    return (
        f"flow run {commit.flow_run} published commit {commit.number} at "
        f"{commit.published_at:%Y-%m-%d %H:%M:%S} UTC"
    )
