output "execution_role_arn" {
  description = "ARN of the role that ECS starts containers with."
  value       = aws_iam_role.execution.arn
}

output "flow_run_role_arn" {
  description = "ARN of the role that flow runs act as."
  value       = aws_iam_role.flow_run.arn
}

output "glue_role_arn" {
  description = "ARN of the role that the Glue job runs as."
  value       = aws_iam_role.glue.arn
}

output "worker_role_arn" {
  description = "ARN of the role that the worker acts as; null without a worker."
  value       = one(aws_iam_role.worker[*].arn)
}

output "analyst_role_arn" {
  description = "ARN of the role for people who only query."
  value       = aws_iam_role.analyst.arn
}

output "submitter_user_name" {
  description = "Name of the user that Prefect Cloud acts as; null with a worker."
  value       = one(aws_iam_user.submitter[*].name)
}
