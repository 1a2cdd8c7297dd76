# Plans made without an account: the real provider, which writes every policy out, and in place
# of what AWS would answer the values below. Of the ARNs that AWS makes up, these stand for all.

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "nobody"
  secret_key                  = "nobody"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  prefect_api_url    = "https://api.prefect.cloud/api/accounts/00000000-0000-0000-0000-000000000000/workspaces/00000000-0000-0000-0000-000000000000"
  prefect_credential = "pnu_example"
  image_tag          = "0123abc"
  alarm_email        = "team@example.com"
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = module.network.data.aws_availability_zones.this
  values = { names = ["us-east-1a", "us-east-1b", "us-east-1c"] }
}

override_resource {
  target          = module.lake_bucket.aws_s3_bucket.this
  override_during = plan
  values          = { id = "lake", arn = "arn:aws:s3:::lake" }
}

override_resource {
  target          = module.results_bucket.aws_s3_bucket.this
  override_during = plan
  values          = { id = "results", arn = "arn:aws:s3:::results" }
}

override_resource {
  target          = module.registry.aws_ecr_repository.this
  override_during = plan
  values = {
    arn            = "arn:aws:ecr:us-east-1:123456789012:repository/b3-pipeline"
    repository_url = "123456789012.dkr.ecr.us-east-1.amazonaws.com/b3-pipeline"
  }
}

override_resource {
  target          = module.cluster.aws_ecs_cluster.this
  override_during = plan
  values          = { arn = "arn:aws:ecs:us-east-1:123456789012:cluster/b3-pipeline" }
}

override_resource {
  target          = module.cluster.aws_cloudwatch_log_group.flow_runs
  override_during = plan
  values          = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:/ecs/b3-pipeline/flow-runs" }
}

override_resource {
  target          = module.secret[0].aws_secretsmanager_secret.this
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:b3-pipeline/prefect" }
}

override_resource {
  target          = module.events[0].aws_sqs_queue.this
  override_during = plan
  values = {
    id  = "https://sqs.us-east-1.amazonaws.com/123456789012/b3-pipeline-task-events"
    arn = "arn:aws:sqs:us-east-1:123456789012:b3-pipeline-task-events"
  }
}

override_resource {
  target          = module.events[0].aws_sqs_queue.dead_letter
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-east-1:123456789012:b3-pipeline-task-events-dead" }
}

override_resource {
  target          = module.events[0].aws_cloudwatch_event_rule.this
  override_during = plan
  values          = { arn = "arn:aws:events:us-east-1:123456789012:rule/b3-pipeline-task-events" }
}

override_resource {
  target          = module.alarms.aws_sns_topic.this
  override_during = plan
  values          = { arn = "arn:aws:sns:us-east-1:123456789012:b3-pipeline-alarms" }
}

override_resource {
  target          = module.roles[0].aws_iam_role.execution
  override_during = plan
  values          = { id = "execution", arn = "arn:aws:iam::123456789012:role/execution" }
}

override_resource {
  target          = module.roles[0].aws_iam_role.flow_run
  override_during = plan
  values          = { id = "flow-run", arn = "arn:aws:iam::123456789012:role/flow-run" }
}

override_resource {
  target          = module.roles[0].aws_iam_role.glue
  override_during = plan
  values          = { id = "glue", arn = "arn:aws:iam::123456789012:role/glue" }
}

override_resource {
  target          = module.roles[0].aws_iam_role.analyst
  override_during = plan
  values          = { id = "analyst", arn = "arn:aws:iam::123456789012:role/analyst" }
}

override_resource {
  target          = module.roles[0].aws_iam_role.worker
  override_during = plan
  values          = { id = "worker", arn = "arn:aws:iam::123456789012:role/worker" }
}

run "worker" {
  command = plan
}

run "push" {
  command = plan

  variables {
    work_pool_type = "ecs:push"
  }
}

run "local" {
  command = plan

  variables {
    local_cloud = true
  }
}

run "let_go" {
  command = plan

  variables {
    force_destroy = true
  }
}

run "lake_too" {
  command = plan

  variables {
    delete_lake = true
  }
}
