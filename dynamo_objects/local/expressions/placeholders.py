"""ExpressionAttributeNames and ExpressionAttributeValues of a request: checked, looked up, all used.

Source of wording and order: DynamoDB Local and dynalite's tests, see the package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...codec.values import AttributeValue
from ..errors import ApiError, Layer, invalid
from ..values import checked_value
from .tokens import failure

__all__ = ["Placeholders"]

_EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
)
_NAME = re.compile(r"#[A-Za-z0-9_]+", re.ASCII).fullmatch
_VALUE = re.compile(r":[A-Za-z0-9_]+", re.ASCII).fullmatch

#: A placeholder may be this long (Developer Guide, "Quotas": 255 characters).
_MAX_KEY = 255
_MAX_NAME_BYTES = 65535
#: All values together (Developer Guide, "Quotas": 2 MB).
_MAX_VALUES_BYTES = 2 * 1024 * 1024


#: Placeholders as this library makes them: no need to look at them closely.
_USUAL_NAMES = frozenset(f"#n{number}" for number in range(32))
_USUAL_VALUES = frozenset(f":v{number}" for number in range(32))


class Placeholders:
    """The names and values that the expressions of one request may use."""

    __slots__ = ("_names", "_used", "_values")

    def __init__(self, names: Mapping[str, str], values: Mapping[str, AttributeValue]) -> None:
        self._names = names
        self._values = values
        self._used: set[str] = set()

    @classmethod
    def of(cls, request: Mapping[str, Any], layer: Layer = "older") -> Placeholders:
        """Return those of a request, in which they are maps if they are there.

        Args:
            layer: How errors are worded; only the older layer names the placeholder of a bad value.

        Raises:
            ApiError: One is wrong, or there is no expression that could use them.
        """
        names: Mapping[str, str] | None = request.get("ExpressionAttributeNames")
        raw: Mapping[str, Any] | None = request.get("ExpressionAttributeValues")
        if names is None and raw is None:
            return cls({}, {})
        if all(request.get(name) is None for name in _EXPRESSIONS):
            which = "Names" if names is not None else "Values"
            raise invalid(f"ExpressionAttribute{which} can only be specified when using expressions")
        if names is not None:
            _check_names(names)
        return cls(names or {}, {} if raw is None else _checked_values(raw, layer))

    def name(self, kind: str, placeholder: str) -> str:
        """Return the attribute name that a ``#name`` stands for, in an expression of a kind."""
        self._used.add(placeholder)
        found = self._names.get(placeholder)
        if found is None:
            raise failure(
                kind,
                "An expression attribute name used in the document path is not defined; "
                f"attribute name: {placeholder}",
            )
        return found

    def value(self, kind: str, placeholder: str) -> AttributeValue:
        """Return the value that a ``:value`` stands for, in an expression of a kind."""
        self._used.add(placeholder)
        found = self._values.get(placeholder)
        if found is None:
            raise failure(
                kind,
                "An expression attribute value used in expression is not defined; "
                f"attribute value: {placeholder}",
            )
        return found

    def check_used(self) -> None:
        """Check that every name and value was used.

        Raises:
            ApiError: One was not.
        """
        if len(self._used) == len(self._names) + len(self._values):
            return
        for which, given in ("Names", self._names), ("Values", self._values):
            unused = ", ".join(key for key in given if key not in self._used)
            if unused:
                raise invalid(
                    f"Value provided in ExpressionAttribute{which} unused in expressions: keys: {{{unused}}}"
                )


def _check_names(names: Mapping[str, str]) -> None:
    if not names:
        raise invalid("ExpressionAttributeNames must not be empty")
    for key, name in names.items():
        if key not in _USUAL_NAMES and (not _NAME(key) or len(key) > _MAX_KEY):
            raise _bad_key("Names", key)
        if not name:
            raise invalid(
                f"ExpressionAttributeNames contains invalid value: Empty attribute name for key {key}"
            )
        if len(name) > _MAX_NAME_BYTES // 4 and len(name.encode("utf-8", "replace")) > _MAX_NAME_BYTES:
            raise invalid(
                "ExpressionAttributeNames contains invalid value: "
                f"Attribute name is too large, must be less than 65536 bytes for key {key}"
            )


def _checked_values(raw: Mapping[str, Any], layer: Layer) -> dict[str, AttributeValue]:
    if not raw:
        raise invalid("ExpressionAttributeValues must not be empty")
    for key in raw:
        if key not in _USUAL_VALUES and (not _VALUE(key) or len(key) > _MAX_KEY):
            raise _bad_key("Values", key)
    values, size = {}, 0
    for key, value in raw.items():
        try:
            values[key] = checked = checked_value(value)
        except ApiError as error:
            raise (_bad_value(key, error) if layer == "older" else error) from None
        for held in checked.values():
            if type(held) is str:
                size += len(held)
    if size > _MAX_VALUES_BYTES:
        raise invalid("ExpressionAttributeValues exceeds max size")
    return values


def _bad_key(which: str, key: str) -> ApiError:
    if not key:
        reason = "The expression attribute map contains an empty key;"
    elif len(key) > _MAX_KEY:
        reason = f"The expression attribute map contains a key that is too long; size of key: {len(key)}"
    else:
        reason = f'Syntax error; key: "{key}"'
    return invalid(f"ExpressionAttribute{which} contains invalid key: {reason}")


def _bad_value(key: str, error: ApiError) -> ApiError:
    if error.code != "ValidationException":
        return error
    reason = error.older
    return invalid(f"ExpressionAttributeValues contains invalid value: {reason} for key {key}")
