locals {
  # The only place that the container may write to; `VOLUME` in the Dockerfile gives it to its user.
  scratch_path = "/tmp"

  environment = {
    AWS_DEFAULT_REGION                                     = var.region
    PREFECT_API_URL                                        = var.prefect_api_url
    PREFECT_HOME                                           = "${local.scratch_path}/prefect"
    PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_NAME   = var.queue_name
    PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_REGION = var.region
    # At INFO, the worker writes into the log of each run how it starts it; a run tells its own story.
    PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL = "WARNING"
  }

  health_check = "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health', timeout=5)"

  container = {
    name                   = "worker"
    image                  = var.image
    essential              = true
    command                = ["prefect", "worker", "start", "--type", "ecs", "--pool", var.work_pool_name, "--name", var.name, "--with-healthcheck"]
    readonlyRootFilesystem = true
    environment            = [for name, value in local.environment : { name = name, value = value }]
    secrets                = [for name, arn in var.secrets : { name = name, valueFrom = arn }]
    mountPoints            = [{ sourceVolume = "scratch", containerPath = local.scratch_path, readOnly = false }]
    # A signal reaches Python only if the container's first process is an init.
    linuxParameters = { initProcessEnabled = true }
    stopTimeout     = 120

    healthCheck = {
      command     = ["CMD", "python", "-c", local.health_check]
      interval    = 30
      timeout     = 10
      retries     = 3
      startPeriod = 60
    }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.this.name
        "awslogs-region"        = var.region
        "awslogs-stream-prefix" = "worker"
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts at rest with its own key; the log names runs and no data.
  # checkov:skip=CKV_AWS_338: A worker's log serves to find out why a run did not start, within weeks.
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = var.execution_role_arn
  task_role_arn            = var.task_role_arn
  container_definitions    = jsonencode([local.container])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  volume {
    name = "scratch"
  }
}

resource "aws_ecs_service" "this" {
  name            = var.name
  cluster         = var.cluster_name
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = 1
  launch_type     = "FARGATE"
  propagate_tags  = "SERVICE"

  # ECS reads a secret when a task starts, and never again: another credential takes another task.
  force_new_deployment = true
  triggers             = { credential = var.credential_version }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    # checkov:skip=CKV_AWS_333: In public subnets the address stands in for a NAT gateway; no rule lets anything in.
    subnets          = var.subnet_ids
    security_groups  = [var.security_group_id]
    assign_public_ip = var.assign_public_ip
  }

  lifecycle {
    # One task has no zones to be balanced over, and not every ECS reports the setting.
    ignore_changes = [availability_zone_rebalancing]
  }
}
