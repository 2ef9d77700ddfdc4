"""Options of fields and record classes, as the codecs read them.

They are made by ``field(...)`` and by the keywords of a record class, and found
again in attrs' metadata and on the class.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal

import attrs
import msgspec

__all__ = [
    "EMPTY_TYPES",
    "FIELD_OPTIONS",
    "MAX_NAME_BYTES",
    "CopyOf",
    "FieldOptions",
    "MergeRule",
    "RecordOptions",
    "class_has",
    "field_options",
    "is_empty",
    "needs_copy",
]

#: Where FieldOptions stand in the metadata of an attrs field.
FIELD_OPTIONS = "dynamo_objects"

#: The name of an attribute has 1 to this many bytes in UTF-8 (AWS Developer Guide, "Quotas").
MAX_NAME_BYTES = 65535

#: Types whose empty values are left out of items when they equal their default.
EMPTY_TYPES: frozenset[type] = frozenset({str, bytes, list, dict, set, frozenset, tuple, type(None)})


#: What becomes of a field that two writers have changed; see ``rules``.
MergeRule = Literal["sum", "union", "max", "mine", "theirs"]


class FieldOptions(msgspec.Struct, frozen=True):
    """How one field is stored.

    Attributes:
        name: Name of the attribute; None for the field's own name.
        ttl: DynamoDB deletes the item some time after this time; stored in whole seconds.
        version: Counts the saves; guards each save against other writers.
        numbers: ``float`` makes ``Any`` read and write float instead of Decimal.
        epoch: A datetime is stored as seconds since 1970 instead of text.
        null: ``omit`` leaves out a None that equals the default, ``store`` writes NULL.
        merge: What becomes of it when two writers have changed it; None: a conflict.
    """

    name: str | None = None
    ttl: bool = False
    version: bool = False
    numbers: type | None = None
    epoch: bool = False
    null: Literal["omit", "store"] = "omit"
    merge: MergeRule | None = None


class RecordOptions(msgspec.Struct, frozen=True):
    """How records of one class are stored.

    Attributes:
        unknown: What to do with stored attributes that are not fields.
        schemaless: Any field may be set.
        tag: Stored with nested records, to tell the members of a union apart.
        tag_field: Attribute that holds the tag.
    """

    unknown: Literal["keep", "reject", "drop"] = "keep"
    schemaless: bool = False
    tag: str | None = None
    tag_field: str = "type"


class CopyOf(msgspec.Struct, frozen=True, eq=False):
    """A default factory that gives each record its own copy of a mutable literal."""

    value: Any

    def __call__(self) -> Any:
        return copy.deepcopy(self.value)


def field_options(metadata: Mapping[Any, Any]) -> FieldOptions:
    """Return the options in a field's metadata, or the defaults."""
    found = metadata.get(FIELD_OPTIONS)
    return found if isinstance(found, FieldOptions) else FieldOptions()


def is_empty(value: object) -> bool:
    """Tell whether *value* is one of '', b'', [], {}, set(), () and None."""
    return type(value) in EMPTY_TYPES and not value


def needs_copy(default: object) -> bool:
    """Tell whether records must not share this default: it could be changed through one of them."""
    if isinstance(default, tuple | frozenset):
        return any(map(needs_copy, default))
    return isinstance(default, list | dict | set | bytearray) or attrs.has(type(default))


def class_has(kind: type, name: str) -> bool:
    """Tell whether the class defines *name*; unlike ``hasattr``, without names of its metaclass."""
    return any(name in vars(base) for base in kind.__mro__)
