# What is refused before anything is done: each variable that is named below must be.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  prefect_api_url    = "https://prefect.example/api"
  prefect_credential = "user:password"
  prefect_auth       = "auth_string"
}

run "values_that_cannot_be" {
  command = plan

  variables {
    name                       = "a-name-too-long-for-a-bucket"
    region                     = "Virginia"
    account_id                 = "1234"
    database                   = "b3-daily"
    work_pool_type             = "docker"
    work_pool_name             = "the pool"
    prefect_credential_version = 0
    image_tag                  = "a tag"
    cpu_architecture           = "RISCV"
    reports                    = "pt"
    network_type               = "vpn"
    vpc_cidr                   = "10.0.0.0/28"
    alarm_email                = "team"
    analyst_arns               = ["analysts"]
    state_bucket               = "The Bucket"
    log_retention_days         = 31
    landing_archive_days       = 0
    query_results_days         = 0
    query_bytes_scanned_cutoff = 1024
  }

  expect_failures = [
    var.name,
    var.region,
    var.account_id,
    var.database,
    var.work_pool_type,
    var.work_pool_name,
    var.prefect_credential_version,
    var.image_tag,
    var.cpu_architecture,
    var.reports,
    var.network_type,
    var.vpc_cidr,
    var.alarm_email,
    var.analyst_arns,
    var.state_bucket,
    var.log_retention_days,
    var.landing_archive_days,
    var.query_results_days,
    var.query_bytes_scanned_cutoff,
  ]
}

run "an_image_that_does_not_say_what_runs" {
  command = plan

  variables {
    image_tag = "latest"
  }

  expect_failures = [var.image_tag]
}

run "an_api_address_without_its_path" {
  command = plan

  variables {
    prefect_api_url = "https://prefect.example"
  }

  expect_failures = [var.prefect_api_url]
}

run "an_unknown_kind_of_authentication" {
  command = plan

  variables {
    prefect_auth = "oauth"
  }

  expect_failures = [var.prefect_auth]
}

run "no_credential_for_an_api_that_asks_for_one" {
  command = plan

  module {
    source = "./modules/secret"
  }

  variables {
    name                 = "b3-pipeline/prefect"
    value                = ""
    value_version        = 1
    recovery_window_days = 7
  }

  expect_failures = [aws_secretsmanager_secret_version.this]
}

run "a_push_pool_without_prefect_cloud" {
  command = plan

  variables {
    work_pool_type = "ecs:push"
  }

  expect_failures = [var.prefect_api_url]
}

run "a_role_by_its_arn_and_not_by_its_name" {
  command = plan

  variables {
    existing_role_name = "arn:aws:iam::123456789012:role/LabRole"
  }

  expect_failures = [var.existing_role_name]
}

run "a_push_pool_with_nobody_to_sign_in_as" {
  command = plan

  variables {
    prefect_api_url    = "https://api.prefect.cloud/api/accounts/00000000-0000-0000-0000-000000000000/workspaces/00000000-0000-0000-0000-000000000000"
    prefect_auth       = "api_key"
    work_pool_type     = "ecs:push"
    existing_role_name = "LabRole"
  }

  expect_failures = [var.existing_role_name]
}

run "prefect_cloud_without_an_api_key" {
  command = plan

  variables {
    prefect_api_url = "https://api.prefect.cloud/api/accounts/00000000-0000-0000-0000-000000000000/workspaces/00000000-0000-0000-0000-000000000000"
    prefect_auth    = "none"
  }

  expect_failures = [var.prefect_auth]
}

run "an_existing_network_that_is_not_named" {
  command = plan

  variables {
    network_type = "existing"
  }

  expect_failures = [var.existing_network]
}

run "a_named_network_that_would_not_be_used" {
  command = plan

  variables {
    existing_network = {
      vpc_id     = "vpc-0123456789abcdef0"
      subnet_ids = ["subnet-0123456789abcdef0"]
    }
  }

  expect_failures = [var.existing_network]
}

run "an_existing_network_by_name_and_not_by_id" {
  command = plan

  variables {
    network_type = "existing"
    existing_network = {
      vpc_id     = "main"
      subnet_ids = []
    }
  }

  expect_failures = [var.existing_network]
}

run "a_rule_that_takes_away_what_is_written_once" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    name                = "lake"
    noncurrent_prefixes = []
    write_once_prefixes = ["published/"]
    lifecycle_rules     = [{ id = "old-commits", prefix = "published/portfolio/", expiration_days = 3650 }]
  }

  expect_failures = [var.write_once_prefixes]
}

run "old_versions_that_end_everywhere_where_some_are_written_once" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    name                = "lake"
    write_once_prefixes = ["published/"]
  }

  expect_failures = [var.write_once_prefixes]
}

run "a_glue_run_that_could_outlast_the_vacuums_grace" {
  command = plan

  module {
    source = "./modules/glue_job"
  }

  variables {
    name               = "refine"
    script_path        = "main.tf"
    bucket_name        = "lake"
    role_arn           = "arn:aws:iam::123456789012:role/glue"
    log_retention_days = 30
    timeout_minutes    = 1440
  }

  expect_failures = [var.timeout_minutes]
}
