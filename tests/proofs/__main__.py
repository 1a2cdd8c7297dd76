"""Get the tools of the proofs: `python -m tests.proofs`.

Prints the names of those that are there now, as REQUIRE_PROOFS takes them, and on standard error
why others are not. Ends with 1 where an index has handed out something else than what was locked.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from tests.proofs.tools import TOOLS, get

# As uv and npm say it.
_ANOTHER_HASH = ("Hash mismatch", "EINTEGRITY")


def main() -> int:
    with ThreadPoolExecutor(len(TOOLS)) as pool:
        reasons = dict(zip(TOOLS, pool.map(get, TOOLS), strict=True))
    for name, reason in reasons.items():
        if reason:
            print(f"Its proof skips, {name} cannot be had: {reason}", file=sys.stderr)
    print(*(name for name, reason in reasons.items() if not reason))
    return int(any(word in reason for reason in reasons.values() for word in _ANOTHER_HASH))


if __name__ == "__main__":
    sys.exit(main())
