"""Files that are there whole or not at all, and the directory that holds the state."""

import json
import os
import uuid
from dataclasses import dataclass
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


@dataclass(frozen=True)
class StateDirectory:
    """The directory that holds everything the local cloud remembers.

    Attributes:
        root: `lake/<bucket>/<key>`, `catalog/<database>/<table>.json`, `glue/<run id>.{json,log}`,
            `env`, `server.log`, `trail.jsonl`; `tmp` holds what is not finished.
    """

    root: Path

    @property
    def lake(self) -> Path:
        """The buckets, one directory each."""
        return self.root / "lake"

    @property
    def catalog(self) -> Path:
        """The Glue Data Catalog."""
        return self.root / "catalog"

    @property
    def glue(self) -> Path:
        """The Glue job runs: state and log of each."""
        return self.root / "glue"

    @property
    def trail(self) -> Path:
        """The calls since the last start, a line of JSON each."""
        return self.root / "trail.jsonl"

    @property
    def scratch(self) -> Path:
        """What is not finished; emptied at each start."""
        return self.root / "tmp"

    @property
    def env(self) -> Path:
        """The settings a program needs to use the cloud, as lines of `KEY=VALUE`."""
        return self.root / "env"

    @property
    def server_log(self) -> Path:
        """The errors inside the server."""
        return self.root / "server.log"

    @property
    def lock(self) -> Path:
        """Held by the process that serves this directory."""
        return self.root / "lock"

    def make(self) -> None:
        """Create the directories that are missing."""
        for directory in (self.lake, self.catalog, self.glue, self.scratch):
            directory.mkdir(parents=True, exist_ok=True)

    def write(self, path: Path, data: bytes) -> None:
        """Put a whole file into the state."""
        write_whole(path, data, self.scratch)

    def write_json(self, path: Path, value: Any) -> None:
        """Put a whole JSON file into the state."""
        self.write(path, json.dumps(value, indent=1).encode())
