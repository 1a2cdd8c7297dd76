"""What a browser tells of a page: every word, every request, both themes, a phone, paper."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from infra.local.pictures.dashboard import PICTURES, Dashboard
from infra.local.pictures.page import DESK, PHONE, BrowserError, Look, Page
from tests.conftest import need_browser

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Write = Callable[[str], str]
PRINT, DARK = replace(DESK, media="print"), replace(DESK, scheme="dark")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a page with a body, and returns its address."""

    def write(body: str) -> str:
        file = tmp_path / "page.html"
        head = '<!doctype html><meta charset="utf-8"><title>Página</title>'
        file.write_text(head + body, encoding="utf-8")
        return file.as_uri()

    return write


def test_a_still_page_says_nothing_and_asks_for_itself_alone(page: Page, write: Write) -> None:
    picture = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAAAAACwAAAAAAQABAAACAkQBADs="
    address = write(f'<p>Ação <img src="{picture}" alt="a dot">')
    assert page.open(address)
    assert (page.said, page.asked_for) == ([], [address])
    assert page.run("document.body.innerText.trim()") == "Ação"


def test_everything_that_a_page_says_is_heard(page: Page, write: Write) -> None:
    address = write(
        """<p>It talks.<script>
        console.log("one", 2); console.debug("three"); console.warn("four"); console.error("five");
        setTimeout(() => { throw new Error("six"); }); Promise.reject("seven");
        </script><meta http-equiv="Content-Security-Policy" content="default-src 'none'">"""
    )
    assert page.open(address)
    policy = "'default-src 'none'' was delivered via a <meta> element outside the document's <head>"
    (of_browser,) = [line for line in page.said if line.startswith("security error: ")]
    assert policy in of_browser
    assert sorted(line for line in page.said if line != of_browser) == [
        "debug: three",
        "error: five",
        "exception: Uncaught (in promise) seven",
        "exception: Uncaught Error: six",
        "log: one 2",
        "warning: four",
    ]


def test_no_other_host_is_asked_without_being_noticed(page: Page, write: Write) -> None:
    address = write(
        """<link rel="stylesheet" href="https://a.example/a.css">
        <style>@font-face { font-family: F; src: url(https://b.example/b.woff2); }
        p { font-family: F; }</style>
        <p>It asks. <img src="https://c.example/c.png" alt="">
        <img src="http://192.0.2.1/d.png" alt="">
        <iframe src="https://e.example/"></iframe>
        <script>
        fetch("https://f.example/").catch(() => {}); navigator.sendBeacon("https://g.example/");
        new WebSocket("wss://h.example/");
        </script>"""
    )
    assert page.open(address)
    assert page.asked_for[0] == address
    assert sorted(page.asked_for[1:]) == [
        "http://192.0.2.1/d.png",
        "https://a.example/a.css",
        "https://b.example/b.woff2",
        "https://c.example/c.png",
        "https://e.example/",
        "https://f.example/",
        "https://g.example/",
        "wss://h.example/",
    ]
    refused = "network error: Failed to load resource: net::ERR_NAME_NOT_RESOLVED"
    assert f"{refused} http://192.0.2.1/d.png" in page.said  # no address is gone to, known or not


def test_a_page_that_was_left_says_nothing_of_the_next_one(page: Page, write: Write) -> None:
    page.open(write("<p>It talks.<script>setInterval(() => console.log('again'), 250)</script>"))
    assert set(page.said) == {"log: again"}
    page.open(write("<p>It does not."))
    assert page.said == []


def test_a_page_is_loaded_anew_at_each_of_its_places(page: Page, write: Write) -> None:
    address = write("<p id='end'>It talks.<script>console.log('hello')</script>")
    for place in (address, f"{address}#end"):
        page.open(place)
        assert (page.said, page.asked_for) == (["log: hello"], [address])


def test_a_page_that_moves_for_ever_comes_to_rest(page: Page, write: Write) -> None:
    style = "@keyframes k { to { opacity: 0; } } p { animation: k 1s infinite; }"
    address = write(f"<style>{style}</style><p>It moves.")
    assert page.open(address)
    assert page.run("document.getAnimations().length") == 1
    assert (page.said, page.asked_for) == ([], [address])


THEMES = """<style>body { background: rgb(255, 255, 255); }
@media (prefers-color-scheme: dark) { body { background: rgb(0, 0, 0); } }
@media print { nav { display: none; } }</style><nav>Links</nav><p>Text"""


@pytest.mark.parametrize(
    ("look", "background", "navigation"),
    [
        pytest.param(DESK, "rgb(255, 255, 255)", "block", id="light"),
        pytest.param(DARK, "rgb(0, 0, 0)", "block", id="dark"),
        pytest.param(PRINT, "rgb(255, 255, 255)", "none", id="print"),
    ],
)
def test_a_page_is_shown_in_either_theme_and_as_on_paper(
    page: Page, write: Write, tmp_path: Path, look: Look, background: str, navigation: str
) -> None:
    page.open(write(THEMES), look)
    style = "getComputedStyle(document.querySelector('{}'))"
    assert page.run(f"{style.format('body')}.backgroundColor") == background
    assert page.run(f"{style.format('nav')}.display") == navigation
    page.save(tmp_path / "page.png")
    corner = Image.open(tmp_path / "page.png").convert("RGB").getpixel((1399, 999))
    assert f"rgb{corner}" == background


def test_a_phone_lays_a_page_out_as_wide_as_it_says(page: Page, write: Write) -> None:
    page.open(write('<meta name="viewport" content="width=device-width"><p>Text'), PHONE)
    assert page.run("[innerWidth, innerHeight, devicePixelRatio]") == [390, 844, 2]
    page.open(write("<p>Text"), PHONE)
    assert page.run("innerWidth") == 980  # as phones do with a page that says nothing
    page.open(write("<p>Text"))
    assert page.run("[innerWidth, innerHeight, devicePixelRatio]") == [1400, 1000, 1]


def test_a_page_is_read_without_its_scripts(page: Page, write: Write) -> None:
    address = write(
        "<p>Text <script>document.write('by script'); console.log('hello')</script>"
        "<noscript>without</noscript>"
    )
    page.open(address, replace(DESK, has_scripts=False))
    assert page.run("document.body.innerText.trim()") == "Text without"
    assert page.said == []
    page.open(address)
    assert page.run("document.body.innerText.trim()") == "Text by script"
    assert page.said == ["log: hello"]


PARTS = """<style>body { margin: 0; } div { height: 3000px; width: 300px; background: red; }
section { height: 50px; width: 70px; background: blue; }</style><div></div><section>.</section>"""


@pytest.mark.parametrize(
    ("look", "selector", "height", "size", "colour"),
    [
        pytest.param(DESK, "html", 400, (1400, 400), (255, 0, 0), id="the top"),
        pytest.param(DESK, "html", None, (1400, 3050), (255, 0, 0), id="the whole page"),
        pytest.param(DESK, "section", None, (70, 50), (0, 0, 255), id="what lies below the edge"),
        pytest.param(DESK, "section", 80, (70, 50), (0, 0, 255), id="no more than there is"),
        pytest.param(PHONE, "section", 20, (140, 40), (0, 0, 255), id="a phone's finer pixels"),
    ],
)
def test_a_part_of_a_page_is_pictured(
    page: Page,
    write: Write,
    tmp_path: Path,
    look: Look,
    selector: str,
    height: int | None,
    size: tuple[int, int],
    colour: tuple[int, int, int],
) -> None:
    page.open(write(PARTS), look)
    page.run("scrollTo(0, 500)")  # which makes no difference
    page.save_part(tmp_path / "part.png", selector, height)
    picture = Image.open(tmp_path / "part.png").convert("RGB")
    assert (picture.size, picture.getpixel((60, 30))) == (size, colour)


def test_an_element_that_is_not_there_is_an_error(page: Page, write: Write, tmp_path: Path) -> None:
    page.open(write("<p>Text"))
    with pytest.raises(BrowserError, match=r"no element main > h1\[id=\"a\"\]"):
        page.save_part(tmp_path / "part.png", 'main > h1[id="a"]')
    assert not (tmp_path / "part.png").exists()


@pytest.mark.parametrize(
    ("style", "width", "height"),
    [
        pytest.param("", 595, 842, id="A4 of itself"),
        pytest.param("@page { size: A5 landscape; }", 595, 420, id="what it asks for"),
    ],
)
def test_a_page_is_printed_on_its_paper(
    page: Page, write: Write, tmp_path: Path, style: str, width: int, height: int
) -> None:
    style = f"<style>{style} p {{ break-after: page; }}</style>"
    page.open(write(f"{style}<p>One<p>Two<footer>Three</footer>"))
    page.save_pdf(tmp_path / "page.pdf")
    printed = (tmp_path / "page.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert b"/Count 3" in printed
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert len(boxes) == 3
    for box in boxes:  # in points, of which it rounds some
        assert tuple(map(float, box)) == pytest.approx((width, height), abs=1)


class Lake:
    """A platform of which nothing is left but the lake."""

    def __init__(self, lake: Path) -> None:
        self.lake, self.api = lake, "http://127.0.0.1/api"

    def save_inbox_file(self, session: str, shown_after: str) -> str:
        return f"{session}, before {shown_after}"

    def start(self, key: str, deployment: str, parameters: dict[str, object]) -> str:
        return f"{key} {deployment} {parameters}"

    def wait_until_ended(self, run_id: str, seconds: float) -> dict[str, object]:
        return {"name": run_id, "state_name": "Completed", "state": None}


@pytest.mark.parametrize(
    ("name", "size", "colour"),
    [
        ("report-light", (1040, 1560), (255, 255, 255)),
        ("report-dark", (1040, 1560), (0, 0, 0)),
        ("report-phone", (780, 1688), (255, 255, 255)),
    ],
)
def test_a_report_is_pictured_from_its_top(
    page: Page, tmp_path: Path, name: str, size: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    (picture,) = [each for each in PICTURES if each.name == name]
    file = tmp_path / "lake" / picture.path
    dashboard = Dashboard(cast("Any", Lake(tmp_path / "lake")), page, tmp_path, [picture])
    assert not dashboard.show(picture)  # there is no such page yet

    file.parent.mkdir(parents=True)
    viewport = '<meta name="viewport" content="width=device-width">'
    file.write_text(f"<!doctype html>{viewport}{THEMES}<div style='height: 4000px'></div>")
    assert dashboard.show(picture)
    shown = Image.open(tmp_path / f"{name}.png").convert("RGB")
    assert (shown.size, shown.getpixel((700, 900))) == (size, colour)


def test_a_file_that_is_not_there_is_an_error(page: Page, tmp_path: Path) -> None:
    address = (tmp_path / "page.html").as_uri()
    with pytest.raises(BrowserError, match=f"^{address} cannot be opened: net::ERR_FILE_NOT_FOUND"):
        page.open(address)


def test_without_a_browser_a_test_skips_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("REQUIRE_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="No browser: install one of chromium, "):
        need_browser()


def test_without_a_browser_a_test_fails_where_one_is_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="No browser: install one of chromium, "):
        need_browser()
