import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.__main__ import main
from infra.local.aws.server import PortInUseError
from infra.local.local import main as local
from tasks.core.datasets import TABLES
from tests.local.conftest import ROOT, is_alive, wait_until

SETTINGS = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "B3_LAKE_BUCKET": "b3-lake",
    "B3_DATABASE": "b3",
    "B3_WORKGROUP": "b3",
    "B3_GLUE_JOB": "b3-refine",
    "B3_INDEX_URL": "https://sistemaswebb3-listados.b3.com.br",
    "B3_QUOTES_URL": "https://bvmf.bmfbovespa.com.br/InstDados/SerHist",
}


def test_up_writes_its_settings_says_ready_and_ends_at_sigterm(
    tmp_path: Path, up: Callable[..., Any]
) -> None:
    running = up(tmp_path)
    assert "ready" in running.first_line
    assert running.env["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert running.env.items() >= SETTINGS.items()
    assert running.env["B3_LAKE_FOLDER"] == str(tmp_path / "lake" / "b3-lake")
    buckets = running.client("s3").list_buckets()["Buckets"]
    assert {bucket["Name"] for bucket in buckets} == {"b3-athena-results", "b3-lake"}

    running.process.send_signal(signal.SIGTERM)
    _output, errors = running.process.communicate(timeout=20)

    assert (running.process.returncode, errors) == (0, "")
    assert not (tmp_path / "env").exists()


def test_first_start_creates_the_tables_of_the_schema(glue: Any) -> None:
    found = {table["Name"]: table for table in glue.get_tables(DatabaseName="b3")["TableList"]}

    for table in TABLES:
        storage = found[table.name]["StorageDescriptor"]
        assert {c["Name"]: c["Type"] for c in storage["Columns"]} == table.types()
        assert storage["Location"] == f"s3://b3-lake/{table.location}"
        assert "parquet" in storage["SerdeInfo"]["SerializationLibrary"]
        assert [c["Name"] for c in found[table.name]["PartitionKeys"]] == [table.partition_key.name]


def test_second_up_on_the_same_state_is_refused(tmp_path: Path, up: Callable[..., Any]) -> None:
    up(tmp_path)

    second = subprocess.run(
        [sys.executable, "-m", "infra.local", "up", "--state", tmp_path, "--port", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert second.returncode == 1
    assert f"Another local cloud serves {tmp_path}" in second.stderr
    assert (tmp_path / "env").exists()


@pytest.mark.parametrize("program", [["infra.local", "up"], ["infra.local.local"]])
def test_port_in_use_is_refused_in_one_line(
    program: list[str], tmp_path: Path, up: Callable[..., Any]
) -> None:
    port = up(tmp_path / "one").env["AWS_ENDPOINT_URL"].rsplit(":", 1)[1]
    state = tmp_path / "two"

    second = subprocess.run(
        [sys.executable, "-m", *program, "--state", state, "--port", port],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert second.returncode == 1
    (line,) = second.stderr.splitlines()
    assert line.startswith(f"Port {port} of 127.0.0.1 is taken")
    assert "--port" in line
    assert not (state / "env").exists()


def test_port_is_always_the_same_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def serve(_state: Path, *, port: int, is_live: bool) -> None:
        asked.append(port)
        raise PortInUseError("taken")

    monkeypatch.setattr("infra.local.up.local_cloud", serve)
    monkeypatch.setattr("infra.local.local.local_cloud", serve)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("os.environ", dict(os.environ))

    assert [main(["up"]), main(["up", "--port", "0"]), local([]), local(["--port", "0"])] == [1] * 4
    assert asked == [4577, 0, 4577, 0]


def test_kill_in_the_middle_of_writes_loses_nothing_that_was_answered(
    tmp_path: Path, up: Callable[..., Any]
) -> None:
    first = up(tmp_path)
    objects: dict[str, bytes] = {}
    partitions: list[list[str]] = []
    writers = [
        threading.Thread(target=_put_until_killed, args=(first.client("s3"), name, objects))
        for name in "abc"
    ]
    writers.append(
        threading.Thread(target=_register_until_killed, args=(first.client("glue"), partitions))
    )
    for writer in writers:
        writer.start()
    wait_until(lambda: len(objects) > 60 and len(partitions) > 20)
    first.kill()
    for writer in writers:
        writer.join()
    unanswered = _unanswered_keys(objects)

    second = up(tmp_path)

    s3, glue = second.client("s3"), second.client("glue")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="b3-lake", Prefix="killed/")
    listed = {each["Key"] for page in pages for each in page.get("Contents", [])}
    assert listed >= objects.keys()
    assert listed - objects.keys() <= unanswered
    for key in listed:
        body = s3.get_object(Bucket="b3-lake", Key=key)["Body"].read()
        assert body == _body(key), key
    found = [
        each["Values"]
        for page in glue.get_paginator("get_partitions").paginate(
            DatabaseName="b3", TableName="portfolio_daily"
        )
        for each in page["Partitions"]
    ]
    assert found[: len(partitions)] == partitions
    assert len(found) <= len(partitions) + 1
    assert not list((tmp_path / "tmp").iterdir())


def _body(key: str) -> bytes:
    return key.encode() * 20_000


def _put_until_killed(s3: Any, name: str, objects: dict[str, bytes]) -> None:
    for number in count():
        key = f"killed/{name}/{number:05}"
        try:
            s3.put_object(Bucket="b3-lake", Key=key, Body=_body(key))
        except (BotoCoreError, ClientError):
            return
        objects[key] = b""


def _register_until_killed(glue: Any, partitions: list[list[str]]) -> None:
    for number in count():
        values = ["IBOV", f"{number:05}"]
        entry = {"Values": values, "StorageDescriptor": {"Location": "s3://b3-lake/x/"}}
        try:
            glue.create_partition(
                DatabaseName="b3", TableName="portfolio_daily", PartitionInput=entry
            )
        except (BotoCoreError, ClientError):
            return
        partitions.append(values)


def _unanswered_keys(objects: dict[str, bytes]) -> set[str]:
    """Each writer may have had one object under way when the server was killed."""
    counts = {name: sum(key.startswith(f"killed/{name}/") for key in objects) for name in "abc"}
    return {f"killed/{name}/{number:05}" for name, number in counts.items()}


def test_killed_up_takes_its_job_with_it_and_says_so_at_the_next_start(
    tmp_path: Path, up: Callable[..., Any]
) -> None:
    first = up(tmp_path)
    script = (
        "import os, pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"out = pathlib.Path({str(tmp_path)!r}, 'pids')\n"
        "out.with_suffix('.part').write_text(f'{os.getpid()} {child.pid}')\n"
        "out.with_suffix('.part').rename(out)\n"
        "time.sleep(600)\n"
    )
    first.client("s3").put_object(Bucket="b3-lake", Key="jobs/sleep.py", Body=script)
    glue = first.client("glue")
    job = {"Command": {"Name": "glueetl", "ScriptLocation": "s3://b3-lake/jobs/sleep.py"}}
    glue.create_job(Name="sleep", Role="r", **job)
    run = glue.start_job_run(JobName="sleep")["JobRunId"]
    wait_until((tmp_path / "pids").exists)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert all(map(is_alive, pids))

    first.kill()

    wait_until(lambda: not any(map(is_alive, pids)), seconds=5)
    glue = up(tmp_path).client("glue")
    glue.create_job(Name="sleep", Role="r", **job)
    ended = glue.get_job_run(JobName="sleep", RunId=run)["JobRun"]
    assert ended["JobRunState"] == "FAILED"
    assert "local cloud ended while this run was active" in ended["ErrorMessage"]
