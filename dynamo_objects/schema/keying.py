"""Keys of plain texts and whole numbers, which most are: made and told apart without asking their codecs.

The functions here answer None where anything is unusual; the slow way then finds out what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from ..codec import numbers
from ..codec.codec import Source
from ..codec.generating import compiled, indented
from ..codec.scalars import INT, STR
from ..codec.sizes import MAX_HASH_KEY_BYTES, MAX_RANGE_KEY_BYTES
from ..codec.speedups import key_items
from ..codec.typed import ItemReader, Number, Text, typed_item
from ..codec.values import Item
from .resolving import KeyField

__all__ = ["QuickItem", "QuickItems", "QuickLookup", "quick_item", "quick_items", "quick_lookup"]

#: From hash and range value to the key attributes.
QuickItem: TypeAlias = Callable[..., "dict[str, Any] | None"]

#: From keys as users write them to their attributes, typed.
QuickItems: TypeAlias = Callable[[list[Any]], "list[Item] | None"]

#: From an item to the key as a typed tuple.
QuickLookup: TypeAlias = Callable[[Any], "tuple[Any, ...] | None"]

_ROOM = {"HASH": MAX_HASH_KEY_BYTES, "RANGE": MAX_RANGE_KEY_BYTES}


def _is_plain(keys: Sequence[KeyField]) -> bool:
    return all(key.codec is STR or key.codec is INT for key in keys)


def _nothing(*_: Any) -> None:
    return None


def quick_item(keys: Sequence[KeyField]) -> QuickItem:
    """Return the function that makes the key attributes of valid values, and None of others."""
    if not _is_plain(keys):
        return _nothing
    source = Source()
    tests, made = _parts(keys, source)
    if len(keys) == 1:
        tests.append("range is None")
    lines = [f"if {' and '.join(tests)}: return {made}", "return None"]
    return compiled("key_item", "hash, range=None", lines, source)


def quick_items(keys: Sequence[KeyField]) -> QuickItems:
    """Return the function that makes the key attributes of a list of keys, and None where one of them is not valid."""
    kinds = [(key.wire, Text if key.codec is STR else Number) for key in keys]
    kind: Any = typed_item("Key", kinds) if _is_plain(keys) else None
    if kind is None:
        return _nothing
    if key_items is not None:
        parts = tuple((Text, _ROOM[key.role]) if key.codec is STR else (Number, 0) for key in keys)
        return lambda asked: key_items(asked, kind, parts)
    return _by_columns(keys, kind)


def _by_columns(keys: Sequence[KeyField], kind: Callable[..., Item]) -> QuickItems:
    """Return the same function without C: all is done by columns, so there is no step of Python for each key."""
    checks = [_column(key) for key in keys]

    def made(asked: list[Any]) -> list[Item] | None:
        if not asked:
            return []
        columns: list[Sequence[Any]] = [asked]
        if len(checks) > 1:
            if set(map(type, asked)) != {tuple}:
                return None
            try:
                columns = list(zip(*asked, strict=True))
            except ValueError:  # of different lengths
                return None
        if len(columns) != len(checks):
            return None
        parts: list[Any] = [check(column) for check, column in zip(checks, columns, strict=True)]
        return None if None in parts else list(map(kind, *parts))

    return made


def _column(key: KeyField) -> Callable[[Sequence[Any]], Iterable[Any] | None]:
    """Return the function from the values of one key field to typed attribute values, or None."""
    bound, room = 10**numbers.MAX_DIGITS, _ROOM[key.role]

    def texts(column: Sequence[Any]) -> Iterable[Any] | None:
        is_plain = set(map(type, column)) == {str} and all(column) and max(map(len, column)) <= room
        return map(Text, column) if is_plain and "".join(column).isascii() else None

    def whole(column: Sequence[Any]) -> Iterable[Any] | None:
        is_plain = set(map(type, column)) == {int} and -bound < min(column) and max(column) < bound
        return map(Number, map(str, column)) if is_plain else None

    return texts if key.codec is STR else whole


def _parts(keys: Sequence[KeyField], source: Source) -> tuple[list[str], str]:
    """Return what must hold of ``hash`` and ``range``, and the expression of their attributes."""
    tests, members = [], []
    for key, value in zip(keys, ("hash", "range"), strict=False):
        if key.codec is STR:
            tests.append(f"type({value}) is str and {value} and {value}.isascii()")
            tests.append(f"len({value}) <= {_ROOM[key.role]}")
            members.append(f"{source.constant(key.wire)}: {{'S': {value}}}")
        else:
            bound = source.constant(10**numbers.MAX_DIGITS)
            tests.append(f"type({value}) is int and -{bound} < {value} < {bound}")
            members.append(f"{source.constant(key.wire)}: {{'N': f'{{{value}}}'}}")
    return tests, f"{{{', '.join(members)}}}"


def quick_lookup(keys: Sequence[KeyField], reader: ItemReader) -> QuickLookup:
    """Return the function from an item, typed or not, to its key as a typed tuple, or None."""
    if not _is_plain(keys):
        return _nothing
    source = Source()
    plain, typed, lines = [], [], []
    places = getattr(reader.item_type, "places", None)
    for key in keys:
        text = source.variable()
        tag, convert = ("S", "") if key.codec is STR else ("N", source.constant(numbers.parse_int))
        lines.append(f"{text} = item[{source.constant(key.wire)}]['{tag}']")
        lines.append(f"if type({text}) is not str: return None")
        plain.append(f"{convert}({text})")
        if places is not None:
            typed.append(f"{convert}(item.{places[key.wire]}.{tag})")
    if places is not None:
        kind = source.constant(reader.item_type)
        lines.insert(0, f"if type(item) is {kind}: return ({', '.join(typed)},)")
    lines.append(f"return ({', '.join(plain)},)")
    return compiled(
        "lookup_item", "item", ["try:", *indented(lines), "except Exception: return None"], source
    )
