# Three networks: one with public addresses, one behind a NAT gateway, one that is there.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  prefect_api_url    = "https://prefect.example/api"
  prefect_credential = "user:password"
  prefect_auth       = "auth_string"
}

run "public_by_default" {
  assert {
    condition     = output.assign_public_ip && length(output.subnet_ids) == 2
    error_message = "By default tasks have public addresses in two zones."
  }

  assert {
    condition     = module.network.nat_gateway_id == null
    error_message = "Public subnets pay for no NAT gateway."
  }

  assert {
    condition     = module.network.egress_ports == toset([443])
    error_message = "Tasks connect by HTTPS alone."
  }
}

run "private_behind_a_nat_gateway" {
  variables {
    network_type = "private"
  }

  assert {
    condition     = !output.assign_public_ip && length(output.subnet_ids) == 2
    error_message = "Private tasks have no public address."
  }

  assert {
    condition     = module.network.nat_gateway_id != null
    error_message = "Private subnets reach the world through a NAT gateway."
  }
}

run "existing_vpc" {
  variables {
    network_type = "existing"
    existing_network = {
      vpc_id     = "vpc-0123456789abcdef0"
      subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    }
  }

  assert {
    condition     = output.vpc_id == "vpc-0123456789abcdef0"
    error_message = "The VPC that is there is used."
  }

  assert {
    condition     = output.subnet_ids == tolist(["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"])
    error_message = "Tasks run in the subnets that were named."
  }

  assert {
    condition     = !output.assign_public_ip && module.network.nat_gateway_id == null
    error_message = "Nothing is added to a VPC that is there but the tasks' security group."
  }
}

run "a_subnet_of_another_vpc_is_refused" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    name         = "b3-pipeline"
    region       = "us-east-1"
    type         = "existing"
    cidr         = "10.83.0.0/20"
    egress_ports = [443]
    existing = {
      vpc_id     = "vpc-0aaaaaaaaaaaaaaaa"
      subnet_ids = ["subnet-0123456789abcdef0"]
    }
  }

  expect_failures = [data.aws_subnet.existing]
}
