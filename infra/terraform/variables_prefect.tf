variable "work_pool_type" {
  description = "`ecs`: a worker on Fargate serves the pool, for Prefect Cloud or a server of one's own. `ecs:push`: Prefect Cloud starts the tasks itself."
  type        = string
  default     = "ecs"
  nullable    = false

  validation {
    condition     = contains(["ecs", "ecs:push"], var.work_pool_type)
    error_message = "The work pool's type is ecs or ecs:push; found ${var.work_pool_type}."
  }
}

variable "work_pool_name" {
  description = "Name of the Prefect work pool."
  type        = string
  default     = "b3-pipeline"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]*$", var.work_pool_name))
    error_message = "The work pool's name has letters, digits, hyphens and underscores; found ${var.work_pool_name}."
  }
}

variable "prefect_api_url" {
  description = "Address of Prefect's API, which ends in /api or, at Prefect Cloud, in the workspace's id. `prefect config view` shows it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https?://[^/[:space:]]+/api(/accounts/[0-9a-f-]{36}/workspaces/[0-9a-f-]{36})?$", var.prefect_api_url))
    error_message = "Prefect's API is at https://…/api or https://api.prefect.cloud/api/accounts/…/workspaces/…; found ${var.prefect_api_url}."
  }

  validation {
    condition     = var.work_pool_type != "ecs:push" || startswith(var.prefect_api_url, "https://api.prefect.cloud/api/accounts/")
    error_message = "Only Prefect Cloud serves an ecs:push pool; found ${var.prefect_api_url}. Take work_pool_type = \"ecs\" with a server of your own."
  }
}

variable "prefect_auth" {
  description = "What Prefect's API asks for: `api_key` (Prefect Cloud), `auth_string` (a server with basic authentication) or `none`."
  type        = string
  default     = "api_key"
  nullable    = false

  validation {
    condition     = contains(["api_key", "auth_string", "none"], var.prefect_auth)
    error_message = "Prefect's API asks for api_key, auth_string or none; found ${var.prefect_auth}."
  }

  validation {
    condition     = var.prefect_auth == "api_key" || !startswith(var.prefect_api_url, "https://api.prefect.cloud/")
    error_message = "Prefect Cloud asks for api_key; found ${var.prefect_auth}."
  }
}

variable "prefect_credential" {
  description = "The API key, or `user:password`. Best given as TF_VAR_prefect_credential; it is kept in no state or plan. `apply` is refused without it, `destroy` needs none."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "prefect_credential_version" {
  description = "Number of the credential: raise it to send a new one."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.prefect_credential_version >= 1 && floor(var.prefect_credential_version) == var.prefect_credential_version
    error_message = "The credential's version is a whole number from 1 on."
  }
}

variable "image_tag" {
  description = "Tag of the image, the commit it was built from. Null until one is pushed: then there is no worker service yet."
  type        = string
  default     = null

  validation {
    condition     = var.image_tag == null || can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag))
    error_message = "An image's tag has up to 128 letters, digits, dots, hyphens and underscores."
  }

  validation {
    condition     = var.image_tag != "latest"
    error_message = "The tag `latest` does not say what runs, and cannot be gone back to: give the commit's."
  }
}

variable "cpu_architecture" {
  description = "Processor that the image is built for: `ARM64`, a fifth cheaper, or `X86_64`."
  type        = string
  default     = "ARM64"
  nullable    = false

  validation {
    condition     = contains(["ARM64", "X86_64"], var.cpu_architecture)
    error_message = "The processor is ARM64 or X86_64; found ${var.cpu_architecture}."
  }
}
