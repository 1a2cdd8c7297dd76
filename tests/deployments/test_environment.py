import json
from pathlib import Path

import pytest

from deployments.environment import DIRECTORY, environment_file, read_environment
from tasks.core.errors import NotConfiguredError

GOOD = {"account_id": "210987654321", "prefect_api_url": "https://prefect.example.com/api"}


def write(directory: Path, name: str, content: object) -> Path:
    path = directory / f"{name}.tfvars.json"
    path.write_text(json.dumps(content))
    return path


def example() -> dict[str, object]:
    values: dict[str, object] = json.loads(environment_file("example").read_text())
    return values


def test_example_is_a_whole_environment_once_its_placeholders_are_filled_in(
    tmp_path: Path,
) -> None:
    environment = read_environment(write(tmp_path, "prod", example() | GOOD))
    assert (environment.work_pool_type, environment.cpu_architecture) == ("ecs", "ARM64")
    assert environment_file("example").parent == DIRECTORY


@pytest.mark.parametrize(
    ("filled", "unfilled"),
    [
        ([], ["account_id", "prefect_api_url"]),
        (["account_id"], ["prefect_api_url"]),
        (["prefect_api_url"], ["account_id"]),
    ],
)
def test_each_placeholder_of_the_example_is_named(
    tmp_path: Path, filled: list[str], unfilled: list[str]
) -> None:
    path = write(tmp_path, "prod", example() | {name: GOOD[name] for name in filled})
    with pytest.raises(NotConfiguredError) as refused:
        read_environment(path)
    first, *lines = str(refused.value).splitlines()
    assert first == f"{path} is not filled in yet:"
    assert [line.partition(":")[0].strip() for line in lines] == unfilled


@pytest.mark.parametrize("what", ["lake", "athena"])
def test_a_state_lies_in_no_bucket_that_goes_with_it(tmp_path: Path, what: str) -> None:
    bucket = f"b3-pipeline-{what}-210987654321-us-east-1"
    path = write(tmp_path, "prod", GOOD | {"state_bucket": bucket})
    with pytest.raises(NotConfiguredError, match="a destroy deletes with the state"):
        read_environment(path)


def test_the_cloud_on_one_machine_has_the_account_of_the_example(tmp_path: Path) -> None:
    local = GOOD | {"account_id": "123456789012", "local_cloud": True}
    assert read_environment(write(tmp_path, "prod", local)).local_cloud


def test_without_a_name_those_that_are_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotConfiguredError, match=r"found none\. There are: none yet\. For a new"):
        environment_file("", tmp_path)
    for name in ("staging", "example", "prod"):
        write(tmp_path, name, GOOD)
    with pytest.raises(NotConfiguredError, match=r"found none\. There are: prod, staging\. For"):
        environment_file("", tmp_path)


def test_variables_that_only_terraform_reads_may_stand_in_it(tmp_path: Path) -> None:
    path = write(tmp_path, "prod", GOOD | {"network_type": "private"})
    assert read_environment(path).account_id == "210987654321"


@pytest.mark.parametrize("name", ["prod", "../prod"])
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
        ({"prefect_api_url": "https://a.example/api/"}, "prefect_api_url: String should match"),
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


def test_variable_that_terraform_does_not_know_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "prod", GOOD | {"state_buckt": "the-states", "alarm_mail": "a@b.c"})
    with pytest.raises(NotConfiguredError, match=r"found alarm_mail, state_buckt, which are none"):
        read_environment(path)


def test_the_name_of_terraforms_own_workspace_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "default", GOOD)
    with pytest.raises(NotConfiguredError, match=r"another name than 'default'.*: rename"):
        environment_file("default", tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf{}", b'{"name": "\xe9"}'])
def test_file_of_other_bytes_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prod.tfvars.json"
    path.write_bytes(content)
    with pytest.raises(NotConfiguredError, match=r"prod\.tfvars\.json is no JSON"):
        read_environment(path)


def test_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prod.tfvars.json"
    path.write_text('account_id = "1"')
    with pytest.raises(NotConfiguredError, match="is no JSON"):
        read_environment(path)
