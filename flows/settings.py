"""The settings: read from the environment once a run, by the flow."""

from pathlib import Path
from typing import Literal

from botocore.exceptions import ProfileNotFound
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks import USER_AGENT
from tasks.core.dataset import Dataset
from tasks.core.errors import NotConfiguredError, SourceHasNoDataError
from tasks.core.exchange import INDEX_URL, QUOTES_URL
from tasks.core.plan import Subject

NO_REPORTS = "none"


class Settings(BaseSettings):
    """Where the lake is and where B3 is: `B3_` and the field's name, in upper case."""

    model_config = SettingsConfigDict(env_prefix="B3_", frozen=True, hide_input_in_errors=True)

    lake_bucket: str = Field(min_length=3, description="Bucket of the lake.")
    database: str = Field(
        min_length=1, pattern=r"^[a-z0-9_]+$", description="Database in the Glue Data Catalog."
    )
    glue_job: str = Field(min_length=1, description="Glue job that executes plans.")
    index_url: str = Field(
        default=INDEX_URL,
        repr=False,  # it may hold a name and a secret
        pattern=r"^https?://[^/]+",
        description="B3's site of indices.",
    )
    quotes_url: str = Field(
        default=QUOTES_URL,
        repr=False,
        pattern=r"^https?://[^/]+",
        description="B3's folder of quote files.",
    )
    user_agent: str = Field(default=USER_AGENT, description="Who asks B3.")
    reports: Literal["pt-BR", "en", "none"] = Field(
        default="pt-BR", description="Language of the reports that runs make, or none."
    )
    lake_folder: Path | None = Field(
        default=None,
        description="The lake as a folder of plain files, where it is one; only views read it.",
    )

    @field_validator("user_agent")
    @classmethod
    def _fits_a_header(cls, value: str) -> str:
        wrong = [ascii(each) for each in value if not " " <= each <= "~"]
        if wrong:
            raise ValueError(
                f"expected printable ASCII, as a header of HTTP has it, found {wrong[0]}"
            )
        if not value or value != value.strip():
            raise ValueError(
                "expected text that neither begins nor ends with a space; unset it for the default"
            )
        return value


def subject_of(settings: Settings, dataset: Dataset) -> Subject:
    """Return a dataset in the lake of the settings."""
    return Subject(dataset, settings.lake_bucket, settings.database, settings.glue_job)


def lost(settings: Settings, key: str, why: str) -> SourceHasNoDataError:
    """Return what to say of a raw object that cannot be made again."""
    return SourceHasNoDataError(
        f"s3://{settings.lake_bucket}/{key} is gone or cannot be read, and is not made again: "
        f"{why}. Restore it from the bucket's versions."
    )


def load_settings() -> Settings:
    """Read the settings and see that AWS credentials and a region are there.

    Raises:
        NotConfiguredError: Something is missing or malformed; the message names each.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        problems = [f"B3_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise NotConfiguredError(_message(problems)) from error
    problems = _missing_from_aws()
    if problems:
        raise NotConfiguredError(_message(problems))
    return settings


def _missing_from_aws() -> list[str]:
    import boto3  # here: a command that only prints help need not wait for it

    try:
        session = boto3.Session()
    except ProfileNotFound as error:
        return [f"AWS_PROFILE: {error}"]
    problems = []
    if not session.region_name:
        problems.append("AWS_DEFAULT_REGION: not set, and no profile names a region")
    if session.get_credentials() is None:
        problems.append("AWS credentials: none found in environment, profile or role")
    return problems


def _message(problems: list[str]) -> str:
    lines = "\n".join(f"  {problem}" for problem in problems)
    return (
        f"Not configured:\n{lines}\nThe deployment's outputs name these values (docs/INSTALL.md); "
        f"on one machine, load those of the local cloud: set -a; . .local/env; set +a"
    )
