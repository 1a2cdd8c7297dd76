"""Fuzz every parser: `python -m tests.fuzz SECONDS SEED`, so many seconds each.

It prints how often each read damaged bytes, refused them, and raised what it may not; what is
foreign it shows with its bytes, and ends with 1.
"""

import sys
import warnings
from unittest.mock import patch

from tasks import turns
from tests.fuzz.fuzz import fuzz, until
from tests.fuzz.parsers import PARSERS

_LONGEST_SHOWN = 2000


def main(seconds: float, seed: str) -> int:
    """Fuzz them all, and print a line each."""
    foreign = 0
    warnings.simplefilter("ignore")
    print(f"{'parser':24} {'rounds':>8} {'read':>8} {'refused':>8} {'foreign':>8}")
    with patch.object(turns, "PAUSE_SECONDS", 0.0):  # nobody is asked but ourselves
        for name, parser in PARSERS.items():
            count = fuzz(parser, f"{seed} {name}", until(seconds))
            refused, bad = count.refused.total(), len(count.foreign)
            print(f"{name:24} {count.rounds:8} {count.read:8} {refused:8} {bad:8}", flush=True)
            for body, error in count.foreign[:3]:
                print(f"  {error!r}"[:500], f"  {body[:_LONGEST_SHOWN]!r}", sep="\n")
            foreign += bad
    print(f"{foreign} foreign exceptions, seed {seed}")
    return 1 if foreign else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(float(sys.argv[1]), sys.argv[2]))
