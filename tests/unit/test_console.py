from tasks.core.console import glue_run_url, table_urls


def test_console_pages_name_region_job_run_and_table() -> None:
    url = glue_run_url("sa-east-1", "b3-refine", "jr_1")
    assert url == (
        "https://sa-east-1.console.aws.amazon.com/gluestudio/home?region=sa-east-1"
        "#/job/b3-refine/run/jr_1"
    )
    urls = table_urls("sa-east-1", "b3", ["portfolio_daily"])
    assert urls["portfolio_daily"].endswith("/tables/view/portfolio_daily?database=b3")
    assert urls["portfolio_daily"].startswith("https://sa-east-1.console.aws.amazon.com/")
