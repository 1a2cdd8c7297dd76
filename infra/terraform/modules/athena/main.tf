locals {
  sections = [
    for section in slice(split("\n## ", var.queries_document), 1, length(split("\n## ", var.queries_document))) : {
      heading = trimspace(split("\n", section)[0])
      queries = [for match in regexall("(?s)```sql\n(.*?)```", section) : trimspace(match[0])]
    }
  ]

  # A section's first query has its heading for a name, further ones are numbered.
  queries = merge([
    for section in local.sections : {
      for position, query in section.queries :
      position == 0 ? section.heading : "${section.heading} (${position + 1})" => query
    }
  ]...)
}

resource "aws_athena_workgroup" "this" {
  name          = var.name
  description   = "Queries on B3's daily data."
  force_destroy = var.force_destroy

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = false
    bytes_scanned_cutoff_per_query     = var.bytes_scanned_cutoff

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location = "s3://${var.results_bucket_name}/${var.name}/"

      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}

resource "aws_athena_named_query" "this" {
  for_each = local.queries

  name      = each.key
  workgroup = aws_athena_workgroup.this.name
  database  = var.database
  query     = each.value
}
