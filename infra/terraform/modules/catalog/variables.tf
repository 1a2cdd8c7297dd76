variable "database" {
  description = "Name of the Glue database. Athena wants quotes around a hyphen, so there is none."
  type        = string
  nullable    = false
}

variable "bucket_name" {
  description = "Name of the lake's bucket, where the tables lie."
  type        = string
  nullable    = false
}

variable "tables" {
  description = "The tables: where the catalog says that each lies in the bucket, its columns and its partition keys, in order."
  type = list(object({
    name           = string
    description    = string
    location       = string
    columns        = list(object({ name = string, type = string, comment = string }))
    partition_keys = list(object({ name = string, type = string, comment = string }))
  }))
  nullable = false

  validation {
    condition     = length(distinct(var.tables[*].name)) == length(var.tables)
    error_message = "Two tables have the same name."
  }

  validation {
    condition     = alltrue([for table in var.tables : endswith(table.location, "/")])
    error_message = "A table's location ends with a slash."
  }

  validation {
    # Glue cuts nothing off: it refuses the whole table.
    condition = alltrue([
      for column in flatten([for table in var.tables : concat(table.columns, table.partition_keys)]) :
      length(column.comment) <= 255
    ])
    error_message = "A column's comment has at most 255 characters."
  }
}
