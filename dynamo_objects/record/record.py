"""DynamoRecord: the base class of records, and what every record can do."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs

from ..codec.options import RecordOptions
from ..codec.plain import json_value
from ..codec.records import RecordCodec, record_codec
from ..codec.values import Invalid, Item, attribute_path
from ..errors import (
    DynamoSchemaException,
    FieldNotLoaded,
    Problem,
    UnknownFieldError,
    ValidationError,
)
from .declaration import RecordMeta

__all__ = ["DynamoRecord", "SchemalessRecord", "codec_of"]

_INTERNAL = ("_item", "_loaded")
_set = object.__setattr__


def codec_of(record_class: type[DynamoRecord]) -> RecordCodec:
    """Return the codec of a record class.

    Raises:
        DynamoSchemaException: A field of the class cannot be stored.
    """
    try:
        return record_codec(record_class)
    except (TypeError, NameError) as error:
        raise DynamoSchemaException(str(error)) from None


class DynamoRecord(metaclass=RecordMeta):
    """A record: one item of a table as a Python object with a frozen schema.

    Fields are declared as in attrs. A name that is not declared is an error in the
    constructor and on assignment. Values are checked when a record is saved::

        class Store(DynamoRecord):
            store_id: str = ""
            tags: list[str] = []

    Class keywords:
        frozen: Records are immutable; ``evolve`` gives changed copies.
        schemaless: Any field may be set.
        unknown: What to do with stored attributes that are not fields: ``keep`` them beside
            the record and write them back (default), ``reject`` the item, or ``drop`` them.
        tag, tag_field: Text stored with each record, to tell the classes of a union apart.
    """

    __slots__ = ("__weakref__", "_item", "_loaded")

    __dynamo_options__: ClassVar[RecordOptions] = RecordOptions()
    __dynamo_frozen__: ClassVar[bool] = False
    __dynamo_fields__: ClassVar[tuple[str, ...]] = ()
    __dynamo_setters__: ClassVar[dict[str, Any]] = {}

    if TYPE_CHECKING:
        #: Attribute values as loaded, {"city": {"S": "Oslo"}}; None for a new record.
        _item: ClassVar[Item | None]

    # --- for subclasses -------------------------------------------------------------------

    def _check_data(self) -> None:
        """Normalise, derive or validate: override this.

        Runs at construction, in ``update_data`` and ``get_dict`` and before every save;
        not when a record is loaded.
        """

    def _freeze_schema(self) -> None:
        """Override with ``pass`` to allow any field; the same as ``schemaless=True``."""

    # --- data -----------------------------------------------------------------------------

    def update_data(self, **data: Any) -> None:
        """Set several fields, then run ``_check_data``; on an error none is changed.

        Raises:
            UnknownFieldError: A name is not a field.
        """
        before = copy.copy(self)
        try:
            for name, value in data.items():
                setattr(self, name, value)
            self._check_data()
        except BaseException:
            self.__setstate__(before.__getstate__())
            raise

    def update_data_safe(self, **data: Any) -> None:
        """Set those of the fields that the record has, skipping other names."""
        if not type(self).__dynamo_options__.schemaless:
            data = {name: data[name] for name in data if name in type(self).__dynamo_fields__}
        self.update_data(**data)

    def get_dict(self, exclude: Collection[str] = ()) -> dict[str, Any]:
        """Return name -> value of the fields that were read, after ``_check_data``.

        Mutable values are copies: changing them does not change the record.
        """
        self._check_data()
        return {n: copy.deepcopy(v) for n, v in self._values().items() if n not in exclude}

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON types: text, int, float, bool, None, list and dict.

        Times become ISO 8601 text, bytes base64 text, sets sorted lists. A Decimal that is
        not whole becomes the nearest float.
        """
        return {name: json_value(value) for name, value in self._values().items()}

    def evolve(self, **changes: Any) -> Self:
        """Return a copy with some fields changed; saving it updates the same item.

        A copy whose key was changed is a new record.

        Raises:
            UnknownFieldError: A name is not a field.
        """
        values = self._values()
        missing = {name for name in type(self).__dynamo_fields__ if name not in values}
        if missing:
            raise FieldNotLoaded(type(self), sorted(missing)[0])
        changed = type(self)(**{**values, **changes})
        _set(changed, "_item", self._item)
        return changed

    def validate(self) -> None:
        """Run ``_check_data``, all validators and all type checks.

        Raises:
            ValidationError: With all problems, each with its path.
        """
        self._check_data()
        problems = list(self._validator_problems())
        try:
            codec_of(type(self)).encode(self)
        except Invalid as invalid:
            problems += invalid.problems
        if problems:
            raise ValidationError(type(self).__name__, problems)

    def _validator_problems(self) -> list[Problem]:
        problems = []
        for attribute in attrs.fields(type(self)):
            if attribute.validator is None:
                continue
            value = getattr(self, attribute.name)
            try:
                attribute.validator(self, attribute, value)
            except (ValueError, TypeError) as error:
                reason = str(error.args[0]) if error.args else ""
                if not reason or repr(value) in reason or str(value) in reason:
                    reason = "refused by its validator"  # the message shows the value
                problems.append(Problem(attribute_path(attribute.name)[1:], reason))
        return problems

    def _values(self) -> dict[str, Any]:
        """Return name -> value of every field that was read."""
        values = {}
        for name in type(self).__dynamo_fields__:
            try:
                values[name] = object.__getattribute__(self, name)
            except AttributeError:
                continue  # a partial record
        if type(self).__dynamo_options__.schemaless:
            values |= vars(self)
        return values

    # --- Python's protocols ---------------------------------------------------------------

    def __repr__(self) -> str:
        shown = []
        hidden = {a.name: a.repr for a in attrs.fields(type(self))}
        for name, value in self._values().items():
            how = hidden.get(name, True)
            if how is not False:
                shown.append(f"{name}={how(value) if callable(how) else repr(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self._values(), **{name: getattr(self, name) for name in _INTERNAL}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        dynamic = type(self).__dynamo_options__.schemaless
        if dynamic:
            vars(self).clear()
        for name, value in state.items():
            if name in _INTERNAL or name in type(self).__dynamo_fields__:
                _set(self, name, value)
            elif dynamic:
                vars(self)[name] = value

    if not TYPE_CHECKING:  # with these, checkers would not see misspelt names

        def __setattr__(self, name, value):
            cls = type(self)
            try:
                hook = cls.__dynamo_setters__[name]
            except KeyError:
                self._set_other(name, value)
                return
            if hook is not None or cls.__dynamo_frozen__:
                value = self._before_set(hook, value)
            _set(self, name, value)

        def _before_set(self, hook, value):
            if not hasattr(self, "_loaded"):  # the constructor has converted and validated
                return value
            if type(self).__dynamo_frozen__:
                raise attrs.exceptions.FrozenInstanceError()
            return hook(self, value)

        def _set_other(self, name, value):
            cls = type(self)
            if isinstance(getattr(cls, name, None), property):
                _set(self, name, value)
            elif not cls.__dynamo_options__.schemaless or not _can_be_dynamic(cls, name):
                raise UnknownFieldError(cls, name, cls.__dynamo_fields__)
            elif cls.__dynamo_frozen__:
                raise attrs.exceptions.FrozenInstanceError()
            else:
                vars(self)[name] = value

        def __getattr__(self, name):
            if name in type(self).__dynamo_fields__:
                raise FieldNotLoaded(type(self), name)
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
            raise UnknownFieldError(type(self), name, type(self).__dynamo_fields__)

        def __delattr__(self, name):
            if type(self).__dynamo_options__.schemaless and name in vars(self):
                del vars(self)[name]
            elif name in type(self).__dynamo_fields__:
                raise DynamoSchemaException(
                    f"{type(self).__name__}.{name} cannot be deleted: assign its default instead"
                )
            else:
                raise UnknownFieldError(type(self), name, type(self).__dynamo_fields__)


def _can_be_dynamic(record_class: type, name: str) -> bool:
    return not name.startswith("_") and not hasattr(record_class, name)


class SchemalessRecord(DynamoRecord, schemaless=True):
    """A record of any fields, for items without a class of their own."""
