variable "name" {
  description = "Name of the cluster."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days for which the flow runs' logs are kept."
  type        = number
  nullable    = false
}
