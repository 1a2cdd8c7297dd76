import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from tasks.core.session_report import digest
from tasks.core.session_report.digest import digest_page, digest_report
from tests.session_reports import session_report

REPORT = session_report(3)


def test_a_report_that_says_the_same_has_the_same_digest() -> None:
    assert digest_report(REPORT, "en") == digest_report(session_report(3), "en")
    assert len(digest_report(REPORT, "en")) == 64


def test_who_published_it_does_not_count() -> None:
    later = dataclasses.replace(
        REPORT.origin, commit=9, published_at=dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
    )
    again = dataclasses.replace(REPORT, origin=later)
    assert digest_report(again, "en") == digest_report(REPORT, "en")


def test_what_it_says_and_in_which_language_counts() -> None:
    others = [
        digest_report(REPORT, "pt-BR"),
        digest_report(dataclasses.replace(REPORT, market=None), "en"),
        digest_report(dataclasses.replace(REPORT, month_ago=None), "en"),
        digest_report(session_report(4), "en"),
    ]
    assert len({digest_report(REPORT, "en"), *others}) == 5


@pytest.mark.parametrize("suffix", ["py", "html", "css", "toml"])
def test_a_page_that_is_made_otherwise_is_another(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "__file__", str(tmp_path / "digest.py"))
    found = set()
    for text in ("one", "other"):
        (tmp_path / f"a.{suffix}").write_text(text)
        digest._digest_how.cache_clear()
        found.add(digest_report(REPORT, "en"))
    digest._digest_how.cache_clear()
    assert len(found) == 2


def test_every_file_of_the_pages_counts() -> None:
    folder = Path(digest.__file__).parent
    files = {path.suffix for path in folder.iterdir() if path.is_file()}
    assert files <= {pattern.removeprefix("*") for pattern in digest._HOW}


def test_a_page_by_itself_is_told_by_its_text() -> None:
    assert digest_page("a") == digest_page("a") != digest_page("b")
