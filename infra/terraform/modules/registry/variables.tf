variable "name" {
  description = "Name of the repository."
  type        = string
  nullable    = false
}

variable "image_count" {
  description = "Images that are kept, the newest ones."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.image_count >= 2
    error_message = "Keep at least two images: the one that runs, and the one to go back to."
  }
}

variable "force_destroy" {
  description = "Whether `destroy` deletes the repository with its images."
  type        = bool
  default     = false
  nullable    = false
}
