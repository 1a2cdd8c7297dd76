# What each type of work pool brings with it, and what it does without.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  prefect_api_url    = "https://api.prefect.cloud/api/accounts/00000000-0000-0000-0000-000000000000/workspaces/00000000-0000-0000-0000-000000000000"
  prefect_credential = "pnu_example"
}

run "a_worker_serves_an_ecs_pool" {
  variables {
    image_tag = "0123abc"
  }

  assert {
    condition     = output.worker_service_name == "b3-pipeline-worker"
    error_message = "An ecs pool with an image has a worker service."
  }

  assert {
    condition     = output.queue_name == "b3-pipeline-task-events"
    error_message = "The worker's observer reads task state changes from a queue."
  }

  assert {
    condition     = output.submitter_user_name == null
    error_message = "A worker acts as a role: there is no user."
  }

  assert {
    condition     = length(module.alarms.alarm_names) == 2
    error_message = "A missing worker and dead letters raise alarms; found ${join(", ", module.alarms.alarm_names)}."
  }
}

run "the_worker_waits_for_its_first_image" {
  assert {
    condition     = output.worker_service_name == null
    error_message = "Without an image there is nothing that a worker could run."
  }

  assert {
    condition     = output.queue_name != null && output.repository_url != null
    error_message = "All else is there before the first image, the repository above all."
  }

  assert {
    condition     = length(module.alarms.alarm_names) == 1
    error_message = "A worker that cannot be yet is not missed; found ${join(", ", module.alarms.alarm_names)}."
  }
}

run "prefect_cloud_serves_a_push_pool" {
  variables {
    work_pool_type = "ecs:push"
    image_tag      = "0123abc"
  }

  assert {
    condition     = output.worker_service_name == null && output.queue_name == null
    error_message = "A push pool has no worker, and no queue that nobody would read."
  }

  assert {
    condition     = output.submitter_user_name == "b3-pipeline-prefect-cloud"
    error_message = "Prefect Cloud signs its calls as a user."
  }

  assert {
    condition     = length(module.alarms.alarm_names) == 0
    error_message = "Without a worker and a queue there is nothing to alarm about; found ${join(", ", module.alarms.alarm_names)}."
  }

  assert {
    condition     = output.cluster_arn != null && output.flow_run_role_arn != null && output.prefect_secret_arn != null
    error_message = "Its flow runs need the cluster, their role and the API key all the same."
  }
}

run "a_server_without_authentication_has_no_secret" {
  variables {
    prefect_api_url = "http://prefect.internal:4200/api"
    prefect_auth    = "none"
    image_tag       = "0123abc"
  }

  assert {
    condition     = output.prefect_secret_arn == null
    error_message = "Nothing is kept for an API that asks for nothing."
  }

  assert {
    condition     = module.network.egress_ports == toset([443, 4200])
    error_message = "Tasks reach the server on its own port."
  }

  assert {
    condition     = length(module.worker[0].secret_variables) == 0
    error_message = "The worker gets no credential."
  }
}

run "a_server_with_basic_authentication_gets_its_own_variable" {
  variables {
    prefect_api_url = "https://prefect.example/api"
    prefect_auth    = "auth_string"
    image_tag       = "0123abc"
  }

  assert {
    condition     = module.worker[0].secret_variables == toset(["PREFECT_API_AUTH_STRING"])
    error_message = "Basic authentication goes by PREFECT_API_AUTH_STRING."
  }
}
