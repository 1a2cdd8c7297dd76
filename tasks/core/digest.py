"""Names for work, made from what it works on: the same input gives the same name."""

import hashlib
import json
from collections.abc import Mapping

_LENGTH = 12


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
