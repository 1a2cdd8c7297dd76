# What a flow run does: keep sessions, plan, have Glue refine, read what it wrote to audit it, publish,
# and write the reports of what is published.
# It asks Athena nothing: queries are people's.
data "aws_iam_policy_document" "flow_run" {
  statement {
    sid       = "ListLake"
    actions   = ["s3:ListBucket"]
    resources = [var.lake_bucket_arn]
  }

  statement {
    sid       = "ReadLake"
    actions   = ["s3:GetObject"]
    resources = [for zone in ["inbox", "landing", "raw", "refined", "runs", "published", "reports"] : "${var.lake_bucket_arn}/${zone}/*"]
  }

  statement {
    sid       = "KeepSessions"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload"]
    resources = [for zone in ["landing", "raw"] : "${var.lake_bucket_arn}/${zone}/*"]
  }

  # Plans and marks, and commits; the bucket lets a commit be written once.
  statement {
    sid       = "PlanAndPublish"
    actions   = ["s3:PutObject"]
    resources = [for zone in ["runs", "published"] : "${var.lake_bucket_arn}/${zone}/*"]
  }

  # Pages are replaced whole; reading says what one was made of.
  statement {
    sid       = "WriteReports"
    actions   = ["s3:PutObject"]
    resources = ["${var.lake_bucket_arn}/reports/*"]
  }

  statement {
    sid       = "VacuumUnpublishedAttempts"
    actions   = ["s3:DeleteObject"]
    resources = ["${var.lake_bucket_arn}/refined/*"]
  }

  statement {
    sid = "RunGlueJob"
    actions = [
      "glue:StartJobRun",
      "glue:GetJobRun",
      "glue:GetJobRuns",
      "glue:BatchStopJobRun",
      "glue:GetJob", # where a failed run's log is
    ]
    resources = ["${local.arn_prefix.glue}:job/${var.glue_job_name}"]
  }

  statement {
    sid = "ReadAndPublishPartitions"
    actions = [
      "glue:GetTable",
      "glue:GetPartition",
      "glue:GetPartitions",
      "glue:CreatePartition",
      "glue:BatchCreatePartition",
      "glue:UpdatePartition",
    ]
    resources = local.catalog_arns
  }
}

resource "aws_iam_role" "flow_run" {
  name               = "${var.name}-flow-run"
  description        = "Flow runs of ${var.name} act as it."
  assume_role_policy = data.aws_iam_policy_document.assumed_by_ecs.json
}

resource "aws_iam_role_policy" "flow_run" {
  name   = "flow-run"
  role   = aws_iam_role.flow_run.id
  policy = data.aws_iam_policy_document.flow_run.json
}
