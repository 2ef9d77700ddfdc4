"""From a class body to a record class: attrs fields in slots, and every mistake explained.

The class is not rebuilt, as attrs' own ``slots=True`` would do: this metaclass sets the
slots itself, so that zero-argument ``super()`` and ``__init_subclass__`` work as written.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, dataclass_transform, get_origin

import attrs

from ..codec.annotations import resolve
from ..codec.options import CopyOf, RecordOptions, field_options
from ..errors import DynamoSchemaException, UnknownFieldError
from .fields import field

__all__ = ["RecordMeta"]

#: Defaults that records must not share.
_MUTABLE = (list, dict, set, bytearray)

_METHOD_TYPES = (types.FunctionType, property, classmethod, staticmethod)

_Hook = Callable[[Any, Any], Any]


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class RecordMeta(type):
    """Metaclass of records: see DynamoRecord for the class keywords."""

    __dynamo_options__: RecordOptions
    __dynamo_frozen__: bool
    #: Names of the fields, also of the parents, in the order of declaration.
    __dynamo_fields__: tuple[str, ...]
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
        _check_bases(name, bases, parents)
        (parent,) = parents
        annotations = _own_fields(namespace)
        _check_body(name, namespace, annotations, parent)
        if "_freeze_schema" in namespace:
            schemaless = True
        options = _options(parent, schemaless, unknown, tag, tag_field)
        these = {
            field_name: _attrs_field(name, field_name, namespace.pop(field_name, attrs.NOTHING))
            for field_name in annotations
        }
        slots = [field_name for field_name in annotations if field_name not in parent.__dynamo_fields__]
        if options.schemaless and not parent.__dynamo_options__.schemaless:
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
            unsafe_hash=True if cls.__dynamo_frozen__ else None,
        )
        fields = attrs.fields(cls)
        cls.__dynamo_fields__ = tuple(attribute.name for attribute in fields)
        cls.__dynamo_setters__ = {attribute.name: _setter(attribute) for attribute in fields}
        _check_fields(cls)
        _resolve_early(cls, annotations, sys._getframe(1))
        return cls

    if not TYPE_CHECKING:  # checkers shall see the constructor that attrs writes

        def __call__(cls, *args, **values):
            """Make a new record; unknown names are refused, then ``_check_data`` runs."""
            dynamic = {}
            for name in values.keys() - frozenset(cls.__dynamo_fields__):
                if not cls.__dynamo_options__.schemaless:
                    raise UnknownFieldError(cls, name, cls.__dynamo_fields__)
                dynamic[name] = values.pop(name)
            record = super().__call__(*args, **values)
            object.__setattr__(record, "_item", None)
            object.__setattr__(record, "_loaded", None)
            for name in dynamic:
                if name.startswith("_") or hasattr(cls, name):
                    raise UnknownFieldError(cls, name, cls.__dynamo_fields__)
            if dynamic:
                vars(record).update(dynamic)
            record._check_data()
            return record


def _check_bases(name: str, bases: tuple[type, ...], parents: list[RecordMeta]) -> None:
    if len(parents) > 1:
        both = " and ".join(parent.__name__ for parent in parents)
        raise DynamoSchemaException(
            f"{name} has two record bases, {both}: derive from one, "
            f"and put what they share into a mixin without fields"
        )
    for base in bases:
        if isinstance(base, RecordMeta):
            continue
        for mixin in base.__mro__[:-1]:
            if _own_fields(vars(mixin)) and mixin.__module__ != "typing":
                raise DynamoSchemaException(
                    f"{name}: mixin {mixin.__name__} declares fields: "
                    f"mixins of records have methods only, move its fields into a record class"
                )


def _check_body(
    name: str, namespace: Mapping[str, Any], annotations: Mapping[str, Any], parent: RecordMeta
) -> None:
    if "__init__" in namespace:
        raise DynamoSchemaException(
            f"{name} defines __init__: declare its fields in attrs style instead,\n"
            f"    class {name}(DynamoRecord):\n"
            f"        store_id: str = ''\n"
            f"        tags: list[str] = []\n"
            f"and put checks into _check_data"
        )
    for field_name in annotations:
        if field_name.startswith("_"):
            raise DynamoSchemaException(
                f"{name}.{field_name}: fields must not begin with an underscore: "
                f"store it under that name with field(name={field_name!r})"
            )
        is_method = isinstance(namespace.get(field_name), _METHOD_TYPES)
        inherited = field_name in parent.__dynamo_fields__
        if is_method or (hasattr(parent, field_name) and not inherited):
            raise DynamoSchemaException(
                f"{name}.{field_name} collides with a method of that name: rename the field, "
                f"and keep its stored name with field(name={field_name!r})"
            )
    for other, value in namespace.items():
        if other in annotations:
            continue
        if isinstance(value, attrs.Attribute) or type(value).__name__ == "_CountingAttr":
            raise DynamoSchemaException(f"{name}.{other} needs a type: {other}: str = field(...)")
        if other in parent.__dynamo_fields__:
            raise DynamoSchemaException(
                f"{name}.{other} hides a field of {parent.__name__}: "
                f"to change its default repeat its type, {other}: ... = ..."
            )


def _options(
    parent: RecordMeta,
    schemaless: bool | None,
    unknown: Literal["keep", "reject", "drop"] | None,
    tag: str | None,
    tag_field: str | None,
) -> RecordOptions:
    if unknown not in (None, "keep", "reject", "drop"):
        raise DynamoSchemaException("unknown= is 'keep', 'reject' or 'drop'")
    inherited = parent.__dynamo_options__
    return RecordOptions(
        unknown=inherited.unknown if unknown is None else unknown,
        schemaless=inherited.schemaless if schemaless is None else schemaless,
        tag=tag,
        tag_field=inherited.tag_field if tag_field is None else tag_field,
    )


def _own_fields(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return name -> annotation of a class body, without class variables."""
    return {
        name: annotation
        for name, annotation in _annotations(namespace).items()
        if not _is_class_variable(annotation)
    }


def _annotations(namespace: Mapping[str, Any]) -> Mapping[str, Any]:
    if sys.version_info >= (3, 14):  # annotations are made by a function, when asked for
        import annotationlib

        annotate = namespace.get("__annotate_func__") or namespace.get("__annotate__")
        if annotate is not None:
            return annotationlib.call_annotate_function(annotate, annotationlib.Format.FORWARDREF)
    found: Mapping[str, Any] = namespace.get("__annotations__", {})
    return found


def _is_class_variable(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.split("[")[0].split(".")[-1].strip() == "ClassVar"
    return annotation is ClassVar or get_origin(annotation) is ClassVar


def _attrs_field(class_name: str, name: str, default: Any) -> Any:
    if type(default).__name__ == "_CountingAttr":  # what field() and attrs.field() return
        declared = default._default
        if isinstance(declared, _MUTABLE):
            default._default = attrs.Factory(CopyOf(declared))
        return default
    if isinstance(default, _MUTABLE) or _is_own_mutable(default):
        return field(factory=CopyOf(default))
    return field() if default is attrs.NOTHING else field(default=default)


def _is_own_mutable(default: Any) -> bool:
    return attrs.has(type(default)) and getattr(type(default), "__hash__", None) is None


def _setter(attribute: attrs.Attribute[Any]) -> _Hook | None:
    """Return what attrs would do on assignment: convert, then validate."""
    if attribute.on_setattr is attrs.setters.NO_OP:
        return None
    hook = attribute.on_setattr
    if hook is None:
        if attribute.converter is None and attribute.validator is None:
            return None
        hook = attrs.setters.pipe(attrs.setters.convert, attrs.setters.validate)
    chosen: Any = hook
    return lambda record, value: chosen(record, attribute, value)


def _check_fields(cls: RecordMeta) -> None:
    wires: dict[str, str] = {}
    if cls.__dynamo_options__.tag is not None:
        wires[cls.__dynamo_options__.tag_field] = "tag_field"
    versions = []
    for attribute in attrs.fields(cls):
        options = field_options(attribute.metadata)
        wire = options.name or attribute.name
        if wire in wires:
            raise DynamoSchemaException(
                f"{cls.__name__}: {attribute.name} and {wires[wire]} are both stored as {wire!r}"
            )
        wires[wire] = attribute.name
        if options.version:
            versions.append(attribute.name)
    if len(versions) > 1:
        raise DynamoSchemaException(f"{cls.__name__} has two version fields: {', '.join(versions)}")


def _resolve_early(cls: RecordMeta, annotations: Mapping[str, Any], frame: types.FrameType) -> None:
    """Look up the types now if possible: later, names local to a function are gone."""
    try:
        hints = resolve(cls, annotations, frame.f_locals)
    except NameError:
        return  # a forward reference: looked up at first use
    setattr(cls, "__dynamo_hints__", hints)  # noqa: B010 (only on this class, not inherited)
