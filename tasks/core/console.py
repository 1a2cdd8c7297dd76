"""Where a person looks at what a run has made: pages of the AWS console, or of the local cloud.

The local cloud has a Glue run's log, and objects, at the endpoint that also answers the calls.
"""

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

_OF_AWS = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".api.aws",
    ".console.aws.amazon.com",
    ".console.amazonaws.cn",
    ".console.amazonaws-us-gov.com",
)
_CONSOLES = {"cn": "console.amazonaws.cn", "us-gov": "console.amazonaws-us-gov.com"}


def glue_run_url(region: str, job_name: str, job_run_id: str, endpoint_url: str) -> str:
    """Return the page of one run of a Glue job.

    Args:
        region: Where it runs.
        job_name: The job.
        job_run_id: Glue's id of the run.
        endpoint_url: What answers Glue's calls: AWS, or the local cloud.
    """
    if not _is_of_aws(endpoint_url):
        return f"{endpoint_url.rstrip('/')}/console/glue/{job_name}/{job_run_id}"
    return f"{_console(region, 'gluestudio')}#/job/{job_name}/run/{job_run_id}"


def describe_log(run_url: str, log_group: str, job_run_id: str) -> str:
    """Say where the log of a Glue run is.

    Args:
        run_url: The run's page, as of `glue_run_url`.
        log_group: What the names of its groups in CloudWatch begin with.
        job_run_id: Glue's id of the run.
    """
    if not _is_of_aws(run_url):
        return f"Its log: {run_url}"
    return (
        f"Its log: CloudWatch groups {log_group}/output and {log_group}/error, stream "
        f"{job_run_id}-driver. See {run_url}"
    )


def list_places(
    run_id: str, run_url: str, region: str, database: str, tables: Sequence[str]
) -> dict[str, str]:
    """Return `{what is there: its page}` of a run and its tables; what has no page has none.

    Args:
        run_id: What the run is called where it is told of.
        run_url: The page of its Glue run, as of `glue_run_url`.
        region: Where it runs.
        database: The database of its tables.
        tables: The tables.
    """
    if not _is_of_aws(run_url):
        told = f"Tables {', '.join(tables)} of database {database}: ask them with SQL"
        return {
            f"Log of the Glue run of {run_id}": run_url,
            f"{told}, as docs/ATHENA_QUERIES.md shows": "",
        }
    catalog = f"{_console(region, 'glue')}#/v2/data-catalog/tables/view"
    return {
        f"Glue run of {run_id}": run_url,
        "Athena's query editor": f"{_console(region, 'athena')}#/query-editor",
        **{
            f"{table} in the Data Catalog": f"{catalog}/{table}?database={database}"
            for table in tables
        },
    }


def object_url(region: str, bucket: str, key: str, endpoint_url: str) -> str:
    """Return the page of an object, whose button opens it for who may read it.

    Args:
        region: Where the bucket is.
        bucket: The bucket.
        key: The object.
        endpoint_url: What answers S3's calls: AWS, or the local cloud, which shows the object.
    """
    if not _is_of_aws(endpoint_url):
        return f"{endpoint_url.rstrip('/')}/console/s3/{bucket}/{quote(key)}"
    where = f"region={region}&prefix={quote(key, safe='')}"
    return f"https://{_host(region)}/s3/object/{bucket}?{where}"


def _console(region: str, service: str) -> str:
    return f"https://{_host(region)}/{service}/home?region={region}"


def _host(region: str) -> str:
    partition = region.rsplit("-", 2)[0]  # cn-north-1 lies in cn, us-gov-west-1 in us-gov
    return f"{region}.{_CONSOLES.get(partition, 'console.aws.amazon.com')}"


def _is_of_aws(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(_OF_AWS)
