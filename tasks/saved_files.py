"""Read files that people have saved: on this machine, or in S3.

What is named by itself must be a file, or nothing is imported. What only lies in a named folder and
is no file is skipped with a word. Nothing is read past the limits.
"""

from collections.abc import Sequence

from prefect import get_run_logger, task

from tasks.core.errors import InvalidInputError
from tasks.core.portfolio.reconcile import SavedFile
from tasks.core.wording import count
from tasks.places import S3, Found, UnusableError, find, some_of, word_on
from tasks.retries import OVER_AWS

LARGEST_FILE_BYTES = 5_000_000  # the largest known file has 30 kB
LARGEST_RUN_BYTES = 250_000_000  # of all files together, which are held at once


@task(name="read-saved-files", task_run_name="read saved files", **OVER_AWS)
def read_files(places: Sequence[str]) -> list[SavedFile]:
    """Read files, and of folders every CSV in them. Safe to repeat: it only reads.

    Args:
        places: Paths of files or folders, or `s3://bucket/key` and `s3://bucket/folder/`.

    Raises:
        InvalidInputError: No place is named, one is blank, no file that can be read is at one, or
            files are over a limit; the message has a line for each.
    """
    _check_any_named(places)
    files, skipped = _read(places)
    for each in skipped:
        get_run_logger().warning("Skipped %s", each)
    get_run_logger().info("Read %s", count(len(files), "file"))
    return files


def read_paths(places: Sequence[str]) -> list[SavedFile]:
    """Read the files that are on this machine, and leave those in S3 out.

    It needs no run around it, and says nothing of what it skips: `read_files` does.

    Args:
        places: As of `read_files`.

    Raises:
        InvalidInputError: As `read_files`.
    """
    _check_any_named(places)
    files, _ = _read([place for place in places if not place.startswith(S3)])
    return files


def _check_any_named(places: Sequence[str]) -> None:
    if not places:
        raise InvalidInputError(
            "Expected files or folders to import, found none: name at least one."
        )


def _read(places: Sequence[str]) -> tuple[list[SavedFile], list[str]]:
    """Return the files of places, and a word on each thing beside them that was skipped."""
    found: list[Found] = []
    skipped: list[str] = []
    problems: list[str] = []
    for place in places:
        try:
            files, words = find(place)
        except InvalidInputError as error:
            problems.append(str(error))
        else:
            found += files
            skipped += words
    _refuse([*problems, *_over_limits(found)])
    return _read_found(found, skipped)


def _read_found(found: Sequence[Found], skipped: list[str]) -> tuple[list[SavedFile], list[str]]:
    files: list[SavedFile] = []
    problems: list[str] = []
    for each in found:
        try:
            body = each.read(LARGEST_FILE_BYTES)
        except UnusableError as error:
            if each.is_named:
                problems.append(f"Expected a file at {each.name}, found {error}. Try again.")
            else:
                skipped.append(word_on(each.name, error))
            continue
        if len(body) > LARGEST_FILE_BYTES:
            problems.append(_too_large(each.name, f"{len(body)} or more"))
        files.append(SavedFile(each.name, body))
    _refuse(problems)
    if found and not files:
        raise InvalidInputError(f"Expected files that can be read, found none{some_of(skipped)}.")
    return files, skipped


def _over_limits(found: Sequence[Found]) -> list[str]:
    large = [_too_large(each.name, each.size) for each in found if each.size > LARGEST_FILE_BYTES]
    total = sum(each.size for each in found)
    if total <= LARGEST_RUN_BYTES or large:
        return large
    said = f"at most {LARGEST_RUN_BYTES} bytes in all files of an import, found {total}"
    return [f"Expected {said} in {len(found)} files: import them in parts."]


def _too_large(name: str, size: object) -> str:
    return (
        f"Expected at most {LARGEST_FILE_BYTES} bytes in {name}, found {size}: "
        f"it is no file of a portfolio."
    )


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise InvalidInputError("\n".join(problems))
