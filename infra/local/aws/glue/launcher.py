"""Runs one job's script inside a process of its own: `launcher.py REASON_FILE SCRIPT [ARG…]`.

An exception that the script does not catch is written to REASON_FILE, as Glue reports it.
"""

import runpy
import sys
import traceback
from pathlib import Path


def main() -> int:
    """Run the script as `python SCRIPT ARG…` would, and return its exit status."""
    reason, script = Path(sys.argv[1]), sys.argv[2]
    sys.argv = sys.argv[2:]
    sys.path[0] = str(Path(script).parent)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as error:
        if isinstance(error.code, str):
            reason.write_text(f"SystemExit: {error.code}")
        raise
    except BaseException as error:
        reason.write_text("".join(traceback.format_exception_only(error)).strip())
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
