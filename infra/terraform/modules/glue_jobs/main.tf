locals {
  job_names = { for key, job in var.jobs : key => "${var.name}-${key}" }

  # Glue writes Spark's own log and the script's prints to two groups below the prefix.
  log_groups = {
    for pair in setproduct(keys(var.jobs), ["error", "output"]) :
    "${pair[0]}-${pair[1]}" => "/aws-glue/${local.job_names[pair[0]]}/${pair[1]}"
  }
}

resource "aws_s3_object" "script" {
  for_each = var.jobs

  bucket      = var.bucket_name
  key         = "jobs/${basename(each.value.script_path)}"
  source      = each.value.script_path
  source_hash = filesha256(each.value.script_path)
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts at rest with its own key; the logs hold public market data.
  # checkov:skip=CKV_AWS_338: What a run did is in its published partitions; its log serves for weeks, not for a year.
  for_each = local.log_groups

  name              = each.value
  retention_in_days = var.log_retention_days
}

resource "aws_glue_job" "this" {
  # checkov:skip=CKV_AWS_195: The buckets encrypt what is written; a security configuration adds a customer key and no more.
  for_each = var.jobs

  name              = local.job_names[each.key]
  description       = each.value.description
  role_arn          = var.role_arn
  glue_version      = "5.1"
  worker_type       = "G.1X"
  number_of_workers = var.worker_count
  timeout           = each.value.timeout_minutes
  # A failed run is looked at by the flow that started it, which knows whether to start another.
  max_retries     = 0
  execution_class = "STANDARD"

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = "s3://${var.bucket_name}/${aws_s3_object.script[each.key].key}"
  }

  execution_property {
    max_concurrent_runs = 1
  }

  default_arguments = {
    "--custom-logGroup-prefix" = "/aws-glue/${local.job_names[each.key]}"
    "--enable-metrics"         = "true"
    "--job-bookmark-option"    = "job-bookmark-disable"
    "--job-language"           = "python"
    "--lake"                   = "s3://${var.bucket_name}"
  }

  depends_on = [aws_cloudwatch_log_group.this]
}
