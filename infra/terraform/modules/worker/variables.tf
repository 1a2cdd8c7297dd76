variable "name" {
  description = "Name of the service and of its task definition."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the queue and the logs."
  type        = string
  nullable    = false
}

variable "cluster_name" {
  description = "Name of the ECS cluster."
  type        = string
  nullable    = false
}

variable "image" {
  description = "Image of the worker, with its tag."
  type        = string
  nullable    = false
}

variable "cpu_architecture" {
  description = "Processor that the image is built for."
  type        = string
  nullable    = false
}

variable "cpu" {
  description = "CPU units; 1,024 are one processor."
  type        = number
  default     = 256
  nullable    = false

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.cpu)
    error_message = "Fargate offers 256, 512, 1024, 2048 or 4096 CPU units here."
  }
}

variable "memory" {
  description = "Memory in MiB."
  type        = number
  default     = 1024
  nullable    = false

  validation {
    condition     = var.memory >= 2 * var.cpu && var.memory <= 8 * var.cpu && var.memory % 512 == 0
    error_message = "Fargate offers two to eight MiB of memory for a CPU unit, in steps of 512."
  }
}

variable "execution_role_arn" {
  description = "ARN of the role that pulls the image, reads the secret and writes the log."
  type        = string
  nullable    = false
}

variable "task_role_arn" {
  description = "ARN of the role that the worker acts as."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Subnets that the worker runs in."
  type        = list(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Security group that the worker carries."
  type        = string
  nullable    = false
}

variable "assign_public_ip" {
  description = "Whether the worker needs a public address."
  type        = bool
  nullable    = false
}

variable "work_pool_name" {
  description = "Prefect work pool that the worker serves."
  type        = string
  nullable    = false
}

variable "prefect_api_url" {
  description = "Address of Prefect's API."
  type        = string
  nullable    = false
}

variable "secrets" {
  description = "ARNs of secrets, by the environment variable that receives the value."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "credential_version" {
  description = "Number of Prefect's credential: with another one the worker starts anew."
  type        = number
  nullable    = false
}

variable "queue_name" {
  description = "Queue with the task state changes."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days for which the worker's log is kept."
  type        = number
  nullable    = false
}
