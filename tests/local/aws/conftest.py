import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.answers import each_answer_seen_by


@pytest.fixture(autouse=True)
def answer_faults() -> Iterator[list[str]]:
    """Whatever a test asks the local cloud for is answered in AWS's own form."""
    faults: list[str] = []
    with each_answer_seen_by(faults.extend):
        yield faults
    assert faults == []


@pytest.fixture
def define(glue: Any, s3: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """Define a job whose script is the given text; its name is the test's."""
    name = request.node.name.replace("[", "-").strip("]")

    def define(script: str, **options: Any) -> str:
        key = f"jobs/{name}.py"
        s3.put_object(Bucket="b3-lake", Key=key, Body=textwrap.dedent(script).encode())
        command = {"Name": "glueetl", "ScriptLocation": f"s3://b3-lake/{key}"}
        glue.create_job(Name=name, Role="r", Command=command, GlueVersion="5.1", **options)
        return str(name)

    yield define
    for run in glue.get_job_runs(JobName=name)["JobRuns"]:
        glue.batch_stop_job_run(JobName=name, JobRunIds=[run["Id"]])
    glue.delete_job(JobName=name)
