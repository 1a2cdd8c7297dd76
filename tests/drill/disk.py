"""A disk of the machine that runs a flow is full."""

import errno
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drill.scene import Scene
from tests.drill.trial import Trial


class _Full(io.BytesIO):
    def write(self, _data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "quotes.zip")


def fill(scene: Scene, flow: str, _times: random.Random) -> None:
    """Run a flow where nothing can be written beside what is there."""
    usual: Any = Path.open

    def open_(path: Path, mode: str = "r", *args: Any, **named: Any) -> Any:
        return _Full() if "w" in mode else usual(path, mode, *args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", open_)
        scene.run(flow)


def trials(_times: random.Random, *, all_flows: bool) -> Iterator[Trial]:
    """Yield a trial of each flow that writes files, or of one."""
    for flow in ("quotes", "backfill") if all_flows else ("quotes",):
        yield Trial("disk full", flow, fill)
