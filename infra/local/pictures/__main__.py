"""Take pictures of the dashboard and of a report, and transcripts of the commands.

Examples:
  python -m infra.local.pictures --to before
      everything, on a platform of its own that is thrown away afterwards
  python -m infra.local.pictures --to before --state state --only 'form-*' audit
      some of it, on a platform whose runs are there the next time

Exit codes: 0 everything was taken, 1 something was not (its line says why), 2 wrong usage
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from infra.local.pictures.browser import browser, find_browser
from infra.local.pictures.dashboard import PICTURES, Dashboard, try_values
from infra.local.pictures.page import BrowserError
from infra.local.pictures.platform import Platform, PlatformError, own_environment, platform
from infra.local.pictures.terminal import COMMANDS, take

VALUES = "form-values"
OF_PLATFORM = "terminal-platform"
NAMES = (*(one.name for one in PICTURES), VALUES, OF_PLATFORM, *(one.name for one in COMMANDS))


def main(argv: list[str] | None = None) -> int:
    """Take the pictures that are wanted; return 1 when one of them could not be taken."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        wanted = choose(options.only)
    except ValueError as error:
        parser.error(str(error))
    try:
        with _state(options.state) as state:
            missing = _take(wanted, state, options.to)
    except (BrowserError, PlatformError, httpx.HTTPError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; everything is stopped.", file=sys.stderr)
        return 1
    print(f"{len(wanted) - len(missing)} of {len(wanted)} are in {options.to}")
    return 1 if missing else 0


def choose(patterns: list[str] | None) -> list[str]:
    """Return the names that are wanted, in the order in which they are taken.

    Raises:
        ValueError: A pattern fits no name.
    """
    if patterns is None:
        return list(NAMES)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in NAMES):
            raise ValueError(f"no picture is named {pattern}; there are {', '.join(NAMES)}")
    return [name for name in NAMES if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _parser() -> argparse.ArgumentParser:
    about, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.pictures",
        description=about,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where they go")
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="where the platform keeps everything: its runs are found again, so take a fresh one "
        "once the code has changed (default: one that is thrown away)",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="some of them; `*` stands for anything"
    )
    return parser


@contextmanager
def _state(state: Path | None) -> Iterator[Path]:
    if state:
        yield state.resolve()
        return
    with TemporaryDirectory(prefix="pictures-", ignore_cleanup_errors=True) as own:
        yield Path(own)


def _take(wanted: list[str], state: Path, to: Path) -> list[str]:
    """Take pictures; return the names of those that could not be taken."""
    pictures = [one for one in PICTURES if one.name in wanted]
    path = find_browser() if pictures else ""
    to.mkdir(parents=True, exist_ok=True)
    print("Starting the platform: half a minute …", flush=True)
    missing: list[str] = []
    output = to / f"{OF_PLATFORM}.txt"
    with platform(state, output) as running:
        if pictures:
            with browser(path) as page:
                dashboard = Dashboard(running, page, to, pictures)
                missing += [one.name for one in pictures if not dashboard.show(one)]
        if VALUES in wanted:
            lines = try_values(running)
            (to / f"{VALUES}.txt").write_text("".join(f"{line}\n" for line in lines))
        _take_commands([one.name for one in COMMANDS if one.name in wanted], running, state, to)
    if OF_PLATFORM not in wanted:
        output.unlink()
    return missing


def _take_commands(names: list[str], running: Platform, state: Path, to: Path) -> None:
    home = {"PREFECT_HOME": str(state / "pictures-prefect")}  # none of the person's own
    settings = own_environment() | running.settings | home
    for command in COMMANDS:
        if command.name in names:
            print(f"{command.name}: {take(command, settings, to)}", flush=True)


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(code)
