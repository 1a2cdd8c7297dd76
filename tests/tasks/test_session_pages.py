"""Pages of reports where they lie: in S3 with what they were made of, and in a folder."""

import datetime as dt
from pathlib import Path

import boto3
import pytest

from tasks import session_pages
from tasks.core.errors import DiskFullError, InvalidInputError
from tasks.session_pages import Bucket, Folder, Page, list_versions, put_pages

BUCKET = "b3-lake"
D1, D2 = dt.date(2025, 8, 1), dt.date(2025, 8, 4)
PAGE = Page("<p>Composição</p>", "abc")


def keys() -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET)
    return [each["Key"] for each in found.get("Contents", [])]


def test_paths_are_of_a_session_and_index_and_of_a_month() -> None:
    assert session_pages.page_path(D2, "IBOV") == "2025-08-04/IBOV.html"
    assert session_pages.month_path("2025-08") == "2025-08.html"
    assert Bucket(BUCKET).name_of("2025-08.html") == ("s3://b3-lake/reports/portfolio/2025-08.html")


@pytest.mark.usefixtures("bucket")
class TestInS3:
    def test_a_page_is_an_object_that_a_browser_shows(self) -> None:
        put_pages(BUCKET, {"2025-08-04/IBOV.html": PAGE})
        found = boto3.client("s3").get_object(
            Bucket=BUCKET, Key="reports/portfolio/2025-08-04/IBOV.html"
        )
        assert found["Body"].read().decode() == PAGE.html
        assert found["ContentType"] == "text/html; charset=utf-8"
        assert found["Metadata"] == {"made-of": "abc"}

    def test_written_twice_it_is_there_once(self) -> None:
        for digest in ("abc", "def"):
            put_pages(BUCKET, {"2025-08.html": Page("<p>", digest)})
        assert keys() == ["reports/portfolio/2025-08.html"]
        assert Bucket(BUCKET).find_digests(["2025-08.html"]) == {"2025-08.html": "def"}

    def test_what_pages_were_made_of_is_told_of_those_that_are_there(self) -> None:
        put_pages(BUCKET, {"a.html": PAGE, "b.html": Page("<p>", "def")})
        boto3.client("s3").put_object(Bucket=BUCKET, Key="reports/portfolio/foreign.html", Body=b"")
        asked = ["b.html", "none.html", "foreign.html", "a.html"]
        assert Bucket(BUCKET).find_digests(asked) == {"a.html": "abc", "b.html": "def"}

    def test_the_pages_of_a_month_are_told_and_nothing_else(self) -> None:
        for path in (
            *("2025-08-01/IBOV.html", "2025-08-04/IBOV.html", "2025-08-04/SMLL.html"),
            *("2025-07-31/IBOV.html", "2025-08.html", "2025-08-04/notes.txt"),
            *("2025-08-04/old/IBOV.html", "2025-08-04/ibov.html", "2025-08-32/IBOV.html"),
        ):
            put_pages(BUCKET, {path: PAGE})
        assert Bucket(BUCKET).list_pages("2025-08") == {D1: {"IBOV"}, D2: {"IBOV", "SMLL"}}
        assert Bucket(BUCKET).list_pages("2025-06") == {}

    def test_a_bucket_that_is_not_there_is_no_missing_page(self) -> None:
        with pytest.raises(boto3.client("s3").exceptions.ClientError):
            Bucket("nowhere").list_pages("2025-08")

    def test_versions_tell_that_something_has_changed(self) -> None:
        client = boto3.client("s3")
        client.put_object(Bucket=BUCKET, Key="a/1", Body=b"1")
        before = list_versions(BUCKET, ["a/", "b/"])
        assert list(before) == ["a/1"]
        assert list_versions(BUCKET, ["a/", "b/"]) == before
        client.put_object(Bucket=BUCKET, Key="a/1", Body=b"2")
        assert list_versions(BUCKET, ["a/", "b/"]) != before
        client.put_object(Bucket=BUCKET, Key="b/1", Body=b"1")
        assert list(list_versions(BUCKET, ["a/", "b/"])) == ["a/1", "b/1"]


class TestInAFolder:
    def test_pages_lie_where_links_find_them(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / "new" / "reports")
        folder.write("", {"2025-08-04/IBOV.html": PAGE, "2025-08.html": Page("<p>", "")})
        found = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
        assert sorted(str(path.relative_to(tmp_path)) for path in found) == [
            "new/reports/2025-08-04/IBOV.html",
            "new/reports/2025-08.html",
        ]
        page = tmp_path / "new" / "reports" / "2025-08-04" / "IBOV.html"
        assert page.read_text(encoding="utf-8") == PAGE.html
        assert folder.name_of("2025-08-04/IBOV.html") == str(page)

    def test_a_page_takes_the_place_of_the_one_before(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path)
        for html in ("old", "new"):
            folder.write("", {"2025-08.html": Page(html, "")})
        assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]

    def test_its_pages_of_a_month_are_told(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path)
        folder.write("", {"2025-08-04/IBOV.html": PAGE, "2025-07-31/IBOV.html": PAGE})
        assert folder.list_pages("2025-08") == {D2: {"IBOV"}}
        assert folder.find_digests(["2025-08-04/IBOV.html"]) == {}

    def test_a_file_in_its_place_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        with pytest.raises(InvalidInputError, match=r"file cannot be written .* name another --to"):
            Folder(tmp_path / "file")
        assert (tmp_path / "file").read_text() == "mine"

    def test_a_folder_in_a_pages_place_is_told_and_nothing_is_left(self, tmp_path: Path) -> None:
        (tmp_path / "2025-08.html").mkdir()
        with pytest.raises(InvalidInputError, match=r"2025-08\.html cannot be written"):
            Folder(tmp_path).write("", {"2025-08.html": PAGE})
        assert [path.name for path in tmp_path.iterdir()] == ["2025-08.html"]

    def test_a_full_disk_is_told_as_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_text", fail)
        with pytest.raises(DiskFullError, match=r"found it full.*2 reports: not all is written"):
            Folder(tmp_path).write("2 reports", {"2025-08.html": PAGE})
