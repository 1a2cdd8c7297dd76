output "workgroup" {
  description = "Name of the workgroup."
  value       = aws_athena_workgroup.this.name
}

output "query_names" {
  description = "Names of the named queries."
  value       = sort(keys(aws_athena_named_query.this))
}
