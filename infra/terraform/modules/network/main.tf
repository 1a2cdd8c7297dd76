locals {
  is_new     = var.type != "existing"
  is_private = var.type == "private"

  # Of these regions only some zones have Fargate, as of November 2026; of all others each has.
  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html
  fargate_zone_ids = {
    ap-northeast-1 = ["apne1-az1", "apne1-az2", "apne1-az4"]
    cn-north-1     = ["cnn1-az1", "cnn1-az2"]
    us-west-1      = ["usw1-az1", "usw1-az3"]
  }

  # Two zones: Fargate finds room in one when the other is full.
  zones        = local.is_new ? slice(data.aws_availability_zones.this[0].names, 0, 2) : []
  zone_numbers = { for number, zone in local.zones : zone => number }

  vpc_id = local.is_new ? aws_vpc.this[0].id : var.existing.vpc_id
  task_subnet_ids = (
    !local.is_new ? var.existing.subnet_ids :
    local.is_private ? [for zone in local.zones : aws_subnet.private[zone].id] :
    [for zone in local.zones : aws_subnet.public[zone].id]
  )
  route_table_ids = concat(aws_route_table.public[*].id, aws_route_table.private[*].id)
}

data "aws_availability_zones" "this" {
  # checkov:skip=CKV_AWS_394: Zones are pinned by the region's first two names, which a zone that AWS adds comes after.
  count = local.is_new ? 1 : 0

  state = "available"

  # Local zones and Wavelength have no Fargate.
  filter {
    name   = "zone-type"
    values = ["availability-zone"]
  }

  dynamic "filter" {
    for_each = contains(keys(local.fargate_zone_ids), var.region) ? [local.fargate_zone_ids[var.region]] : []

    content {
      name   = "zone-id"
      values = filter.value
    }
  }
}

data "aws_subnet" "existing" {
  for_each = toset(local.is_new ? [] : var.existing.subnet_ids)

  id = each.value

  lifecycle {
    postcondition {
      condition     = self.vpc_id == var.existing.vpc_id
      error_message = "Subnet ${self.id} lies in ${self.vpc_id}, not in ${var.existing.vpc_id}. Name subnets of that VPC."
    }
  }
}

resource "aws_vpc" "this" {
  # checkov:skip=CKV2_AWS_11: No rule lets anything in, and the tasks live for minutes; flow logs would cost more than they do.
  count = local.is_new ? 1 : 0

  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

# Terraform takes over the group that every VPC comes with, and leaves it without a rule.
resource "aws_default_security_group" "this" {
  count = local.is_new ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "${var.name}-unused" }
}

resource "aws_internet_gateway" "this" {
  count = local.is_new ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = { Name = var.name }
}

resource "aws_subnet" "public" {
  for_each = local.zone_numbers

  vpc_id            = aws_vpc.this[0].id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 4, each.value)

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_route_table" "public" {
  count = local.is_new ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "${var.name}-public" }
}

resource "aws_route" "internet" {
  count = local.is_new ? 1 : 0

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

resource "aws_route_table_association" "public" {
  for_each = local.zone_numbers

  subnet_id      = aws_subnet.public[each.key].id
  route_table_id = aws_route_table.public[0].id
}

# S3 without an address or a NAT gateway in between, and free of charge.
resource "aws_vpc_endpoint" "s3" {
  count = local.is_new ? 1 : 0

  vpc_id            = aws_vpc.this[0].id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = local.route_table_ids

  tags = { Name = "${var.name}-s3" }
}

resource "aws_security_group" "tasks" {
  # checkov:skip=CKV2_AWS_5: The worker's service and the work pool's tasks carry it; the pool lies outside Terraform.
  name        = "${var.name}-tasks"
  description = "Flow runs and the worker: nothing comes in, HTTPS goes out."
  vpc_id      = local.vpc_id

  tags = { Name = "${var.name}-tasks" }
}

resource "aws_vpc_security_group_egress_rule" "tasks" {
  for_each = { for port in var.egress_ports : tostring(port) => port }

  security_group_id = aws_security_group.tasks.id
  description       = "AWS, B3 and Prefect on port ${each.key}."
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}
