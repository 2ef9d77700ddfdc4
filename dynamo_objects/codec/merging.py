"""Two changes of one item put together: base, mine and theirs in, the merged item out.

Values are compared as they are read, not as they are spelled. What only one side has
changed is taken from it; what both have changed is decided by the rule of the field.
Attributes that the record does not show are nobody's change here: theirs are kept.
Nested records, lists and maps are merged as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from .differences import DYNAMIC
from .fields import FieldCodec
from .records import RecordCodec
from .rules import UNDECIDED, combined
from .structs import Quiet
from .typed import plain_item
from .values import AttributeValue, Invalid, Item, attribute_path

__all__ = ["Merged", "adopt", "is_as_planned", "laid_over", "merge"]


class Merged(Quiet, frozen=True):
    """An item with the changes of both sides.

    Attributes:
        item: The item; with their values for what is undecided.
        undecided: Names of the fields that both have changed, and that no rule decides.
    """

    unshown = frozenset({"item"})

    item: dict[str, AttributeValue]
    undecided: tuple[str, ...]


def merge(
    codec: RecordCodec, base: Item | None, mine: Item, theirs: Item, *, is_doubtful: bool = False
) -> Merged:
    """Return an item with the changes of both sides; key and version are theirs.

    Args:
        base: What both sides began with; None where there was no item: absent values.
        is_doubtful: Whether theirs may hold my change already: nothing is added then.

    Raises:
        Invalid: What a rule makes of two values cannot be stored.
    """
    begun = {} if base is None else plain_item(base)
    item, undecided = dict(plain_item(theirs)), []
    for wire, field in _fields(codec, begun, mine, item):
        b, m, t = begun.get(wire), mine.get(wire), item.get(wire)
        if _same(field, b, m):
            continue
        if _same(field, b, t):
            _put(item, wire, m)
            continue
        rule = None if field is None else field.options.merge
        is_twice = is_doubtful and rule == "sum"  # equal values prove nothing: others add the same, too
        decided = UNDECIDED if field is None or rule is None or is_twice else _combined(field, b, m, t)
        if decided is not UNDECIDED:
            _put(item, wire, cast("AttributeValue | None", decided))
        elif is_twice or not _same(field, m, t):
            undecided.append(wire if field is None else field.name)
    return Merged(item, tuple(undecided))


def laid_over(codec: RecordCodec, base: Item | None, mine: Item, theirs: Item) -> dict[str, AttributeValue]:
    """Return their item with my changes on top, whatever they have changed.

    Args:
        base: What I began with; None where there was no item: then all my fields count.
    """
    begun = {} if base is None else plain_item(base)
    item = dict(plain_item(theirs))
    for wire, field in _fields(codec, begun, mine, item):
        m, t = mine.get(wire), item.get(wire)
        is_mine = not _same(field, begun.get(wire), m)
        if base is None:  # what an undeclared field would be is not known
            is_mine = field is not None or m is not None
        if is_mine and not _same(field, m, t):
            _put(item, wire, m)
    return item


def adopt(codec: RecordCodec, record: Any, planned: Item, stored: Item) -> None:
    """Have a record become what is stored now, but for what was changed in it since it was planned.

    Such a change stays one. Where the stored value is another than planned, too, the rule of
    the field decides; without one the record goes on from the older value, so that its next
    save meets the conflict.

    Args:
        record: The record, in whatever state; frozen ones are changed as well.
        planned: The item that the record was to become.
        stored: The item that is stored instead.
    """
    planned, stored = plain_item(planned), plain_item(stored)
    base = dict(stored)
    fresh = codec.decode(stored)
    version = codec.version
    is_open = False
    for field in codec.fields:
        p, s = planned.get(field.wire), stored.get(field.wire)
        now = _now(field, record)
        if now is not _UNREAD and not _same(field, now, p):  # changed since
            value = _merged_value(field, p, now, s)
            if value is not _UNREAD:
                object.__setattr__(record, field.name, value)
            elif not (_same(field, p, s) or _same(field, now, s)) and field is not version:
                _put(base, field.wire, p)
                is_open = True
        elif now is _UNREAD or not _same(field, now, s):
            object.__setattr__(record, field.name, getattr(fresh, field.name))
    if codec.options.schemaless:
        is_open |= _adopt_dynamic(vars(record), vars(fresh), planned, base)
    if version is not None:
        if is_open:  # the older version, or the guard would let the conflict pass
            _put(base, version.wire, planned.get(version.wire))
        object.__setattr__(record, version.name, version.decode(base.get(version.wire)))
    codec.remember(record, base, codec.loaded_values(codec.decode(base)))


def is_as_planned(codec: RecordCodec, record: Any, planned: Item) -> bool:
    """Tell whether a record holds just what it was planned to become."""
    planned = plain_item(planned)
    fields = (field for field in codec.fields if field is not codec.version)
    if not all(_same(field, _now(field, record), planned.get(field.wire)) for field in fields):
        return False
    if not codec.options.schemaless:
        return True
    return bool(vars(record) == vars(codec.decode(planned)))


#: Stands for the value of a field that a partial record has not read.
_UNREAD = object()


def _now(field: FieldCodec, record: Any) -> Any:
    """Return the attribute value of a field as it is; what cannot be stored equals nothing."""
    try:
        return field.encode(object.__getattribute__(record, field.name))
    except AttributeError:
        return _UNREAD
    except Invalid:
        return {}


def _merged_value(field: FieldCodec, base: Any, mine: Any, theirs: Any) -> Any:
    """Return the value that the rule makes of a change on both sides; _UNREAD where none applies."""
    if field.options.merge is None or mine == {} or _same(field, base, theirs):
        return _UNREAD
    try:
        decided = _combined(field, base, mine, theirs)
        return _UNREAD if decided is UNDECIDED else field.decode(decided)
    except Invalid:
        return _UNREAD


def _adopt_dynamic(
    values: dict[str, Any], fresh: dict[str, Any], planned: Item, base: dict[str, Any]
) -> bool:
    """Do what ``adopt`` does for the fields of a schemaless record that are not declared."""
    is_open = False
    for name in values.keys() | fresh.keys():
        p, s = planned.get(name), base.get(name)
        try:
            now = DYNAMIC.encode(values[name]) if name in values else None
        except Invalid:
            now = {}
        if not _same(None, now, p):
            if not _same(None, p, s) and not _same(None, now, s):
                _put(base, name, p)
                is_open = True
        elif name not in fresh:
            del values[name]
        elif not _same(None, now, s):
            values[name] = fresh[name]
    return is_open


def _fields(
    codec: RecordCodec, base: Item, mine: Item, theirs: Item
) -> Iterator[tuple[str, FieldCodec | None]]:
    """Yield the attributes that a record shows, with their fields where they are declared."""
    for field in codec.fields:
        if field is not codec.version:
            yield field.wire, field
    if codec.options.schemaless:
        for wire in dict.fromkeys([*base, *mine, *theirs]):
            if wire not in codec.by_wire:
                yield wire, None


def _same(field: FieldCodec | None, left: AttributeValue | None, right: AttributeValue | None) -> bool:
    """Tell whether two attribute values, or absent ones, are read as the same value."""
    return left == right or _spelled(field, left) == _spelled(field, right)


def _spelled(field: FieldCodec | None, value: AttributeValue | None) -> AttributeValue | None:
    """Return an attribute value as we would spell it; None for an absent one, or a default left out."""
    try:
        if field is not None:
            return field.encode(field.decode(value))
        return None if value is None else DYNAMIC.encode(DYNAMIC.decode(value))
    except (Invalid, RecursionError):
        return value


def _combined(
    field: FieldCodec, base: AttributeValue | None, mine: AttributeValue | None, theirs: AttributeValue | None
) -> Any:
    """Return the attribute value that the rule of a field makes of both, None to leave it out, or UNDECIDED."""
    rule = field.options.merge
    assert rule is not None
    try:
        begun, m, t = (_decoded(field, value) for value in (base, mine, theirs))
    except Invalid:
        return UNDECIDED  # of a foreign type
    decided = combined(rule, begun, m, t)
    if decided is UNDECIDED:
        return UNDECIDED
    try:
        return field.encode(decided)
    except Invalid as invalid:
        raise Invalid(invalid.under(attribute_path(field.name))) from None


def _decoded(field: FieldCodec, value: AttributeValue | None) -> Any:
    return None if value is None and not field.has_literal else field.decode(value)


def _put(item: dict[str, AttributeValue], wire: str, value: AttributeValue | None) -> None:
    if value is None:
        item.pop(wire, None)
    else:
        item[wire] = value
