variable "name" {
  description = "Name of the bucket, unique in the world."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket's name is 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "lifecycle_rules" {
  description = "Rules beside the one that every bucket has; a null in a rule leaves that part out."
  type = list(object({
    id                     = string
    prefix                 = string
    expiration_days        = optional(number)
    transition_days        = optional(number)
    transition_destination = optional(string, "GLACIER_IR")
  }))
  default  = []
  nullable = false
}

variable "noncurrent_version_days" {
  description = "Days for which a replaced or deleted object can still be had back."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.noncurrent_version_days >= 1
    error_message = "Old versions are kept for at least one day."
  }
}

variable "enforce_tls" {
  description = "Whether requests that are not encrypted in transit are refused."
  type        = bool
  default     = true
  nullable    = false
}

variable "force_destroy" {
  description = "Whether `destroy` deletes the bucket with everything in it."
  type        = bool
  default     = false
  nullable    = false
}
