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

variable "noncurrent_prefixes" {
  description = "Where old versions end after `noncurrent_version_days`; by default everywhere. A rule of S3 knows no exceptions: what is not named keeps them for ever."
  type        = set(string)
  default     = [""]
  nullable    = false
}

variable "write_once_prefixes" {
  description = "Prefixes under which nobody replaces or deletes an object."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for pair in setproduct(
        var.write_once_prefixes,
        concat(tolist(var.noncurrent_prefixes), [for rule in var.lifecycle_rules : rule.prefix if rule.expiration_days != null]),
      ) : !startswith(pair[0], pair[1]) && !startswith(pair[1], pair[0])
    ])
    error_message = "A lifecycle rule would take away what is written once: ${join(", ", var.write_once_prefixes)}."
  }
}

variable "enforce_conditions" {
  description = "Whether the policy says what hangs on a request's conditions: TLS, and If-None-Match under `write_once_prefixes`. The cloud on one machine knows no conditions."
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
