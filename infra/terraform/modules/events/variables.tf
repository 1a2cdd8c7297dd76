variable "name" {
  description = "Prefix of the queues' and the rule's names."
  type        = string
  nullable    = false
}

variable "cluster_arn" {
  description = "ARN of the ECS cluster whose tasks are watched."
  type        = string
  nullable    = false
}
