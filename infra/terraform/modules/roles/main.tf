data "aws_partition" "current" {}

locals {
  has_worker    = var.work_pool_type == "ecs"
  has_submitter = var.work_pool_type == "ecs:push"

  arn_prefix = { for service in ["athena", "ecs", "glue", "logs"] :
    service => "arn:${data.aws_partition.current.partition}:${service}:${var.region}:${var.account_id}"
  }

  # By way of these a plan can write the policies out; by the resources themselves it never does.
  task_role_arns = [aws_iam_role.execution.arn, aws_iam_role.flow_run.arn]

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
