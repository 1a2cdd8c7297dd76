output "url" {
  description = "URL of the repository, to which a tag is added with a colon."
  value       = aws_ecr_repository.this.repository_url
}

output "arn" {
  description = "ARN of the repository."
  value       = aws_ecr_repository.this.arn
}
