"""The ports that the local cloud and its Prefect are found on, and the option that changes one."""

import argparse
import socket

AWS_PORT = 4577  # always the same, so that what was connected once is connected tomorrow
PREFECT_PORT = 4200  # where people look for Prefect
_HIGHEST = 65535


def add_port_option(parser: argparse.ArgumentParser) -> None:
    """Let a command say which port AWS is served on."""
    parser.add_argument(
        "--port",
        type=_port,
        default=AWS_PORT,
        help="port of AWS (default: %(default)s); 0 takes a free one",
    )


def find_prefect_port() -> int:
    """Return the port that people look for Prefect on; 0, for a free one, where it is taken."""
    with socket.socket() as usual:
        try:
            usual.bind(("127.0.0.1", PREFECT_PORT))
        except OSError:
            return 0
    return PREFECT_PORT


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _HIGHEST:
        raise argparse.ArgumentTypeError(f"a port is 0 to {_HIGHEST}, found {port}")
    return port
