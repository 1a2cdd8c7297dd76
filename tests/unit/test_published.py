import pytest

from tasks.core.published import Published, is_up_to_date

NEW = Published("s3://lake/new/", "run-2", "digest-2")
OLD = Published("s3://lake/old/", "run-1", "digest-1")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param([NEW, NEW], True, id="every-table-shows-it"),
        pytest.param([NEW, OLD], False, id="one-table-shows-an-older-run"),
        pytest.param([NEW, None], False, id="one-table-shows-nothing"),
        pytest.param([None, None], False, id="nothing-is-published"),
        pytest.param([Published("s3://lake/new/", "", "")], False, id="a-partition-says-nothing"),
    ],
)
def test_a_month_is_up_to_date_when_every_table_shows_these_raw_objects(
    shown: list[Published | None], expected: bool
) -> None:
    assert is_up_to_date(shown, "digest-2") is expected
