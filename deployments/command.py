"""How a command that works on an environment ends: in words, and with an exit code."""

import subprocess
import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from tasks.core.academy import GO_ON, has_session_ended
from tasks.core.errors import B3PipelineError


def run_command(name: str, act: Callable[[], int]) -> int:
    """Do what a command does, and say what stopped it.

    Args:
        name: The environment's name.
        act: Does it, and returns the exit code.

    Returns:
        The exit code; 1 when something is wrong or a step fails, 130 when it is interrupted.
    """
    try:
        return act()
    except (B3PipelineError, BotoCoreError, ClientError) as error:
        is_over = isinstance(error, ClientError) and has_session_ended(str(error))
        print(f"{error}\n{GO_ON}." if is_over else error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"Interrupted. What was done in {name} stays: the same command goes on from there.",
            file=sys.stderr,
        )
        return 130
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd[:4]))
        print(
            f"{command} … ended with {error.returncode}: mend what it says above, and run the same "
            f"command again.",
            file=sys.stderr,
        )
        return 1
