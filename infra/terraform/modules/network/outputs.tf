output "vpc_id" {
  description = "Id of the VPC."
  value       = local.vpc_id
}

output "subnet_ids" {
  description = "Ids of the subnets that tasks run in."
  value       = local.task_subnet_ids
}

output "security_group_id" {
  description = "Id of the security group that tasks carry."
  value       = aws_security_group.tasks.id
}

output "assign_public_ip" {
  description = "Whether tasks need a public address to reach AWS, B3 and Prefect."
  value       = local.is_new ? !local.is_private : var.existing.assign_public_ip
}

output "nat_gateway_id" {
  description = "Id of the NAT gateway; null where there is none."
  value       = one(aws_nat_gateway.this[*].id)
}

output "egress_ports" {
  description = "TCP ports that tasks may connect to."
  value       = toset([for rule in aws_vpc_security_group_egress_rule.tasks : rule.to_port])
}
