# What the lake, its tables, its job and its queries are made of.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  prefect_api_url    = "https://prefect.example/api"
  prefect_credential = "user:password"
  prefect_auth       = "auth_string"
}

run "the_flows_find_what_was_made" {
  assert {
    condition     = output.flow_environment["B3_LAKE_BUCKET"] == "b3-pipeline-lake-123456789012-us-east-1"
    error_message = "A bucket's name has the account and the region, as it is unique in the world; found ${output.flow_environment["B3_LAKE_BUCKET"]}."
  }

  assert {
    condition     = output.flow_environment["B3_GLUE_JOB"] == "b3-pipeline-refine"
    error_message = "The flows start the job that was made."
  }

  assert {
    condition     = output.flow_environment["B3_DATABASE"] == "b3" && output.flow_environment["B3_WORKGROUP"] == "b3-pipeline"
    error_message = "The flows query the database and the workgroup that were made."
  }
}

run "b3_is_asked_by_the_flows_own_name" {
  assert {
    condition     = !contains(keys(output.flow_environment), "B3_USER_AGENT")
    error_message = "What the flows call themselves is left to them where nothing is said."
  }
}

run "b3_is_asked_by_the_name_that_is_given" {
  variables {
    user_agent = "research/1.0 (+https://example.org)"
  }

  assert {
    condition     = output.flow_environment["B3_USER_AGENT"] == "research/1.0 (+https://example.org)"
    error_message = "The flows are told what to call themselves."
  }
}

run "reports_are_as_the_flows_make_them" {
  assert {
    condition     = !contains(keys(output.flow_environment), "B3_REPORTS")
    error_message = "The language of the reports is left to the flows where nothing is said."
  }
}

run "reports_are_as_they_are_wanted" {
  variables {
    reports = "none"
  }

  assert {
    condition     = output.flow_environment["B3_REPORTS"] == "none"
    error_message = "The flows are told which reports to make."
  }
}

run "buckets_refuse_plain_http" {
  assert {
    condition     = module.lake_bucket.is_tls_only && module.results_bucket.is_tls_only
    error_message = "Both buckets refuse requests that are not encrypted."
  }
}

run "the_cloud_on_one_machine_speaks_plain_http" {
  variables {
    local_cloud = true
  }

  assert {
    condition     = !module.lake_bucket.is_tls_only && !module.results_bucket.is_tls_only
    error_message = "The cloud on one machine has no TLS to insist on."
  }
}

run "an_existing_role_does_everything" {
  variables {
    existing_role_name = "LabRole"
    image_tag          = "0123abc"
  }

  assert {
    condition     = length(module.roles) == 0
    error_message = "No role is created where one is given."
  }

  assert {
    condition     = output.flow_run_role_arn == "arn:aws:iam::123456789012:role/LabRole" && output.execution_role_arn == output.flow_run_role_arn
    error_message = "The role that was given runs flows and starts containers."
  }
}

run "each_query_of_a_page_is_named_by_its_heading" {
  module {
    source = "./modules/athena"
  }

  variables {
    name                 = "b3-pipeline"
    database             = "b3"
    results_bucket_name  = "results"
    bytes_scanned_cutoff = 10485760
    queries_document     = "# Queries\n\n## A session\n\n```sql\nSELECT 1\n```\n\n## Only words\n\nNone.\n\n## Two\n\n```sql\nSELECT 2\n```\n\n```python\nx\n```\n\n```sql\nSELECT 3\n```\n"
  }

  assert {
    condition     = local.queries == { "A session" = "SELECT 1", "Two" = "SELECT 2", "Two (2)" = "SELECT 3" }
    error_message = "Found ${jsonencode(local.queries)}."
  }
}

run "a_page_without_queries_makes_none" {
  module {
    source = "./modules/athena"
  }

  variables {
    name                 = "b3-pipeline"
    database             = "b3"
    results_bucket_name  = "results"
    bytes_scanned_cutoff = 10485760
    queries_document     = ""
  }

  assert {
    condition     = length(local.queries) == 0
    error_message = "Found ${jsonencode(local.queries)}."
  }
}
