"""From a class body to a record class: attrs fields in slots. Mistakes are found in ``body``.

The class is not rebuilt, as attrs' own ``slots=True`` would do: this metaclass sets the
slots itself, so that zero-argument ``super()`` and ``__init_subclass__`` work as written.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, dataclass_transform

import attrs

from ..codec.annotations import resolve
from ..codec.options import CopyOf, RecordOptions, class_has, needs_copy
from ..errors import DynamoSchemaException, FieldNotLoaded, UnknownFieldError
from .body import check_bases, check_body, check_mixins, decorated, own_fields, wire_names
from .fields import field

__all__ = ["MAKING", "RecordMeta", "can_be_dynamic", "fields_of", "unknown_field"]

#: What attrs writes and records do otherwise: ``__setattr__`` (for fields with on_setattr)
#: would take any name, ``__replace__`` would forget what the record was loaded as.
_NOT_FROM_ATTRS = frozenset({"__setattr__", "__attrs_own_setattr__", "__replace__"})

#: What a record was loaded as, while its constructor runs: attrs converts and validates there.
MAKING = ("the constructor runs",)

_Hook = Callable[[Any, Any], Any]


def fields_of(record_class: type) -> tuple[attrs.Attribute[Any], ...]:
    """Return the attrs fields of a record class, also of its parents."""
    found: tuple[attrs.Attribute[Any], ...] = attrs.fields(record_class)
    return found


@dataclass_transform(kw_only_default=True, field_specifiers=(field, attrs.field))
class RecordMeta(type):
    """Metaclass of records: see DynamoRecord for the class keywords."""

    __dynamo_options__: RecordOptions
    __dynamo_frozen__: bool
    #: Names of the fields, also of the parents, in the order of declaration.
    __dynamo_fields__: tuple[str, ...]
    __dynamo_validated__: tuple[Any, ...]
    #: What the constructor takes: the fields, by their aliases.
    __dynamo_init__: frozenset[str]
    #: Names of the attributes that the fields are stored as.
    __dynamo_wires__: frozenset[str]
    #: Field -> what is done with a value on assignment (converters, validators), or None.
    __dynamo_setters__: Mapping[str, _Hook | None]

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        frozen: bool | None = None,
        schemaless: bool | None = None,
        unknown: Literal["keep", "reject", "drop"] | None = None,
        tag: str | None = None,
        tag_field: str | None = None,
        **keywords: Any,
    ) -> RecordMeta:
        parents = [base for base in bases if isinstance(base, RecordMeta)]
        if not parents:
            return super().__new__(mcls, name, bases, namespace, **keywords)
        check_bases(name, parents)
        (parent,) = parents
        mixins = [base for base in bases if base is not parent]
        annotations = own_fields(namespace)
        check_body(name, namespace, annotations, parent, parent.__dynamo_fields__)
        check_mixins(name, mixins, {*annotations, *parent.__dynamo_fields__})
        if "_freeze_schema" in namespace or any(class_has(mixin, "_freeze_schema") for mixin in mixins):
            schemaless = True
        options = _options(parent, schemaless, unknown, tag, tag_field)
        these = {
            field_name: _attrs_field(name, field_name, namespace.pop(field_name, attrs.NOTHING))
            for field_name in annotations
        }
        slots = [field_name for field_name in annotations if field_name not in parent.__dynamo_fields__]
        if options.schemaless and not any(base.__dictoffset__ for base in bases):
            slots.append("__dict__")
        namespace["__slots__"] = tuple(slots)
        cls = super().__new__(mcls, name, bases, namespace, **keywords)
        cls.__dynamo_options__ = options
        cls.__dynamo_frozen__ = parent.__dynamo_frozen__ if frozen is None else frozen
        attrs.define(
            cls,
            these=these,
            slots=False,
            kw_only=True,
            repr=False,
            on_setattr=attrs.setters.NO_OP,
            unsafe_hash=True if cls.__dynamo_frozen__ and "__hash__" not in namespace else None,
        )
        if "__eq__" not in namespace:
            _mend_equality(cls)
        for generated in _NOT_FROM_ATTRS & (vars(cls).keys() - namespace.keys()):
            type.__delattr__(cls, generated)
        fields = fields_of(cls)
        cls.__dynamo_fields__ = tuple(attribute.name for attribute in fields)
        cls.__dynamo_validated__ = tuple(a for a in fields if a.validator is not None)
        cls.__dynamo_init__ = frozenset(str(attribute.alias) for attribute in fields)
        cls.__dynamo_setters__ = {attribute.name: _setter(attribute) for attribute in fields}
        cls.__dynamo_wires__ = wire_names(cls.__name__, fields, options)
        _resolve_early(cls, annotations, sys._getframe(1))
        return cls

    if not TYPE_CHECKING:  # checkers shall see the constructor that attrs writes

        def __call__(cls, /, *args, **values):
            """Make a new record; unknown names are refused, then ``_check_data`` runs."""
            dynamic = {}
            if not values.keys() <= cls.__dynamo_init__:
                for name in [name for name in values if name not in cls.__dynamo_init__]:
                    if not cls.__dynamo_options__.schemaless or not can_be_dynamic(cls, name):
                        raise unknown_field(cls, name, cls.__dynamo_init__)
                    dynamic[name] = values.pop(name)
            record = cls.__new__(cls)
            object.__setattr__(record, "_stored", None)
            object.__setattr__(record, "_loaded", MAKING)
            record.__init__(*args, **values)
            object.__setattr__(record, "_loaded", None)
            if dynamic:
                vars(record).update(dynamic)
            record._check_data()
            return record

        def __setattr__(cls, name, value):
            if name in ("__attrs_attrs__", "__dataclass_fields__") and "__dynamo_wires__" in vars(cls):
                raise decorated(cls.__name__)
            super().__setattr__(name, value)


def can_be_dynamic(record_class: RecordMeta, name: str) -> bool:
    """Tell whether a schemaless record may have a field of this name beside the declared ones."""
    if name.startswith("_") or name in record_class.__dynamo_wires__:
        return False
    return not class_has(record_class, name)


def unknown_field(
    record_class: RecordMeta, name: str, names: Collection[str] | None = None
) -> UnknownFieldError:
    """Return the error for a name that the class does not have; *names* are those that could be meant."""
    error = UnknownFieldError(record_class, name, record_class.__dynamo_fields__ if names is None else names)
    value = next((vars(base)[name] for base in record_class.__mro__ if name in vars(base)), None)
    if type(value) in (str, bytes, int, float, bool, list, dict, set, tuple):
        kind = f"{name}: {type(value).__name__}"
        error.args = (f"{record_class.__name__}.{name} is no field without its type: write {kind} = ...",)
    return error


def _options(
    parent: RecordMeta,
    schemaless: bool | None,
    unknown: Literal["keep", "reject", "drop"] | None,
    tag: str | None,
    tag_field: str | None,
) -> RecordOptions:
    if unknown not in (None, "keep", "reject", "drop"):
        raise DynamoSchemaException("unknown= is 'keep', 'reject' or 'drop'")
    for text in (tag, tag_field):
        if text is not None and not (isinstance(text, str) and text):
            raise DynamoSchemaException("tag= and tag_field= are texts, and not empty")
    inherited = parent.__dynamo_options__
    return RecordOptions(
        unknown=inherited.unknown if unknown is None else unknown,
        schemaless=inherited.schemaless if schemaless is None else schemaless,
        tag=tag,
        tag_field=inherited.tag_field if tag_field is None else tag_field,
    )


def _attrs_field(class_name: str, name: str, default: Any) -> Any:
    if type(default).__name__ == "_CountingAttr":  # what field() and attrs.field() return
        if not default.init:
            raise DynamoSchemaException(
                f"{class_name}.{name}: init=False: records are copied through their constructor, "
                f"leave it out, and derive the value in _check_data"
            )
        if needs_copy(default._default):
            default._default = attrs.Factory(CopyOf(default._default))
        return default
    if needs_copy(default):
        return field(factory=CopyOf(default))
    return field() if default is attrs.NOTHING else field(default=default)


def _mend_equality(cls: RecordMeta) -> None:
    """Make ``==`` of attrs take partial records, and fields that are not declared."""
    compare: Any = vars(cls)["__eq__"]
    names = [attribute.name for attribute in fields_of(cls) if attribute.eq]
    is_schemaless = cls.__dynamo_options__.schemaless

    def equal(self: Any, other: Any) -> Any:
        try:
            same = compare(self, other)
        except FieldNotLoaded:
            mine, theirs = self._values(), other._values()
            return all(mine.get(n, attrs.NOTHING) == theirs.get(n, attrs.NOTHING) for n in names)
        if is_schemaless and same is True:
            return vars(self) == vars(other)
        return same

    cls.__eq__ = equal  # type: ignore[method-assign, assignment]


def _setter(attribute: attrs.Attribute[Any]) -> _Hook | None:
    """Return what attrs would do on assignment: convert, then validate."""
    hook: Any = attribute.on_setattr
    if hook is attrs.setters.NO_OP:
        return None
    if hook is None:
        if attribute.converter is None and attribute.validator is None:
            return None
        hook = attrs.setters.pipe(attrs.setters.convert, attrs.setters.validate)
    return lambda record, value: hook(record, attribute, value)


def _resolve_early(cls: RecordMeta, annotations: Mapping[str, Any], frame: types.FrameType) -> None:
    """Look up the types now if possible: later, names local to a function are gone."""
    try:
        hints = resolve(cls, annotations, frame.f_locals)
    except (NameError, AttributeError):
        return  # a forward reference: looked up at first use
    except (TypeError, SyntaxError) as error:
        raise DynamoSchemaException(f"{cls.__name__}: an annotation is not a type: {error}") from None
    setattr(cls, "__dynamo_hints__", hints)  # noqa: B010 (only on this class, not inherited)
