"""What AWS answers where it does not do what it was asked, in the form of each kind of service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """An error of AWS.

    Attributes:
        statuses: The HTTP status, of S3 and of all others.
        codes: Its names: of some services, of other JSON services (`json`), and of those with
            forms and XML (`query`).
    """

    statuses: tuple[int, int]
    codes: Mapping[str, str]

    def answer(self, service: str, *, is_json: bool) -> tuple[int, str, bytes]:
        """Return the HTTP status, the type and the body of the answer."""
        of_s3, of_others = self.statuses
        protocol = "json" if is_json else "query"
        code = self.codes.get(service, self.codes[protocol])
        message = "The gate in front of AWS refuses this call."
        error = f"<Code>{code}</Code><Message>{message}</Message>"
        if service == "s3":
            return of_s3, "application/xml", f"<Error>{error}</Error>".encode()
        if is_json:
            body = json.dumps({"__type": code, "message": message})
            return of_others, "application/x-amz-json-1.1", body.encode()
        body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
        return of_others, "text/xml", body.encode()


REFUSALS = {
    "500": Refusal(
        (500, 500),
        {
            "s3": "InternalError",
            "glue": "InternalServiceException",
            "athena": "InternalServerException",
            "ecs": "ServerException",
            "json": "InternalFailure",
            "query": "InternalFailure",
        },
    ),
    "throttled": Refusal(
        (503, 400), {"s3": "SlowDown", "json": "ThrottlingException", "query": "Throttling"}
    ),
}
