variable "name" {
  description = "Prefix of the topic's and the alarms' names."
  type        = string
  nullable    = false
}

variable "account_id" {
  description = "Account whose alarms and rules may send to the topic."
  type        = string
  nullable    = false
}

variable "email" {
  description = "Address that is told of alarms; AWS asks it to confirm first."
  type        = string
  default     = null
}

variable "glue_job_name" {
  description = "Glue job whose failures are told."
  type        = string
  nullable    = false
}

variable "worker" {
  description = "Cluster and service of the worker; null where there is none to watch."
  type        = object({ cluster_name = string, service_name = string })
  default     = null
}

variable "dead_letter_queue_name" {
  description = "Queue that is to stay empty; null where there is none."
  type        = string
  default     = null
}
