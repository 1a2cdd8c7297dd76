resource "aws_ecs_cluster" "this" {
  # checkov:skip=CKV_AWS_65: Container Insights would cost more than the tasks; the alarms read the metrics that are free.
  name = var.name

  setting {
    name  = "containerInsights"
    value = "disabled"
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }
}

resource "aws_cloudwatch_log_group" "flow_runs" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts at rest with its own key; the logs hold public market data.
  # checkov:skip=CKV_AWS_338: Prefect keeps a run's log as well; this one serves for weeks, when a container died.
  name              = "/ecs/${var.name}/flow-runs"
  retention_in_days = var.log_retention_days
}
