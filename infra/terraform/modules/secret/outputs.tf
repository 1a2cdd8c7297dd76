output "arn" {
  description = "ARN of the secret, once it holds a value."
  value       = aws_secretsmanager_secret.this.arn

  # Nobody reads it before it holds a value.
  depends_on = [aws_secretsmanager_secret_version.this]
}
