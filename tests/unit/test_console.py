import pytest

from tasks.core.console import describe_log, glue_run_url, list_places, object_url

AWS, LOCAL = "https://glue.sa-east-1.amazonaws.com", "http://127.0.0.1:5555"


@pytest.mark.parametrize(
    ("region", "endpoint", "console"),
    [
        ("sa-east-1", AWS, "sa-east-1.console.aws.amazon.com"),
        ("us-east-1", "https://glue.us-east-1.api.aws", "us-east-1.console.aws.amazon.com"),
        (
            "us-east-1",
            "https://vpce-1.glue.us-east-1.vpce.amazonaws.com",
            "us-east-1.console.aws.amazon.com",
        ),
        (
            "cn-north-1",
            "https://glue.cn-north-1.amazonaws.com.cn",
            "cn-north-1.console.amazonaws.cn",
        ),
        (
            "us-gov-west-1",
            "https://glue.us-gov-west-1.amazonaws.com",
            "us-gov-west-1.console.amazonaws-us-gov.com",
        ),
    ],
)
def test_a_glue_run_on_aws_has_its_page_in_the_console_of_its_region(
    region: str, endpoint: str, console: str
) -> None:
    url = glue_run_url(region, "b3-refine", "jr_1", endpoint)
    assert url == f"https://{console}/gluestudio/home?region={region}#/job/b3-refine/run/jr_1"
    # What is told from the page alone knows it again.
    assert "CloudWatch" in describe_log(url, "/aws-glue/jobs", "jr_1")
    places = list_places("8f2c", url, region, "b3", ["portfolio_daily"])
    assert {place.partition("/home")[0] for place in places.values()} == {
        f"https://{console}/{service}" for service in ("gluestudio", "glue", "athena")
    }


@pytest.mark.parametrize(
    "endpoint", [LOCAL, f"{LOCAL}/", "http://amazonaws.com.localhost", "http://notamazonaws.com"]
)
def test_a_glue_run_elsewhere_has_its_page_where_it_is_asked_for(endpoint: str) -> None:
    url = glue_run_url("us-east-1", "b3-refine", "jr_1", endpoint)
    assert url == f"{endpoint.rstrip('/')}/console/glue/b3-refine/jr_1"
    assert describe_log(url, "/aws-glue/jobs", "jr_1") == f"Its log: {url}"


def test_the_log_of_a_run_on_aws_is_named_by_group_and_stream() -> None:
    url = glue_run_url("sa-east-1", "b3-refine", "jr_1", AWS)
    assert describe_log(url, "/aws-glue/b3", "jr_1") == (
        "Its log: CloudWatch groups /aws-glue/b3/output and /aws-glue/b3/error, "
        f"stream jr_1-driver. See {url}"
    )


def test_places_on_aws_are_the_run_the_query_editor_and_the_catalogs_pages() -> None:
    url = glue_run_url("sa-east-1", "b3-refine", "jr_1", AWS)
    tables = ["portfolio_daily", "portfolio_monthly"]
    home = "home?region=sa-east-1#"
    console = "https://sa-east-1.console.aws.amazon.com"
    assert list_places("8f2c", url, "sa-east-1", "b3", tables) == {
        "Glue run of 8f2c": url,
        "Athena's query editor": f"{console}/athena/{home}/query-editor",
        **{
            f"{table} in the Data Catalog": (
                f"{console}/glue/{home}/v2/data-catalog/tables/view/{table}?database=b3"
            )
            for table in tables
        },
    }


def test_places_of_the_local_cloud_are_the_log_and_words_on_the_tables() -> None:
    url = glue_run_url("us-east-1", "b3-refine", "jr_1", LOCAL)
    assert list_places(
        "8f2c", url, "us-east-1", "b3", ["portfolio_daily", "portfolio_monthly"]
    ) == {
        "Log of the Glue run of 8f2c": url,
        "Tables portfolio_daily, portfolio_monthly of database b3: ask them with SQL, as "
        "docs/ATHENA_QUERIES.md shows": "",
    }


@pytest.mark.parametrize(
    ("region", "endpoint", "url"),
    [
        (
            "sa-east-1",
            "https://s3.sa-east-1.amazonaws.com",
            "https://sa-east-1.console.aws.amazon.com/s3/object/b3-lake?region=sa-east-1&prefix=",
        ),
        (
            "cn-north-1",
            "https://s3.cn-north-1.amazonaws.com.cn",
            "https://cn-north-1.console.amazonaws.cn/s3/object/b3-lake?region=cn-north-1&prefix=",
        ),
    ],
)
def test_an_object_on_aws_has_a_page_that_opens_it(region: str, endpoint: str, url: str) -> None:
    found = object_url(region, "b3-lake", "reports/2025-08-04/A B.html", endpoint)
    assert found == f"{url}reports%2F2025-08-04%2FA%20B.html"


def test_an_object_of_the_local_cloud_has_its_page_there() -> None:
    url = object_url("us-east-1", "b3-lake", "reports/A B.html", "http://127.0.0.1:4577/")
    assert url == "http://127.0.0.1:4577/console/s3/b3-lake/reports/A%20B.html"
