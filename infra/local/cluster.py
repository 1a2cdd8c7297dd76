"""What the local cloud holds for the platform: network, ECS cluster, and the queue of task events.

It has the form that Terraform gives the real one, and is described by outputs of the same names.
"""

import json
from typing import Any

import boto3

from infra.local.aws import REGION

_NAME = "b3-pipeline"
_ACCOUNT = "123456789012"
_CIDR = "10.83.0.0/20"
_EVENTS = f"{_NAME}-task-events"


def set_up_cluster(connection: dict[str, str], flow_environment: dict[str, str]) -> dict[str, Any]:
    """Create the cluster with all that its tasks need; nothing of it outlives the local cloud.

    Args:
        connection: The arguments of `boto3.client`: endpoint and credentials.
        flow_environment: The flows' settings.

    Returns:
        The outputs of infra/terraform that the Prefect side reads.
    """
    clients: Any = boto3
    ecs = clients.client("ecs", **connection)
    cluster_arn = ecs.create_cluster(clusterName=_NAME)["cluster"]["clusterArn"]
    log_group = f"/ecs/{_NAME}/flow-runs"
    clients.client("logs", **connection).create_log_group(logGroupName=log_group)
    _set_up_events(clients, connection, cluster_arn)
    return {
        "account_id": _ACCOUNT,
        "region": REGION,
        "lake_bucket": flow_environment["B3_LAKE_BUCKET"],
        "flow_environment": flow_environment,
        "work_pool_name": _NAME,
        "work_pool_type": "ecs",
        "prefect_auth": "none",
        "cpu_architecture": "ARM64",
        "cluster_arn": cluster_arn,
        "task_family_prefix": f"{_NAME}-flow",
        "execution_role_arn": f"arn:aws:iam::{_ACCOUNT}:role/{_NAME}-execution",
        "flow_run_role_arn": f"arn:aws:iam::{_ACCOUNT}:role/{_NAME}-flow-run",
        "flow_run_log_group": log_group,
        "queue_name": _EVENTS,
        **_set_up_network(clients.client("ec2", **connection)),
    }


def _set_up_network(ec2: Any) -> dict[str, Any]:
    vpc_id = ec2.create_vpc(CidrBlock=_CIDR)["Vpc"]["VpcId"]
    # A task's network interface has a name only in a VPC that gives names.
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc_id, CidrBlock=_CIDR)["Subnet"]
    group = ec2.create_security_group(
        GroupName=f"{_NAME}-tasks", Description="Flow runs.", VpcId=vpc_id
    )
    return {
        "vpc_id": vpc_id,
        "subnet_ids": [subnet["SubnetId"]],
        "security_group_id": group["GroupId"],
        "assign_public_ip": True,
    }


def _set_up_events(clients: Any, connection: dict[str, str], cluster_arn: str) -> None:
    sqs, events = clients.client("sqs", **connection), clients.client("events", **connection)
    url = sqs.create_queue(QueueName=_EVENTS)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    pattern = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {"clusterArn": [cluster_arn]},
    }
    events.put_rule(Name=_EVENTS, EventPattern=json.dumps(pattern))
    target = {"Id": "observer-queue", "Arn": queue["Attributes"]["QueueArn"]}
    events.put_targets(Rule=_EVENTS, Targets=[target])
