from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from prefect.context import AssetContext

from tasks import shelf
from tasks.assets import asset_of
from tasks.core.datasets import TABLES
from tasks.core.errors import NotConfiguredError, PublishConflictError
from tasks.core.portfolio import PORTFOLIO
from tasks.core.portfolio.tables import RAW_PORTFOLIO
from tasks.core.published import Published

pytestmark = pytest.mark.usefixtures("no_run_logger", "catalog")

DATABASE = "b3"
TABLE, *_ = REFINED = [table.name for table in PORTFOLIO.refined]
MONTH = ("IBOV", "2025-08")
FIRST = Published("s3://b3-lake/refined/t/run_id=run-1/", "run-1", "digest-1")
SECOND = Published("s3://b3-lake/refined/t/run_id=run-2/", "run-2", "digest-2")


@pytest.fixture
def catalog(aws: None) -> Iterator[None]:
    glue: Any = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": DATABASE})
    for table in TABLES:
        columns = [{"Name": name, "Type": type_} for name, type_ in table.types().items()]
        keys = [{"Name": key.name, "Type": key.type} for key in table.partition_keys]
        descriptor = {"Columns": columns, "Location": f"s3://b3-lake/{table.prefix}"}
        glue.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": table.name,
                "PartitionKeys": keys,
                "StorageDescriptor": descriptor,
            },
        )
    yield
    for table in TABLES:
        glue.delete_table(DatabaseName=DATABASE, Name=table.name)
    glue.delete_database(Name=DATABASE)


def show(new: Published, expected: Published | None, table: str = TABLE) -> None:
    shelf.publish_partition(DATABASE, table, MONTH, new=new, expected=expected)


def shown(*tables: str) -> list[Published | None]:
    return list(shelf.read_published.fn(DATABASE, tables or [TABLE], MONTH).values())


def partitions(table: str = TABLE) -> list[Any]:
    glue = boto3.client("glue")
    found = glue.get_partitions(DatabaseName=DATABASE, TableName=table)["Partitions"]
    return sorted(found, key=lambda partition: partition["Values"])


def test_nothing_is_shown_before_anything_is_published() -> None:
    assert shelf.read_published.fn(DATABASE, REFINED, MONTH) == dict.fromkeys(REFINED)


def test_the_first_run_creates_the_partition() -> None:
    show(FIRST, expected=None)
    assert shown() == [FIRST]
    assert [partition["Values"] for partition in partitions()] == [list(MONTH)]


def test_a_later_run_moves_the_partition() -> None:
    show(FIRST, expected=None)
    show(SECOND, expected=FIRST)
    assert shown() == [SECOND]
    assert len(partitions()) == 1


def test_a_partition_keeps_the_columns_of_its_table_and_says_who_made_it() -> None:
    show(FIRST, expected=None)
    (partition,) = partitions()
    names = [column["Name"] for column in partition["StorageDescriptor"]["Columns"]]
    assert names == list(PORTFOLIO.refined[0].types())
    assert partition["StorageDescriptor"]["Location"] == FIRST.location
    assert partition["Parameters"].keys() == {"b3_run_id", "b3_published_at", "b3_raw_digest"}
    assert partition["Parameters"]["b3_published_at"].endswith("+00:00")


def test_publishing_again_changes_nothing() -> None:
    show(FIRST, expected=None)
    before = partitions()
    show(FIRST, expected=None)
    show(FIRST, expected=SECOND)
    assert partitions() == before


@pytest.mark.parametrize(
    ("there", "expected", "said"),
    [
        pytest.param(SECOND, None, "expected nothing .*found run run-2", id="first-by-another"),
        pytest.param(SECOND, FIRST, "expected run run-1 .*found run run-2", id="moved-by-another"),
        pytest.param(None, FIRST, "expected run run-1 .*found nothing", id="removed-by-another"),
        pytest.param(
            Published("s3://b3-lake/by-hand/", "", ""), None, "run s3://b3-lake/by", id="by-hand"
        ),
    ],
)
def test_what_another_run_published_meanwhile_stays(
    there: Published | None, expected: Published | None, said: str
) -> None:
    if there:
        show(there, expected=None)
    with pytest.raises(PublishConflictError, match=f"{said}.*run again"):
        show(Published("s3://b3-lake/new/", "run-3", "digest-3"), expected=expected)
    assert shown() == [there]


def test_a_partition_that_names_no_run_is_read() -> None:
    boto3.client("glue").create_partition(
        DatabaseName=DATABASE,
        TableName=TABLE,
        PartitionInput={
            "Values": list(MONTH),
            "StorageDescriptor": {"Location": "s3://b3-lake/by-hand/"},
        },
    )
    assert shown() == [Published("s3://b3-lake/by-hand/", "", "")]


def test_a_table_that_is_missing_is_named_with_its_setting() -> None:
    with pytest.raises(NotConfiguredError, match=r"Expected table b3\.other .*B3_DATABASE"):
        show(FIRST, expected=None, table="other")


def publish_all(new: Published, expected: dict[str, Published | None]) -> AssetContext:
    with AssetContext(downstream_assets=set(map(asset_of, PORTFOLIO.refined))) as context:
        shelf.move_partitions(
            DATABASE,
            MONTH,
            new=dict.fromkeys(REFINED, new),
            expected=expected,
            row_counts={table: number for number, table in enumerate(REFINED)},
        )
    return context


def test_a_month_is_published_in_every_table_and_told_to_the_assets() -> None:
    context = publish_all(FIRST, dict.fromkeys(REFINED))
    assert shown(*REFINED) == [FIRST] * 3
    assert context.materialization_metadata[f"b3://{REFINED[2]}"] == {
        "partition": "IBOV/2025-08",
        "row_count": 2,
        "run_id": "run-1",
        "location": FIRST.location,
    }


def test_a_publish_that_was_killed_between_two_tables_is_finished() -> None:
    show(FIRST, expected=None)
    publish_all(FIRST, dict.fromkeys(REFINED))
    assert shown(*REFINED) == [FIRST] * 3


def locations(*days: str) -> dict[tuple[str, ...], str]:
    return {("IBOV", day): f"s3://b3-lake/raw/{day}/" for day in days}


def register(*days: str, table: str = RAW_PORTFOLIO.name) -> None:
    shelf.register_partitions.fn(DATABASE, table, locations(*days))


def test_raw_sessions_are_registered_with_their_locations() -> None:
    register("2025-08-01", "2025-08-04")
    found = {tuple(p["Values"]): p["StorageDescriptor"] for p in partitions(RAW_PORTFOLIO.name)}
    assert {values: place["Location"] for values, place in found.items()} == locations(
        "2025-08-01", "2025-08-04"
    )
    assert [c["Name"] for c in found["IBOV", "2025-08-01"]["Columns"]] == list(
        RAW_PORTFOLIO.types()
    )


def test_registering_again_adds_what_is_new_and_leaves_the_rest() -> None:
    register("2025-08-01")
    before = partitions(RAW_PORTFOLIO.name)
    register("2025-08-01", "2025-08-04")
    after = partitions(RAW_PORTFOLIO.name)
    assert after[0] == before[0]
    assert [partition["Values"][1] for partition in after] == ["2025-08-01", "2025-08-04"]


def test_partitions_are_registered_by_no_more_than_a_call_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client: Any = boto3.client("glue")
    create, sizes = client.batch_create_partition, []

    def count(**parameters: Any) -> Any:
        sizes.append(len(parameters["PartitionInputList"]))
        return create(**parameters)

    monkeypatch.setattr(client, "batch_create_partition", count)
    monkeypatch.setattr(boto3, "client", lambda _: client)
    days = [f"20{year}-08-{day:02}" for year in range(20, 28) for day in range(1, 32)]
    register(*days)
    assert sizes == [100, 100, 48]
    assert len(partitions(RAW_PORTFOLIO.name)) == len(days) == 248


def test_nothing_is_registered_in_a_table_that_is_missing() -> None:
    with pytest.raises(NotConfiguredError, match=r"Expected table b3\.other"):
        register("2025-08-01", table="other")


def test_a_partition_that_glue_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = boto3.client("glue")
    detail = {"ErrorCode": "ResourceNumberLimitExceededException", "ErrorMessage": "too many"}
    refused = {"Errors": [{"PartitionValues": ["IBOV", "2025-08-01"], "ErrorDetail": detail}]}
    monkeypatch.setattr(client, "batch_create_partition", lambda **_: refused)
    monkeypatch.setattr(boto3, "client", lambda _: client)
    with pytest.raises(NotConfiguredError, match=r"IBOV.*2025-08-01.*too many"):
        register("2025-08-01")


def test_published_prefixes_end_with_a_slash_however_they_are_written() -> None:
    show(Published("s3://b3-lake/refined/t/run_id=run-1", "run-1", "digest-1"), expected=None)
    found = shelf.list_published_prefixes.fn("b3-lake", DATABASE, TABLE)
    assert found == {"refined/t/run_id=run-1/"}
