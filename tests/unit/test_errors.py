import pytest

from tasks.core.errors import BadDataError, RateLimitedError, RetryableError, UnreadableRawError


def test_a_rate_limit_says_how_long_to_wait_and_may_pass() -> None:
    with pytest.raises(RetryableError, match="slow down") as raised:
        raise RateLimitedError("slow down", 30.0)
    assert isinstance(raised.value, RateLimitedError)
    assert raised.value.retry_after_seconds == 30.0


def test_raw_that_cannot_be_read_is_named() -> None:
    with pytest.raises(
        BadDataError, match=r"s3://b3-lake/raw/x\.parquet, found no rows\."
    ) as raised:
        raise UnreadableRawError("b3-lake", "raw/x.parquet", "no rows")
    assert isinstance(raised.value, UnreadableRawError)
    assert raised.value.key == "raw/x.parquet"
