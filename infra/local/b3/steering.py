"""What `POST /replay` takes."""

import datetime as dt
import re
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, PositiveInt, StrictBool, model_validator

from infra.local.b3.wire_faults import FaultOptions

LIST = "list"
"""The list of indices, where an index can be named as well."""
CALLS = (LIST, "theoretical", "preview", "configurations")
"""What a fault can be for where an index can be named: the list, or calls about every index."""

_INDEX_CODE = re.compile(r"[A-Z0-9]{4,6}")


def check_code(index_code: str) -> str:
    """Return an index code.

    Raises:
        ValueError: It does not have the form of one.
    """
    if not _INDEX_CODE.fullmatch(index_code):
        raise ValueError(
            f"An index code is 4 to 6 upper-case letters and digits, such as IBOV; "
            f"found {index_code!r}."
        )
    return index_code


def check_codes(index_codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return index codes.

    Raises:
        ValueError: One does not have the form of one, or is named twice.
    """
    if len(set(index_codes)) < len(index_codes):
        raise ValueError(f"An index is listed once; found {', '.join(index_codes)}.")
    return tuple(map(check_code, index_codes))


def check_target(target: str) -> str:
    """Return an index code or one of `CALLS`.

    Raises:
        ValueError: It is neither.
    """
    return target if target in CALLS else check_code(target)


class Steering(BaseModel):
    """A request to show or to answer otherwise; what is absent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    session: dt.date | None = None
    after: PositiveInt | None = None
    fault: str | None = None
    times: PositiveInt | None = None
    options: FaultOptions = FaultOptions()
    index: Annotated[str, AfterValidator(check_target)] | None = None
    listed: Annotated[tuple[str, ...], AfterValidator(check_codes)] | None = None
    preview: StrictBool | None = None

    def says(self, name: str) -> bool:
        """Return whether a field is there, be it null."""
        return name in self.model_fields_set

    @model_validator(mode="after")
    def _check_what_belongs_together(self) -> Self:
        if self.fault is None and (self.says("times") or self.says("options")):
            raise ValueError("times and options belong to a fault: name it in fault.")
        if self.session is None and self.says("after"):
            raise ValueError("after belongs to a session: name it in session.")
        if self.index is not None and self.session is None and not self.says("fault"):
            raise ValueError("index belongs to a session or a fault: name one.")
        if self.index in CALLS and self.session is not None:
            raise ValueError(f"{self.index} has no session of its own: it follows the indices.")
        return self
