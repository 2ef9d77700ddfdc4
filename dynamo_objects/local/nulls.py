"""Nulls in the lists and maps of a checked request: what stands there has to be something.

Null members of structures are as good as absent; attribute values have words of their own for
null. What AWS says of other nulls is not known; these are the words of its front for other
services (``Member must satisfy constraint: [Member must not be null]``, seen of Cognito).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .requests import REQUESTS
from .requests.constraints import detected
from .requests.kinds import AttributeValues, Keyed, Kind, Many, Struct
from .requests.rendering import camel, rendered

__all__ = ["check_nulls"]

_CONSTRAINT = "failed to satisfy constraint: {} must satisfy constraint: [Member must not be null]"


def check_nulls(operation: str, request: dict[str, Any]) -> None:
    """Check that no list or map of a request, whose shape has been checked, holds null.

    Raises:
        ApiError: One does.
    """
    found = next(_found(REQUESTS[operation], request, ""), None)
    if found is not None:
        raise detected([found])


def _found(kind: Kind, value: Any, path: str) -> Iterator[str]:
    """Yield a message for each list or map with nulls."""
    match kind:
        case Struct():
            for name, member in kind.members.items():
                if value.get(name) is not None:
                    yield from _found(member, value[name], f"{path}.{camel(name)}" if path else camel(name))
        case Many() | Keyed() if not isinstance(kind.of, AttributeValues):
            is_map = isinstance(kind, Keyed)
            inner = list(value.values() if is_map else value)
            if None in inner:
                constraint = _CONSTRAINT.format("Map value" if is_map else "Member")
                yield f"Value '{rendered(kind, value)}' at '{path}' {constraint}"
            for number, one in enumerate(inner, 1):
                if one is not None:
                    yield from _found(kind.of, one, f"{path}.{number}.member")
