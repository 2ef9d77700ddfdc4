"""``field(...)``: declares how one field of a record is stored, beside attrs' own options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, get_args, overload

import attrs

from ..codec.members import check_name
from ..codec.options import FIELD_OPTIONS, MAX_NAME_BYTES, FieldOptions, MergeRule
from ..codec.times import whole_seconds
from ..codec.values import Invalid
from ..errors import DynamoSchemaException

__all__ = ["field"]

T = TypeVar("T")

_Converter = Callable[[Any], Any]
_Validator = Callable[[Any, "attrs.Attribute[Any]", Any], Any]


@overload
def field(
    *,
    default: T,
    name: str | None = None,
    ttl: bool = False,
    version: bool = False,
    numbers: type | None = None,
    epoch: bool = False,
    null: Literal["omit", "store"] = "omit",
    merge: MergeRule | None = None,
    converter: _Converter | None = None,
    validator: Any = None,
    repr: bool | Callable[[Any], str] = True,
    eq: bool = True,
    metadata: Mapping[Any, Any] | None = None,
    on_setattr: Any = None,
) -> T: ...


@overload
def field(
    *,
    factory: Callable[[], T],
    name: str | None = None,
    ttl: bool = False,
    version: bool = False,
    numbers: type | None = None,
    epoch: bool = False,
    null: Literal["omit", "store"] = "omit",
    merge: MergeRule | None = None,
    converter: _Converter | None = None,
    validator: Any = None,
    repr: bool | Callable[[Any], str] = True,
    eq: bool = True,
    metadata: Mapping[Any, Any] | None = None,
    on_setattr: Any = None,
) -> T: ...


@overload
def field(
    *,
    name: str | None = None,
    ttl: bool = False,
    version: bool = False,
    numbers: type | None = None,
    epoch: bool = False,
    null: Literal["omit", "store"] = "omit",
    merge: MergeRule | None = None,
    converter: _Converter | None = None,
    validator: Any = None,
    repr: bool | Callable[[Any], str] = True,
    eq: bool = True,
    metadata: Mapping[Any, Any] | None = None,
    on_setattr: Any = None,
) -> Any: ...


def field(
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    name: str | None = None,
    ttl: bool = False,
    version: bool = False,
    numbers: type | None = None,
    epoch: bool = False,
    null: Literal["omit", "store"] = "omit",
    merge: MergeRule | None = None,
    converter: _Converter | None = None,
    validator: Any = None,
    repr: bool | Callable[[Any], str] = True,
    eq: bool = True,
    metadata: Mapping[Any, Any] | None = None,
    on_setattr: Any = None,
) -> Any:
    """Declare a field of a record: ``expires: datetime = field(ttl=True)``.

    Args:
        default: Value of new records, and of stored items that lack the attribute.
            A mutable one is copied for each record.
        factory: Makes the value of new records. Stored items that lack the attribute cannot
            be loaded, unless the field may be None: ids and times must not be invented.
            An empty list, dict, set or nested record is invented: ``factory=list``.
        name: Name of the attribute, where it is not the field's name.
        ttl: The time from which DynamoDB may delete the item; whole seconds, so that the
            fraction of a datetime is dropped at assignment.
        version: An int that counts saves: each save requires that nobody saved in between.
        numbers: ``float`` lets a field of type Any read and write floats instead of Decimals.
        epoch: A datetime is stored as seconds since 1970 instead of text.
        null: ``store`` writes NULL even for a None that equals the default.
        merge: What ``save(record, on_conflict="merge")`` makes of two changes: their ``sum``, the
            ``union`` of sets, the ``max``, or always ``mine`` or ``theirs``.
        converter, validator, repr, eq, metadata, on_setattr: As in ``attrs.field``.

    Raises:
        DynamoSchemaException: Options that contradict each other.
    """
    if default is not attrs.NOTHING and factory is not None:
        raise DynamoSchemaException("a field has a default or a factory, not both")
    if numbers not in (None, float):
        raise DynamoSchemaException("numbers= takes float, or is left out")
    if null not in ("omit", "store"):
        raise DynamoSchemaException("null= is 'omit' or 'store'")
    if merge is not None and merge not in get_args(MergeRule):
        raise DynamoSchemaException("merge= is 'sum', 'union', 'max', 'mine' or 'theirs'")
    if merge is not None and version:
        raise DynamoSchemaException("a version field counts the saves: merge= has nothing to decide")
    if name is not None:
        try:
            check_name(name)
        except Invalid:
            raise DynamoSchemaException(f"name= has 1 to {MAX_NAME_BYTES:,} bytes of UTF-8") from None
    options = FieldOptions(
        name=name, ttl=ttl, version=version, numbers=numbers, epoch=epoch, null=null, merge=merge
    )
    if ttl:
        converter = attrs.converters.pipe(*filter(None, (converter, whole_seconds)))
    return attrs.field(
        default=default,
        factory=factory,
        converter=converter,
        validator=validator,
        repr=repr,
        eq=eq,
        metadata={**(metadata or {}), FIELD_OPTIONS: options},
        on_setattr=on_setattr,
    )
