# The worker starts flow runs, and its observer reads how their tasks end.
data "aws_iam_policy_document" "worker" {
  count = local.has_worker ? 1 : 0

  source_policy_documents = [data.aws_iam_policy_document.submit.json]

  statement {
    sid = "ReadTaskEvents"
    actions = [
      "sqs:GetQueueUrl",
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:ChangeMessageVisibility",
    ]
    resources = var.queue_arns
  }
}

resource "aws_iam_role" "worker" {
  count = local.has_worker ? 1 : 0

  name               = "${var.name}-worker"
  description        = "The Prefect worker of ${var.name} acts as it."
  assume_role_policy = data.aws_iam_policy_document.assumed_by_ecs.json
}

resource "aws_iam_role_policy" "worker" {
  count = local.has_worker ? 1 : 0

  name   = "worker"
  role   = aws_iam_role.worker[0].id
  policy = data.aws_iam_policy_document.worker[0].json
}
