provider "aws" {
  region              = var.region
  allowed_account_ids = var.account_id[*]

  # The cloud on one machine has no host name a bucket, and an API that it lacks is no reason to wait.
  s3_use_path_style = var.local_cloud
  max_retries       = var.local_cloud ? 2 : null

  default_tags {
    tags = merge(var.tags, { project = var.name })
  }
}

data "aws_caller_identity" "current" {}

data "aws_iam_role" "existing" {
  count = var.existing_role_name == null ? 0 : 1

  name = var.existing_role_name
}

locals {
  project_path  = abspath("${path.module}/../..")
  account_id    = data.aws_caller_identity.current.account_id
  bucket_suffix = "${local.account_id}-${var.region}"

  queries_path = "${local.project_path}/docs/ATHENA_QUERIES.md"

  has_worker         = var.work_pool_type == "ecs"
  task_family_prefix = "${var.name}-flow"

  # Prefect's API may be a server of one's own, on a port of its own.
  prefect_scheme = startswith(var.prefect_api_url, "https:") ? 443 : 80
  prefect_port   = try(tonumber(regex("^https?://[^/]+:([0-9]+)/", var.prefect_api_url)[0]), local.prefect_scheme)

  secret_variables = { api_key = "PREFECT_API_KEY", auth_string = "PREFECT_API_AUTH_STRING" }

  role_arns = {
    execution = try(data.aws_iam_role.existing[0].arn, module.roles[0].execution_role_arn)
    flow_run  = try(data.aws_iam_role.existing[0].arn, module.roles[0].flow_run_role_arn)
    glue      = try(data.aws_iam_role.existing[0].arn, module.roles[0].glue_role_arn)
    worker    = try(data.aws_iam_role.existing[0].arn, module.roles[0].worker_role_arn)
  }
}

module "lake_bucket" {
  source = "./modules/bucket"

  name               = "${var.name}-lake-${local.bucket_suffix}"
  enforce_conditions = !var.local_cloud
  force_destroy      = var.delete_lake

  # What readers see hangs on the commits alone.
  write_once_prefixes = ["published/"]
  # Commits, plans and outcomes are small and stay, with whatever versions they have.
  noncurrent_prefixes = ["inbox/", "jobs/", "landing/", "raw/", "refined/", "reports/"]

  lifecycle_rules = [
    { id = "archive-landing", prefix = "landing/", transition_days = var.landing_archive_days },
  ]
}

module "results_bucket" {
  source = "./modules/bucket"

  name                    = "${var.name}-athena-${local.bucket_suffix}"
  enforce_conditions      = !var.local_cloud
  force_destroy           = var.force_destroy
  noncurrent_version_days = 1

  lifecycle_rules = [
    { id = "expire-results", prefix = "", expiration_days = var.query_results_days },
  ]
}

module "catalog" {
  source = "./modules/catalog"

  database    = var.database
  bucket_name = module.lake_bucket.name
  tables      = jsondecode(file("${path.module}/tables.json"))
}

module "glue_job" {
  source = "./modules/glue_job"

  name               = "${var.name}-refine"
  script_path        = "${local.project_path}/infra/glue/refine.py"
  bucket_name        = module.lake_bucket.name
  role_arn           = local.role_arns.glue
  log_retention_days = var.log_retention_days
}

module "athena" {
  source = "./modules/athena"

  name                 = var.name
  database             = module.catalog.database
  results_bucket_name  = module.results_bucket.name
  bytes_scanned_cutoff = var.query_bytes_scanned_cutoff
  queries_document     = fileexists(local.queries_path) ? file(local.queries_path) : ""
  force_destroy        = var.force_destroy
}

module "registry" {
  source = "./modules/registry"

  name          = var.name
  force_destroy = var.force_destroy
}

module "network" {
  source = "./modules/network"

  name         = var.name
  region       = var.region
  type         = var.network_type
  cidr         = var.vpc_cidr
  existing     = var.existing_network
  egress_ports = toset([443, local.prefect_port])
}

module "secret" {
  source = "./modules/secret"
  count  = var.prefect_auth == "none" ? 0 : 1

  name                 = "${var.name}/prefect"
  value                = var.prefect_credential
  value_version        = var.prefect_credential_version
  recovery_window_days = var.force_destroy ? 0 : 7
}

module "cluster" {
  source = "./modules/cluster"

  name               = var.name
  log_retention_days = var.log_retention_days
}

module "events" {
  source = "./modules/events"
  count  = local.has_worker ? 1 : 0

  name        = var.name
  cluster_arn = module.cluster.arn
}

module "roles" {
  source = "./modules/roles"
  count  = var.existing_role_name == null ? 1 : 0

  name                   = var.name
  region                 = var.region
  account_id             = local.account_id
  work_pool_type         = var.work_pool_type
  lake_bucket_arn        = module.lake_bucket.arn
  results_bucket_arn     = module.results_bucket.arn
  workgroup              = module.athena.workgroup
  analyst_arns           = var.analyst_arns
  database               = module.catalog.database
  glue_job_name          = module.glue_job.name
  repository_arn         = module.registry.arn
  cluster_name           = module.cluster.name
  task_family_prefix     = local.task_family_prefix
  flow_run_log_group_arn = module.cluster.log_group_arn
  queue_arns             = module.events[*].queue_arn
  secret_arns            = module.secret[*].arn
}

module "worker" {
  source = "./modules/worker"
  count  = local.has_worker && var.image_tag != null ? 1 : 0

  name               = "${var.name}-worker"
  region             = var.region
  cluster_name       = module.cluster.name
  image              = "${module.registry.url}:${var.image_tag}"
  cpu_architecture   = var.cpu_architecture
  execution_role_arn = local.role_arns.execution
  task_role_arn      = local.role_arns.worker
  subnet_ids         = module.network.subnet_ids
  security_group_id  = module.network.security_group_id
  assign_public_ip   = module.network.assign_public_ip
  work_pool_name     = var.work_pool_name
  prefect_api_url    = var.prefect_api_url
  secrets            = { for arn in module.secret[*].arn : local.secret_variables[var.prefect_auth] => arn }
  credential_version = var.prefect_credential_version
  queue_name         = module.events[0].queue_name
  log_retention_days = var.log_retention_days

  # A worker without its rights fails, and the circuit breaker takes that for a bad image.
  depends_on = [module.roles]
}

module "alarms" {
  source = "./modules/alarms"

  name                   = var.name
  account_id             = local.account_id
  email                  = var.alarm_email
  glue_job_name          = module.glue_job.name
  dead_letter_queue_name = one(module.events[*].dead_letter_queue_name)
  worker                 = one([for worker in module.worker : { cluster_name = module.cluster.name, service_name = worker.service_name }])
}
