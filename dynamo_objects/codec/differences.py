"""What has changed since a record was loaded.

A loaded record keeps the item it came from (``_item``) and the values of its immutable
fields (``_loaded``). It is dirty when a current value differs from the loaded one:
by value, so that another spelling of a number in the item is not a change, and through
containers, so that ``record.tags.append("x")`` is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter, is_
from typing import Any

import msgspec

from .anything import any_codec
from .fields import FieldCodec
from .kept import KeptItem, loaded_values
from .structs import Quiet
from .values import AttributeValue, Invalid, Item, attribute_path

__all__ = ["DYNAMIC", "Change", "Differences"]

#: Codec of the fields that a schemaless record does not declare.
DYNAMIC = any_codec()

#: Types whose equal values are stored alike. Not so datetime: of two times in one zone it
#: compares what the clock shows, which is the same twice when summer time ends.
_PLAIN = frozenset({str, int, float, bytes, bool})


#: Stands for a value that only the item tells.
_NOT_KNOWN = object()


class Change(msgspec.Struct, frozen=True):
    """One attribute that differs from what was loaded.

    Attributes:
        wire: Name of the attribute.
        new: What is to be stored; None to remove it.
        old: What was loaded; None when it was absent.
    """

    wire: str
    new: AttributeValue | None
    old: AttributeValue | None


class Differences:
    """Compares the records of one class with what they were loaded as.

    Args:
        fields: The fields of the class.
        is_dynamic: Tells whether a schemaless record shows an attribute; None for other records.
    """

    def __init__(self, fields: Sequence[FieldCodec], is_dynamic: Callable[[str], bool] | None) -> None:
        self._fields = fields
        self._is_dynamic = is_dynamic
        self._scalars = tuple(field for field in fields if field.codec.is_scalar)
        self._containers = tuple(field for field in fields if not field.codec.is_scalar)
        #: The values of the immutable fields of a record, for ``_loaded``.
        self.scalar_values = _getter([field.name for field in self._scalars])

    def loaded_values(self, record: Any, /, **changed: Any) -> tuple[Any, ...]:
        """Return the values of the immutable fields, some of them *changed*, for ``_loaded``."""
        values = self.scalar_values(record)
        if not changed:
            return values
        names = (field.name for field in self._scalars)
        return tuple(changed.get(n, v) for n, v in zip(names, values, strict=True))

    def is_dirty(self, record: Any) -> bool:
        """Tell whether a record differs from what it was loaded as; a new one does."""
        stored = record._stored
        if stored is None:
            return True
        loaded = loaded_values(record)
        # One pass in C for the usual case: the very objects that were loaded.
        if self._is_dynamic is None and loaded and all(map(is_, self.scalar_values(record), loaded)):
            return any(self._has_changed(field, record) for field in self._containers)
        return any(True for _ in self._each(record))

    def changes(self, record: Any) -> list[Change]:
        """Return the attributes of a loaded record that differ from what was loaded.

        Raises:
            Invalid: A changed value cannot be stored; with all problems.
        """
        changes, problems = [], []
        for wire, step, encode in self._each(record):
            try:
                changes.append(Change(wire, encode(), record._stored.get(wire)))
            except Invalid as invalid:
                problems += invalid.under(step)
        if problems:
            raise Invalid(problems)
        return changes

    def _each(self, record: Any) -> Iterator[tuple[str, str, Callable[[], AttributeValue | None]]]:
        """Yield (attribute, path, how to encode it) for each field that differs."""
        item: Item = record._stored
        loaded = loaded_values(record)
        values = iter(loaded or ())
        for field in self._fields:
            if field.codec.is_scalar:
                was = _NOT_KNOWN if loaded is None else next(values)
                try:
                    value = getattr(record, field.name)
                except AttributeError:
                    continue  # a field that a partial record did not read
                if value is was:
                    continue
                if was is _NOT_KNOWN:
                    was = field.decode(item.get(field.wire))
                if _same(field, value, was):
                    continue
            elif not self._has_changed(field, record):
                continue
            value = getattr(record, field.name)
            yield field.wire, attribute_path(field.name), _Encode(field.encode, value)
        if self._is_dynamic is not None:
            yield from self._each_dynamic(record, self._is_dynamic)

    def _has_changed(self, field: FieldCodec, record: Any) -> bool:
        """Tell whether a container is not as it was loaded."""
        try:
            value = getattr(record, field.name)
        except AttributeError:
            return False  # a field that a partial record did not read
        stored = record._stored
        if isinstance(stored, KeptItem) and stored.has_texts(field.wire, value):
            return False
        return not _equal_encoded(field.encode, field.decode, value, stored.get(field.wire))

    def _each_dynamic(
        self, record: Any, is_dynamic: Callable[[str], bool]
    ) -> Iterator[tuple[str, str, Callable[[], AttributeValue | None]]]:
        item: Item = record._stored
        values: Mapping[str, Any] = vars(record)
        for name, value in values.items():
            old = item.get(name)
            if old is None or not _equal_encoded(DYNAMIC.encode, DYNAMIC.decode, value, old):
                yield name, attribute_path(name), _Encode(DYNAMIC.encode, value)
        for name in item.keys() - values.keys():
            if is_dynamic(name):
                yield name, attribute_path(name), _Encode(_nothing, None)


class _Encode(Quiet, frozen=True):
    """A call that is made later, or never."""

    unshown = frozenset({"value"})

    encode: Callable[[Any], AttributeValue | None]
    value: Any

    def __call__(self) -> AttributeValue | None:
        return self.encode(self.value)


def _nothing(value: Any) -> None:
    return None


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        getter: Callable[[Any], tuple[Any, ...]] = attrgetter(*names)
        return getter
    return lambda record: tuple(getattr(record, name) for name in names)


def _same(field: FieldCodec, value: Any, was: Any) -> bool:
    """Tell whether two values of an immutable type are stored alike."""
    if value is was:
        return True
    if type(value) is type(was) and type(value) in _PLAIN:
        return bool(value == was)
    try:
        return field.encode(value) == field.encode(was)  # True is not 1, Decimal(1) is
    except Invalid:
        return False


def _equal_encoded(
    encode: Callable[[Any], AttributeValue | None],
    decode: Callable[[AttributeValue | None], Any] | Callable[[AttributeValue], Any],
    value: Any,
    old: Any,
) -> bool:
    """Tell whether a container is stored as it was, whatever its old spelling."""
    try:
        return encode(value) == encode(decode(old))
    except (Invalid, RecursionError):
        return False  # what cannot be stored is reported when it is encoded
