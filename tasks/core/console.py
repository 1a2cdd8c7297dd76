"""Addresses of pages in the AWS console."""

from collections.abc import Iterable


def glue_run_url(region: str, job_name: str, job_run_id: str) -> str:
    """Return the page of one run of a Glue job."""
    return (
        f"https://{region}.console.aws.amazon.com/gluestudio/home?region={region}"
        f"#/job/{job_name}/run/{job_run_id}"
    )


def table_urls(region: str, database: str, tables: Iterable[str]) -> dict[str, str]:
    """Return `{table: its page}`, from which Athena opens."""
    catalog = f"https://{region}.console.aws.amazon.com/glue/home?region={region}#/v2/data-catalog"
    return {table: f"{catalog}/tables/view/{table}?database={database}" for table in tables}
