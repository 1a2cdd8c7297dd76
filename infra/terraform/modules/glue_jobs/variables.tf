variable "name" {
  description = "Prefix of the jobs' names."
  type        = string
  nullable    = false
}

variable "jobs" {
  description = "The jobs by name: the script's path on this machine, and how long a run may take."
  type = map(object({
    description     = string
    script_path     = string
    timeout_minutes = optional(number, 15)
  }))
  nullable = false

  validation {
    condition     = alltrue([for job in var.jobs : fileexists(job.script_path)])
    error_message = "A job's script is missing: ${join(", ", [for job in var.jobs : job.script_path if !fileexists(job.script_path)])}. Check out the whole project, not this folder alone."
  }

  validation {
    condition     = alltrue([for job in var.jobs : job.timeout_minutes >= 1 && job.timeout_minutes <= 2880])
    error_message = "A job's timeout is 1 to 2,880 minutes."
  }
}

variable "bucket_name" {
  description = "Name of the lake's bucket: the scripts lie there, and the jobs read and write it."
  type        = string
  nullable    = false
}

variable "role_arn" {
  description = "ARN of the role that the jobs run as."
  type        = string
  nullable    = false
}

variable "worker_count" {
  description = "G.1X workers of a run; one is the driver."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.worker_count >= 2
    error_message = "A Spark job on Glue has at least two workers: a driver and an executor."
  }
}

variable "log_retention_days" {
  description = "Days for which the runs' logs are kept."
  type        = number
  nullable    = false
}
