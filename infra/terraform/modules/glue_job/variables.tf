variable "name" {
  description = "Name of the job."
  type        = string
  nullable    = false
}

variable "script_path" {
  description = "The script's path on this machine."
  type        = string
  nullable    = false

  validation {
    condition     = fileexists(var.script_path)
    error_message = "The job's script is missing: ${var.script_path}. Check out the whole project, not this folder alone."
  }
}

variable "bucket_name" {
  description = "Name of the lake's bucket: the script lies there, and the job reads and writes it."
  type        = string
  nullable    = false
}

variable "role_arn" {
  description = "ARN of the role that the job runs as."
  type        = string
  nullable    = false
}

variable "timeout_minutes" {
  description = "How long a run may take unless its start says otherwise."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.timeout_minutes >= 1 && var.timeout_minutes <= 720
    error_message = "A run takes 1 to 720 minutes: the vacuum may take what a run wrote that is older than a day."
  }
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
