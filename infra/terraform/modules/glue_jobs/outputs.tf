output "names" {
  description = "Names of the jobs, by their key."
  value       = { for key, job in aws_glue_job.this : key => job.name }
}

output "log_group_names" {
  description = "Names of the log groups that the runs write to."
  value       = sort([for group in aws_cloudwatch_log_group.this : group.name])
}
