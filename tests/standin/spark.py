"""Real Spark in this process, over the lake of `standin`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from pyspark import SparkContext

from infra.glue.refine import Spark
from infra.local.aws.glue.spark_home import prepare
from tests.standin.glue import BUCKET


class MirroredSpark(Spark):
    """Glue's engine; what it reads is brought to a directory, what it writes is sent from there."""

    def __init__(self, bucket: Path) -> None:
        super().__init__("test")
        self._bucket = bucket

    def another(self) -> "MirroredSpark":
        """Return an engine for another run at the same time: it sees no tables of this one."""
        other = object.__new__(MirroredSpark)
        other._bucket = self._bucket
        other.session = self.session.newSession()
        other.prepare()
        return other

    def read(self, view: str, base: str, paths: list[str]) -> None:
        """Read as Glue does."""
        for path in paths:
            key = path.removeprefix(f"s3://{BUCKET}/")
            copy = self._bucket / key
            copy.parent.mkdir(parents=True, exist_ok=True)
            boto3.client("s3").download_file(BUCKET, key, str(copy))
        super().read(view, base, paths)

    def write(self, table: dict[str, Any], folder: str) -> int:
        """Write as Glue does."""
        rows = super().write(table, folder)
        for path in sorted(self._bucket.joinpath(folder.removeprefix(f"s3://{BUCKET}/")).iterdir()):
            key = str(path.relative_to(self._bucket))
            boto3.client("s3").upload_file(str(path), BUCKET, key)
        return rows


@contextmanager
def spark(directory: Path) -> Iterator[MirroredSpark]:
    """Have one Spark; its process ends with the context.

    Args:
        directory: Empty; for its configuration, its scratch files and its copy of the lake.
    """
    bucket = directory / "lake" / BUCKET
    bucket.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in prepare(directory, {BUCKET: bucket}).items():
            if os.environ.get(name) != value:
                patch.setenv(name, value)
        engine = MirroredSpark(bucket)
        try:
            yield engine
        finally:
            gateway = engine.session.sparkContext._gateway
            engine.session.stop()
            gateway.shutdown()
            gateway.proc.communicate()
            # The next one in this process starts its own, in place of asking the one that is gone.
            SparkContext._gateway = SparkContext._jvm = None
