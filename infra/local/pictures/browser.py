"""A browser without a window, led through its DevTools protocol; it reaches this machine only."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
WIDTH, HEIGHT = 1400, 1000
_TALLEST = 5000
_GROWTHS = 6
_START_SECONDS = 60.0
_ANSWER_SECONDS = 60.0
_SETTLE_SECONDS = 20.0
_QUIET_SECONDS = 0.8
_BEGIN_SECONDS = 0.3  # before a new page has asked for anything
_FLAGS = (
    "--headless=new",
    "--hide-scrollbars",
    # The graph of a run is drawn by WebGL, which a machine without a graphics card has in software.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # It asks nobody for anything of its own, and a page's own requests end here as well.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--lang=en-US",
    f"--window-size={WIDTH},{HEIGHT}",
    "--remote-debugging-port=0",
)
# What changes while a page is still coming; nothing while it is empty, or shows grey bars in place
# of values.
_LOOKS = """document.body?.innerText.trim() && !document.querySelector('.animate-pulse')
    ? document.body.innerHTML.length : 0"""
# How much the part that scrolls most has below its edge, in pixels.
_HIDDEN = """Math.max(0, ...[document.scrollingElement, ...document.querySelectorAll('*')]
    .filter(e => e == document.scrollingElement
        || ['auto', 'scroll'].includes(getComputedStyle(e).overflowY))
    .map(e => e.scrollHeight - e.clientHeight))"""


class BrowserError(Exception):
    """There is no browser, it does not start, or it refuses a command."""


def find_browser() -> str:
    """Return the path of a browser.

    Raises:
        BrowserError: There is none; the message says what to install.
    """
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise BrowserError(f"No browser: install one of {', '.join(NAMES)}, e.g. apt install chromium.")


@contextmanager
def browser(path: str) -> Iterator["Page"]:
    """Run a browser until the block ends, and yield its one page."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [path, *_FLAGS, *as_root, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = _address(process, Path(profile) / "DevToolsActivePort")
            # It is not spoken to while runs are waited for.
            with connect(address, max_size=None, ping_interval=None) as connection:
                yield Page(connection)
        except (WebSocketException, TimeoutError) as error:
            raise BrowserError(f"The browser does not answer: {error}") from error
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], port_file: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if port_file.exists() and (lines := port_file.read_text().split()):
            targets = httpx.get(f"http://127.0.0.1:{lines[0]}/json").json()
            for target in targets:
                if target["type"] == "page":
                    return str(target["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise BrowserError("The browser did not start.")


class Page:
    """One page of the browser."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._asked = 0
        self._under_way: set[str] = set()
        self._last_request = time.monotonic()
        for domain in ("Page", "Network", "Runtime"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> bool:
        """Go to an address; return whether the page came to rest."""
        self._size(HEIGHT)
        self._under_way.clear()
        self._call("Page.navigate", url=url)
        time.sleep(_BEGIN_SECONDS)
        return self._settle(_SETTLE_SECONDS)

    def leave(self) -> None:
        """Leave the page, which otherwise asks for news all the time."""
        self._call("Page.navigate", url="about:blank")

    def grow(self) -> None:
        """Make the window so high that nothing needs to be scrolled, up to a limit."""
        height = HEIGHT
        for _ in range(_GROWTHS):
            hidden = int(self.run(_HIDDEN))
            if hidden <= 0 or height == _TALLEST:
                break
            # A panel may be given only a part of the height.
            height = min(height + hidden * 6 // 5 + 1, _TALLEST)
            self._size(height)
            self._settle(5.0)

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def click(self, script: str) -> None:
        """Click on the element that an expression finds, and let the page come to rest."""
        self.run(f"({script}).click()")
        self._settle(5.0)

    def save(self, path: Path) -> None:
        """Save what the window shows as a PNG."""
        data = self._call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def _size(self, height: int) -> None:
        size = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)

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
        if method == "Network.requestWillBeSent":
            if event["request"]["url"].startswith("blob:"):
                return  # a worker's own source, which never ends
            self._under_way.add(event["requestId"])
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            self._under_way.discard(event["requestId"])
        else:
            return
        self._last_request = time.monotonic()
