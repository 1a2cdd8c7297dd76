import json
from pathlib import Path

import pytest

from deployments.environment import DIRECTORY, environment_file, read_environment
from tasks.core.errors import NotConfiguredError

GOOD = {"account_id": "123456789012", "prefect_api_url": "https://prefect.example.com/api"}


def write(directory: Path, name: str, content: object) -> Path:
    path = directory / f"{name}.tfvars.json"
    path.write_text(json.dumps(content))
    return path


def test_example_is_a_whole_environment() -> None:
    assert read_environment(environment_file("example")).work_pool_type == "ecs"
    assert environment_file("example").parent == DIRECTORY


def test_variables_that_only_terraform_reads_may_stand_in_it(tmp_path: Path) -> None:
    path = write(tmp_path, "prod", GOOD | {"network_type": "private"})
    assert read_environment(path).account_id == "123456789012"


@pytest.mark.parametrize("name", ["prod", "../prod", ""])
def test_environment_that_is_not_there_is_refused_with_those_that_are(
    tmp_path: Path, name: str
) -> None:
    write(tmp_path, "staging", GOOD)
    with pytest.raises(NotConfiguredError, match=r"found: staging\. Copy"):
        environment_file(name, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"account_id": 123456789012}, "account_id: Input should be a valid string"),
        ({"account_id": "1234"}, "account_id: String should match"),
        ({"prefect_api_url": "prefect.example.com"}, "prefect_api_url: String should match"),
        ({"work_pool_type": "docker"}, "work_pool_type: Input should be 'ecs' or 'ecs:push'"),
    ],
)
def test_wrong_value_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(NotConfiguredError, match=message):
        read_environment(write(tmp_path, "prod", GOOD | change))


@pytest.mark.parametrize("name", list(GOOD))
def test_missing_value_is_named(tmp_path: Path, name: str) -> None:
    rest = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(NotConfiguredError, match=f"{name}: Field required"):
        read_environment(write(tmp_path, "prod", rest))


def test_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prod.tfvars.json"
    path.write_text('account_id = "1"')
    with pytest.raises(NotConfiguredError, match="is no JSON"):
        read_environment(path)
