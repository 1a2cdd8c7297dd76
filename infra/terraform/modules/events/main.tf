locals {
  # By way of these a plan can write the policy out; by the resources themselves it never does.
  queue_arn = aws_sqs_queue.this.arn
  rule_arn  = aws_cloudwatch_event_rule.this.arn
}

resource "aws_sqs_queue" "dead_letter" {
  name                      = "${var.name}-task-events-dead"
  message_retention_seconds = 14 * 24 * 60 * 60
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "this" {
  name                      = "${var.name}-task-events"
  message_retention_seconds = 7 * 24 * 60 * 60
  sqs_managed_sse_enabled   = true
  # The worker's observer holds a message this long while it reports the task's end to Prefect.
  visibility_timeout_seconds = 300

  lifecycle {
    # A resource of its own, below: the queues are made side by side.
    ignore_changes = [redrive_policy]
  }
}

resource "aws_sqs_queue_redrive_policy" "this" {
  queue_url = aws_sqs_queue.this.id

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = 3
  })
}

# ECS puts the task's ARN into `resources`; only the detail names the cluster.
resource "aws_cloudwatch_event_rule" "this" {
  name        = "${var.name}-task-events"
  description = "State changes of the cluster's tasks, for the worker to see a container's end."

  event_pattern = jsonencode({
    source        = ["aws.ecs"]
    "detail-type" = ["ECS Task State Change"]
    detail        = { clusterArn = [var.cluster_arn] }
  })
}

resource "aws_cloudwatch_event_target" "this" {
  rule      = aws_cloudwatch_event_rule.this.name
  target_id = "observer-queue"
  arn       = aws_sqs_queue.this.arn

  depends_on = [aws_sqs_queue_policy.this]
}

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "RuleSendsEvents"
    actions   = ["sqs:SendMessage"]
    resources = [local.queue_arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [local.rule_arn]
    }
  }
}

resource "aws_sqs_queue_policy" "this" {
  queue_url = aws_sqs_queue.this.id
  policy    = data.aws_iam_policy_document.this.json

  # One change of a queue's attributes at a time.
  depends_on = [aws_sqs_queue_redrive_policy.this]
}
