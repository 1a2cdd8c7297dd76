output "name" {
  description = "Name of the cluster."
  value       = aws_ecs_cluster.this.name
}

output "arn" {
  description = "ARN of the cluster."
  value       = aws_ecs_cluster.this.arn
}

output "log_group_name" {
  description = "Name of the flow runs' log group."
  value       = aws_cloudwatch_log_group.flow_runs.name
}

output "log_group_arn" {
  description = "ARN of the flow runs' log group."
  value       = aws_cloudwatch_log_group.flow_runs.arn
}
