# Which zones a new network may lie in: those that have Fargate.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name         = "b3-pipeline"
  type         = "public"
  cidr         = "10.83.0.0/20"
  existing     = null
  egress_ports = [443]
}

run "everywhere_a_zone_of_the_region_does" {
  module {
    source = "./modules/network"
  }

  variables {
    region = "sa-east-1"
  }

  assert {
    condition     = { for each in data.aws_availability_zones.this[0].filter : each.name => each.values } == { zone-type = toset(["availability-zone"]) }
    error_message = "Of Local and Wavelength Zones none is taken."
  }
}

run "some_regions_have_zones_without_fargate" {
  module {
    source = "./modules/network"
  }

  variables {
    region = "us-west-1"
  }

  assert {
    condition     = { for each in data.aws_availability_zones.this[0].filter : each.name => each.values }["zone-id"] == toset(["usw1-az1", "usw1-az3"])
    error_message = "Of us-west-1 only the zones that have Fargate are taken."
  }
}
