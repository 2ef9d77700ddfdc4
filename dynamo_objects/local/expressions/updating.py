"""Updates applied to items: an update and an item in, the changed item out. The old one stays as it is.

All right sides are worked out on the old item. In a list, elements are set at their old indexes;
those beyond the end are appended in the order of their indexes; then elements are removed, by
their old indexes (DynamoDB Local).
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from ...codec.values import AttributeValue, Item
from ...expressions import tree
from ...expressions.evaluate import find, order_key
from ..errors import ApiError, invalid
from ..values import MAX_DEPTH
from .arithmetic import difference, total
from .projecting import project

__all__ = ["Applied", "Change", "Update", "added_members", "apply"]

_SETS = frozenset({"SS", "NS", "BS"})
#: Type of sets -> what their members are in order of.
_ORDERS: dict[str, Callable[[str], Any]] = {"SS": str, "NS": Decimal, "BS": a2b_base64}


class Change(msgspec.Struct, frozen=True):
    """One clause of an update.

    Attributes:
        section: ``SET``, ``REMOVE``, ``ADD`` or ``DELETE``.
        path: What is changed.
        value: What SET stores, a tree; what ADD and DELETE work with, a constant; None for REMOVE.
    """

    section: str
    path: tree.Path
    value: Any = None


class Update(msgspec.Struct, frozen=True):
    """What an UpdateItem changes.

    Attributes:
        changes: In the order of the request.
        is_legacy: Whether it comes from AttributeUpdates: then lists can be added to.
    """

    changes: tuple[Change, ...]
    is_legacy: bool = False

    @property
    def paths(self) -> tuple[tree.Path, ...]:
        """Return the paths that are changed."""
        return tuple(change.path for change in self.changes)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Return the names of the attributes that are changed, at the top or deeper."""
        return tuple(str(change.path.steps[0]) for change in self.changes)

    @property
    def literals(self) -> dict[str, AttributeValue]:
        """Return the attributes that are set to constants, with them."""
        return {
            str(change.path.steps[0]): change.value.value
            for change in self.changes
            if isinstance(change.value, tree.Value) and len(change.path.steps) == 1
        }

    @property
    def only_takes(self) -> bool:
        """Tell whether nothing is stored, only removed: on AWS such an update creates no item."""
        return bool(self.changes) and all(change.section in ("REMOVE", "DELETE") for change in self.changes)


class Applied(msgspec.Struct, frozen=True):
    """What an update made of an item.

    Attributes:
        item: The changed item.
        before: The item as it was.
        paths: What was changed.
    """

    item: Item
    before: Item
    paths: tuple[tree.Path, ...]

    @property
    def old(self) -> Item:
        """Return the old values of what was changed, as UPDATED_OLD answers them."""
        return project(self.paths, self.before)

    @property
    def new(self) -> Item:
        """Return the new values of what was changed, as UPDATED_NEW answers them."""
        return project(self.paths, self.item)


def apply(update: Update, item: Item) -> Applied:
    """Return what an update makes of an item.

    Raises:
        ApiError: The item does not have what the update needs.
    """
    is_legacy = update.is_legacy
    for change in update.changes:
        if len(change.path.steps) > 1:
            _check_place(change.path.steps, item)
    outcomes = [(change.path.steps, _outcome(change, item, is_legacy)) for change in update.changes]
    changed = dict(item)
    deep: dict[Any, Any] = {}
    for steps, outcome in outcomes:
        if len(steps) == 1:
            _put(changed, str(steps[0]), outcome)
        else:
            _plan(deep, steps, outcome)
    for name, plan in deep.items():
        changed[name] = _rebuilt(item[name], plan)
    return Applied(changed, item, update.paths)


def _check_place(steps: tuple[str | int, ...], item: Item) -> None:
    """Check that there is a map or list in which the last step of a path has its place."""
    container = find(tree.Path(steps[:-1]), item)
    if container is None or ("M" if isinstance(steps[-1], str) else "L") not in container:
        raise invalid("The document path provided in the update expression is invalid for update")


# --- what becomes of one place ------------------------------------------------------------


#: What becomes of a place, besides a value that is stored there.
_REMOVED: AttributeValue = {}
_KEPT: AttributeValue = {"kept": None}


def _outcome(change: Change, item: Item, is_legacy: bool) -> AttributeValue:
    match change.section:
        case "SET":
            value = _value(change.value, item)
            if len(change.path.steps) > 1 and ("M" in value or "L" in value):
                _check_depth(len(change.path.steps) - 1, value)
            return value
        case "ADD":
            return _added(find(change.path, item), change.value.value, is_legacy)
        case "DELETE":
            return _taken(find(change.path, item), change.value.value, is_legacy)
    return _REMOVED


def _value(node: Any, item: Item) -> AttributeValue:
    """Return what the right side of a SET comes to."""
    match node:
        case tree.Value(value):
            return value
        case tree.Path():
            found = find(node, item)
            if found is None:
                raise invalid(
                    "The provided expression refers to an attribute that does not exist in the item"
                )
            return found
        case tree.IfNotExists(path, default):
            otherwise = _value(default, item)  # must exist, needed or not (DynamoDB Local)
            found = find(path, item)
            return otherwise if found is None else found
        case tree.ListAppend(first, second):
            return {"L": [*_typed("L", first, item), *_typed("L", second, item)]}
    left, right = _typed("N", node.left, item), _typed("N", node.right, item)
    return {"N": total(left, right) if isinstance(node, tree.Plus) else difference(left, right)}


def _typed(tag: str, node: Any, item: Item) -> Any:
    """Return the content of an operand that must be of a type."""
    value = _value(node, item)
    if tag not in value:
        raise _wrong_type()
    return value[tag]


def _added(old: AttributeValue | None, value: AttributeValue, is_legacy: bool) -> AttributeValue:
    if old is None:
        return value
    if old.keys() != value.keys():
        raise _wrong_type(is_legacy)
    ((tag, held),) = value.items()
    if tag == "N":
        return {"N": total(old["N"], held)}
    if tag in _SETS:
        return {tag: sorted([*old[tag], *added_members(old, value)[tag]], key=_ORDERS[tag])}
    if tag == "L" and is_legacy:
        return {"L": [*old["L"], *held]}
    raise _wrong_type(is_legacy)


def added_members(old: AttributeValue | None, value: AttributeValue) -> AttributeValue:
    """Return what an ADD brings to a set: the members that it did not have; any other value as it is."""
    ((tag, held),) = value.items()
    if tag not in _SETS or old is None or tag not in old:
        return value
    known = set(_members(tag, old[tag]))
    return {tag: [member for member, key in zip(held, _members(tag, held), strict=True) if key not in known]}


def _taken(old: AttributeValue | None, value: AttributeValue, is_legacy: bool) -> AttributeValue:
    if old is None:
        return _KEPT
    ((tag, held),) = value.items()
    if tag not in old:
        raise _wrong_type(is_legacy)
    gone = set(_members(tag, held))
    left = [member for member, key in zip(old[tag], _members(tag, old[tag]), strict=True) if key not in gone]
    return {tag: left} if left else _REMOVED


def _members(tag: str, held: list[str]) -> Iterator[Any]:
    """Yield the members of a set as values that are equal where DynamoDB says so."""
    return (order_key({tag[0]: member}) for member in held)


def _wrong_type(is_legacy: bool = False) -> ApiError:
    if is_legacy:
        return invalid("Type mismatch for attribute to update")
    return invalid("An operand in the update expression has an incorrect data type")


def _check_depth(depth: int, value: AttributeValue) -> None:
    level = [value]
    while level:
        if depth > MAX_DEPTH:
            raise invalid(
                "Nesting Levels have exceeded supported limits: "
                "Attributes in the item have nested levels beyond supported limit"
            )
        level = [inner for container in level for inner in _containers(container)]
        depth += 1


def _containers(value: AttributeValue) -> Iterator[AttributeValue]:
    inner = value["M"].values() if "M" in value else value["L"]
    return (member for member in inner if "M" in member or "L" in member)


# --- places below the top -----------------------------------------------------------------


def _put(changed: dict[str, AttributeValue], name: str, outcome: AttributeValue) -> None:
    if outcome is _REMOVED:
        changed.pop(name, None)
    elif outcome is not _KEPT:
        changed[name] = outcome


class _Leaf(msgspec.Struct, frozen=True, eq=False):
    """What becomes of the place at the end of a path."""

    outcome: AttributeValue


def _plan(plan: dict[Any, Any], steps: tuple[str | int, ...], outcome: AttributeValue) -> None:
    for step in steps[:-1]:
        plan = plan.setdefault(step, {})
    plan[steps[-1]] = _Leaf(outcome)


def _rebuilt(value: AttributeValue, plan: dict[Any, Any]) -> AttributeValue:
    """Return a container with changes, all places of which have been checked."""
    if "M" in value:
        return {"M": _rebuilt_map(value["M"], plan)}
    return {"L": _rebuilt_list(value["L"], plan)}


def _rebuilt_map(held: dict[str, AttributeValue], plan: dict[Any, Any]) -> dict[str, AttributeValue]:
    changed = dict(held)
    for name, what in plan.items():
        if isinstance(what, _Leaf):
            _put(changed, name, what.outcome)
        else:
            changed[name] = _rebuilt(held[name], what)
    return changed


def _rebuilt_list(held: list[AttributeValue], plan: dict[Any, Any]) -> list[AttributeValue]:
    changed = list(held)
    for index in sorted(plan):
        what = plan[index]
        if not isinstance(what, _Leaf):
            changed[index] = _rebuilt(held[index], what)
        elif what.outcome is _KEPT or (what.outcome is _REMOVED and index >= len(held)):
            continue
        elif index >= len(held):
            changed.append(what.outcome)
        else:
            changed[index] = what.outcome
    return [element for element in changed if element is not _REMOVED]
