"""Tags of tables: TagResource, UntagResource, ListTagsOfResource.

Source: what a lab recorded of AWS for the controllers of Kubernetes (aws-controllers-k8s), in
us-west-2 and us-east-1 in October 2026; before that AWS's answers to dynalite's tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import category

import msgspec

from .definitions import Table
from .engine import Context, Handler
from .errors import ApiError, invalid, invalid_parameter, not_found
from .lifecycle import settled
from .storage.base import Unit

__all__ = ["TAG_HANDLERS", "with_tags"]

_MAX_TAGS = 50
_MAX_KEY = 128
_MAX_VALUE = 256
_TOO_MANY = "Number of Tags exceed the current limit for the provided ResourceArn"
#: What stands in tags beside letters, digits and spaces of any script.
_SIGNS = frozenset("_.:/=+-@")
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):([0-9]+):table/([a-zA-Z0-9_.-]{3,255})", re.ASCII)
_PART = re.compile(r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]+:table/[a-zA-Z0-9_.-]+/index/.+", re.ASCII)
_OWN_ACCOUNT = "000000000000"


def with_tags(held: Mapping[str, str], tags: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return tags with others added, which replace those of the same keys.

    Raises:
        ApiError: A tag is wrong, a key stands there twice, or there are too many.
    """
    keys = _checked_keys([tag.get("Key") for tag in tags])
    for tag in tags:
        value = tag.get("Value")
        if value is None or not _is_text_of_tag(value, _MAX_VALUE):
            raise invalid(f"The Tag Value provided is invalid, Value: {'null' if value is None else value}")
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise invalid(f"Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}")
    found = {**held, **{tag["Key"]: tag["Value"] for tag in tags}}
    if len(found) > _MAX_TAGS:
        raise invalid(_TOO_MANY)
    return found


def _checked_keys(keys: Sequence[str | None]) -> Sequence[str]:
    checked: list[str] = []
    for key in keys:
        if not key or not _is_text_of_tag(key, _MAX_KEY):
            raise invalid(f"The Tag Key provided is invalid, Key: {'null' if key is None else key}")
        if key.lower().startswith("aws:"):
            raise invalid(f"Tag Key cannot be prefixed with aws:, Key: {key}")
        checked.append(key)
    if len(checked) > _MAX_TAGS:
        raise invalid(_TOO_MANY)
    return checked


def _is_text_of_tag(text: str, most: int) -> bool:
    return len(text) <= most and all(sign in _SIGNS or category(sign)[0] in "LNZ" for sign in text)


def tag_resource(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags to a table."""
    name = _name(request)
    if not request["Tags"]:
        raise invalid("Atleast one Tag needs to be provided as Input.")
    with context.storage.writing() as unit:
        table = _table(context, unit, name, request)
        _save(context, unit, table, with_tags(_tags(table), request["Tags"]))
    return {}


def untag_resource(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags from a table; those it does not have do not matter."""
    name = _name(request)
    if not request["TagKeys"]:
        raise invalid("Atleast one Tag Key needs to be provided as Input.")
    with context.storage.writing() as unit:
        table = _table(context, unit, name, request)
        gone = {*_checked_keys(request["TagKeys"])}
        _save(context, unit, table, {key: tag for key, tag in _tags(table).items() if key not in gone})
    return {}


def list_tags_of_resource(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Return the tags of a table: AWS gives all fifty at once."""
    name = _name(request)
    with context.storage.reading() as unit:
        return {"Tags": _shown(sorted(_tags(_table(context, unit, name, request)).items()))}


def _shown(tags: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags]


def _tags(table: Table) -> Mapping[str, str]:
    found: Mapping[str, str] = table.description.get("tags", {})
    return found


def _save(context: Context, unit: Unit, table: Table, tags: Mapping[str, str]) -> None:
    context.catalog.save(
        unit, msgspec.structs.replace(table, description={**table.description, "tags": dict(tags)})
    )


def _name(request: Mapping[str, Any]) -> str:
    """Return the name of the table that an ARN is for.

    Raises:
        ApiError: It is no ARN of a table, or one of another account.
    """
    arn = request.get("ResourceArn")
    if arn is None:
        raise invalid("Invalid TableArn")
    if not arn.startswith("arn:"):
        raise invalid_parameter(f"ARNs must start with 'arn:': {arn}")
    if _PART.fullmatch(arn):
        given = f"Provided resource arn: {arn}"
        raise invalid_parameter(f"Invalid resource arn provided, only table or stream is accepted. {given}")
    found = _ARN.fullmatch(arn)
    if found is None:
        raise invalid_parameter(f"Provided Arn is not a DynamoDB resource arn: {arn}")
    if found[2] != _OWN_ACCOUNT:
        raise ApiError("AccessDeniedException", "Access is denied")
    return found[3]


def _table(context: Context, unit: Unit, name: str, request: Mapping[str, Any]) -> Table:
    table = context.catalog.find(unit, name)
    held = None if table is None else settled(table, context.options.clock())
    if held is None:
        raise not_found(f"Requested resource not found: ResourceArn: {request['ResourceArn']} not found")
    return held


#: Operation -> what carries it out.
TAG_HANDLERS: dict[str, Handler] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsOfResource": list_tags_of_resource,
}
