"""DynamoRecord: the base class of records, and what every record can do."""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs

from ..codec.kept import loaded_values
from ..codec.options import RecordOptions, needs_copy
from ..codec.plain import json_value
from ..codec.records import RecordCodec, allow_partial, record_codec
from ..codec.typed import plain_item
from ..codec.values import AttributeValue, Invalid, Item, attribute_path
from ..errors import (
    DynamoException,
    DynamoSchemaException,
    FieldNotLoaded,
    Problem,
    ValidationError,
)
from .declaration import MAKING, RecordMeta, can_be_dynamic, fields_of, unknown_field

__all__ = ["DynamoRecord", "FrozenRecordError", "SchemalessRecord", "codec_of", "has_checks"]

_INTERNAL = ("_stored", "_loaded", "_home")
_set = object.__setattr__


class FrozenRecordError(DynamoSchemaException, attrs.exceptions.FrozenInstanceError):
    """A field of a frozen record was assigned; also attrs' error for that."""

    def __init__(self, record_class: type, name: str) -> None:
        self.msg = (
            f"{record_class.__name__} is frozen: record.evolve({name}=...) makes a changed copy, "
            f"field(converter=...) normalises"
        )
        Exception.__init__(self, self.msg)  # that of attrs takes no message


def codec_of(record_class: type[DynamoRecord]) -> RecordCodec:
    """Return the codec of a record class.

    Raises:
        DynamoSchemaException: A field of the class cannot be stored.
    """
    if not attrs.has(record_class):
        raise DynamoSchemaException(
            f"{record_class.__name__} is no record class of its own: derive one from it, with fields"
        )
    try:
        return record_codec(record_class)
    except TypeError as error:
        raise DynamoSchemaException(str(error)) from None
    except (NameError, AttributeError) as error:
        raise DynamoSchemaException(
            f"{record_class.__name__}: {error}: the types of fields must be known at run time "
            f"(not imported under TYPE_CHECKING), and those local to a function before the class"
        ) from None


def has_checks(record_class: type[DynamoRecord]) -> bool:
    """Tell whether a class has a ``_check_data`` of its own."""
    return record_class._check_data is not DynamoRecord._check_data


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

    __slots__ = ("__weakref__", "_home", "_loaded", "_stored")

    __dynamo_options__: ClassVar[RecordOptions] = RecordOptions()
    __dynamo_frozen__: ClassVar[bool] = False
    __dynamo_fields__: ClassVar[tuple[str, ...]] = ()
    __dynamo_validated__: ClassVar[tuple[Any, ...]] = ()
    __dynamo_init__: ClassVar[frozenset[str]] = frozenset()
    __dynamo_wires__: ClassVar[frozenset[str]] = frozenset()
    __dynamo_setters__: ClassVar[Mapping[str, Callable[[Any, Any], Any] | None]] = {}

    if TYPE_CHECKING:
        #: What the record was loaded as, attribute values or typed; None for a new record.
        _stored: ClassVar[Item | None]
        #: What the immutable fields were loaded as; None for new, evolved and partial records.
        _loaded: ClassVar[tuple[Any, ...] | None]

    @property
    def _item(self) -> dict[str, AttributeValue] | None:
        """Attribute values as loaded, ``{"city": {"S": "Oslo"}}``; None for a new record."""
        stored = self._stored
        if stored is None:
            return None
        item = plain_item(stored)
        codec_of(type(self)).remember(self, item, loaded_values(self))
        return item

    # --- for subclasses -------------------------------------------------------------------

    def _check_data(self) -> None:
        """Normalise, derive or validate: override this.

        Runs at construction, in ``update_data`` and ``get_dict`` and before every save;
        not when a record is loaded.
        """

    def _freeze_schema(self) -> None:
        """Override with ``pass`` to allow any field; the same as ``schemaless=True``."""

    # --- data -----------------------------------------------------------------------------

    def update_data(self, /, **data: Any) -> None:
        """Set several fields, then run ``_check_data``; on an error none is changed.

        Raises:
            UnknownFieldError: A name is not a field.
        """
        before = self._values()
        copies = {}
        if has_checks(type(self)):  # it may change containers in place
            copies = {name: copy.deepcopy(value) for name, value in before.items() if needs_copy(value)}
        try:
            for name, value in data.items():
                setattr(self, name, value)
            self._check_data()
        except BaseException:
            self._put_back({n: v if copies.get(n, v) == v else copies[n] for n, v in before.items()})
            raise

    def _put_back(self, before: Mapping[str, Any]) -> None:
        for name in self._values().keys() - before.keys():
            object.__delattr__(self, name)  # not read before, or not declared
        for name, value in before.items():
            if name in type(self).__dynamo_fields__:
                _set(self, name, value)
            else:
                vars(self)[name] = value

    def update_data_safe(self, /, **data: Any) -> None:
        """Set those of the fields that the record has, or may have, skipping other names."""
        cls = type(self)
        is_schemaless = cls.__dynamo_options__.schemaless
        fitting = {
            name: value
            for name, value in data.items()
            if name in cls.__dynamo_fields__ or (is_schemaless and can_be_dynamic(cls, name))
        }
        self.update_data(**fitting)

    def get_dict(self, exclude: Collection[str] = ()) -> dict[str, Any]:
        """Return name -> value of the fields that were read, after ``_check_data``.

        Mutable values are copies: changing them does not change the record.
        """
        self._check_data()
        left_out = {exclude} if isinstance(exclude, str) else set(exclude)
        values = self._values()
        for name in left_out - values.keys() - set(type(self).__dynamo_fields__):
            if not type(self).__dynamo_options__.schemaless:
                raise unknown_field(type(self), name)
        return {name: _copied(value) for name, value in values.items() if name not in left_out}

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON types: text, int, float, bool, None, list and dict.

        Times become ISO 8601 text, bytes base64 text, sets sorted lists. A Decimal that is
        not whole becomes the nearest float.

        Raises:
            ValidationError: A value that cannot be stored.
        """
        plain, problems = {}, []
        for name, value in self._values().items():
            try:
                plain[name] = json_value(value)
            except Invalid as invalid:
                problems += invalid.under(attribute_path(name))
            except RecursionError:
                problems.append(Problem(name, "contains itself"))
        if problems:
            raise ValidationError(type(self).__name__, problems)
        return plain

    def evolve(self, /, **changes: Any) -> Self:
        """Return a copy with some fields changed; saving it updates the same item.

        A copy whose key was changed is a new record. Mutable values are copied too.

        Raises:
            UnknownFieldError: A name is not a field.
        """
        cls = type(self)
        kept = {name: value for name, value in self._values().items() if name not in changes}
        values = {**{name: _copied(value) for name, value in kept.items()}, **changes}
        if changes.keys() - set(cls.__dynamo_fields__) and not cls.__dynamo_options__.schemaless:
            unknown = next(name for name in changes if name not in cls.__dynamo_fields__)
            raise unknown_field(cls, unknown)
        arguments = {}
        for attribute in fields_of(cls):
            if attribute.name not in values:
                raise FieldNotLoaded(cls, attribute.name)
            arguments[str(attribute.alias)] = values.pop(attribute.name)
        changed = cls(**arguments, **values)
        _set(changed, "_stored", self._stored)
        if (home := getattr(self, "_home", None)) is not None:
            _set(changed, "_home", home)
        return changed

    __replace__ = evolve  # copy.replace(), from Python 3.13

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
        problems: list[Problem] = []
        if not type(self).__dynamo_validated__:
            return problems
        values = self._values()
        for attribute in type(self).__dynamo_validated__:
            if attribute.name not in values:
                continue
            value = values[attribute.name]
            try:
                attribute.validator(self, attribute, value)
            except (ValueError, TypeError, AssertionError, DynamoException) as error:
                reason = str(error.args[0]) if error.args else ""
                if not reason or repr(value) in reason or str(value) in reason:
                    reason = "refused by its validator"  # the message shows the value
                problems.append(Problem(attribute_path(attribute.name), reason))
        return problems

    def _values(self) -> dict[str, Any]:
        """Return name -> value of every field that was read, of any that is set."""
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

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        shown = []
        how_shown = {attribute.name: attribute.repr for attribute in fields_of(type(self))}
        values = self._values()
        for name, value in values.items():
            how = how_shown.get(name, True)
            if how is not False:
                shown.append(f"{name}={how(value) if callable(how) else repr(value)}")
        if how_shown.keys() - values.keys():
            shown.append("...")  # fields that a partial record has not read
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getstate__(self) -> dict[str, Any]:
        loaded = None if self._loaded is MAKING else loaded_values(self)
        internal = {"_stored": self._stored, "_loaded": loaded, "_fields": type(self).__dynamo_fields__}
        home = getattr(self, "_home", None)
        return {**self._values(), **internal, **({} if home is None else {"_home": home})}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            if name in _INTERNAL or name in type(self).__dynamo_fields__:
                _set(self, name, value)
            elif name != "_fields" and type(self).__dynamo_options__.schemaless:
                vars(self)[name] = value
        if not state.keys() >= set(type(self).__dynamo_fields__):
            allow_partial(type(self))
        if state["_fields"] != type(self).__dynamo_fields__:
            # Pickled when the class had other fields: what it was loaded as is in the item.
            _set(self, "_loaded", None)

    if not TYPE_CHECKING:  # with these, checkers would not see misspelt names

        def __setattr__(self, name, value):
            cls = type(self)
            try:
                hook = cls.__dynamo_setters__[name]
            except KeyError:
                self._set_other(name, value)
                return
            if hook is not None or self._loaded is None or cls.__dynamo_frozen__:
                value = self._before_set(hook, name, value)
            _set(self, name, value)

        def _before_set(self, hook, name, value):
            if self._loaded is MAKING:
                return value
            if type(self).__dynamo_frozen__:
                raise FrozenRecordError(type(self), name)
            if self._loaded is None and self._stored is not None:
                getattr(self, name)  # a change of what was not read could not be guarded
            return value if hook is None else hook(self, value)

        def _set_other(self, name, value):
            cls = type(self)
            if not name.startswith("_") and isinstance(getattr(cls, name, None), property):
                _set(self, name, value)
            elif not cls.__dynamo_options__.schemaless or not can_be_dynamic(cls, name):
                raise unknown_field(cls, name)
            elif cls.__dynamo_frozen__:
                raise FrozenRecordError(cls, name)
            else:
                vars(self)[name] = value

        def __delattr__(self, name):
            cls = type(self)
            is_set = cls.__dynamo_options__.schemaless and name in vars(self)
            if cls.__dynamo_frozen__ and (is_set or name in cls.__dynamo_fields__):
                raise FrozenRecordError(cls, name)
            if is_set:
                del vars(self)[name]
            elif name in cls.__dynamo_fields__:
                raise DynamoSchemaException(
                    f"{cls.__name__}.{name} cannot be deleted: assign its default instead"
                )
            else:
                raise unknown_field(cls, name)


def _copied(value: Any) -> Any:
    return copy.deepcopy(value) if needs_copy(value) else value


class SchemalessRecord(DynamoRecord, schemaless=True):
    """A record of any fields, for items without a class of their own."""

    if TYPE_CHECKING:  # for checkers, too, it may have any field

        def __init__(self, **fields: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...
