"""A browser without a window, led through its DevTools protocol; it reaches this machine only."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from infra.local.pictures.page import BrowserError, Page

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_START_SECONDS = 60.0
_FLAGS = (
    "--headless=new",
    "--hide-scrollbars",
    # The graph of a run is drawn by WebGL, which a machine without a graphics card has in software.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # It asks nobody for anything of its own, and a page's own requests end here as well.
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",  # a container has little of it
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--lang=en-US",
    "--remote-debugging-port=0",
)


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
def browser(path: str) -> Iterator[Page]:
    """Run a browser until the block ends, and yield its one page."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [path, *_FLAGS, *as_root, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = _address(process, Path(profile) / "DevToolsActivePort")
            # It is not spoken to while runs are waited for.
            with connect(address, max_size=None, ping_interval=None, proxy=None) as connection:
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
            targets = httpx.get(f"http://127.0.0.1:{lines[0]}/json", trust_env=False).json()
            for target in targets:
                if target["type"] == "page":
                    return str(target["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise BrowserError("The browser did not start.")
