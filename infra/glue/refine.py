"""Refine what a plan says: a Glue job in plain PySpark.

Arguments:
    --plan: Where the plan lies: `s3://<bucket>/runs/<run_id>/plan.json`.
    --token: Who asked for it; it is repeated in the outcome.

The plan names the raw objects of each month and carries the statements. Each start writes under
prefixes of its own, which nobody reads until they are published, and as its very last act
`runs/<run_id>/<attempt>/outcome.json`: without an outcome there is no output. A month that fails
takes no other with it. It imports nothing of this project and runs under `spark-submit` as well.
"""

import argparse
import datetime as dt
import hashlib
import json
import os.path
import re
import sys
import uuid
from typing import Any

FORMAT = 2
RAW_MOVED = "raw moved"
_PLAN = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>runs/(?P<run_id>[^/]+)/plan\.json)")
_ROW_GROUP_BYTES = 256 * 1024
_LONGEST_REASON = 1000


class Spark:
    """Reads, asks and writes through Spark."""

    def __init__(self, run_id: str) -> None:
        from pyspark.sql import SparkSession

        self.session = SparkSession.builder.appName(f"refine-{run_id}").getOrCreate()
        self.prepare()

    def prepare(self) -> None:
        """Have the session compute by the same rules wherever it runs."""
        self.session.conf.set("spark.sql.session.timeZone", "UTC")
        self.session.conf.set("spark.sql.ansi.enabled", "true")  # an overflow is an error
        # A month of forty indices has 2,000 objects: by itself, Spark takes a task to list each.
        self.session.conf.set("spark.sql.sources.parallelPartitionDiscovery.parallelism", "32")

    @property
    def version(self) -> str:
        """Which Spark it is."""
        return str(self.session.version)

    def read(self, view: str, base: str, paths: list[str]) -> None:
        """Let statements read Parquet files, with what the folders after `base` say, by a name."""
        rows = self.session.read.option("basePath", base).parquet(*paths)
        rows.createOrReplaceTempView(view)

    def read_nothing(self, view: str, columns: list[list[str]]) -> None:
        """Let statements read a table without rows by a name."""
        nulls = [f"CAST(NULL AS {kind}) AS {name}" for name, kind in columns]
        self.session.range(0).selectExpr(*nulls).createOrReplaceTempView(view)

    def write(self, table: dict[str, Any], folder: str) -> int:
        """Write what a table's statement gives as one file, let others read it, count its rows."""
        from pyspark.sql import Observation
        from pyspark.sql.functions import count, lit

        rows = self.session.sql(table["statement"])
        found = [[field.name, field.dataType.simpleString()] for field in rows.schema.fields]
        if found != table["columns"]:
            raise ValueError(f"expected the columns {table['columns']}, found {found}")
        counted = Observation()
        one_file = rows.repartition(1).observe(counted, count(lit(1)).alias("rows"))
        # Small groups of rows in order, so that a reader may skip those that it does not want.
        one_file.sortWithinPartitions(*table["order"]).write.option(
            "parquet.block.size", _ROW_GROUP_BYTES
        ).mode("error").parquet(folder)
        self.session.read.schema(rows.schema).parquet(folder).createOrReplaceTempView(table["name"])
        return int(counted.get["rows"])


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Read the arguments; Glue adds some of its own, which are left alone."""
    parser = argparse.ArgumentParser(description="Refine what a plan says.")
    parser.add_argument("--plan", required=True)
    parser.add_argument("--token", required=True)
    arguments, _ = parser.parse_known_args(argv)
    place = _PLAN.fullmatch(arguments.plan)
    if not place:
        sys.exit(f"--plan: expected s3://<bucket>/runs/<run_id>/plan.json, found {arguments.plan}")
    return argparse.Namespace(token=arguments.token, **place.groupdict())


def read_plan(s3: Any, bucket: str, key: str, run_id: str) -> dict[str, Any]:
    """Read a plan; one that is gone, changed or of another format ends the job with one line."""
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        sys.exit(f"expected a plan at s3://{bucket}/{key}, found none")
    found = hashlib.sha256(body).hexdigest()
    if found != run_id:
        sys.exit(f"the plan s3://{bucket}/{key} was changed: its digest is {found}")
    plan: dict[str, Any] = json.loads(body)
    if plan.get("format") != FORMAT:
        sys.exit(
            f"expected a plan of format {FORMAT}, found {plan.get('format')!r}: deploy job and "
            f"image of one commit"
        )
    return plan


def list_objects(s3: Any, bucket: str, prefix: str) -> dict[str, dict[str, Any]]:
    """Return `{key: what S3 says of it}` of the objects under a prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"]: item for page in pages for item in page.get("Contents", [])}


def has_moved(s3: Any, bucket: str, inputs: list[dict[str, Any]]) -> bool:
    """Return whether raw is no longer what the plan names."""
    for keys in keys_by_table(inputs).values():
        shared = os.path.commonprefix(keys)  # noqa: RUF071 - a listing's prefix ends anywhere
        found = list_objects(s3, bucket, shared)
        etags = {each["key"]: each["etag"] for each in inputs}
        if any(found.get(key, {}).get("ETag") != etags[key] for key in keys):
            return True
    return False


def keys_by_table(inputs: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the keys of raw objects by the names of their tables."""
    found: dict[str, list[str]] = {}
    for each in inputs:
        found.setdefault(each["table"], []).append(each["key"])
    return found


def read_inputs(
    engine: Any, bucket: str, inputs: list[dict[str, Any]], raw: list[dict[str, Any]]
) -> None:
    """Let statements read the raw objects of a month, by the names of their tables."""
    if not inputs:
        raise ValueError("expected raw objects of the month in the plan, found none")
    found = keys_by_table(inputs)
    for table in raw:
        keys = found.get(table["name"])
        if keys:
            base = re.split(r"[^/]+=", keys[0])[0]
            paths = [f"s3://{bucket}/{key}" for key in keys]
            engine.read(table["name"], f"s3://{bucket}/{base}", paths)
        else:  # else a statement would read those of the month before
            engine.read_nothing(table["name"], table["columns"])


def refine_month(
    engine: Any,
    s3: Any,
    bucket: str,
    inputs: list[dict[str, Any]],
    raw: list[dict[str, Any]],
    tables: dict[str, Any],
) -> dict[str, Any]:
    """Make every table of one month.

    Args:
        engine: Reads, asks and writes.
        s3: Lists.
        bucket: The lake's bucket.
        inputs: The plan's raw objects of the month.
        raw: The plan's description of the raw tables.
        tables: `{folder: the plan's description of a table}`, in the order of the plan.

    Returns:
        What the outcome says of the month.
    """
    if has_moved(s3, bucket, inputs):
        return {"failed": RAW_MOVED}
    made = {}
    try:
        read_inputs(engine, bucket, inputs, raw)
        for folder, table in tables.items():
            rows = engine.write(table, f"s3://{bucket}/{folder}")
            found = sorted(list_objects(s3, bucket, folder).items())
            objects = [{"key": key, "size": it["Size"]} for key, it in found if is_data(key)]
            made[table["name"]] = {"objects": objects, "rows": rows}
        reason = ""
    except Exception as error:  # noqa: BLE001 - the other months go on, and the outcome says it
        reason = describe(error)
    if has_moved(s3, bucket, inputs):
        reason = RAW_MOVED
    return {"failed": reason} if reason else {"tables": made}


def is_data(key: str) -> bool:
    """Tell rows from what Spark and its file systems leave beside them."""
    parts = key.split("/")
    is_hidden = any(part.startswith(("_", ".")) for part in parts)
    return bool(parts[-1]) and not is_hidden and not key.endswith("_$folder$")


def describe(error: Exception) -> str:
    """Return an error's reason in one line: of Java's, that of its last cause."""
    cause = getattr(error, "java_exception", None)
    while cause is not None and cause.getCause() is not None:
        cause = cause.getCause()
    text = f"{type(error).__name__}: {error}" if cause is None else str(cause.toString())
    return " ".join(text.split())[:_LONGEST_REASON]


def main(argv: list[str], engine: Any = None) -> None:
    """Execute a plan, month by month, and say what came of it."""
    import boto3

    arguments = parse_arguments(argv)
    bucket, run_id, attempt = arguments.bucket, arguments.run_id, uuid.uuid4().hex
    s3 = boto3.client("s3")
    started_at = dt.datetime.now(dt.UTC)
    plan = read_plan(s3, bucket, arguments.key, run_id)
    engine = engine or Spark(run_id)
    months = {}
    for name, month in sorted(plan["months"].items()):
        folders = {
            f"refined/{table['name']}/run_id={run_id}/attempt={attempt}/month={name}/": table
            for table in plan["tables"]
        }
        inputs, raw = month["inputs"], plan["raw"]
        months[name] = refine_month(engine, s3, bucket, inputs, raw, folders)
        print(f"{name}: {months[name].get('failed', 'written')}", flush=True)
    outcome = {
        "plan": run_id,
        "attempt": attempt,
        "token": arguments.token,
        "months": months,
        "spark": engine.version,
        "started_at": started_at.isoformat(timespec="seconds"),
        "ended_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    s3.put_object(
        Bucket=bucket,
        Key=f"runs/{run_id}/{attempt}/outcome.json",
        Body=json.dumps(outcome, indent=1).encode(),
        ContentType="application/json",
    )
    failed = {name: month["failed"] for name, month in months.items() if "failed" in month}
    if any(reason != RAW_MOVED for reason in failed.values()):
        sys.exit("; ".join(f"{name}: {reason}" for name, reason in failed.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
