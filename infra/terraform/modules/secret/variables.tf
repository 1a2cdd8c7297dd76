variable "name" {
  description = "Name of the secret."
  type        = string
  nullable    = false
}

variable "value" {
  description = "What the secret holds. It is sent when `value_version` changes, and kept in no state or plan."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "value_version" {
  description = "Number of the value: raise it to send another."
  type        = number
  nullable    = false
}

variable "recovery_window_days" {
  description = "Days for which a deleted secret can be had back; 0 deletes at once, and frees the name."
  type        = number
  nullable    = false
}
