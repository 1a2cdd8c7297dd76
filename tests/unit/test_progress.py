from tasks.core.errors import BadDataError
from tasks.core.month import PublishedMonths
from tasks.core.progress import Progress

RUN = "0123456789abcdef"


def test_files_are_counted_first_then_months_with_their_sessions() -> None:
    progress = Progress(month_count=4, session_count=66, file_count=2)
    assert (str(progress), progress.share) == ("0 of 2 files asked for", 0)
    progress.files_done = 1
    assert (str(progress), progress.share) == ("1 of 2 files asked for", 1 / 6)
    progress.files_done = 2
    assert str(progress) == "0 of 4 months published, 0 of 66 sessions"
    progress.held = {"2025-07": 23, "2025-08": 21}
    progress.add_month("2025-07", "published")
    progress.add_month("2025-08", "up to date")
    assert str(progress) == "1 of 4 months published, 1 up to date, 44 of 66 sessions"
    assert progress.share == 4 / 6


def test_a_month_that_failed_is_not_counted_as_published() -> None:
    progress = Progress(month_count=2, session_count=44, held={"2025-07": 23, "2025-08": 21})
    progress.add_month("2025-07", "failed")
    progress.add_month("2025-08", "published")
    assert str(progress) == "1 of 2 months published, 1 failed, 21 of 44 sessions"
    assert progress.share == 1


def test_in_the_end_a_month_that_is_published_in_part_counts_as_failed_alone() -> None:
    progress = Progress(month_count=3)
    progress.add_month("2025-07", "published")
    progress.add_month("2025-08", "up to date")
    result = PublishedMonths(
        {"2025-07": RUN}, ["2025-08"], {"2025-07": BadDataError("without what cannot be read")}
    )
    progress.conclude(result)
    assert str(progress) == "0 of 3 months published, 1 up to date, 1 failed"
    assert progress.share == 1  # raw holds nothing of the third one


def test_one_of_a_kind_is_no_plural() -> None:
    assert str(Progress(0, file_count=1)) == "0 of 1 file asked for"
    assert str(Progress(1, session_count=1)) == "0 of 1 month published, 0 of 1 session"


def test_nothing_to_do_is_no_division_by_nothing() -> None:
    assert Progress(0).share == 0
