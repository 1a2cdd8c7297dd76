# What the Spark jobs do: read raw sessions, write refined ones, log.
data "aws_iam_policy_document" "glue" {
  statement {
    sid       = "ListLake"
    actions   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [var.lake_bucket_arn]
  }

  statement {
    sid       = "ReadScriptsAndSessions"
    actions   = ["s3:GetObject"]
    resources = [for zone in ["jobs", "raw"] : "${var.lake_bucket_arn}/${zone}/*"]
  }

  # Spark writes below a temporary prefix, moves, and deletes: the commit of a file needs all of these.
  statement {
    sid = "WriteRefined"
    actions = [
      "s3:GetObject",
      "s3:PutObject",
      "s3:DeleteObject",
      "s3:AbortMultipartUpload",
      "s3:ListMultipartUploadParts",
    ]
    # Glue's file system marks a directory by an object beside it.
    resources = ["${var.lake_bucket_arn}/refined/*", "${var.lake_bucket_arn}/refined_$folder$"]
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn_prefix.logs}:log-group:/aws-glue/*"]
  }

  statement {
    sid       = "ReportMetrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["Glue"]
    }
  }
}

resource "aws_iam_role" "glue" {
  name               = "${var.name}-glue"
  description        = "Glue jobs of ${var.name} run as it."
  assume_role_policy = data.aws_iam_policy_document.assumed_by_glue.json
}

resource "aws_iam_role_policy" "glue" {
  name   = "glue"
  role   = aws_iam_role.glue.id
  policy = data.aws_iam_policy_document.glue.json
}
