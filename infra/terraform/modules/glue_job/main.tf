locals {
  # Glue writes Spark's own log and the script's prints to two groups below the prefix.
  log_group_prefix = "/aws-glue/${var.name}"
}

resource "aws_s3_object" "script" {
  bucket      = var.bucket_name
  key         = "jobs/${basename(var.script_path)}"
  source      = var.script_path
  source_hash = filesha256(var.script_path)
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts at rest with its own key; the logs hold public market data.
  # checkov:skip=CKV_AWS_338: What a run did is in its outcome; its log serves for weeks, not for a year.
  for_each = toset(["error", "output"])

  name              = "${local.log_group_prefix}/${each.key}"
  retention_in_days = var.log_retention_days
}

resource "aws_glue_job" "this" {
  # checkov:skip=CKV_AWS_195: The buckets encrypt what is written; a security configuration adds a customer key and no more.
  name              = var.name
  description       = "Executes a plan: refines the months that it names, by the statements that it carries."
  role_arn          = var.role_arn
  glue_version      = "5.1"
  worker_type       = "G.1X"
  number_of_workers = var.worker_count
  # The flow gives each run its own, by what its plan takes.
  timeout = var.timeout_minutes
  # A failed run is looked at by the flow that started it, which knows whether to start another.
  max_retries     = 0
  execution_class = "STANDARD"

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = "s3://${var.bucket_name}/${aws_s3_object.script.key}"
  }

  # No two starts write to one place, so a long backfill need not hold the day's run up.
  execution_property {
    max_concurrent_runs = 5
  }

  # The flow adds the plan and the token to recognise the run by.
  default_arguments = {
    "--custom-logGroup-prefix" = local.log_group_prefix
    "--job-bookmark-option"    = "job-bookmark-disable"
    "--job-language"           = "python"
  }

  depends_on = [aws_cloudwatch_log_group.this]
}
