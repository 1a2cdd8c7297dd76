import pytest

from tasks.core.errors import RateLimitedError, RetryableError


def test_a_rate_limit_says_how_long_to_wait_and_may_pass() -> None:
    with pytest.raises(RetryableError, match="slow down") as raised:
        raise RateLimitedError("slow down", 30.0)
    assert isinstance(raised.value, RateLimitedError)
    assert raised.value.retry_after_seconds == 30.0
