"""Whether what stands for AWS answers in AWS's own form: every answer against botocore's model.

botocore leaves out what it does not know and does not miss what is not there, so the bytes are
looked at, before it does. Answers that refuse a call are of no interest here.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any
from unittest.mock import patch
from xml.etree import ElementTree as ET

from botocore.parsers import (
    BaseJSONParser,
    BaseRestParser,
    EC2QueryParser,
    QueryParser,
    ResponseParser,
)

UNREADABLE = "cannot be parsed"
_FIRST_ERROR_STATUS = 300
_INTEGERS, _FLOATS = {"integer", "long"}, {"float", "double"}
_TYPES_IN_JSON: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "character": (str,),
    "blob": (str,),
    "boolean": (bool,),
    **dict.fromkeys(_INTEGERS, (int,)),
    **dict.fromkeys(_FLOATS, (int, float)),
}
_TYPES_IN_TEXT = {
    "boolean": re.compile("true|false"),
    **dict.fromkeys(_INTEGERS, re.compile(r"-?\d+")),
    **dict.fromkeys(_FLOATS, re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")),
}


@contextmanager
def each_answer_seen_by(take: Callable[[list[str]], None]) -> Iterator[None]:
    """Hand what is wrong with an answer to `take`, for every client of this process."""
    parse = ResponseParser.parse

    def look_and_parse(self: Any, response: Any, shape: Any) -> Any:
        if shape is not None and response["status_code"] < _FIRST_ERROR_STATUS:
            take([f"{shape.name}{each}" for each in find_faults(self, response, shape)])
        return parse(self, response, shape)

    with patch.object(ResponseParser, "parse", look_and_parse):
        yield


def find_faults(parser: ResponseParser, response: Mapping[str, Any], shape: Any) -> list[str]:
    """Return what is wrong with an answer.

    Args:
        parser: botocore's of the service's protocol.
        response: Its `headers` and `body`.
        shape: What the model says that it is.
    """
    found = list(_in_headers(shape, response["headers"]))
    whole = _shape_of_body(shape)
    if whole is None:
        return found
    try:
        if isinstance(parser, BaseJSONParser):
            has_body = bool(response["body"]) or not isinstance(parser, BaseRestParser)
            found += _in_json(whole, json.loads(response["body"]) if has_body else {})
        elif any(map(_is_in_body, whole.members.values())):
            root = ET.fromstring(response["body"])
            found += _in_xml(whole, _unwrap(parser, shape, root))
    except (json.JSONDecodeError, ET.ParseError) as error:
        found.append(f": {UNREADABLE}, {error}: {response['body'][:40]!r}")
    return found


def _shape_of_body(shape: Any) -> Any:
    """Return the shape of the body; None where it is bytes."""
    payload = shape.serialization.get("payload")
    if payload is None:
        return shape
    whole = shape.members[payload]
    return whole if whole.type_name == "structure" else None


def _is_in_body(member: Any) -> bool:
    return "location" not in member.serialization


def _in_headers(shape: Any, headers: Mapping[str, str]) -> Iterator[str]:
    there = {name.lower(): value for name, value in headers.items()}
    for name, member in shape.members.items():
        if member.serialization.get("location") == "header":
            text = there.get(member.serialization.get("name", name).lower())
            if text is not None:
                yield from _in_text(member, text, f".{name}", "rfc822")
            elif name in shape.required_members:
                yield f".{name}: required, not there"


def _names_on_the_wire(shape: Any) -> dict[str, tuple[str, Any]]:
    return {
        _name_of(name, member): (name, member)
        for name, member in shape.members.items()
        if _is_in_body(member)
    }


def _name_of(name: str, member: Any) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        name = member.member.serialization.get("name", name)
    return str(member.serialization.get("name", name))


def _in_json(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    kind = shape.type_name
    if kind == "timestamp":
        yield from _in_json_time(shape, value, path)
    elif type(value) not in _TYPES_IN_JSON[kind]:
        yield f"{path}: expected {kind}, found {value!r}"
    elif kind == "structure":
        yield from _in_json_structure(shape, value, path)
    elif kind in ("map", "list"):
        within = shape.value if kind == "map" else shape.member
        for at, each in value.items() if kind == "map" else enumerate(value):
            yield from _in_json(within, each, f"{path}[{at!r}]")
    elif kind == "string" and shape.enum and value not in shape.enum:
        yield f"{path}: expected one of {shape.enum}, found {value!r}"


def _in_json_structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    known = _names_on_the_wire(shape)
    for wire, each in value.items():
        if wire in known:
            yield from _in_json(known[wire][1], each, f"{path}.{wire}")
        else:
            yield f"{path}.{wire}: not in the model"
    for wire, (name, _) in known.items():
        if name in shape.required_members and wire not in value:
            yield f"{path}.{wire}: required, not there"


def _in_json_time(shape: Any, value: Any, path: str) -> Iterator[str]:
    written = shape.serialization.get("timestampFormat", "unixTimestamp")
    if written != "unixTimestamp" and isinstance(value, str):
        yield from _in_text(shape, value, path, written)
    elif written != "unixTimestamp" or isinstance(value, bool | str | None):
        yield f"{path}: expected a timestamp as {written}, found {value!r}"


def _unwrap(parser: ResponseParser, shape: Any, root: ET.Element) -> ET.Element:
    """Return the element that holds the members of the whole."""
    if isinstance(parser, EC2QueryParser):
        for each in [each for each in root if _tag(each) == "requestId"]:
            root.remove(each)
    elif isinstance(parser, QueryParser):
        wrapper = shape.serialization.get("resultWrapper")
        return next((each for each in root if _tag(each) == wrapper), ET.Element("none"))
    return root


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _in_xml(shape: Any, element: ET.Element, path: str = "") -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _in_xml_structure(shape, element, path)
    elif shape.type_name == "list":
        name = shape.member.serialization.get("name", "member")
        for number, each in enumerate(element):
            if _tag(each) != name:
                yield f"{path}.{_tag(each)}: expected {name}"
            yield from _in_xml(shape.member, each, f"{path}[{number}]")
    elif shape.type_name != "map":
        yield from _in_text(shape, element.text or "", path, "iso8601")


def _in_xml_structure(shape: Any, element: ET.Element, path: str) -> Iterator[str]:
    known = _names_on_the_wire(shape)
    for each in element:
        wire = _tag(each)
        if wire not in known:
            yield f"{path}.{wire}: not in the model"
            continue
        member = known[wire][1]
        is_flat = member.type_name == "list" and member.serialization.get("flattened")
        yield from _in_xml(member.member if is_flat else member, each, f"{path}.{wire}")
    there = {_tag(each) for each in element}
    for wire, (name, member) in known.items():
        is_attribute = member.serialization.get("xmlAttribute")
        if name in shape.required_members and wire not in there and not is_attribute:
            yield f"{path}.{wire}: required, not there"


def _in_text(shape: Any, text: str, path: str, time_format: str) -> Iterator[str]:
    """Find what is wrong with a scalar that is written as text."""
    kind = shape.type_name
    form = _TYPES_IN_TEXT.get(kind)
    if kind == "timestamp":
        written = shape.serialization.get("timestampFormat", time_format)
        read: Any = dt.datetime.fromisoformat if written == "iso8601" else parsedate_to_datetime
        try:
            read(text)
        except ValueError:
            yield f"{path}: expected a timestamp as {written}, found {text!r}"
    elif form and not form.fullmatch(text):
        yield f"{path}: expected {kind}, found {text!r}"
    elif kind == "string" and shape.enum and text not in shape.enum:
        yield f"{path}: expected one of {shape.enum}, found {text!r}"
