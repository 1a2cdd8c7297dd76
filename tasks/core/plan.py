"""What a run refines, and its name, made from what it works on: the same input, the same name."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from tasks.core.dataset import Dataset
from tasks.core.published import Published, is_up_to_date

_LENGTH = 12


@dataclass(frozen=True)
class Subject:
    """A dataset, or the part of one that is refined by itself, and where.

    Attributes:
        dataset: The dataset.
        partition: Values of its partition keys before the session or month: `("IBOV",)`.
        bucket: The lake's bucket.
        database: The lake's database in the Glue Data Catalog.
        glue_job: The Glue job that refines it.
    """

    dataset: Dataset
    partition: tuple[str, ...]
    bucket: str
    database: str
    glue_job: str

    def __str__(self) -> str:
        return "/".join(self.partition) or self.dataset.name

    @property
    def tables(self) -> list[str]:
        """Names of what is made of it."""
        return [table.name for table in self.dataset.refined]

    @property
    def job_arguments(self) -> dict[str, str]:
        """What its Glue job is told of the partition."""
        keys = self.dataset.raw.partition_keys
        return {f"--{key.name}": value for key, value in zip(keys, self.partition, strict=False)}


@dataclass(frozen=True)
class Month:
    """A month of a subject before it is refined.

    Attributes:
        subject: What it is a month of.
        month: `YYYY-MM`.
        raw_keys: Its raw objects.
        raw_digest: Their digest.
        published: `{table: what readers see now}`.
    """

    subject: Subject
    month: str
    raw_keys: tuple[str, ...]
    raw_digest: str
    published: dict[str, Published | None]

    def __str__(self) -> str:
        return f"{self.subject} {self.month}"

    @property
    def values(self) -> tuple[str, ...]:
        """The values of its partition."""
        return (*self.subject.partition, self.month)

    @property
    def is_up_to_date(self) -> bool:
        """Whether readers see what raw holds."""
        return is_up_to_date(self.published.values(), self.raw_digest)

    def prefixes(self, run_id: str) -> dict[str, str]:
        """Return `{table: prefix of what a run makes of it}`."""
        return {
            table.name: table.run_prefix(run_id, self.values)
            for table in self.subject.dataset.refined
        }


def digest_raw_objects(etags: Mapping[str, str]) -> str:
    """Return a digest of the raw objects of one partition.

    Args:
        etags: `{key: ETag}` of each object.
    """
    text = json.dumps(sorted(etags.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def name_run(subject: str, digests: Mapping[str, str], attempt: str | None = None) -> str:
    """Return the id of the run that refines some months of one subject.

    The same raw objects give the same id, so that a flow which starts again finds the run that was
    started before it died.

    Args:
        subject: What is refined, e.g. `IBOV`.
        digests: `{month: digest of its raw objects}`.
        attempt: Makes another run of the same raw objects, where one is wanted on purpose.
    """
    months = sorted(digests)
    span = months[0] if len(months) == 1 else f"{months[0]}-to-{months[-1]}"
    text = json.dumps([subject, sorted(digests.items()), attempt])
    return f"{subject}-{span}-{hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]}"
