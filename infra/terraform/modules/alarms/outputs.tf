output "topic_arn" {
  description = "ARN of the topic that alarms are sent to."
  value       = aws_sns_topic.this.arn
}

output "alarm_names" {
  description = "Names of the alarms."
  value = concat(
    aws_cloudwatch_metric_alarm.worker_not_running[*].alarm_name,
    aws_cloudwatch_metric_alarm.dead_letters[*].alarm_name,
  )
}
