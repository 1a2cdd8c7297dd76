output "account_id" {
  description = "Account of everything."
  value       = local.account_id
}

output "region" {
  description = "Region of everything."
  value       = var.region
}

output "lake_bucket" {
  description = "Name of the lake's bucket: B3_LAKE_BUCKET."
  value       = module.lake_bucket.name
}

output "results_bucket" {
  description = "Name of the bucket with Athena's results."
  value       = module.results_bucket.name
}

output "database" {
  description = "Name of the Glue database: B3_DATABASE."
  value       = module.catalog.database
}

output "workgroup" {
  description = "Name of the Athena workgroup: B3_WORKGROUP."
  value       = module.athena.workgroup
}

output "glue_job_name" {
  description = "Name of the Glue job: B3_GLUE_JOB."
  value       = module.glue_job.name
}

output "flow_environment" {
  description = "The settings of the flows, as environment variables."
  value = merge(
    {
      AWS_DEFAULT_REGION = var.region
      B3_LAKE_BUCKET     = module.lake_bucket.name
      B3_DATABASE        = module.catalog.database
      B3_WORKGROUP       = module.athena.workgroup
      B3_GLUE_JOB        = module.glue_job.name
    },
    var.user_agent == null ? {} : { B3_USER_AGENT = var.user_agent },
    var.reports == null ? {} : { B3_REPORTS = var.reports }
  )
}

output "repository_url" {
  description = "URL of the image repository."
  value       = module.registry.url
}

output "image_tag" {
  description = "Tag that the worker runs; null until one is given."
  value       = var.image_tag
}

output "cpu_architecture" {
  description = "Processor of the tasks."
  value       = var.cpu_architecture
}

output "work_pool_name" {
  description = "Name of the Prefect work pool."
  value       = var.work_pool_name
}

output "work_pool_type" {
  description = "Type of the Prefect work pool."
  value       = var.work_pool_type
}

output "prefect_api_url" {
  description = "Address of Prefect's API that the worker calls."
  value       = var.prefect_api_url
}

output "prefect_auth" {
  description = "What Prefect's API asks for; says which field of the work pool takes `prefect_secret_arn`."
  value       = var.prefect_auth
}

output "prefect_secret_arn" {
  description = "ARN of the secret with Prefect's credential; null where its API asks for none."
  value       = one(module.secret[*].arn)
}

output "cluster_arn" {
  description = "ARN of the ECS cluster."
  value       = module.cluster.arn
}

output "task_family_prefix" {
  description = "What the family of a flow run's task definition has to start with."
  value       = local.task_family_prefix
}

output "execution_role_arn" {
  description = "ARN of the role that ECS starts containers with."
  value       = local.role_arns.execution
}

output "flow_run_role_arn" {
  description = "ARN of the role that flow runs act as."
  value       = local.role_arns.flow_run
}

output "glue_role_arn" {
  description = "ARN of the role that the Glue job runs as."
  value       = local.role_arns.glue
}

output "worker_role_arn" {
  description = "ARN of the role that the worker acts as; null without a worker."
  value       = local.role_arns.worker
}

output "analyst_role_arn" {
  description = "ARN of the role for people who only query; null with an existing role."
  value       = one(module.roles[*].analyst_role_arn)
}

output "submitter_user_name" {
  description = "Name of the user whose access key Prefect Cloud uses; null with a worker or an existing role."
  value       = one(module.roles[*].submitter_user_name)
}

output "vpc_id" {
  description = "Id of the VPC."
  value       = module.network.vpc_id
}

output "subnet_ids" {
  description = "Ids of the subnets that tasks run in."
  value       = module.network.subnet_ids
}

output "security_group_id" {
  description = "Id of the security group that tasks carry."
  value       = module.network.security_group_id
}

output "assign_public_ip" {
  description = "Whether tasks need a public address."
  value       = module.network.assign_public_ip
}

output "flow_run_log_group" {
  description = "Name of the flow runs' log group."
  value       = module.cluster.log_group_name
}

output "queue_name" {
  description = "Name of the queue with task state changes; null without a worker."
  value       = one(module.events[*].queue_name)
}

output "queue_url" {
  description = "URL of the queue with task state changes; null without a worker."
  value       = one(module.events[*].queue_url)
}

output "worker_service_name" {
  description = "Name of the worker's service; null without a worker, or before the first image."
  value       = one(module.worker[*].service_name)
}

output "alarm_topic_arn" {
  description = "ARN of the topic that alarms are sent to."
  value       = module.alarms.topic_arn
}
