"""Runs one job's script inside a process of its own: `launcher.py REASON_FILE SCRIPT [ARG…]`.

Standard input is a pipe that the local cloud holds open. When it closes, the cloud is gone, however
it ended, and the whole process group ends at once. An exception that the script does not catch
is written to REASON_FILE, as Glue reports it.
"""

import os
import runpy
import signal
import sys
import threading
import traceback
from pathlib import Path


def _end_with_the_cloud(pipe: int) -> None:
    os.read(pipe, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> int:
    """Run the script as `python SCRIPT ARG…` would, and return its exit status."""
    reason, script = Path(sys.argv[1]), sys.argv[2]
    pipe = os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - the null device has no better name
        os.dup2(nothing.fileno(), 0)
    threading.Thread(target=_end_with_the_cloud, args=(pipe,), daemon=True).start()
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
