"""From a class body to a record class: attrs fields in slots, and every mistake explained.

The class is not rebuilt, as attrs' own ``slots=True`` would do: this metaclass sets the
slots itself, so that zero-argument ``super()`` and ``__init_subclass__`` work as written.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, dataclass_transform, get_origin

import attrs

from ..codec.annotations import resolve
from ..codec.options import CopyOf, RecordOptions, class_has, field_options, needs_copy
from ..errors import DynamoSchemaException, FieldNotLoaded, UnknownFieldError
from .fields import field

__all__ = ["MAKING", "RecordMeta", "can_be_dynamic", "fields_of", "unknown_field"]

_METHOD_TYPES = (types.FunctionType, property, classmethod, staticmethod)

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
        _check_bases(name, bases, parents)
        (parent,) = parents
        if "__attrs_attrs__" in namespace:
            raise _decorated(name)
        annotations = _own_fields(namespace)
        _check_body(name, namespace, annotations, parent)
        _check_mixins(name, bases, {*annotations, *parent.__dynamo_fields__})
        if "_freeze_schema" in namespace:
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
        cls.__dynamo_init__ = frozenset(str(attribute.alias) for attribute in fields)
        cls.__dynamo_setters__ = {attribute.name: _setter(attribute) for attribute in fields}
        _check_fields(cls)
        _resolve_early(cls, annotations, sys._getframe(1))
        return cls

    def __setattr__(cls, name: str, value: Any) -> None:
        if name in ("__attrs_attrs__", "__dataclass_fields__") and "__dynamo_wires__" in vars(cls):
            raise _decorated(cls.__name__)
        super().__setattr__(name, value)

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
            object.__setattr__(record, "_item", None)
            object.__setattr__(record, "_loaded", MAKING)
            record.__init__(*args, **values)
            object.__setattr__(record, "_loaded", None)
            if dynamic:
                vars(record).update(dynamic)
            record._check_data()
            return record


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


def _decorated(name: str) -> DynamoSchemaException:
    return DynamoSchemaException(
        f"{name}: records are attrs classes by themselves: leave out the decorator; "
        f"class {name}(DynamoRecord, frozen=True) makes them immutable"
    )


def _check_bases(name: str, bases: tuple[type, ...], parents: list[RecordMeta]) -> None:
    if len(parents) > 1:
        both = " and ".join(parent.__name__ for parent in parents)
        raise DynamoSchemaException(
            f"{name} has two record bases, {both}: derive from one, "
            f"and put what they share into a mixin without fields"
        )


def _check_mixins(name: str, bases: tuple[type, ...], fields: set[str]) -> None:
    for base in bases:
        if isinstance(base, RecordMeta):
            continue
        for mixin in base.__mro__[:-1]:
            if _own_fields(vars(mixin)) and mixin.__module__ != "typing":
                raise DynamoSchemaException(
                    f"{name}: mixin {mixin.__name__} declares fields: "
                    f"mixins of records have methods only, move its fields into a record class"
                )
            if hidden := sorted(fields & vars(mixin).keys()):
                raise DynamoSchemaException(
                    f"{name}.{hidden[0]} collides with {mixin.__name__}.{hidden[0]}: rename one of them; "
                    f"a field keeps its stored name with field(name={hidden[0]!r})"
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
        if field_name == "self":
            raise DynamoSchemaException(
                f"{name}.self: rename the field, and keep its stored name with field(name='self')"
            )
        is_method = isinstance(namespace.get(field_name), _METHOD_TYPES)
        inherited = field_name in parent.__dynamo_fields__
        if is_method or (class_has(parent, field_name) and not inherited):
            raise DynamoSchemaException(
                f"{name}.{field_name} collides with a method of that name: rename the field, "
                f"and keep its stored name with field(name={field_name!r})"
            )
    if namespace.get("__slots__"):
        raise DynamoSchemaException(f"{name} defines __slots__: records make their own, leave it out")
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
        if isinstance(value, functools.cached_property):
            raise DynamoSchemaException(
                f"{name}.{other}: records have no place for a cached_property: use a property"
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
        return annotation.strip("'\" ").split("[")[0].split(".")[-1].strip() == "ClassVar"
    return annotation is ClassVar or get_origin(annotation) is ClassVar


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


def _check_fields(cls: RecordMeta) -> None:
    name, options_of_class = cls.__name__, cls.__dynamo_options__
    wires: dict[str, str] = {}
    versions = []
    for attribute in fields_of(cls):
        options = field_options(attribute.metadata)
        wire = options.name or attribute.name
        if options_of_class.tag is not None and wire == options_of_class.tag_field:
            raise DynamoSchemaException(
                f"{name}: {attribute.name} and the tag are both stored as {wire!r}: choose another tag_field="
            )
        if wire in wires:
            raise DynamoSchemaException(
                f"{name}: {wires[wire]} and {attribute.name} are both stored as {wire!r}"
            )
        wires[wire] = attribute.name
        if options.version:
            versions.append(attribute.name)
    if len(versions) > 1:
        raise DynamoSchemaException(f"{name} has two version fields: {', '.join(versions)}")
    cls.__dynamo_wires__ = frozenset(wires)
    if options_of_class.tag is not None:
        cls.__dynamo_wires__ |= {options_of_class.tag_field}


def _resolve_early(cls: RecordMeta, annotations: Mapping[str, Any], frame: types.FrameType) -> None:
    """Look up the types now if possible: later, names local to a function are gone."""
    try:
        hints = resolve(cls, annotations, frame.f_locals)
    except (NameError, AttributeError):
        return  # a forward reference: looked up at first use
    except (TypeError, SyntaxError) as error:
        raise DynamoSchemaException(f"{cls.__name__}: an annotation is not a type: {error}") from None
    setattr(cls, "__dynamo_hints__", hints)  # noqa: B010 (only on this class, not inherited)
