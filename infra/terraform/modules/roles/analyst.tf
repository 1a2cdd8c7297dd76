# What people do who only query: ask in the workgroup, read what the catalog leads to and the reports,
# see their results.
# They see what the pipeline publishes and cannot change it; nothing of landing, plans or the inbox.
data "aws_iam_policy_document" "analyst" {
  statement {
    sid = "QueryInWorkgroup"
    actions = [
      "athena:StartQueryExecution",
      "athena:StopQueryExecution",
      "athena:GetQueryExecution",
      "athena:BatchGetQueryExecution",
      "athena:ListQueryExecutions",
      "athena:GetQueryResults",
      "athena:GetQueryResultsStream",
      "athena:GetWorkGroup",
      "athena:ListNamedQueries",
      "athena:GetNamedQuery",
      "athena:BatchGetNamedQuery",
    ]
    resources = ["${local.arn_prefix.athena}:workgroup/${var.workgroup}"]
  }

  # Without these the console's page of queries does not open.
  statement {
    sid = "BrowseCatalog"
    actions = [
      "athena:GetDataCatalog",
      "athena:GetDatabase",
      "athena:ListDatabases",
      "athena:GetTableMetadata",
      "athena:ListTableMetadata",
    ]
    resources = ["${local.arn_prefix.athena}:datacatalog/AwsDataCatalog"]
  }

  statement {
    sid       = "SeeWhatThereIs"
    actions   = ["athena:ListDataCatalogs", "athena:ListEngineVersions", "athena:ListWorkGroups"]
    resources = ["*"]
  }

  statement {
    sid = "ReadCatalog"
    actions = [
      "glue:GetDatabase",
      "glue:GetDatabases",
      "glue:GetTable",
      "glue:GetTables",
      "glue:GetPartition",
      "glue:GetPartitions",
      "glue:BatchGetPartition",
    ]
    resources = local.catalog_arns
  }

  statement {
    sid       = "FindObjects"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = [var.lake_bucket_arn, var.results_bucket_arn]
  }

  # Commits beside the tables, for files of views; reports for whoever opens a page.
  statement {
    sid       = "ReadTablesAndReports"
    actions   = ["s3:GetObject"]
    resources = [for zone in ["raw", "refined", "published", "reports"] : "${var.lake_bucket_arn}/${zone}/*"]
  }

  # Athena writes results as the one who asks.
  statement {
    sid = "KeepResults"
    actions = [
      "s3:GetObject",
      "s3:PutObject",
      "s3:AbortMultipartUpload",
      "s3:ListMultipartUploadParts",
    ]
    resources = ["${var.results_bucket_arn}/*"]
  }
}

data "aws_iam_policy_document" "assumed_by_analysts" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = length(var.analyst_arns) > 0 ? var.analyst_arns : ["arn:${data.aws_partition.current.partition}:iam::${var.account_id}:root"]
    }
  }
}

resource "aws_iam_role" "analyst" {
  name               = "${var.name}-analyst"
  description        = "People who only query ${var.name} take it on."
  assume_role_policy = data.aws_iam_policy_document.assumed_by_analysts.json
}

resource "aws_iam_role_policy" "analyst" {
  name   = "analyst"
  role   = aws_iam_role.analyst.id
  policy = data.aws_iam_policy_document.analyst.json
}
