variable "name" {
  description = "What every resource's name starts with. Two deployments in one account differ by it, and by `database`."
  type        = string
  default     = "b3-pipeline"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "The name is 3 to 24 lower-case letters, digits and hyphens, and starts with a letter; found ${var.name}."
  }
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region is one such as us-east-1 or sa-east-1; found ${var.region}."
  }
}

variable "account_id" {
  description = "Account to deploy to. With any other account's credentials nothing is done; null takes the account of the credentials."
  type        = string
  default     = null

  validation {
    condition     = var.account_id == null || can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account's id has twelve digits, in quotes."
  }
}

variable "tags" {
  description = "Tags of every resource, beside `project`."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "database" {
  description = "Name of the Glue database."
  type        = string
  default     = "b3"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database))
    error_message = "A database's name has lower-case letters, digits and underscores, and starts with a letter; found ${var.database}."
  }
}

variable "user_agent" {
  description = "What the flows call themselves before B3 (B3_USER_AGENT); null leaves it to them."
  type        = string
  default     = null

  validation {
    condition     = var.user_agent == null || can(regex("^[!-~]([ -~]*[!-~])?$", var.user_agent))
    error_message = "A User-Agent is printable ASCII, and neither begins nor ends with a space; found ${jsonencode(var.user_agent)}."
  }
}

variable "reports" {
  description = "Language of the reports that runs make, `pt-BR` or `en`, or `none` for no reports (B3_REPORTS); null leaves it to the flows."
  type        = string
  default     = null

  validation {
    condition     = var.reports == null || contains(["pt-BR", "en", "none"], coalesce(var.reports, "none"))
    error_message = "Reports are in pt-BR or en, or none; found ${jsonencode(var.reports)}."
  }
}

variable "network_type" {
  description = "`public`: public addresses, no inbound rule, no NAT gateway to pay. `private`: subnets behind a NAT gateway. `existing`: `existing_network`."
  type        = string
  default     = "public"
  nullable    = false

  validation {
    condition     = contains(["public", "private", "existing"], var.network_type)
    error_message = "The network is public, private or existing; found ${var.network_type}."
  }
}

variable "vpc_cidr" {
  description = "Address range of a new VPC."
  type        = string
  default     = "10.83.0.0/20"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && try(tonumber(split("/", var.vpc_cidr)[1]) <= 24, false)
    error_message = "The address range is an IPv4 CIDR of /24 or wider, such as 10.83.0.0/20; found ${var.vpc_cidr}."
  }
}

variable "existing_network" {
  description = "The VPC to use, its subnets, and whether tasks need a public address there; for `network_type = \"existing\"`."
  type = object({
    vpc_id           = string
    subnet_ids       = list(string)
    assign_public_ip = optional(bool, false)
  })
  default = null

  validation {
    condition     = (var.network_type == "existing") == (var.existing_network != null)
    error_message = "Give existing_network with network_type = \"existing\", and only then."
  }

  validation {
    condition = var.existing_network == null ? true : (
      can(regex("^vpc-[0-9a-f]+$", var.existing_network.vpc_id)) &&
      length(var.existing_network.subnet_ids) > 0 &&
      alltrue([for id in var.existing_network.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    )
    error_message = "An existing network is named by the id of its VPC (vpc-…) and of at least one subnet (subnet-…)."
  }
}

variable "existing_role_name" {
  description = "Role for everything, in accounts that may not create roles, such as LabRole of AWS Academy. Null creates one role a purpose."
  type        = string
  default     = null

  validation {
    condition     = var.existing_role_name == null || can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.existing_role_name))
    error_message = "Give the role's name alone, without its ARN or path."
  }

  validation {
    condition     = var.existing_role_name == null || var.work_pool_type != "ecs:push"
    error_message = "Prefect Cloud signs in as a user of its own, which is not made beside an existing role: take work_pool_type = \"ecs\"."
  }
}

variable "analyst_arns" {
  description = "ARNs of the people or roles who may take on the role for queries. None: whoever of the account is allowed `sts:AssumeRole` on it."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.analyst_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(root|user/.+|role/.+)$", arn))])
    error_message = "Who queries is named by the ARN of a user, a role or an account (arn:aws:iam::…:role/…)."
  }
}

variable "alarm_email" {
  description = "Address that is told of alarms; null leaves the topic without a subscriber."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.alarm_email))
    error_message = "The address for alarms is an e-mail address; found ${coalesce(var.alarm_email, "none")}."
  }
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days; found ${var.log_retention_days}."
  }
}

variable "landing_archive_days" {
  description = "Days after which the bytes as received move to archive storage, from which they are read at once all the same."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.landing_archive_days >= 1
    error_message = "Landing is archived after one day at the earliest."
  }
}

variable "query_results_days" {
  description = "Days for which Athena's results are kept."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.query_results_days >= 1
    error_message = "Athena's results are kept for at least one day."
  }
}

variable "query_bytes_scanned_cutoff" {
  description = "Bytes after which Athena cancels a query: 1 GiB costs half a US cent."
  type        = number
  default     = 1073741824
  nullable    = false

  validation {
    condition     = var.query_bytes_scanned_cutoff >= 10485760
    error_message = "Athena's smallest cut-off is 10485760 bytes (10 MB)."
  }
}

variable "force_destroy" {
  description = "Whether `destroy` deletes what can be made again, whatever it holds: images, query results and history, and the secret at once, without the days for which it could be had back. `deployments.destroy` sets it."
  type        = bool
  default     = false
  nullable    = false
}

variable "delete_lake" {
  description = "Whether `destroy` deletes the lake's bucket with all its data. It is refused otherwise, while there is any. `deployments.destroy --delete-data` sets it."
  type        = bool
  default     = false
  nullable    = false
}

variable "state_bucket" {
  description = "Bucket of Terraform's state, which `deployments.state` makes; null keeps the state in a file. Terraform itself does nothing with it: the commands of `deployments` name it as the backend."
  type        = string
  default     = null

  validation {
    condition     = var.state_bucket == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "A bucket's name is 3 to 63 lower-case letters, digits and hyphens; found ${coalesce(var.state_bucket, "none")}."
  }
}

variable "local_cloud" {
  description = "Whether this is the cloud on one machine (`python -m infra.local`): S3 by path, and no TLS-only policy, as it speaks plain HTTP. Never for AWS."
  type        = bool
  default     = false
  nullable    = false
}
