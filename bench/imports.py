"""How long importing the portfolio flow takes against importing Prefect alone: `make bench`.

Each import is a process of its own; the two take turns, and the least time of each counts.
"""

import platform
import subprocess
import sys
import time

ROUNDS = 8
BAR = 1.3
MODULES = ("prefect", "flows.portfolio")


def import_seconds(module: str) -> float:
    """Return how long `python -c "import module"` takes, with its interpreter's start."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - started


def main() -> int:
    """Measure both and print the ratio; return 1 when it misses its bar."""
    print(f"Importing; {platform.platform()}, Python {platform.python_version()}")
    rounds = [[import_seconds(module) for module in MODULES] for _ in range(ROUNDS)]
    prefect, ours = (min(each) for each in zip(*rounds, strict=True))
    print(f"  import prefect: {prefect:.2f} s, import flows.portfolio: {ours:.2f} s")
    is_met = ours / prefect <= BAR
    print(f"ratio: {ours / prefect:.2f} (bar {BAR}): {'ok' if is_met else 'MISSED'}")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
