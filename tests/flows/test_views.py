"""The command that writes a file of views: what it takes, refuses and says."""

import builtins
import datetime as dt
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from flows import views
from flows.views import main
from tasks import duckdb_file
from tasks.core.datasets import DATASETS, TABLES
from tasks.core.errors import BadDataError, DiskFullError, InvalidInputError
from tasks.disk import find_full_disk
from tasks.duckdb_file import check_target, write_file

BUCKET = "b3-lake"
EMPTY = f"{len(TABLES)} views, " + ", ".join(f"{each.name} 0 months" for each in DATASETS)


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty lake, whose folder is that of the test."""
    monkeypatch.chdir(tmp_path)
    values = {"LAKE_BUCKET": BUCKET, "DATABASE": "b3", "GLUE_JOB": "b3-refine"}
    for name, value in (values | {"LAKE_FOLDER": str(tmp_path)}).items():
        monkeypatch.setenv(f"B3_{name}", value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


def written() -> list[str]:
    """The names of what there is in the test's folder."""
    return [each.name for each in Path().iterdir()]


def told(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """The last line on standard output, and standard error in one line."""
    said = capsys.readouterr()
    return said.out.strip().rpartition("\n")[2], " ".join(said.err.split())


def test_an_empty_lake_gives_empty_views(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert told(capsys)[0] == f"wrote lake.duckdb: {EMPTY}"
    with duckdb.connect("lake.duckdb", read_only=True) as connection:
        for table in TABLES:
            assert connection.execute(f"FROM {table.name}").fetchall() == []
    assert written() == ["lake.duckdb"]


def test_no_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def start() -> None:
        raise AssertionError("a server for a command that runs no flow")

    monkeypatch.setattr("flows.command.start_temporary_server", start)
    assert main([]) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--as-of", "noon"],
        ["--as-of", "2025-08-01"],
        ["--as-of", "2999-01-01T12:00"],
        ["--verbose"],
        ["lake.duckdb"],
    ],
)
def test_wrong_usage_ends_with_2_and_writes_nothing(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert written() == []


def test_the_moment_is_said_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--as-of", "2025-08-01T09:00-03:00"]) == 0
    assert "as of 2025-08-01 12:00:00 UTC" in told(capsys)[0]


def test_a_moment_to_come_is_told_from_one_that_has_been() -> None:
    now = dt.datetime.now(dt.UTC)
    assert views.past_moment(f"{now:%Y-%m-%dT%H:%M:%S}") <= now
    with pytest.raises(Exception, match="that has been"):
        views.past_moment(f"{now + dt.timedelta(hours=2):%Y-%m-%dT%H:%M:%S}")


def test_without_duckdb_it_ends_with_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "duckdb":
            raise ModuleNotFoundError("No module named 'duckdb'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main([]) == 1
    out, error = told(capsys)
    assert out == ""
    assert error == (
        "failed: Views need DuckDB, which is not installed (No module named 'duckdb'): pip install "
        "'duckdb>=1.4,<3'"
    )


def test_a_lake_that_does_not_answer_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("B3_LAKE_BUCKET", "another")
    assert main([]) == 1
    out, error = told(capsys)
    assert out == ""
    assert error.startswith("failed: Expected bucket another, found none (")
    assert written() == []
    gone = EndpointConnectionError(endpoint_url="https://s3")
    monkeypatch.setattr(views, "find_shown", lambda *_: (_ for _ in ()).throw(gone))
    assert main([]) == 1
    assert f"what lies in s3://another, found: {gone}" in told(capsys)[1]
    assert written() == []


def test_a_mistake_in_the_code_is_not_taken_for_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a mistake")

    monkeypatch.setattr(views, "find_shown", fail)
    with pytest.raises(KeyError, match="a mistake"):
        main([])
    assert written() == []


def test_interrupted_it_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(duckdb_file, "check_target", interrupt)  # when the file is whole
    assert main([]) == 130
    assert told(capsys)[1].endswith("interrupted: run the command again; it goes on from there")
    assert written() == []


def state_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What lies in a folder, and when it was written last."""
    found = {each.name: each.stat() for each in folder.iterdir()}
    return {name: (of.st_ino, of.st_size, of.st_mtime_ns) for name, of in found.items()}


def own_table(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE mine (x int)")


def views_and(statement: str) -> Any:
    def make(path: Path) -> None:
        assert main(["--to", str(path)]) == 0
        with duckdb.connect(str(path)) as connection:
            connection.execute(statement)

    return make


def with_a_journal(path: Path) -> None:
    assert main(["--to", str(path)]) == 0
    path.with_name("x.duckdb.wal").write_bytes(b"what is not in the file yet")


REFUSED = {
    "text": lambda path: path.write_text("a letter"),
    "empty": lambda path: path.touch(),
    "folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "own-table": own_table,
    "table-beside": views_and("CREATE TABLE mine (x int)"),
    "view-beside": views_and("CREATE VIEW mine AS SELECT 1"),
    "schema-beside": views_and("CREATE SCHEMA mine"),
    "macro-beside": views_and("CREATE MACRO mine(x) AS x"),
    "sequence-beside": views_and("CREATE SEQUENCE mine"),
    "type-beside": views_and("CREATE TYPE mine AS ENUM ('a')"),
    "table-in-a-views-place": views_and(
        "DROP VIEW portfolio_daily; CREATE TABLE portfolio_daily (x int)"
    ),
    "view-in-a-views-place": views_and("CREATE OR REPLACE VIEW portfolio_daily AS SELECT 42"),
    "other-about-file": views_and("DROP TABLE about_file; CREATE TABLE about_file (x int)"),
    "without-about-file": views_and("DROP TABLE about_file"),
    "journal": with_a_journal,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_its_own_is_left_as_it_is(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.duckdb"
    REFUSED[name](path)
    before = state_of(tmp_path)
    capsys.readouterr()
    assert main(["--to", str(path)]) == 1
    out, error = told(capsys)
    assert out == ""
    assert "Name another --to. Nothing was written." in error
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("name", ["own-table", "without-about-file"])
def test_a_file_of_duckdb_that_another_made_is_called_so(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    REFUSED[name](path)
    with pytest.raises(InvalidInputError, match="a DuckDB file that this command has not made"):
        check_target(path)


def test_where_nothing_can_be_written_it_says_why(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"x\.duckdb cannot be written \(IO Error: .*\)"):
        write_file(tmp_path / "gone" / "x.duckdb", [], {}, from_s3=False)


def test_a_file_that_another_program_writes_to_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.duckdb"
    assert main(["--to", str(path)]) == 0
    body = path.read_bytes()
    code = f"import duckdb; c = duckdb.connect({str(path)!r}); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        other.stdout.readline()
        assert main(["--to", str(path)]) == 1
        assert "Name another --to" in told(capsys)[1]
        assert path.read_bytes() == body
        other.communicate("\n")
    assert main(["--to", str(path)]) == 0


@pytest.mark.parametrize("to", ["nowhere/x.duckdb", "x" * 300, "/"])
def test_where_no_file_can_be_is_a_clear_error(to: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--to", to]) == 1
    assert "name another --to. nothing was written." in told(capsys)[1].lower()
    assert written() == []


@pytest.mark.parametrize("to", ["nowhere/x.duckdb", "x" * 300, "/", "a\0b"])
def test_where_no_file_can_be_is_known_before_anything_is_made(to: str) -> None:
    with pytest.raises(InvalidInputError, match=r"ame another --to\. Nothing was written\."):
        check_target(Path(to))


@pytest.mark.parametrize(
    "tables", [pytest.param({"main.a"}, id="another"), pytest.param(set[str](), id="more")]
)
def test_a_file_that_does_not_hold_what_was_written_is_one_on_a_full_disk(
    tmp_path: Path, tables: set[str]
) -> None:
    path = tmp_path / "x.duckdb"
    own_table(path)
    duckdb_file._check_is_whole(duckdb, path, {"main.mine"})
    with pytest.raises(OSError, match="the file is not whole") as raised:
        duckdb_file._check_is_whole(duckdb, path, tables)
    assert find_full_disk(raised.value)
    path.with_name("x.duckdb.wal").touch()  # where what is not in the file may be
    with pytest.raises(OSError, match=r"not whole|WAL"):
        duckdb_file._check_is_whole(duckdb, path, {"main.mine"})


def test_a_disk_that_is_full_while_it_is_written_is_called_so(tmp_path: Path) -> None:
    full = "CREATE TABLE a AS SELECT error('cannot write: No space left on device\nat all') AS x"
    with pytest.raises(DiskFullError, match=r"full.* Nothing was written\.$"):
        write_file(tmp_path / "x.duckdb", [full], {}, from_s3=False)
    assert written() == []


@pytest.mark.parametrize(
    ("endpoint", "elsewhere"),
    [("", {}), ("http://127.0.0.1:5555", {"endpoint_override": "http://127.0.0.1:5555"})],
    ids=["of-aws", "local-cloud"],
)
def test_s3_is_opened_with_the_credentials_and_the_place_of_all_else(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, elsewhere: dict[str, str]
) -> None:
    opened: list[dict[str, Any]] = []

    class System:
        type_name = "s3"

        def __init__(self, **options: Any) -> None:
            opened.append(options)

    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "s"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr("pyarrow.fs.S3FileSystem", System)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert isinstance(duckdb_file.open_s3().fs, System)
    credentials = {"access_key": "a", "secret_key": "s", "session_token": "t"}
    assert opened == [{**credentials, "region": "us-east-1", **elsewhere}]


def test_a_file_that_cannot_be_opened_again_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    path.write_bytes(b"garbage" * 9999)
    before = state_of(tmp_path)
    with pytest.raises(OSError, match=r"x\.duckdb") as raised:
        duckdb_file._check_is_whole(duckdb, path, set())
    assert len(str(raised.value).splitlines()) == 1
    assert state_of(tmp_path) == before


def test_nothing_is_fetched_and_no_extension_of_the_machine_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured: list[tuple[bool, Any]] = []
    connect = duckdb.connect

    def keep(path: str, *, read_only: bool = False, config: Any) -> Any:
        with connect(path, read_only=read_only, config=config) as connection:
            asked = "SELECT current_setting(?)"
            names = ("autoinstall_known_extensions", "autoload_known_extensions", "access_mode")
            said = [connection.execute(asked, [name]).fetchall()[0][0] for name in names]
        configured.append((read_only, said))
        return connect(path, read_only=read_only, config=config)

    monkeypatch.setattr(duckdb, "connect", keep)
    for _ in range(2):
        assert main(["--to", str(tmp_path / "x.duckdb")]) == 0
    assert all(said[:2] == [False, False] for _, said in configured)
    # A file that is there is only read: first whose it is, and in the end whether it is whole.
    assert [read_only for read_only, _ in configured] == [False, True, True, False, True, True]


def test_a_link_in_a_circle_is_a_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a").symlink_to("b")
    Path("b").symlink_to("a")
    assert main(["--to", "a"]) == 1
    assert "name another --to. Nothing was written." in told(capsys)[1]


def test_the_longest_name_that_a_file_can_have_is_taken() -> None:
    assert main(["--to", "x" * 240]) == 0


def test_a_full_disk_is_an_error_and_the_older_file_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 0
    before = Path("lake.duckdb").read_bytes()
    capsys.readouterr()
    whole = resource.getrlimit(resource.RLIMIT_FSIZE)
    heeded = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # No file may grow to what is written: as on a full disk, but for this process alone.
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, whole[1]))
        code = main([])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, whole)
        signal.signal(signal.SIGXFSZ, heeded)
    out, error = told(capsys)
    assert (code, out) == (1, "")
    assert "found it full" in error
    assert "Nothing was written." in error
    assert Path("lake.duckdb").read_bytes() == before
    assert written() == ["lake.duckdb"]


def test_a_link_stays_one_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "x.duckdb"
    link.symlink_to(tmp_path / "there" / "lake.duckdb")
    for _ in range(2):
        assert main(["--to", str(link)]) == 0
    assert link.is_symlink()
    assert [each.name for each in (tmp_path / "there").iterdir()] == ["lake.duckdb"]


def test_a_file_that_came_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.duckdb"
    check_target(path)
    path.write_text("a letter")
    with pytest.raises(InvalidInputError, match="Name another --to"):
        write_file(path, [], {}, from_s3=False)
    assert written() == ["x.duckdb"]
    assert path.read_text() == "a letter"


def test_sql_that_cannot_be_bound_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="Nothing was written"):
        write_file(
            tmp_path / "x.duckdb",
            ["CREATE TABLE a (x int)", "CREATE VIEW v AS FROM nowhere"],
            {},
            from_s3=False,
        )
    assert written() == []
