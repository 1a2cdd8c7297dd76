output "database" {
  description = "Name of the Glue database."
  value       = aws_glue_catalog_database.this.name
}

output "table_names" {
  description = "Names of the tables."
  value       = sort([for table in aws_glue_catalog_table.this : table.name])
}
