output "name" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.bucket

  # Nothing is written before it is versioned, encrypted and closed to the public.
  depends_on = [
    aws_s3_bucket_public_access_block.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "is_tls_only" {
  description = "Whether the bucket refuses requests that are not encrypted in transit."
  value       = var.enforce_conditions
}
