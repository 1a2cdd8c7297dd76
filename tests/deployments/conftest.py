import pytest

from deployments.settings import as_environment

OUTPUTS: dict[str, object] = {
    "account_id": "123456789012",
    "region": "us-east-1",
    "lake_bucket": "lake",
    "flow_environment": {"AWS_DEFAULT_REGION": "us-east-1", "B3_LAKE_BUCKET": "lake"},
    "repository_url": "123456789012.dkr.ecr.us-east-1.amazonaws.com/b3-pipeline",
    "image_tag": None,
    "work_pool_name": "b3-pipeline",
    "work_pool_type": "ecs",
    "prefect_auth": "api_key",
    "prefect_secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:prefect-x",
    "cpu_architecture": "ARM64",
    "cluster_arn": "arn:aws:ecs:us-east-1:123456789012:cluster/b3-pipeline",
    "task_family_prefix": "b3-pipeline-flow",
    "execution_role_arn": "arn:aws:iam::123456789012:role/execution",
    "flow_run_role_arn": "arn:aws:iam::123456789012:role/flow-run",
    "vpc_id": "vpc-1",
    "subnet_ids": ["subnet-1", "subnet-2"],
    "security_group_id": "sg-1",
    "assign_public_ip": True,
    "flow_run_log_group": "/ecs/b3-pipeline/flow-runs",
}


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Terraform's outputs, which are in the environment too."""
    for name, value in as_environment(OUTPUTS).items():
        monkeypatch.setenv(name, value)
    return dict(OUTPUTS)
