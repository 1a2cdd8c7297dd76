from collections.abc import Iterator

import pytest

from tests.standin.glue import Jobs, standin


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    """AWS in this process with an empty lake, and Glue's runs."""
    with standin() as jobs:
        yield jobs
