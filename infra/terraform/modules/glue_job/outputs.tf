output "name" {
  description = "Name of the job."
  value       = aws_glue_job.this.name
}

output "log_group_names" {
  description = "Names of the log groups that the runs write to."
  value       = sort([for group in aws_cloudwatch_log_group.this : group.name])
}
