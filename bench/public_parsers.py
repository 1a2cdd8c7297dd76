"""Public parsers of COTAHIST to compare with, each in a virtual environment of its own."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_MEASURED = """
import json, resource, sys, time
{setup}
start, start_cpu = time.perf_counter(), time.process_time()
rows = {call}
seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(dict(seconds=seconds, cpu_seconds=cpu_seconds, peak_bytes=peak)))
"""


@dataclass(frozen=True)
class PublicParser:
    """A parser of another project.

    Attributes:
        name: What the table calls it.
        requirements: What to install.
        setup: Python lines that import and set it up, not measured.
        call: A Python expression that reads the ZIP at `sys.argv[1]` into a table.
    """

    name: str
    requirements: tuple[str, ...]
    setup: str
    call: str

    def script(self) -> str:
        """Return a Python program that measures the parser and prints JSON."""
        return _MEASURED.format(setup=self.setup, call=self.call)


PARSERS = (
    PublicParser(
        "b3fileparser 0.2.1, polars",
        ("b3fileparser==0.2.1", "polars"),
        "from b3fileparser.b3parser import B3Parser\nparser = B3Parser.create_parser('polars')",
        "parser.read_b3_file(sys.argv[1])",
    ),
    PublicParser(
        "b3cotahist 0.1.9",
        ("b3cotahist==0.1.9",),
        "import b3cotahist",
        "b3cotahist.read_zip(sys.argv[1])",
    ),
)


class CannotInstallError(Exception):
    """A parser could not be installed; the message is pip's."""


def install(parser: PublicParser, cache: Path) -> Path:
    """Return the interpreter of the parser's environment, made on first use.

    Raises:
        CannotInstallError: pip failed, for example without a network.
    """
    environment = cache / parser.requirements[0].replace("==", "-")
    python, done = environment / "bin" / "python", environment / "installed"
    if not done.exists():
        pip = [str(python), "-m", "pip", "install", "--quiet", *parser.requirements]
        for command in ([sys.executable, "-m", "venv", "--clear", str(environment)], pip):
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if result.returncode:
                message = result.stderr.strip().splitlines()[-1:] or ["no message"]
                raise CannotInstallError(message[0])
        done.touch()
    return python
