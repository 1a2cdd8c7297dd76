"""Whether Glue, Athena, the alarms' topic and the worker do what a deployment needs of them."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from deployments.polling import poll
from deployments.verdict import Verdict
from tasks.core.job_runs import ACTIVE

_GLUE_PATIENCE_SECONDS = 900.0  # Glue may wait for room
_ATHENA_PATIENCE_SECONDS = 120.0
_AT_ONCE = 10  # Athena lets an account run twenty or so
_NO_PLAN = "0" * 64
_PENDING = "PendingConfirmation"


def verify_glue(outputs: dict[str, Any], glue: Any) -> Iterator[Verdict]:
    """Start the job on a plan that is not there, which its script must say.

    The run fails, and is meant to: the alarm of failed Glue runs tells of it.

    Args:
        outputs: Terraform's.
        glue: Client of Glue.
    """
    plan = f"s3://{outputs['lake_bucket']}/runs/{_NO_PLAN}/plan.json"
    wanted = f"expected a plan at {plan}, found none"
    what, job = "a Glue run fails with its script's own words", outputs["glue_job_name"]
    try:
        run_id = glue.start_job_run(
            JobName=job, Arguments={"--plan": plan, "--token": "verify/0"}, Timeout=10
        )["JobRunId"]
        run = _wait_for_run(job, run_id, glue)
    except ClientError as error:
        yield Verdict(what, str(error), holds=False)
        return
    said = run.get("ErrorMessage", "nothing")
    if wanted in said:
        yield Verdict(what, wanted, holds=True)
    else:
        found = f"run {run_id} is {run['JobRunState']} and says: {said}. Read its log."
        yield Verdict(what, found, holds=False)


def _wait_for_run(job: str, run_id: str, glue: Any) -> dict[str, Any]:
    asked = {"JobName": job, "RunId": run_id}

    def look() -> dict[str, Any] | None:
        run: dict[str, Any] = glue.get_job_run(**asked)["JobRun"]
        return None if run["JobRunState"] in ACTIVE else run

    run = poll(look, _GLUE_PATIENCE_SECONDS)
    if run is None:
        glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
        message = f"nothing in {_GLUE_PATIENCE_SECONDS:.0f} s, and was stopped"
        return {"JobRunState": "STOPPING", "ErrorMessage": message}
    return run


def verify_queries(outputs: dict[str, Any], athena: Any) -> Iterator[Verdict]:
    """Have Athena explain every query that is saved in the workgroup; nothing is read for it.

    Args:
        outputs: Terraform's.
        athena: Client of Athena.
    """
    workgroup = outputs["workgroup"]
    pages = athena.get_paginator("list_named_queries").paginate(WorkGroup=workgroup)
    ids = [each for page in pages for each in page.get("NamedQueryIds", [])]
    queries = [athena.get_named_query(NamedQueryId=each)["NamedQuery"] for each in ids]
    wrong = []
    for start in range(0, len(queries), _AT_ONCE):
        # Two may have one name.
        some = queries[start : start + _AT_ONCE]
        asked = [(query["Name"], *_explain(query, workgroup, athena)) for query in some]
        ends = [(name, refusal or _end(each, athena)) for name, each, refusal in asked]
        wrong += [f"{name}: {why}" for name, why in ends if why]
    what = "Athena understands every saved query"
    none = "" if queries else f"no query is saved in the workgroup {workgroup}: deploy again"
    found = "; ".join(wrong) or none or f"{len(queries)} explained"
    yield Verdict(what, found, holds=bool(queries) and not wrong)


def _explain(query: dict[str, Any], workgroup: str, athena: Any) -> tuple[str, str]:
    """Return the execution, or why there is none: some queries Athena refuses at once."""
    try:
        started = athena.start_query_execution(
            QueryString=f"EXPLAIN {query['QueryString']}",
            QueryExecutionContext={"Database": query["Database"]},
            WorkGroup=workgroup,
        )
    except ClientError as error:
        return "", str(error)
    return str(started["QueryExecutionId"]), ""


def _end(execution: str, athena: Any) -> str:
    """Return why a query failed, when it has ended; empty where it did not."""

    def look() -> dict[str, Any] | None:
        asked = athena.get_query_execution(QueryExecutionId=execution)
        status: dict[str, Any] = asked["QueryExecution"]["Status"]
        return None if status["State"] in ("QUEUED", "RUNNING") else status

    status = poll(look, _ATHENA_PATIENCE_SECONDS)
    if status is None:
        return f"no end in {_ATHENA_PATIENCE_SECONDS:.0f} s"
    is_good = status["State"] == "SUCCEEDED"
    return "" if is_good else str(status.get("StateChangeReason", status["State"]))


def verify_alarms(outputs: dict[str, Any], sns: Any) -> Iterator[Verdict]:
    """See that somebody is told of alarms.

    Args:
        outputs: Terraform's.
        sns: Client of SNS.
    """
    topic = outputs["alarm_topic_arn"]
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    # What was unsubscribed is listed for a while, as `Deleted`.
    all_of_them = [
        each
        for page in pages
        for each in page["Subscriptions"]
        if each["SubscriptionArn"] == _PENDING or _is_confirmed(each)
    ]
    pending = [each for each in all_of_them if each["SubscriptionArn"] == _PENDING]
    what = "somebody is told of alarms"
    for each in pending:
        found = f"{each['Endpoint']} has not confirmed: follow the link in AWS's mail to it"
        yield Verdict(what, found, holds=False)
    if not all_of_them:
        found = "nobody: set alarm_email and deploy, or subscribe to the topic"
        yield Verdict(what, found, holds=False)
    elif confirmed := [each["Endpoint"] for each in all_of_them if _is_confirmed(each)]:
        yield Verdict(what, ", ".join(confirmed), holds=True)


def _is_confirmed(subscription: dict[str, Any]) -> bool:
    return str(subscription["SubscriptionArn"]).startswith("arn:")


def verify_worker(outputs: dict[str, Any], ecs: Any) -> Iterator[Verdict]:
    """See that the worker's service runs; a push pool has none.

    Args:
        outputs: Terraform's.
        ecs: Client of ECS.
    """
    name = outputs.get("worker_service_name")
    if name is None:
        return
    services = ecs.describe_services(cluster=outputs["cluster_arn"], services=[name])["services"]
    if not services:
        yield Verdict("the worker", f"there is no service {name}: deploy again", holds=False)
        return
    service = services[0]
    wanted, running = service["desiredCount"], service["runningCount"]
    found, holds = f"{running} of {wanted} running", running >= wanted > 0
    if not wanted:
        found = f"{found}: somebody has stopped the service {name}; deploy again"
    elif not holds:
        events = [each["message"] for each in service.get("events", [])[:1]]
        found = "; ".join([found, *events, f"its log group is /ecs/{name}"])
    yield Verdict("the worker", found, holds=holds)
