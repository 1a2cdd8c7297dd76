"""How a run over several indices ends, in words."""

from collections.abc import Mapping, Sequence

from tasks.core.errors import B3PipelineError, IncompleteError, NotPublishedError
from tasks.core.indices import ALL

LEVEL_DIFFERS = "b3-pipeline.level.differs"
"""The event that a level differs from what portfolio and quotes give; an automation tells of it."""

_MOST_NAMED = 3


def name_indices(index_codes: Sequence[str]) -> str:
    """Return the name of a run's indices: their codes, where they are few."""
    if tuple(index_codes) == (ALL,):
        return "all indices"
    return (
        " ".join(index_codes)
        if len(index_codes) <= _MOST_NAMED
        else count_indices(len(index_codes))
    )


def count_indices(index_count: int) -> str:
    """Return how many indices, in words."""
    return f"{index_count} {'index' if index_count == 1 else 'indices'}"


def conclude(
    done: str,
    errors: Mapping[str, B3PipelineError],
    without: Sequence[str],
    asked: Sequence[str],
) -> str:
    """Return the outcome in one line.

    Args:
        done: What was done; empty for nothing.
        errors: What failed, by index or by what else it is about.
        without: Indices that B3 lists and publishes nothing of: reported, and no failure.
        asked: The indices that the run was about.

    Raises:
        NotPublishedError: There was nothing of any.
        IncompleteError: Something failed; the message has a line for each. Where one index was
            asked for and one thing failed, its own error.
    """
    if not errors and not done:
        raise NotPublishedError(f"B3 lists {' and '.join(without)} without publishing anything.")
    said = f"{done} (B3 publishes none of {', '.join(without)})" if done and without else done
    if not errors:
        return said
    if len(errors) == len(asked) == 1:
        raise next(iter(errors.values()))
    failed = [name for name in errors if name in asked]
    first = (
        f"{len(failed)} of {count_indices(len(asked))} failed; {said or 'nothing was published'}:"
    )
    raise IncompleteError("\n".join([first, *(f"  {name}: {e}" for name, e in errors.items())]))
