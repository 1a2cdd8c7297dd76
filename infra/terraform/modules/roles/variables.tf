variable "name" {
  description = "Prefix of the roles' names."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of everything that the roles may touch."
  type        = string
  nullable    = false
}

variable "account_id" {
  description = "Account of everything that the roles may touch."
  type        = string
  nullable    = false
}

variable "work_pool_type" {
  description = "`ecs`: a role for the worker. `ecs:push`: a user for Prefect Cloud."
  type        = string
  nullable    = false
}

variable "lake_bucket_arn" {
  description = "ARN of the lake's bucket."
  type        = string
  nullable    = false
}

variable "results_bucket_arn" {
  description = "ARN of the bucket with Athena's results."
  type        = string
  nullable    = false
}

variable "workgroup" {
  description = "Name of the Athena workgroup."
  type        = string
  nullable    = false
}

variable "analyst_arns" {
  description = "Who may take on the role for people who only query; none leaves it to the account's own policies."
  type        = list(string)
  nullable    = false
}

variable "database" {
  description = "Name of the Glue database."
  type        = string
  nullable    = false
}

variable "glue_job_name" {
  description = "Name of the Glue job that flow runs start."
  type        = string
  nullable    = false
}

variable "repository_arn" {
  description = "ARN of the image repository."
  type        = string
  nullable    = false
}

variable "cluster_name" {
  description = "Name of the ECS cluster."
  type        = string
  nullable    = false
}

variable "task_family_prefix" {
  description = "What the names of the flow runs' task definitions start with."
  type        = string
  nullable    = false
}

variable "flow_run_log_group_arn" {
  description = "ARN of the flow runs' log group."
  type        = string
  nullable    = false
}

variable "queue_arns" {
  description = "ARN of the queue that the worker's observer reads; empty without a worker."
  type        = list(string)
  nullable    = false
}

variable "secret_arns" {
  description = "ARN of the secret with Prefect's credential; empty where its API asks for none."
  type        = list(string)
  nullable    = false
}
