"""`python -m infra.local up`: serve the cloud on this machine until interrupted."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from infra.local.ports import add_port_option

_LONGEST_SLEEP_SECONDS = 0.5


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.local",
        description="The pipeline's cloud on one machine: S3, Glue and Athena on 127.0.0.1.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser(
        "up",
        help="serve until interrupted",
        description="Serve until interrupted. Once ready, DIR/env holds the settings that the "
        "pipeline needs, and the lake lies under DIR/lake/<bucket>/<key>.",
    )
    add_port_option(up)
    up.add_argument(
        "--state",
        type=Path,
        default=Path(".local"),
        metavar="DIR",
        help="what it remembers from one start to the next (default: .local)",
    )
    up.add_argument("--live", action="store_true", help="ask B3 itself, not the replay of B3")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 when it was interrupted, 1 when it could not start."""
    options = _parser().parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    # Imported here: usage and --help do not wait for moto.
    from infra.local.aws.server import PortInUseError
    from infra.local.up import StateInUseError, local_cloud

    try:
        with local_cloud(options.state, port=options.port, is_live=options.live) as cloud:
            print(
                f"ready: {cloud.env['AWS_ENDPOINT_URL']}, settings in {options.state / 'env'}",
                flush=True,
            )
            # A signal that another thread gets is handled when this one wakes.
            while not stopped.wait(_LONGEST_SLEEP_SECONDS):
                pass
    except (StateInUseError, PortInUseError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
