"""Parts of items: paths and an item in, what of it stands at the paths out.

What is projected keeps its surroundings: maps with the wanted entries only, lists with the
wanted elements only, in their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...codec.values import AttributeValue, Item
from ...expressions.tree import Path

__all__ = ["project"]


def project(paths: Iterable[Path], item: Item) -> Item:
    """Return what of an item stands at paths, none of which leads through another."""
    wanted: dict[Any, Any] = {}
    found: dict[str, AttributeValue] = {}
    for path in paths:
        steps = path.steps
        if len(steps) == 1:
            value = item.get(str(steps[0]))
            if value is not None:
                found[str(steps[0])] = value
        else:
            _add(wanted, steps)
    for name, inner in wanted.items():
        if name in item:
            part = _part(inner, item[name])
            if part is not None:
                found[name] = part
    return found


def _add(wanted: dict[Any, Any], steps: tuple[str | int, ...]) -> None:
    for step in steps[:-1]:
        wanted = wanted.setdefault(step, {})
    wanted[steps[-1]] = None


def _part(wanted: dict[Any, Any] | None, value: AttributeValue) -> AttributeValue | None:
    """Return the wanted part of a value; None where there is nothing of it."""
    if wanted is None:
        return value
    members: dict[str, AttributeValue] = {}
    elements: list[AttributeValue] = []
    ((tag, held),) = value.items()
    for step in sorted(wanted) if tag == "L" and isinstance(next(iter(wanted)), int) else wanted:
        if tag == "M" and isinstance(step, str) and step in held:
            part = _part(wanted[step], held[step])
            if part is not None:
                members[step] = part
        elif tag == "L" and isinstance(step, int) and step < len(held):
            part = _part(wanted[step], held[step])
            if part is not None:
                elements.append(part)
    if members:
        return {"M": members}
    return {"L": elements} if elements else None
