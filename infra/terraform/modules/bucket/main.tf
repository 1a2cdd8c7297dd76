locals {
  # By way of these a plan can write the policy out; by the resource itself it never does.
  arn             = aws_s3_bucket.this.arn
  write_once_arns = [for prefix in var.write_once_prefixes : "${local.arn}/${prefix}*"]
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: Who read what is a question for CloudTrail's data events, which an account turns on once.
  # checkov:skip=CKV_AWS_144: B3 and the code can make every object again; versions guard against a slip.
  # checkov:skip=CKV_AWS_145: S3's own key (AES-256) encrypts everything; a customer key would cost more than the lake.
  # checkov:skip=CKV2_AWS_62: Nothing waits for an object: the flow publishes a month, and readers see that.
  bucket        = var.name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  # checkov:skip=CKV_AWS_300: The first rule ends aborted uploads; the check overlooks it beside a dynamic rule.
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "aborted-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  dynamic "rule" {
    for_each = var.noncurrent_prefixes

    content {
      id     = trimsuffix("old-versions-${trimsuffix(rule.value, "/")}", "-")
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      noncurrent_version_expiration {
        noncurrent_days = var.noncurrent_version_days
      }

      # What marks a deleted object would stay for ever, once its versions are gone.
      expiration {
        expired_object_delete_marker = true
      }
    }
  }

  dynamic "rule" {
    for_each = var.lifecycle_rules

    content {
      id     = rule.value.id
      status = "Enabled"

      filter {
        prefix = rule.value.prefix
      }

      dynamic "expiration" {
        for_each = rule.value.expiration_days[*]

        content {
          days = expiration.value
        }
      }

      dynamic "transition" {
        for_each = rule.value.transition_days[*]

        content {
          days          = transition.value
          storage_class = rule.value.transition_destination
        }
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

data "aws_iam_policy_document" "this" {
  dynamic "statement" {
    for_each = var.enforce_conditions ? [local.arn] : []

    content {
      sid       = "RefuseUnencryptedTransport"
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = [statement.value, "${statement.value}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["false"]
      }
    }
  }

  # Null is true where a request has no If-None-Match. S3 takes no other value of it than `*`, so what
  # gets through makes an object only where there is none. Every way to write asks for s3:PutObject:
  # a form's POST cannot carry the header, nor can the start and the parts of an upload of many parts,
  # so these are refused; a copy is, unless it carries it.
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
  dynamic "statement" {
    for_each = var.enforce_conditions && length(local.write_once_arns) > 0 ? [local.write_once_arns] : []

    content {
      sid       = "RefuseToReplace"
      effect    = "Deny"
      actions   = ["s3:PutObject"]
      resources = statement.value

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Null"
        variable = "s3:if-none-match"
        values   = ["true"]
      }
    }
  }

  # Administrators are refused too: who must take something away changes this policy first, as
  # `destroy` does. Lifecycle rules ask no policy; `lifecycle_rules` and `noncurrent_prefixes` may
  # name none of these prefixes.
  dynamic "statement" {
    for_each = length(local.write_once_arns) > 0 ? [local.write_once_arns] : []

    content {
      sid       = "RefuseToDelete"
      effect    = "Deny"
      actions   = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
      resources = statement.value

      principals {
        type        = "*"
        identifiers = ["*"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  count = var.enforce_conditions || length(var.write_once_prefixes) > 0 ? 1 : 0

  bucket = aws_s3_bucket.this.id
  policy = data.aws_iam_policy_document.this.json

  # Both write the bucket's policy settings, and S3 refuses two at once.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
