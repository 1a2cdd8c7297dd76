variable "name" {
  description = "Name that the network's parts carry."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region, for the name of S3's endpoint."
  type        = string
  nullable    = false
}

variable "type" {
  description = "`public`: public addresses and no inbound rule. `private`: behind a NAT gateway. `existing`: a VPC that is there."
  type        = string
  nullable    = false
}

variable "cidr" {
  description = "Address range of a new VPC; each subnet takes a sixteenth of it."
  type        = string
  nullable    = false
}

variable "existing" {
  description = "The VPC that is there, its subnets, and whether tasks need a public address in them."
  type = object({
    vpc_id           = string
    subnet_ids       = list(string)
    assign_public_ip = optional(bool, false)
  })
  default = null
}

variable "egress_ports" {
  description = "TCP ports that tasks may connect to; nothing may connect to them."
  type        = set(number)
  nullable    = false

  validation {
    condition     = alltrue([for port in var.egress_ports : port >= 1 && port <= 65535])
    error_message = "A TCP port is a number from 1 to 65535."
  }
}
