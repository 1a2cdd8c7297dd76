data "aws_partition" "current" {}

locals {
  has_worker    = var.work_pool_type == "ecs"
  has_submitter = var.work_pool_type == "ecs:push"

  arn_prefix = { for service in ["ecs", "glue", "logs"] :
    service => "arn:${data.aws_partition.current.partition}:${service}:${var.region}:${var.account_id}"
  }

  catalog_arns = [
    "${local.arn_prefix.glue}:catalog",
    "${local.arn_prefix.glue}:database/${var.database}",
    "${local.arn_prefix.glue}:table/${var.database}/*",
  ]
}

# Only this account's tasks may take on the roles, not another's through the same service.
data "aws_iam_policy_document" "assumed_by_ecs" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }
}

data "aws_iam_policy_document" "assumed_by_glue" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["glue.amazonaws.com"]
    }
  }
}
