"""AWS's own command line does what the pages have it do, on a lake where a session is published.

It is version 1, which indexes of packages have; the pages ask for version 2, which takes these
commands as well.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.b3.sessions import SESSIONS
from tests.covered import run_by
from tests.e2e.cloud import Cloud
from tests.proofs.tools import need

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

BUCKET, MONTH = "b3-lake", f"{SESSIONS[-1]:%Y-%m}"
COMMIT = f"published/portfolio/{MONTH}/000003.json"
STATE_BUCKET, STATE = "b3-pipeline-state", "b3-pipeline/prod/terraform.tfstate"
OTHER_MONTH = "reports/portfolio/2025-07-31/IBOV.html"
SAVED = b"a file that somebody saved"
Shown = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Person:
    """Who types the lines of the pages, in a folder and with variables set.

    Attributes:
        cloud: Where the lake is.
        folder: Where that person stands.
        environment: What is set there.
    """

    cloud: Cloud
    folder: Path
    environment: dict[str, str]

    def types(self, line: str, **variables: str) -> Shown:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def words(self, line: str) -> list[str]:
        """What the shell makes of a line."""
        return self.types(f"printf '%s\\n' {line}").stdout.splitlines()

    def read(self, place: str) -> bytes:
        """What lies at an address of S3, or in a file."""
        if not place.startswith("s3://"):
            return (self.folder / place).read_bytes()
        bucket, _, key = place.removeprefix("s3://").partition("/")
        body: bytes = self.cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


@pytest.fixture(scope="module")
def person(whole_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """One who has the right to read the lake, in whose bucket versions are kept as on AWS."""
    aws = need("awscli") / "environment" / "bin"
    folder = tmp_path_factory.mktemp("person")
    s3: Any = whole_cloud.client("s3")
    s3.create_bucket(Bucket=STATE_BUCKET)
    for bucket in (BUCKET, STATE_BUCKET):
        kept = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=kept)
    whole_cloud.behave()
    for reports, *arguments in (("en", "IBOV"), ("none", "SMLL"), ("none", "IBOV", "--force")):
        said = {"B3_REPORTS": reports}
        outcome = whole_cloud.run_portfolio("--index", *arguments, extra=said)
        assert outcome.last_line.startswith("published "), outcome.error
    s3.put_object(Bucket=BUCKET, Key=OTHER_MONTH, Body=b"a page")
    make_what_a_lab_has(whole_cloud)
    environment = whole_cloud.env | {
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PATH": f"{aws}:{os.environ['PATH']}",
        "RUN_ID": whole_cloud.commits("portfolio", MONTH)[-1]["run_id"],
        "STATE_BUCKET": STATE_BUCKET,
    }
    return Person(whole_cloud, folder, environment)


def make_what_a_lab_has(cloud: Cloud) -> None:
    """The role that is there, and the worker's service that a deployment has made."""
    services = {"Service": ["glue.amazonaws.com", "ecs-tasks.amazonaws.com"]}
    trust = [{"Effect": "Allow", "Principal": services, "Action": "sts:AssumeRole"}]
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    iam: Any = cloud.client("iam")
    iam.create_role(RoleName="LabRole", AssumeRolePolicyDocument=document)
    ecs: Any = cloud.client("ecs")
    ecs.create_cluster(clusterName="b3-pipeline")
    containers = [{"name": "worker", "image": "none", "memory": 512, "cpu": 256}]
    ecs.register_task_definition(family="worker", containerDefinitions=containers)
    worker = {"serviceName": "b3-pipeline-worker", "taskDefinition": "worker", "desiredCount": 1}
    ecs.create_service(cluster="b3-pipeline", **worker)


def address(place: str) -> tuple[str, str]:
    """Bucket and key, or prefix, of an address of S3."""
    bucket, _, key = place.removeprefix("s3://").partition("/")
    return bucket, key


def keys_below(person: Person, prefix: str) -> list[str]:
    """What S3 itself lists of the lake."""
    pages = person.cloud.client("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=BUCKET, Prefix=prefix)
    return [each["Key"] for page in found for each in page.get("Contents", [])]


def copies(person: Person, line: str) -> None:
    """The same bytes lie at both ends."""
    source, target = person.words(line)[3:5]
    if not source.startswith("s3://"):
        (person.folder / source).write_bytes(SAVED)
    shown = person.types(line)
    assert shown.returncode == 0, shown.stderr
    if target == "-":
        assert shown.stdout.encode() == person.read(source)
        return
    name = source.rpartition("/")[2]
    place = f"{target}{name}" if target.endswith("/") else name if target == "." else target
    assert person.read(place) == person.read(source)


def lists(person: Person, line: str) -> None:
    """Each name under a prefix is there, or each key below it."""
    shown = person.types(line)
    words = person.words(line)
    bucket, prefix = address(next(each for each in words if each.startswith("s3://")))
    keys = keys_below(person, prefix)
    assert bucket == BUCKET
    assert keys
    expected = set(keys)
    if "--recursive" not in words:
        below = [key.removeprefix(prefix).partition("/") for key in keys]
        expected = {f"{name}{slash}" for name, slash, _ in below}
    assert {each.split()[-1] for each in shown.stdout.splitlines()} == expected


def links(person: Person, line: str) -> None:
    """Whoever has the link, and no credentials, reads the page for an hour."""
    shown = person.types(line)
    assert shown.returncode == 0, shown.stderr
    link = shown.stdout.strip()
    sooner, later = (int(time.time()) + seconds for seconds in (3000, 3600))
    expires = re.search(r"[?&]Expires=(\d+)", link)
    assert "X-Amz-Expires=3600&" in link or (expires and sooner < int(expires[1]) <= later)
    answer = requests.get(link, timeout=30)
    assert answer.content == person.read(person.words(line)[3])
    assert b"<html" in answer.content


def brings(person: Person, line: str) -> None:
    """Each object comes that the line takes, and no other one."""
    source, target, *filters = person.words(line)[3:]
    bucket, prefix = address(source)
    listed = keys_below(person, prefix)
    names = {key.removeprefix(prefix) for key in listed if not key.endswith("/")}
    taken = dict.fromkeys(names, True)
    for option, pattern in zip(filters[::2], filters[1::2], strict=True):
        for name in names:
            if fnmatch(name, pattern):
                taken[name] = option == "--include"
    folder = person.folder / target
    shutil.rmtree(folder, ignore_errors=True)  # where another line has brought something
    shown = person.types(line)
    assert shown.returncode == 0, shown.stderr
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {name for name in names if taken[name]}
    assert found
    assert bool(filters) == (found < names)
    for name in found:
        assert person.read(f"{target}/{name}") == person.read(f"s3://{bucket}/{prefix}{name}")


def says_who(person: Person, line: str) -> None:
    """The account is the one that the local cloud is."""
    assert "123456789012" in person.types(line).stdout


def sets(person: Person, line: str) -> None:
    """What is set stands in the file from then on."""
    name, value = person.words(line)[3:5]
    assert person.types(line).returncode == 0
    assert f"{name} = {value}\n" in (person.folder / "config").read_text(encoding="utf-8")


def names_services(person: Person, line: str) -> None:
    """Those that may act as the role."""
    assert person.types(line).stdout.split() == ["glue.amazonaws.com", "ecs-tasks.amazonaws.com"]


def turns(person: Person, line: str) -> None:
    """As many tasks are wanted from then on as the line says."""
    words = person.words(line)
    count = words[words.index("--desired-count") + 1]
    shown = person.types(line)
    assert shown.stdout.strip() == count, shown.stderr
    name = words[words.index("--service") + 1]
    found = person.cloud.client("ecs").describe_services(cluster="b3-pipeline", services=[name])
    assert found["services"][0]["desiredCount"] == int(count)


def says_something(person: Person, line: str) -> None:
    """What is asked is there."""
    shown = person.types(line)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.strip()


CHECKS: dict[tuple[str, str], Callable[[Person, str], None]] = {
    ("configure", "set"): sets,
    ("ecs", "update-service"): turns,
    ("iam", "get-role"): names_services,
    ("s3", "cp"): copies,
    ("s3", "ls"): lists,
    ("s3", "presign"): links,
    ("s3", "sync"): brings,
    ("sts", "get-caller-identity"): says_who,
}


LINES = run_by(__file__, "test_each_line_of_the_pages_brings_what_is_there")


@pytest.mark.parametrize("line", LINES)
def test_each_line_of_the_pages_brings_what_is_there(person: Person, line: str) -> None:
    _, service, operation, *_ = shlex.split(line)
    CHECKS.get((service, operation), says_something)(person, line)


def by_operation(lines: list[str]) -> dict[str, str]:
    return {line.split()[2]: line for line in lines}


def test_a_commit_is_put_back_as_the_page_says(person: Person) -> None:
    lines = by_operation(run_by(__file__, "test_a_commit_is_put_back_as_the_page_says"))
    assert list(lines) == ["list-object-versions", "get-object", "put-object"]
    s3: Any = person.cloud.client("s3")
    commit = {"Bucket": BUCKET, "Key": COMMIT}
    written = person.read(f"s3://{BUCKET}/{COMMIT}")
    s3.put_object(**commit, Body=b"{}")

    shown = json.loads(person.types(lines["list-object-versions"]).stdout)
    versions = [each for each in shown["Versions"] if each["Key"] == COMMIT]
    assert [each["IsLatest"] for each in versions] == [True, False]
    assert len({each["Key"] for each in shown["Versions"]}) == int(COMMIT[-6])

    got = person.types(lines["get-object"], VERSION=versions[-1]["VersionId"])
    assert got.returncode == 0, got.stderr
    assert (person.folder / "000003.json").read_bytes() == written

    refused = person.types(lines["put-object"])  # where another object is in its place
    assert refused.returncode != 0
    assert "PreconditionFailed" in refused.stderr
    assert person.read(f"s3://{BUCKET}/{COMMIT}") == b"{}"
    s3.delete_object(**commit)
    put = person.types(lines["put-object"])
    assert put.returncode == 0, put.stderr
    assert person.read(f"s3://{BUCKET}/{COMMIT}") == written
    assert s3.head_object(**commit)["ContentType"] == "application/json"
    again = person.cloud.run_portfolio("--index", "IBOV", extra={"B3_REPORTS": "none"})
    assert again.last_line.startswith("up to date "), again.error


def test_a_lost_state_is_put_back_as_the_page_says(person: Person) -> None:
    lines = by_operation(run_by(__file__, "test_a_lost_state_is_put_back_as_the_page_says"))
    assert list(lines) == ["list-object-versions", "get-object", "put-object"]
    s3: Any = person.cloud.client("s3")
    for body in (b'{"serial": 7}', b"lost"):
        s3.put_object(Bucket=STATE_BUCKET, Key=STATE, Body=body)

    shown = json.loads(person.types(lines["list-object-versions"]).stdout)
    newest, older = shown["Versions"]
    assert (newest["IsLatest"], older["IsLatest"]) == (True, False)
    for operation in ("get-object", "put-object"):
        done = person.types(lines[operation], VERSION=older["VersionId"])
        assert done.returncode == 0, done.stderr
    assert person.read(f"s3://{STATE_BUCKET}/{STATE}") == b'{"serial": 7}'
