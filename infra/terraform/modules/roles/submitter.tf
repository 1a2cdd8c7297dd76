# What starts flow runs does: the worker in its role, or Prefect Cloud as a user, both with these rights.
data "aws_iam_policy_document" "submit" {
  statement {
    sid       = "RegisterTaskDefinitions"
    actions   = ["ecs:RegisterTaskDefinition"]
    resources = ["${local.arn_prefix.ecs}:task-definition/${var.task_family_prefix}*:*"]
  }

  # AWS knows no narrower resource for these.
  statement {
    sid = "LookAround"
    actions = [
      "ecs:DescribeTaskDefinition",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcs",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "RunTasks"
    actions   = ["ecs:RunTask"]
    resources = ["${local.arn_prefix.ecs}:task-definition/${var.task_family_prefix}*:*"]

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = ["${local.arn_prefix.ecs}:cluster/${var.cluster_name}"]
    }
  }

  statement {
    sid       = "WatchAndStopTasks"
    actions   = ["ecs:DescribeTasks", "ecs:StopTask"]
    resources = ["${local.arn_prefix.ecs}:task/${var.cluster_name}/*"]
  }

  statement {
    sid     = "TagWhatItStarts"
    actions = ["ecs:TagResource"]
    resources = [
      "${local.arn_prefix.ecs}:task/${var.cluster_name}/*",
      "${local.arn_prefix.ecs}:task-definition/${var.task_family_prefix}*:*",
    ]

    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RunTask", "RegisterTaskDefinition"]
    }
  }

  statement {
    sid       = "HandRolesToTasks"
    actions   = ["iam:PassRole"]
    resources = local.task_role_arns

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }

  # The log of a run that died before it reached Prefect's API.
  statement {
    sid       = "ReadFlowRunLogs"
    actions   = ["logs:GetLogEvents"]
    resources = ["${var.flow_run_log_group_arn}:log-stream:*"]
  }
}

resource "aws_iam_user" "submitter" {
  # checkov:skip=CKV_AWS_273: Prefect Cloud signs its calls with an access key, which only a user has; it is made outside Terraform's state.
  count = local.has_submitter ? 1 : 0

  name = "${var.name}-prefect-cloud"
}

resource "aws_iam_user_policy" "submitter" {
  # checkov:skip=CKV_AWS_40: One user, one policy: a group would hide what it may do.
  count = local.has_submitter ? 1 : 0

  name   = "submit"
  user   = aws_iam_user.submitter[0].name
  policy = data.aws_iam_policy_document.submit.json
}
