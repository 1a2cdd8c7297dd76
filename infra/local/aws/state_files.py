"""Files that are there whole or not at all, and the directory that holds the state."""

import json
import os
import uuid
from pathlib import Path
from typing import Any


def write_whole(path: Path, data: bytes, scratch: Path) -> None:
    """Put `data` at `path` so that no reader, and no kill at any moment, sees half of it.

    Args:
        path: Where the file shall be; its directory is made.
        data: All of its bytes.
        scratch: A directory on the same file system, where nobody looks for finished files.
    """
    part = scratch / uuid.uuid4().hex
    part.write_bytes(data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, path)  # noqa: PTH105 - keeps the two paths in the order of the call
    except OSError:
        part.unlink()
        raise


class StateDirectory:
    """The directory that holds everything the local cloud remembers.

    Attributes:
        root: The directory.
        lake: The buckets: `lake/<bucket>/<key>`.
        catalog: The Glue Data Catalog: `catalog/<database>/<table>.json`.
        glue: State and log of each Glue job run: `glue/<run id>.{json,log}`.
        ecs: Log of each ECS task, and the id of its first process as long as it runs.
        trail: The calls since the last start, a line of JSON each.
        scratch: What is not finished; emptied at each start.
        env: The settings a program needs to use the cloud, as lines of `KEY=VALUE`.
        server_log: The errors inside the server.
        lock: Held by the process that serves this directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lake = root / "lake"
        self.catalog = root / "catalog"
        self.glue = root / "glue"
        self.ecs = root / "ecs"
        self.trail = root / "trail.jsonl"
        self.scratch = root / "tmp"
        self.env = root / "env"
        self.server_log = root / "server.log"
        self.lock = root / "lock"

    def make(self) -> None:
        """Create the directories that are missing."""
        for directory in (self.lake, self.catalog, self.glue, self.scratch):
            directory.mkdir(parents=True, exist_ok=True)

    def write_settings(self, path: Path, settings: dict[str, str]) -> None:
        """Put settings into the state, as lines of `KEY=VALUE`."""
        lines = (f"{name}={value}\n" for name, value in settings.items())
        write_whole(path, "".join(lines).encode(), self.scratch)

    def write_json(self, path: Path, value: Any) -> None:
        """Put a whole JSON file into the state."""
        write_whole(path, json.dumps(value, indent=1).encode(), self.scratch)
