resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV_AWS_149: Secrets Manager encrypts with its own key; a customer key would serve other accounts, and there are none.
  # checkov:skip=CKV2_AWS_57: Prefect issues the key, AWS cannot renew it: raise `prefect_credential_version` to send a new one.
  name                    = var.name
  description             = "How flow runs and the worker prove themselves to Prefect's API."
  recovery_window_in_days = var.recovery_window_days
}

resource "aws_secretsmanager_secret_version" "this" {
  secret_id = aws_secretsmanager_secret.this.id
  # A destroy is validated too, and has no credential. The words are never sent: see the precondition.
  secret_string_wo         = try(coalesce(var.value), "none given")
  secret_string_wo_version = var.value_version

  # Here and not beside the variable, where it would stop a destroy as well, which sends nothing.
  lifecycle {
    precondition {
      condition     = try(length(var.value) > 0, false)
      error_message = "Prefect's API asks for a credential and none is given: export TF_VAR_prefect_credential, or set prefect_auth = \"none\" for a server without authentication."
    }
  }
}
