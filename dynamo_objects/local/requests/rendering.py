"""Members of requests as the service prints them in its messages: as Java does, in camel case.

Source: replies of AWS of September 2026 (the captures of the Parity Suite, paritysuite.org).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .kinds import AttributeValues, Keyed, Kind, Many, Struct

__all__ = ["camel", "rendered"]

#: Attribute values have tags here that no request can have.
_TAGS = (
    "S", "N", "B", "INT", "DECIMAL", "DOUBLE", "SS", "NS", "BS", "INTSET", "DECIMALSET", "DOUBLESET",
    "M", "L", "NULL", "BOOL",
)  # fmt: skip


def camel(name: str) -> str:
    """Return a member's name as messages show it: its first letter small."""
    return name[:1].lower() + name[1:]


def rendered(kind: Kind, value: Any) -> str:
    """Return a value as the service prints it."""
    if value is None:
        return "null"
    match kind:
        case Many():
            return _list(value, lambda one: rendered(kind.of, one))
        case Keyed():
            return _map(value, lambda one: rendered(kind.of, one))
        case Struct():
            members = kind.order or tuple(kind.members)
            texts = (f"{camel(name)}={_member(kind, name, value)}" for name in members)
            return f"{kind.java}({', '.join(texts)})"
        case AttributeValues():
            return _attribute_value(value)
        case _:
            return _scalar(value)


def _member(kind: Struct, name: str, value: Mapping[str, Any]) -> str:
    return rendered(kind.members[name], value.get(name)) if name in kind.members else "null"


def _list(values: Sequence[Any], render: Callable[[Any], str]) -> str:
    return f"[{', '.join(map(render, values))}]"


def _map(values: Mapping[str, Any], render: Callable[[Any], str]) -> str:
    return "{" + ", ".join(f"{name}={render(one)}" for name, one in values.items()) + "}"


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _attribute_value(value: Mapping[str, Any]) -> str:
    texts = (f"{camel(tag)}={_content(value.get(tag))}" for tag in _TAGS)
    return f"AttributeValue({', '.join(texts)})"


def _content(held: Any) -> str:
    """Return the content of a type tag; what stands in lists and maps are values, or texts in sets."""
    if held is None:
        return "null"
    if isinstance(held, dict):
        return _map(held, _inner)
    return _list(held, _inner) if isinstance(held, list) else _scalar(held)


def _inner(held: Any) -> str:
    return _attribute_value(held) if isinstance(held, dict) else _content(held)
