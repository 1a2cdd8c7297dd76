"""What a flow takes from a form, from `prefect deployment run` and from a program: its parameters.

Prefect makes the dashboard's form from a flow's signature, and its server holds what is given
against the same schema before there is a run. A parameter's description is what the flow's
docstring says of it; for a title Prefect has the parameter's name, but where `json_schema_extra`
gives another.

Patterns and bounds stand in the schema alone: what comes to a flow past it, from a program or
from a form that was told not to validate, the flow refuses in its own words. Types hold everywhere.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tasks.core.exchange import FIRST_YEAR
from tasks.core.freshness import Kind
from tasks.core.indices import ALL

SHORTEST_GRACE_DAYS, LONGEST_GRACE_DAYS = 1, 3650
_LAST_YEAR = 9999
_DAY = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
_CODE = "[A-Za-z0-9]{4,6}"
_SOMETHING = r"\S"


class _WithoutDefault(dict[str, Any]):
    """A schema that no default is added to."""

    def __setitem__(self, key: str, value: object) -> None:
        if key != "default":
            super().__setitem__(key, value)


@dataclass(frozen=True)
class _Field:
    """Shows a parameter that may be None as one field, which may be left empty.

    Pydantic says "this or null", of which the dashboard makes two tabs, and "null, where nothing is
    given", which the dashboard would send and the server then refuse. Where no default is named the
    dashboard sends nothing, and the server takes null as well.
    """

    schema: Mapping[str, Any]

    def __get_pydantic_json_schema__(
        self, _core_schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return _WithoutDefault(self.schema)


def _titled(title: str, *examples: object, **more: object) -> Any:
    """Return the field of a parameter: its title, examples, and what more its schema says."""
    schema: dict[str, Any] = {"title": title, **more}
    return Field(examples=list(examples) or None, json_schema_extra=schema)


def _check_day(given: object) -> object:
    """Refuse what pydantic would make a day of beside days: a time, seconds since 1970."""
    if isinstance(given, str) and not re.fullmatch(_DAY, given):
        raise ValueError("expected a day YYYY-MM-DD")
    if not (given is None or isinstance(given, str | dt.date)):
        raise ValueError("expected a day")
    return given


_Day = Annotated[
    dt.date | None,
    BeforeValidator(_check_day),
    _Field({"type": "string", "format": "date", "pattern": _DAY}),
]
# A form's field takes a line end, and so does the `$` where Prefect's server looks.
_Text = Annotated[str, StringConstraints(strip_whitespace=True)]
_CodeOrAll = Annotated[_Text, Field(json_schema_extra={"pattern": f"^({_CODE}|{ALL})$"})]

TradingDate = Annotated[_Day, _titled("Trading date", "2025-08-04")]
Start = Annotated[_Day, _titled("Start", "2025-07-01")]
End = Annotated[_Day, _titled("End", "2025-07-31")]
PeriodOf = Annotated[_Day, _titled("Period of", "2025-01-06")]
IndexCode = Annotated[_Text, _titled("Index code", "IBOV", "SMLL", pattern=f"^{_CODE}$")]
IndexCodes = Annotated[
    tuple[_CodeOrAll, ...],
    _titled(
        "Index codes",
        [ALL],
        ["IBOV", "SMLL"],
        minItems=1,
        **{"if": {"contains": {"const": ALL}}, "then": {"maxItems": 1}},  # no code beside all
    ),
]
Language = Annotated[
    Literal["pt-BR", "en"] | None,
    # The server takes null only where it is named; the dashboard offers texts alone.
    _Field({"type": "string", "enum": ["pt-BR", "en", None]}),
    _titled("Language"),
]
Folder = Annotated[
    str | None,
    _Field({"type": "string", "pattern": _SOMETHING}),
    _titled("To folder", "reports"),
]
Year = Annotated[
    Annotated[int, Field(strict=True)] | None,
    _Field({"type": "integer", "minimum": FIRST_YEAR, "maximum": _LAST_YEAR}),
    _titled("Year", 2025),
]
Dataset = Literal["portfolio", "quotes", "reconciliation"]
ToFill = Annotated[Dataset, _titled("Dataset")]
ToLookAt = Annotated[tuple[Kind, ...], _titled("Datasets", minItems=1)]
Verified = Literal["portfolio", "quotes", "levels", "reconciliation"]
ToVerify = Annotated[tuple[Verified, ...], _titled("Datasets", minItems=1)]
Repair = Annotated[bool, _titled("Repair")]
Files = Annotated[
    list[Annotated[str, Field(json_schema_extra={"pattern": _SOMETHING})]],
    _titled("Files", ["s3://b3-lake/inbox/"], minItems=1),
]
GraceDays = Annotated[
    int,
    Field(strict=True),
    _titled("Grace days", 30, minimum=SHORTEST_GRACE_DAYS, maximum=LONGEST_GRACE_DAYS),
]
Force = Annotated[bool, _titled("Force")]
Stale = Annotated[bool, _titled("Stale")]
DryRun = Annotated[bool, _titled("Dry run")]
Replace = Annotated[bool, _titled("Replace")]
Delete = Annotated[bool, _titled("Delete")]
