# What the Spark job does: read its plan and raw sessions, write refined ones, say what came of it, log.
data "aws_iam_policy_document" "glue" {
  statement {
    sid       = "ListLake"
    actions   = ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"]
    resources = [var.lake_bucket_arn]
  }

  statement {
    sid       = "ReadScriptPlansAndSessions"
    actions   = ["s3:GetObject"]
    resources = [for zone in ["jobs", "raw", "runs"] : "${var.lake_bucket_arn}/${zone}/*"]
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
    resources = ["${var.lake_bucket_arn}/refined/*"]
  }

  statement {
    sid       = "WriteOutcomes"
    actions   = ["s3:PutObject"]
    resources = ["${var.lake_bucket_arn}/runs/*/outcome.json"]
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn_prefix.logs}:log-group:/aws-glue/*"]
  }
}

resource "aws_iam_role" "glue" {
  name               = "${var.name}-glue"
  description        = "The Glue job of ${var.name} runs as it."
  assume_role_policy = data.aws_iam_policy_document.assumed_by_glue.json
}

resource "aws_iam_role_policy" "glue" {
  name   = "glue"
  role   = aws_iam_role.glue.id
  policy = data.aws_iam_policy_document.glue.json
}
