"""A page of the browser: how it is looked at, what it says and asks for, and pictures of it."""

import base64
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from websockets.sync.connection import Connection

from infra.local.pictures.picture_file import save_small

_TALLEST = 5000
_GROWTHS = 6
_ANSWER_SECONDS = 60.0
_SETTLE_SECONDS = 20.0
_QUIET_SECONDS = 0.8
_BEGIN_SECONDS = 0.3  # before a new page has asked for anything
# What asks nobody: it holds its own content.
_HELD = ("data:", "blob:")
# What changes while a page is still coming; nothing while it is empty, or shows grey bars in place
# of values.
_LOOKS = """document.body?.innerText.trim() && !document.querySelector('.animate-pulse')
    ? document.body.innerHTML.length : 0"""
# How much the part that scrolls most has below its edge, in pixels.
_HIDDEN = """Math.max(0, ...[document.scrollingElement, ...document.querySelectorAll('*')]
    .filter(e => e == document.scrollingElement
        || ['auto', 'scroll'].includes(getComputedStyle(e).overflowY))
    .map(e => e.scrollHeight - e.clientHeight))"""
_PLACE = """(box => box && {{x: box.x + scrollX, y: box.y + scrollY, width: box.width,
    height: box.height}})(document.querySelector({selector})?.getBoundingClientRect())"""


class BrowserError(Exception):
    """There is no browser, it does not start, or it refuses a command."""


@dataclass(frozen=True)
class Look:
    """How a page is looked at.

    Attributes:
        width: Of the window, in the page's own pixels.
        height: Likewise.
        scale: How many pixels of a picture make up one of the page's.
        scheme: What `prefers-color-scheme` is.
        media: On a screen, or as it is printed.
        is_phone: The page is laid out as a phone does it, which heeds `<meta name="viewport">`.
        has_scripts: The page's scripts run.
    """

    width: int = 1400
    height: int = 1000
    scale: float = 1
    scheme: Literal["light", "dark"] = "light"
    media: Literal["screen", "print"] = "screen"
    is_phone: bool = False
    has_scripts: bool = True


DESK = Look()
PHONE = Look(width=390, height=844, scale=2, is_phone=True)


class Page:
    """One page of the browser.

    Attributes:
        said: What it has said since it was opened, each as `kind: text`: messages of the console,
            exceptions, and what the browser itself says of it.
        asked_for: Each address that it has asked for since then, its own first. What holds its own
            content (`data:`, `blob:`) is asked of nobody, and is left out.
    """

    def __init__(self, connection: Connection) -> None:
        self.said: list[str] = []
        self.asked_for: list[str] = []
        self._connection = connection
        self._asked = 0
        self._look = DESK
        self._under_way: set[str] = set()
        self._last_request = time.monotonic()
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url: str, look: Look = DESK) -> bool:
        """Go to an address, of a file too (`file://…`); return whether the page came to rest.

        Raises:
            BrowserError: Nothing is there.
        """
        self.leave()
        self._look = look
        self._size(look.height)
        scheme = {"name": "prefers-color-scheme", "value": look.scheme}
        self._call("Emulation.setEmulatedMedia", media=look.media, features=[scheme])
        self._call("Emulation.setScriptExecutionDisabled", value=not look.has_scripts)
        self._under_way.clear()
        self.said.clear()
        self.asked_for.clear()
        if error := self._call("Page.navigate", url=url).get("errorText"):
            raise BrowserError(f"{url} cannot be opened: {error}")
        time.sleep(_BEGIN_SECONDS)
        return self._settle(_SETTLE_SECONDS)

    def leave(self) -> None:
        """Leave the page, which otherwise asks for news all the time."""
        self._call("Page.navigate", url="about:blank")

    def grow(self) -> None:
        """Make the window so high that nothing needs to be scrolled, up to a limit."""
        height = self._look.height
        for _ in range(_GROWTHS):
            hidden = int(self.run(_HIDDEN))
            if hidden <= 0 or height == _TALLEST:
                break
            # A panel may be given only a part of the height.
            height = min(height + hidden * 6 // 5 + 1, _TALLEST)
            self._size(height)
            self._settle(5.0)

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression, where the page's own do not run as well."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def click(self, script: str) -> None:
        """Click on the element that an expression finds, and let the page come to rest."""
        self.run(f"({script}).click()")
        self._settle(5.0)

    def save(self, path: Path, *, is_small: bool = False) -> None:
        """Save what the window shows as a PNG, which can be small enough for a document."""
        write = save_small if is_small else Path.write_bytes
        write(path, self._picture())

    def save_part(self, path: Path, selector: str = "html", height: int | None = None) -> None:
        """Save a picture of an element, as a PNG that is small enough for a document.

        Args:
            path: Of the file.
            selector: CSS that finds the element; the whole page without.
            height: Cut below so many of the page's pixels.

        Raises:
            BrowserError: There is no such element.
        """
        place = self.run(_PLACE.format(selector=json.dumps(selector)))
        if not place:
            raise BrowserError(f"The page has no element {selector}.")
        place["height"] = min(place["height"], height or place["height"])
        save_small(path, self._picture(clip=place | {"scale": 1}, captureBeyondViewport=True))

    def save_pdf(self, path: Path) -> None:
        """Save the page as it is printed, on A4 where it names no other paper."""
        a4 = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True}
        data = self._call("Page.printToPDF", printBackground=True, **a4)["data"]
        path.write_bytes(base64.b64decode(data))

    def _picture(self, **options: Any) -> bytes:
        data = self._call("Page.captureScreenshot", format="png", **options)["data"]
        return base64.b64decode(data)

    def _size(self, height: int) -> None:
        look = self._look
        size = {"width": look.width, "height": height, "deviceScaleFactor": look.scale}
        self._call("Emulation.setDeviceMetricsOverride", **size, mobile=look.is_phone)

    def _settle(self, limit_seconds: float) -> bool:
        """Wait until no request is under way and nothing has changed for a moment."""
        deadline = time.monotonic() + limit_seconds
        looks, since = None, time.monotonic()
        while time.monotonic() < deadline:
            with suppress(TimeoutError):
                while time.monotonic() < deadline:
                    self._note(json.loads(self._connection.recv(timeout=0.1)))
            if (now_looks := self.run(_LOOKS)) != looks or not looks:
                looks, since = now_looks, time.monotonic()
            quiet_for = time.monotonic() - max(since, self._last_request)
            if not self._under_way and quiet_for > _QUIET_SECONDS:
                return True
        return False

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        number = self._asked
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=_ANSWER_SECONDS))
            if message.get("id") != number:
                self._note(message)
            elif "error" in message:
                raise BrowserError(f"{method}: {message['error']['message']}")
            else:
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, message: dict[str, Any]) -> None:
        method, event = message.get("method"), message.get("params", {})
        if (said := _describe(method, event)) is not None:
            self.said.append(said)
        elif method == "Network.webSocketCreated":
            self.asked_for.append(event["url"])
        elif method == "Network.requestWillBeSent":
            url = event["request"]["url"]
            if url.startswith(_HELD):
                return  # a worker's own source never ends
            self.asked_for.append(url)
            self._under_way.add(event["requestId"])
            self._last_request = time.monotonic()
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            self._under_way.discard(event["requestId"])
            self._last_request = time.monotonic()


def _describe(method: str | None, event: dict[str, Any]) -> str | None:
    """Return what an event says as `kind: text`; None where it says nothing."""
    if method == "Runtime.consoleAPICalled":
        words = (each.get("value", each.get("description", each["type"])) for each in event["args"])
        return f"{event['type']}: {' '.join(map(str, words))}".rstrip()
    if method == "Runtime.exceptionThrown":
        details, thrown = event["exceptionDetails"], event["exceptionDetails"].get("exception", {})
        what = str(thrown.get("description", thrown.get("value", ""))).partition("\n")[0]
        return f"exception: {details['text']} {what}".rstrip()
    if method == "Log.entryAdded":
        entry = event["entry"]
        return (
            f"{entry['source']} {entry['level']}: {entry['text']} {entry.get('url', '')}".rstrip()
        )
    return None
