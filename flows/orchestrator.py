"""Prefect's API, when it is gone."""

import httpx
from prefect.settings import PREFECT_API_URL

from tasks.core.errors import B3PipelineError, OrchestratorError
from tasks.core.texts import clean, hide_secrets


def find_gone_api(error: BaseException) -> OrchestratorError | None:
    """Return what to say where an error is that Prefect's API does not answer; else None."""
    at: BaseException | None = error
    while at and not isinstance(at, B3PipelineError):
        is_refusal = isinstance(at, httpx.HTTPStatusError) and at.response.status_code >= 500
        if isinstance(at, httpx.TransportError) or is_refusal:
            return api_is_gone(at)
        at = at.__cause__
    return None


def api_is_gone(said: object) -> OrchestratorError:
    """Return what to say where Prefect's API does not answer any more.

    Args:
        said: What the last attempt ended with.
    """
    url = hide_secrets(PREFECT_API_URL.value() or "its temporary server")
    return OrchestratorError(
        f"Expected Prefect's API at {clean(url)} to take how this run goes, found that it does not "
        f"answer any more: {clean(hide_secrets(str(said))) or type(said).__name__}. The lake is "
        f"whole: what was published stays, what was not is as it was. Run it again when the API "
        f"answers; it goes on from there."
    )
