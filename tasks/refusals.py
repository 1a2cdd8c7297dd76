"""What AWS will not do, in words of ours: which right on what is missing, and where it is given.

botocore says `An error occurred (AccessDenied) when calling the …`, which names neither the role
nor the file that a right is written in. What may pass by itself is none of this: `tasks.retries`.
"""

import re
from collections.abc import Callable

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from tasks.core.academy import GO_ON, has_session_ended
from tasks.core.errors import (
    B3PipelineError,
    CredentialsError,
    NotAllowedError,
    NotConfiguredError,
)
from tasks.core.texts import clean, shorten
from tasks.disk import find_full_disk
from tasks.retries import code_of

_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    SSOError,
)
_LONGEST = 400  # characters of AWS's own words
_WHO_AND_WHAT = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>[\w:-]+)"
    r'(?:.*? on resource: "?(?P<resource>[^\s"]+)"?)?(?P<why> (?:because|with) .*)?'
)
_LAKE_FORMATION = re.compile(
    r"Lake Formation permission\(?s?\)?: *Required (?P<right>.+?) on (?P<what>[^\s,.]+)"
)
# The right that a call needs where it is not the call's own name.
_RIGHTS = {
    "ListObjectsV2": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "DeleteObjects": "s3:DeleteObject",
}
_OF_GLUE = re.compile("Job|Table|Partition|Database")
_CREDENTIALS = "the credentials in the environment, AWS_PROFILE or the task's role"
_DEPLOY = "have the environment deployed again (docs/INSTALL.md)"


def in_our_words(error: Exception) -> Exception:
    """Return the error of ours that an error is; another one as it is.

    Args:
        error: Of whatever kind, from a call to AWS or from writing a file.

    Returns:
        `NotAllowedError` where a right is missing, `CredentialsError` where AWS does not take who
        asks, `NotConfiguredError` where the clock is wrong or something is not there,
        `DiskFullError` where a disk is full. The error itself is its cause.
    """
    if isinstance(error, B3PipelineError):
        return error
    ours = find_full_disk(error) or _of_aws(error)
    if ours is None:
        return error
    ours.__cause__ = error
    return ours


def _of_aws(error: Exception) -> B3PipelineError | None:
    if isinstance(error, _NO_CREDENTIALS):
        return CredentialsError(
            f"Expected credentials that AWS takes, found none: {_short(str(error))}. See to "
            f"{_CREDENTIALS}, and run it again."
        )
    if not isinstance(error, ClientError):
        return None
    code = code_of(error)
    said = _short(str(error.response.get("Error", {}).get("Message", "")))
    if "Signature expired" in said or "Signature not yet current" in said:
        code = "RequestTimeTooSkewed"
    tell = _WORDS.get(code)
    return tell(error, said) if tell else None


def _short(text: str) -> str:
    return shorten(clean(text), _LONGEST).rstrip(".")


def _denied(error: ClientError, said: str) -> B3PipelineError:
    if has_session_ended(str(error)):
        return CredentialsError(
            f"Expected the session of a lab, found that it has ended: AWS refuses "
            f"{error.operation_name} ({said}). {GO_ON}, and run it again."
        )
    if "Lake Formation" in said:
        return _denied_by_lake_formation(error, said)
    found = _WHO_AND_WHAT.search(said)
    if not found:
        return _lacks("this role", _right_of(error), _place_of(error), "", said)
    resource = found["resource"] or _place_of(error)
    return _lacks(found["who"], found["action"], resource, found["why"] or "", "")


def _lacks(who: str, action: str, resource: str, why: str, said: str) -> B3PipelineError:
    where = (
        "A policy denies it, whatever else allows it: see the bucket's policy "
        "(infra/terraform/modules/bucket) and the organization's"
        if "explicit deny" in why
        else f"A flow run's rights stand in infra/terraform/modules/roles/flow_run.tf: {_DEPLOY}; "
        f"anybody else's, in their own policy"
    )
    words = f" ({said})" if said else ""
    return NotAllowedError(
        f"Expected {who} to have the right {action} on {resource}, found that AWS refuses it"
        f"{why}{words}. {where}."
    )


def _denied_by_lake_formation(error: ClientError, said: str) -> B3PipelineError:
    found = _LAKE_FORMATION.search(said)
    right, what = (
        (found["right"], found["what"]) if found else ("what the call needs", "the database")
    )
    return NotAllowedError(
        f"Expected the right {right} on {what} in Lake Formation for {error.operation_name}, found "
        f"that it is not given ({said}). IAM's rights do not do there. Grant it to the role in "
        f"Lake Formation, Data permissions, for the database of B3_DATABASE and all its tables; or "
        f"let IAM decide there (IAMAllowedPrincipals)."
    )


def _right_of(error: ClientError) -> str:
    name = error.operation_name
    return _RIGHTS.get(name, f"glue:{name}" if _OF_GLUE.search(name) else f"that {name} needs")


def _place_of(error: ClientError) -> str:
    found = error.response.get("Error", {})
    bucket, key = (str(found.get(name, "")) for name in ("BucketName", "Key"))
    if bucket:
        return f"s3://{clean(bucket)}/{clean(key)}"
    if error.operation_name in _RIGHTS:
        return "the bucket of B3_LAKE_BUCKET"
    return "what B3_DATABASE and B3_GLUE_JOB name"


def _expired(_error: ClientError, said: str) -> B3PipelineError:
    return CredentialsError(
        f"Expected credentials that are in force, found that they have expired ({said}). Get new "
        f"ones: {_CREDENTIALS}; then run it again."
    )


def _unknown(_error: ClientError, said: str) -> B3PipelineError:
    return CredentialsError(
        f"Expected credentials that AWS knows, found that it does not take them ({said}). See to "
        f"{_CREDENTIALS}, and to AWS_ENDPOINT_URL where it is set."
    )


def _skewed(_error: ClientError, said: str) -> B3PipelineError:
    return NotConfiguredError(
        f"Expected this machine's clock to be right to the minute, found that AWS's is more than "
        f"some minutes away ({said}). Set the clock (NTP), and run it again."
    )


def _no_bucket(error: ClientError, said: str) -> B3PipelineError:
    name = error.response.get("Error", {}).get("BucketName")
    bucket = f"bucket {clean(str(name))}" if name else "the bucket of B3_LAKE_BUCKET"
    return NotConfiguredError(
        f"Expected {bucket}, found none ({said}). Check B3_LAKE_BUCKET, and the account and the "
        f"region that are asked; or {_DEPLOY}."
    )


def _no_entity(error: ClientError, said: str) -> B3PipelineError:
    return NotConfiguredError(
        f"Expected in Glue what {error.operation_name} asks for, found none ({said}). Check "
        f"B3_DATABASE and B3_GLUE_JOB, and the account and the region that are asked; or {_DEPLOY}."
    )


def _elsewhere(_error: ClientError, said: str) -> B3PipelineError:
    return NotConfiguredError(
        f"Expected the bucket of B3_LAKE_BUCKET in the region that is asked, found it in another "
        f"({said}). Check AWS_DEFAULT_REGION."
    )


_WORDS: dict[str, Callable[[ClientError, str], B3PipelineError]] = {
    **dict.fromkeys(
        ["AccessDenied", "AccessDeniedException", "403", "Forbidden", "UnauthorizedOperation"],
        _denied,
    ),
    **dict.fromkeys(
        ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"],
        _expired,
    ),
    **dict.fromkeys(
        [
            "AuthFailure",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "InvalidToken",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ],
        _unknown,
    ),
    **dict.fromkeys(["RequestTimeTooSkewed", "RequestInTheFuture"], _skewed),
    "NoSuchBucket": _no_bucket,
    "EntityNotFoundException": _no_entity,
    **dict.fromkeys(
        ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"],
        _elsewhere,
    ),
}
