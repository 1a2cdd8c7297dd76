output "queue_name" {
  description = "Name of the queue that the worker's observer reads."
  value       = aws_sqs_queue.this.name
}

output "queue_arn" {
  description = "ARN of the queue that the worker's observer reads."
  value       = aws_sqs_queue.this.arn
}

output "queue_url" {
  description = "URL of the queue that the worker's observer reads."
  value       = aws_sqs_queue.this.url
}

output "dead_letter_queue_name" {
  description = "Name of the queue that takes messages the observer failed on three times."
  value       = aws_sqs_queue.dead_letter.name
}
