"""The pictures' pure parts: what a terminal shows, which are wanted, what is read of settings."""

import io
import json
import random
import re
import shlex
import string
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from infra.local.pictures import __main__ as command
from infra.local.pictures import browser, terminal
from infra.local.pictures import page as page_module
from infra.local.pictures.__main__ import NAMES, choose, main
from infra.local.pictures.dashboard import (
    DEPLOYMENTS,
    PICTURES,
    Dashboard,
    describe,
    describe_state,
)
from infra.local.pictures.page import DESK, PHONE, BrowserError, Look, Page
from infra.local.pictures.picture_file import LIMIT_BYTES, save_small
from infra.local.pictures.platform import read_settings
from infra.local.pictures.runs import RUNS
from infra.local.pictures.terminal import COMMANDS, PROJECT, render
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("one\r\ntwo\r\n", ["one", "two"], id="lines"),
        pytest.param("one\ntwo", ["one", "   two"], id="a line feed alone stays in its column"),
        pytest.param("12 %\r100 %", ["100 %"], id="a carriage return writes over"),
        pytest.param("100 %\r9", ["900 %"], id="what is not written over stays"),
        pytest.param("abd\bc", ["abc"], id="backspace"),
        pytest.param("\x1b[1;31mred\x1b[0m", ["red"], id="colours"),
        pytest.param("\x1b]0;title\x07a\x1b]8;;u\x1b\\b", ["ab"], id="titles and links"),
        pytest.param("\x1b[?25la\x1b[?25h", ["a"], id="the cursor hidden"),
        pytest.param("bar\r\n\x1b[1A\x1b[2Kline\r\nbar", ["line", "bar"], id="a bar moved down"),
        pytest.param("one\r\ntwo\r\n\x1b[2A\x1b[Jx", ["x"], id="all below erased"),
        pytest.param("abcdef\x1b[3G\x1b[K", ["ab"], id="the rest of a row erased"),
        pytest.param("abcdef\x1b[3G\x1b[1Kx", ["  xdef"], id="the begin of a row erased"),
        pytest.param("a\x1b[2Bb", ["a", "", " b"], id="down"),
        pytest.param("12345678", ["12345678"], id="a full row"),
        pytest.param("12345678\r\nx", ["12345678", "x"], id="a full row and its end"),
        pytest.param("1234567890", ["12345678↩", "90"], id="a row too long"),
        pytest.param("a\x1b[1Ab", ["ab"], id="there is nothing above the first row"),
    ],
)
def test_a_terminal_of_eight_columns_shows(written: str, shown: list[str]) -> None:
    assert render(written, 8) == shown


class Connection:
    """A browser's end: answers every command, and tells of a page when it is listened to.

    `commands` is what it was sent, beside what the page is asked.
    """

    def __init__(self, told: list[dict[str, Any]], **answers: Any) -> None:
        self.commands = list[tuple[str, dict[str, Any]]]()
        self._told, self._answers = told, list[dict[str, Any]]()
        self._result = {"result": {"value": 1}} | answers

    def send(self, message: str) -> None:
        sent = json.loads(message)
        if sent["method"] != "Runtime.evaluate":
            self.commands.append((sent["method"], sent["params"]))
        self._answers.append({"id": sent["id"], "result": self._result})

    def recv(self, timeout: float) -> str:
        if self._answers:
            return json.dumps(self._answers.pop())
        if self._told:
            return json.dumps(self._told.pop(0))
        raise TimeoutError(timeout)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages come to rest as soon as nothing is under way."""
    monkeypatch.setattr(page_module, "_QUIET_SECONDS", 0)
    monkeypatch.setattr(page_module, "_SETTLE_SECONDS", 0.2)
    monkeypatch.setattr(page_module, "_BEGIN_SECONDS", 0)


def page_of(connection: Connection) -> Page:
    return Page(cast("Any", connection))


def request(number: str, url: str = "http://127.0.0.1/api") -> dict[str, Any]:
    return {
        "method": "Network.requestWillBeSent",
        "params": {"requestId": number, "request": {"url": url}},
    }


def answered(number: str, how: str = "Finished") -> dict[str, Any]:
    return {"method": f"Network.loading{how}", "params": {"requestId": number}}


@pytest.mark.parametrize(
    ("told", "is_at_rest"),
    [
        pytest.param([], True, id="nothing asked"),
        pytest.param([request("1"), request("2"), answered("1"), answered("2")], True, id="all"),
        pytest.param([request("1"), answered("1", "Failed")], True, id="a request that failed"),
        pytest.param([request("1"), request("2"), answered("2")], False, id="one under way"),
        pytest.param([request("1", "blob:http://127.0.0.1/1")], True, id="a worker's source"),
    ],
)
def test_a_page_is_at_rest_once_all_of_its_requests_are_answered(
    told: list[dict[str, Any]], is_at_rest: bool, at_once: None
) -> None:
    assert page_of(Connection(told)).open("http://127.0.0.1/v2") == is_at_rest


@pytest.mark.parametrize(
    ("look", "window", "media", "without_scripts"),
    [
        (DESK, (1400, 1000, 1, False), ("screen", "light"), False),
        (PHONE, (390, 844, 2, True), ("screen", "light"), False),
        (
            Look(800, 600, 3, "dark", "print", has_scripts=False),
            (800, 600, 3, False),
            ("print", "dark"),
            True,
        ),
    ],
)
def test_a_page_is_looked_at_as_was_asked_before_it_comes(
    look: Look,
    window: tuple[int, int, float, bool],
    media: tuple[str, str],
    without_scripts: bool,
    at_once: None,
) -> None:
    connection = Connection([])
    page_of(connection).open("file:///page.html", look)
    names = ("width", "height", "deviceScaleFactor", "mobile")
    scheme = {"name": "prefers-color-scheme", "value": media[1]}
    assert connection.commands[-5:] == [
        ("Page.navigate", {"url": "about:blank"}),
        ("Emulation.setDeviceMetricsOverride", dict(zip(names, window, strict=True))),
        ("Emulation.setEmulatedMedia", {"media": media[0], "features": [scheme]}),
        ("Emulation.setScriptExecutionDisabled", {"value": without_scripts}),
        ("Page.navigate", {"url": "file:///page.html"}),
    ]


def console(kind: str, *words: dict[str, Any]) -> dict[str, Any]:
    return {"method": "Runtime.consoleAPICalled", "params": {"type": kind, "args": [*words]}}


def thrown(text: str, **exception: Any) -> dict[str, Any]:
    details = {"text": text, "exception": exception}
    return {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}


def entry(**fields: str) -> dict[str, Any]:
    return {"method": "Log.entryAdded", "params": {"entry": fields}}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        pytest.param(
            console("debug", {"type": "string", "value": "at"}, {"type": "number", "value": 0}),
            "debug: at 0",
            id="words",
        ),
        pytest.param(
            console("log", {"type": "object", "description": "Array(1)"}, {"type": "undefined"}),
            "log: Array(1) undefined",
            id="things",
        ),
        pytest.param(console("clear"), "clear:", id="nothing"),
        pytest.param(
            thrown("Uncaught", description="Error: no\n    at page.html:1"),
            "exception: Uncaught Error: no",
            id="an error",
        ),
        pytest.param(
            thrown("Uncaught (in promise)", value="no"),
            "exception: Uncaught (in promise) no",
            id="a promise that broke",
        ),
        pytest.param(
            entry(source="security", level="error", text="refused", url="file:///page.html"),
            "security error: refused file:///page.html",
            id="the browser, of an address",
        ),
        pytest.param(
            entry(source="violation", level="verbose", text="slow"),
            "violation verbose: slow",
            id="the browser, of none",
        ),
    ],
)
def test_what_a_page_says_is_kept_until_the_next_one_is_opened(
    told: dict[str, Any], said: str, at_once: None
) -> None:
    told_now = [told]
    page = page_of(Connection(told_now))
    page.open("file:///page.html")
    assert page.said == [said]
    told_now += [console("log", {"type": "string", "value": "two"})]
    page.open("file:///page.html")
    assert page.said == ["log: two"]


def test_what_a_page_asks_for_is_kept_until_the_next_one_is_opened(at_once: None) -> None:
    told = [
        request("1", "file:///page.html"),
        request("2", "data:image/png;base64,"),
        answered("1"),
    ]
    told += [{"method": "Network.webSocketCreated", "params": {"url": "ws://127.0.0.1/"}}]
    page = page_of(Connection(told))
    page.open("file:///page.html")
    assert page.asked_for == ["file:///page.html", "ws://127.0.0.1/"]
    page.open("file:///page.html")
    assert page.asked_for == []


def test_an_address_where_nothing_is_is_an_error(at_once: None) -> None:
    page = page_of(Connection([], errorText="net::ERR_FILE_NOT_FOUND"))
    with pytest.raises(
        BrowserError, match=r"^file:///no cannot be opened: net::ERR_FILE_NOT_FOUND$"
    ):
        page.open("file:///no")


def picture_of(colours: int, side: int = 200) -> bytes:
    """A picture in which no pixel tells of the next one."""
    drawn = random.Random(1)
    shades = [tuple(drawn.randbytes(3)) for _ in range(colours)]
    picture = Image.new("RGB", (side, side))
    picture.putdata([drawn.choice(shades) for _ in range(side * side)])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_picture_that_is_small_enough_keeps_every_colour(tmp_path: Path) -> None:
    taken = picture_of(3000)
    save_small(tmp_path / "a.png", taken)
    before, after = (
        Image.open(io.BytesIO(png)) for png in (taken, (tmp_path / "a.png").read_bytes())
    )
    assert before.tobytes() == after.tobytes()
    assert len(after.getcolors(3000) or ()) == 3000


@pytest.mark.parametrize(("limit_bytes", "colours"), [(45_000, 256), (40_000, 128), (30_000, 32)])
def test_a_picture_that_is_too_large_keeps_as_many_colours_as_it_can(
    tmp_path: Path, limit_bytes: int, colours: int
) -> None:
    save_small(tmp_path / "a.png", picture_of(3000), limit_bytes)
    assert (tmp_path / "a.png").stat().st_size <= limit_bytes
    assert len(Image.open(tmp_path / "a.png").convert("RGB").getcolors() or ()) == colours


def test_a_picture_that_is_too_large_in_few_colours_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"at most 20000 bytes, found \d+ in 32 colours: show less"
    ):
        save_small(tmp_path / "a.png", picture_of(3000), 20_000)
    assert list(tmp_path.iterdir()) == []


def test_ci_requires_a_browser_where_one_could_be_found() -> None:
    names = " ".join(browser.NAMES)
    assert f"for name in {names}; do\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_last_rows_are_kept_as_they_stood_every_few_seconds_where_they_changed() -> None:
    pieces = [(1.0, "line\r\n0 %"), (6.0, "\r50 %"), (21.0, "\r100 %\r\n"), (22.0, "done")]
    assert terminal._frames(pieces, 80) == [
        *("", "# after 5 s", "line", "0 %"),
        *("", "# after 10 s", "line", "50 %"),
    ]


def test_every_picture_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(NAMES).items() if count > 1] == []


def test_all_are_taken_unless_some_are_named() -> None:
    assert choose(None) == list(NAMES)


def test_those_that_a_pattern_fits_are_taken_once_and_in_their_order() -> None:
    assert choose(["links", "audit*", "audit"]) == [
        name for name in NAMES if name.startswith("audit") or name == "links"
    ]


def test_a_pattern_that_fits_nothing_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--to", str(tmp_path / "to"), "--only", "links", "linsk"])
    assert ended.value.code == 2
    assert "no picture is named linsk; there are import-logs, " in capsys.readouterr().err
    assert not (tmp_path / "to").exists()


def test_a_missing_browser_is_one_line_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--to", str(tmp_path / "to"), "--only", "links"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "apt install chromium" in line
    assert browser.NAMES[0] in line
    assert not (tmp_path / "to").exists()


def test_a_picture_says_all_that_its_address_needs() -> None:
    for picture in PICTURES:
        needs = {field for _, field, _, _ in string.Formatter().parse(picture.path) if field}
        assert ("artifact" in needs) == (picture.artifact is not None), picture.name
        assert ("deployment" in needs) == (picture.deployment is not None), picture.name
        assert "run" not in needs or picture.run in RUNS, picture.name
        assert picture.artifact is None or picture.run in RUNS, picture.name


IN_DOCS = [picture.name for picture in PICTURES if picture.is_in_docs]
SHOWN = [
    (page, target)
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    for found in re.finditer(
        r"!\[[^]]*\]\(([^)\s]+)|<(?:img|source)\b[^>]*?\bsrc(?:set)?=\"([^\"\s]+)",
        page.read_text(encoding="utf-8"),
    )
    for target in found.groups()
    if target
]


def test_every_picture_that_the_docs_show_can_be_taken_again_and_is_small() -> None:
    assert len(SHOWN) >= 3
    for page, target in SHOWN:
        file = (page.parent / target).resolve()
        assert file.is_relative_to(ROOT / "docs" / "pictures"), target
        assert (file.stem in IN_DOCS, file.suffix) == (True, ".png"), target
        assert file.stat().st_size <= LIMIT_BYTES, target


def test_every_picture_in_the_docs_is_shown() -> None:
    shown = {(page.parent / target).resolve() for page, target in SHOWN}
    assert {*(ROOT / "docs" / "pictures").iterdir()} == shown


def test_the_command_that_takes_the_pictures_of_the_docs_takes_just_them() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    line = re.search(r"`python -m infra.local.pictures --to docs/pictures --only ([^`]+)`", text)
    assert line
    assert choose(shlex.split(line[1])) == IN_DOCS


class Shown:
    """A page that notes how it was opened and saved."""

    def __init__(self) -> None:
        self.opened = list[tuple[str, Look]]()

    def open(self, url: str, look: Look) -> bool:
        self.opened.append((url, look))
        return True

    def save(self, path: Path, *, is_small: bool) -> None:
        if path.name == "report-dark.png":
            raise ValueError("expected a smaller picture")
        path.write_bytes(b"small" if is_small else b"whole")

    def leave(self) -> None:
        pass


class Ran:
    """A platform on which every run ends at once."""

    api, lake = "http://127.0.0.1/api", Path("/state/lake/b3-lake")

    def __init__(self) -> None:
        self.settings = dict[str, str]()
        self.started = list[str]()

    def save_inbox_file(self, session: str, shown_after: str) -> str:
        assert shown_after == "2025-08-04"
        return f"s3://b3-lake/inbox/{session}"

    def start(self, key: str, deployment: str, parameters: dict[str, Any]) -> str:
        files = parameters.get("files", [])
        self.started.append(" ".join([key, deployment, *files]))
        return key

    def wait_until_ended(self, run_id: str, seconds: float) -> dict[str, Any]:
        return {"name": run_id, "state_name": "Completed", "state": None}


def take_reports(to: Path, *names: str) -> tuple[Ran, Shown, list[bool]]:
    platform, page = Ran(), Shown()
    pictures = [picture for picture in PICTURES if picture.name in names]
    dashboard = Dashboard(cast("Any", platform), cast("Any", page), to, pictures)
    return platform, page, [dashboard.show(picture) for picture in pictures]


def test_a_report_is_pictured_from_the_lake_once_it_has_all_that_one_can_have(
    tmp_path: Path,
) -> None:
    platform, page, are_there = take_reports(tmp_path, "report-light", "report-phone")
    assert are_there == [True, True]
    assert platform.started == [
        "month-ago import-portfolio s3://b3-lake/inbox/2025-07-04",
        "import import-portfolio s3://b3-lake/inbox/2025-08-01",
        "published daily-portfolio",
        "backfill backfill",
        "levels index-levels",
        "reconciled reconcile",
        "in-english report",
    ]
    report = "file:///state/lake/b3-lake/reports/portfolio/2025-08-04/IBOV.html"
    assert page.opened == [(report, PHONE), (report, Look(1040, 1560))]
    assert (tmp_path / "report-phone.png").read_bytes() == b"small"


def test_a_report_is_pictured_in_the_dark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, page, are_there = take_reports(tmp_path, "report-dark")
    assert [look.scheme for _, look in page.opened] == ["dark"]
    assert are_there == [False]
    assert "report-dark: expected a smaller picture\n" in capsys.readouterr().out


def test_a_picture_that_no_doc_shows_is_as_large_as_it_is(tmp_path: Path) -> None:
    _, page, are_there = take_reports(tmp_path, "dashboard")
    assert page.opened == [("http://127.0.0.1/v2/dashboard", DESK)]
    assert are_there == [True]
    assert (tmp_path / "dashboard.png").read_bytes() == b"whole"


@pytest.mark.parametrize(
    ("wanted", "files"),
    [
        pytest.param("form-values", ["form-values.txt"], id="not wanted"),
        pytest.param("terminal-platform", ["terminal-platform.txt"], id="wanted"),
    ],
)
def test_what_the_platform_prints_is_left_where_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, files: list[str]
) -> None:
    @contextmanager
    def platform(state: Path, output: Path) -> Iterator[Ran]:
        output.write_text("ready\n")
        yield Ran()

    monkeypatch.setattr(command, "platform", platform)
    monkeypatch.setattr(command, "try_values", lambda _: ["accepted"])
    assert main(["--to", str(tmp_path), "--only", wanted]) == 0
    assert [file.name for file in tmp_path.iterdir()] == files


def test_every_deployment_of_the_project_is_shown() -> None:
    lines = (ROOT / "prefect.yaml").read_text().splitlines()
    named = [line.partition("- name: ")[2] for line in lines if line.startswith("  - name: ")]
    assert sorted(DEPLOYMENTS) == sorted(named)
    assert {run.deployment for run in RUNS.values()} <= set(named)


def test_every_command_of_the_project_shows_its_help() -> None:
    helped = {one.arguments[0] for one in COMMANDS if one.arguments[1:] == ("--help",)}
    commands = {
        f"flows.{path.stem}"
        for path in (ROOT / "flows").glob("*.py")
        if "\ndef main(" in path.read_text()
    }
    assert helped == commands
    assert PROJECT == ROOT


def test_settings_are_read_as_a_shell_reads_them(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\n# no=comment\nB='two words'\nC=\nD=x=y\n")
    assert read_settings(tmp_path / "env") == {"A": "1", "B": "two words", "C": "", "D": "x=y"}


def test_a_line_of_a_log_is_written_with_its_time_level_and_logger() -> None:
    line = {
        "timestamp": "2025-08-04T12:00:01.123456Z",
        "level": 30,
        "name": "prefect.flow_runs",
        "message": "B3 asks to wait",
    }
    assert describe(line) == "12:00:01 WARNING prefect.flow_runs: B3 asks to wait"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"message": "expected a\n  b"}, "Failed expected a b"),
        ({"message": None}, "Failed"),
        (None, "Failed"),
    ],
)
def test_how_a_run_ended_is_one_line(state: dict[str, object] | None, said: str) -> None:
    assert describe_state({"state_name": "Failed", "state": state}) == said
