"""Why a run failed, and what to do: the page that the dashboard shows of it."""

import re

from tasks.core.errors import (
    B3PipelineError,
    BadDataError,
    BlockedError,
    CommitError,
    CredentialsError,
    DiskFullError,
    IncompleteError,
    InvalidInputError,
    NotAllowedError,
    NotConfiguredError,
    NotPublishedError,
    OrchestratorError,
    PublishConflictError,
    RefinementError,
    RemovalError,
    RetryableError,
    SourceHasNoDataError,
    UnreadableRawError,
)

# The deployment of each command, and of its options the parameters that have other names.
_DEPLOYMENTS: dict[str, tuple[str, dict[str, str]]] = {
    "portfolio": ("daily-portfolio", {"index": "index_codes"}),
    "quotes": ("daily-quotes", {}),
    "levels": ("index-levels", {"index": "index_codes"}),
    "reconcile": ("reconcile", {"index": "index_codes"}),
    "freshness": ("freshness", {"dataset": "datasets"}),
    "backfill": ("backfill", {"index": "index_code"}),
    "import_portfolio": ("import-portfolio", {}),
    "report": ("report", {"index": "index_codes", "to": "to_folder"}),
    "vacuum": ("vacuum", {}),
    "verify": ("verify", {"dataset": "datasets"}),
}
_COMMAND = re.compile(
    r"python -m flows\.(\w+)"
    r"((?: (?:--[a-z-]+|\d{4}(?:-\d\d-\d\d)?|YYYY-MM-DD|[A-Z0-9]{4,6}|all|portfolio|quotes)\b)*)"
    r"(?: FILE)?"
)

_ADVICE: dict[type[B3PipelineError], str] = {
    BlockedError: "B3 turns everybody away for a while. What was fetched is kept; the next run of "
    "the schedule goes on with the rest. Or run the deployment again in half an hour.",
    RetryableError: "It may pass by itself. Run the deployment again in a while; it goes on where "
    "this run ended.",
    InvalidInputError: "Nothing was published. Run the deployment again with other parameters: "
    "*Run*, *Custom run*.",
    NotConfiguredError: "Nothing was published. The environment lacks something: have it deployed "
    "again (docs/INSTALL.md), then run the deployment again.",
    NotAllowedError: "Readers see what was published before. A right is missing, which the message "
    "names with the place where it is given. When it is given there, run the deployment again.",
    CredentialsError: "Readers see what was published before. A flow run's credentials are those "
    "of its task role: look at the role and at the work pool's task definition, then run the "
    "deployment again.",
    DiskFullError: "Nothing is lost. A flow run's disk is its task's ephemeral storage: a larger "
    "one, or fewer sessions in a run, then run the deployment again.",
    OrchestratorError: "The lake is whole. When Prefect's API answers, run the deployment again: "
    "it goes on where this run ended.",
    NotPublishedError: "Check the code in `index_codes`; `all` takes those that B3 lists.",
    SourceHasNoDataError: "B3 does not have it. Of a portfolio that B3 shows no more, a file that "
    "somebody saved can be uploaded to the lake's `inbox/`, and brought in by a run of "
    "`import-portfolio`.",
    UnreadableRawError: "Run the deployment again: raw is made again from landing. Where it cannot "
    "be, restore the object from the bucket's versions.",
    BadDataError: "Readers see what they saw before. Landing keeps what came. What is wrong is "
    "named above, and for an audit in the artifact `audit-…` of this run: it must be looked at, "
    "and will not pass by itself.",
    IncompleteError: "What is not named above is as it should be, and stays. See to each that is "
    "named, then run the deployment again.",
    RefinementError: "Read the log of the Glue run: the artifact `links-…` of this run leads to "
    "it. Then run the deployment again: it goes on from raw.",
    PublishConflictError: "Let the other runs end, then run the deployment again.",
    RemovalError: "What was removed before stays removed. Run the deployment again; where S3 "
    "refuses again, look at the bucket's policy.",
    CommitError: "Nothing was written. Restore the object that is named from the bucket's "
    "versions, then run the deployment again.",
}
_AWS_ADVICE = (
    "AWS refused or did not answer. Run the deployment again: it goes on where this run ended. If "
    "AWS refuses again, have the environment deployed again (docs/INSTALL.md)."
)


def advise(error: Exception) -> str:
    """Return what to do about an error, by the nearest of its kinds; of any other: AWS's."""
    return next((_ADVICE[kind] for kind in type(error).__mro__ if kind in _ADVICE), _AWS_ADVICE)


def name_deployments(text: str) -> str:
    """Return a text with deployments and their parameters in place of commands."""
    return _COMMAND.sub(_name_deployment, text)


def _name_deployment(match: re.Match[str]) -> str:
    if match[1] not in _DEPLOYMENTS:
        return match[0]
    deployment, parameters = _DEPLOYMENTS[match[1]]
    name = f"deployment `{deployment}`"
    given: list[str] = []
    for word in match[2].split():
        if word.startswith("--"):
            option = word.removeprefix("--")
            given.append(parameters.get(option, option.replace("-", "_")))
        elif given:
            given[-1] += f" {word}"
    return f"{name} with {', '.join(f'`{each}`' for each in given)}" if given else name


def explain_failure(name: str, error: Exception) -> str:
    """Return the page about a run that failed, in Markdown: why, and what to do."""
    first, *rest = name_deployments(str(error)).splitlines() or [type(error).__name__]
    why = "\n".join([first, *(f"- {line.strip()}" for line in rest if line.strip())])
    return f"## {name} failed\n\n### Why\n\n{why}\n\n### What to do\n\n{advise(error)}\n"
