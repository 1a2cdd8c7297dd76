"""What a test of something that is wrong today expects, told from what it takes for granted.

Such a test is marked `xfail(strict=True, raises=WrongTodayError)`. Its set-up stands outside of
`right_when_mended`: where that fails, the test fails. Whoever mends it takes the mark away.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager


class WrongTodayError(Exception):
    """It is not as it should be; the message is that of the assertion."""


@contextmanager
def right_when_mended(today: str = "") -> Iterator[None]:
    """Assert here what is right, and wrong today.

    Args:
        today: A pattern of what the assertion says today; where it says something else, the test
            fails.
    """
    try:
        yield
    except AssertionError as error:
        if not re.search(today, str(error)):
            raise
        raise WrongTodayError(str(error)) from error
