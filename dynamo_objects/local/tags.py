"""Tags of tables: TagResource, UntagResource, ListTagsOfResource.

Source: AWS's answers to dynalite's tests and to those of the Parity Suite; limits: Developer
Guide, "Tagging restrictions".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from .definitions import Table
from .engine import Context, Handler
from .errors import ApiError, invalid, invalid_parameter, not_found
from .lifecycle import settled
from .storage.base import Unit

__all__ = ["TAG_HANDLERS", "with_tags"]

_MAX_TAGS = 50
#: ListTagsOfResource gives so many at once.
_PAGE = 10
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):([0-9]+):table/([a-zA-Z0-9_.-]{3,255})", re.ASCII)
_OWN_ACCOUNT = "000000000000"


def with_tags(held: Mapping[str, str], tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return tags with others added, which replace those of the same keys.

    Raises:
        ApiError: There are too many, one of the keys is AWS's own, or stands there twice.
    """
    keys = [tag["Key"] for tag in tags]
    if len({*keys}) < len(keys):
        raise invalid_parameter("Tag keys must be unique")
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid_parameter("System tags cannot be added, updated or removed by requester")
    found = {**held, **{tag["Key"]: tag["Value"] for tag in tags}}
    if len(found) > _MAX_TAGS:
        raise invalid_parameter(f"Too many Tags: the limit is {_MAX_TAGS}")
    return found


def tag_resource(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags to a table."""
    name = _name(request, "TagResource")
    if not request["Tags"]:
        raise invalid("Atleast one Tag needs to be provided as Input.")
    with context.storage.writing() as unit:
        table = _table(context, unit, name, request)
        _save(context, unit, table, with_tags(_tags(table), request["Tags"]))
    return {}


def untag_resource(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags from a table; those it does not have do not matter."""
    name = _name(request, "UntagResource")
    if not request["TagKeys"]:
        raise invalid("Atleast one Tag Key needs to be provided as Input.")
    with context.storage.writing() as unit:
        table = _table(context, unit, name, request)
        gone = {*request["TagKeys"]}
        _save(context, unit, table, {key: tag for key, tag in _tags(table).items() if key not in gone})
    return {}


def list_tags_of_resource(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Return the tags of a table, ten at once."""
    name = _name(request, "ListTagsOfResource")
    with context.storage.reading() as unit:
        tags = sorted(_tags(_table(context, unit, name, request)).items())
    token = request.get("NextToken")
    page = [tag for tag in tags if token is None or tag[0] > token]
    found: dict[str, Any] = {"Tags": _shown(page[:_PAGE])}
    if len(page) > _PAGE:
        found["NextToken"] = page[_PAGE - 1][0]
    return found


def _shown(tags: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags]


def _tags(table: Table) -> Mapping[str, str]:
    found: Mapping[str, str] = table.description.get("tags", {})
    return found


def _save(context: Context, unit: Unit, table: Table, tags: Mapping[str, str]) -> None:
    context.catalog.save(
        unit, msgspec.structs.replace(table, description={**table.description, "tags": dict(tags)})
    )


def _name(request: Mapping[str, Any], operation: str) -> str:
    """Return the name of the table that an ARN is for.

    Raises:
        ApiError: It is no ARN of a table, or one of another account.
    """
    arn = request.get("ResourceArn")
    if arn is None:
        raise invalid("Invalid TableArn")
    found = _ARN.fullmatch(arn)
    if found is None:
        raise invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    if found[2] != _OWN_ACCOUNT:
        who = f"User: arn:aws:iam::{_OWN_ACCOUNT}:root is not authorized to perform: dynamodb:{operation}"
        raise ApiError("AccessDeniedException", f"{who} on resource: {arn}")
    return found[3]


def _table(context: Context, unit: Unit, name: str, request: Mapping[str, Any]) -> Table:
    table = context.catalog.find(unit, name)
    held = None if table is None else settled(table, context.options.clock())
    if held is None:
        # "ResourcArn" is AWS's own mistake.
        raise not_found(f"Requested resource not found: ResourcArn: {request['ResourceArn']} not found")
    return held


#: Operation -> what carries it out.
TAG_HANDLERS: dict[str, Handler] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsOfResource": list_tags_of_resource,
}
