variable "name" {
  description = "Name of the workgroup."
  type        = string
  nullable    = false
}

variable "database" {
  description = "Glue database that the named queries run in."
  type        = string
  nullable    = false
}

variable "results_bucket_name" {
  description = "Name of the bucket that results are written to."
  type        = string
  nullable    = false
}

variable "bytes_scanned_cutoff" {
  description = "Bytes after which a query is cancelled."
  type        = number
  nullable    = false
}

variable "queries_document" {
  description = "Text of a Markdown page whose ```sql blocks become named queries, called by the heading above."
  type        = string
  default     = ""
  nullable    = false
}

variable "force_destroy" {
  description = "Whether `destroy` deletes the workgroup with its history and queries."
  type        = bool
  default     = false
  nullable    = false
}
