output "service_name" {
  description = "Name of the service."
  value       = aws_ecs_service.this.name
}

output "log_group_name" {
  description = "Name of the worker's log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "secret_variables" {
  description = "Environment variables that the worker receives from secrets."
  value       = toset(keys(var.secrets))
}
