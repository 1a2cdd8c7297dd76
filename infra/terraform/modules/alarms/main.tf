locals {
  # By way of this a plan can write the policy out; by the resource itself it never does.
  topic_arn = aws_sns_topic.this.arn
}

resource "aws_sns_topic" "this" {
  # checkov:skip=CKV_AWS_26: AWS's own key lets neither alarms nor rules publish; the messages name jobs and queues only.
  name = "${var.name}-alarms"
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "AlarmsPublish"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }

  # EventBridge publishes without saying for whom: with a condition here nothing would arrive.
  statement {
    sid       = "RulesPublish"
    actions   = ["sns:Publish"]
    resources = [local.topic_arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }
}

resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = data.aws_iam_policy_document.topic.json
}

resource "aws_sns_topic_subscription" "email" {
  count = var.email == null ? 0 : 1

  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = var.email
}

# Each task reports its CPU once a minute, so the number of samples is the number of tasks.
resource "aws_cloudwatch_metric_alarm" "worker_not_running" {
  count = var.worker == null ? 0 : 1

  alarm_name          = "${var.name}-worker-not-running"
  alarm_description   = "No Prefect worker has run for five minutes: scheduled runs stay Late. Look at the service's events and log."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "SampleCount"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]

  dimensions = {
    ClusterName = var.worker.cluster_name
    ServiceName = var.worker.service_name
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  count = var.dead_letter_queue_name == null ? 0 : 1

  alarm_name          = "${var.name}-dead-letters"
  alarm_description   = "The worker failed three times on a task's state change: a run may stay Running for ever. Read the message and the worker's log."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]

  dimensions = { QueueName = var.dead_letter_queue_name }
}

# Glue's metrics count Spark's tasks, which are tried again; its events tell how the run ended.
resource "aws_cloudwatch_event_rule" "glue_failures" {
  name        = "${var.name}-glue-failures"
  description = "Runs of the Glue job that did not succeed."

  event_pattern = jsonencode({
    source        = ["aws.glue"]
    "detail-type" = ["Glue Job State Change"]
    detail        = { jobName = [var.glue_job_name], state = ["FAILED", "TIMEOUT", "ERROR"] }
  })
}

resource "aws_cloudwatch_event_target" "glue_failures" {
  rule      = aws_cloudwatch_event_rule.glue_failures.name
  target_id = "alarms"
  arn       = aws_sns_topic.this.arn

  input_transformer {
    input_paths = {
      job     = "$.detail.jobName"
      run     = "$.detail.jobRunId"
      state   = "$.detail.state"
      message = "$.detail.message"
    }
    input_template = "\"Glue job <job> ended <state> (run <run>): <message>\""
  }

  depends_on = [aws_sns_topic_policy.this]
}
