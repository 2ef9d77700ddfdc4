"""What the body of a record class declares, and every mistake in it explained.

A mistake is a DynamoSchemaException that names class and field, and says what to write instead.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, get_origin

import attrs

from ..codec.options import RecordOptions, class_has, field_options
from ..errors import DynamoSchemaException

__all__ = ["check_bases", "check_body", "check_mixins", "decorated", "own_fields", "wire_names"]

_METHOD_TYPES = (types.FunctionType, property, classmethod, staticmethod)


def own_fields(namespace: Mapping[str, Any]) -> dict[str, Any]:
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


def check_bases(name: str, parents: Sequence[type]) -> None:
    """Refuse more than one record base."""
    if len(parents) > 1:
        both = " and ".join(parent.__name__ for parent in parents)
        raise DynamoSchemaException(
            f"{name} has two record bases, {both}: derive from one, "
            f"and put what they share into a mixin without fields"
        )


def check_mixins(name: str, mixins: Sequence[type], fields: set[str]) -> None:
    """Refuse mixins with fields, and those that hide one of the class's *fields*."""
    for base in mixins:
        for mixin in base.__mro__[:-1]:
            if own_fields(vars(mixin)) and mixin.__module__ != "typing":
                raise DynamoSchemaException(
                    f"{name}: mixin {mixin.__name__} declares fields: "
                    f"mixins of records have methods only, move its fields into a record class"
                )
            if hidden := sorted(fields & vars(mixin).keys()):
                raise DynamoSchemaException(
                    f"{name}.{hidden[0]} collides with {mixin.__name__}.{hidden[0]}: rename one of them; "
                    f"a field keeps its stored name with field(name={hidden[0]!r})"
                )


def check_body(
    name: str,
    namespace: Mapping[str, Any],
    annotations: Mapping[str, Any],
    parent: type,
    inherited: Sequence[str],
) -> None:
    """Refuse what cannot be a field, and what hides one; *inherited* are the fields of the parent."""
    if "__attrs_attrs__" in namespace:
        raise decorated(name)
    if "__init__" in namespace:
        raise DynamoSchemaException(
            f"{name} defines __init__: declare its fields in attrs style instead,\n"
            f"    class {name}(DynamoRecord):\n"
            f"        store_id: str = ''\n"
            f"        tags: list[str] = []\n"
            f"and put checks into _check_data"
        )
    if namespace.get("__slots__"):
        raise DynamoSchemaException(f"{name} defines __slots__: records make their own, leave it out")
    for field_name in annotations:
        _check_name(name, field_name)
        is_method = isinstance(namespace.get(field_name), _METHOD_TYPES)
        if is_method or (class_has(parent, field_name) and field_name not in inherited):
            raise DynamoSchemaException(
                f"{name}.{field_name} collides with a method of that name: rename the field, "
                f"and keep its stored name with field(name={field_name!r})"
            )
    for other, value in namespace.items():
        if other not in annotations:
            _check_other(name, other, value, parent, inherited)


def _check_name(name: str, field_name: str) -> None:
    if field_name.startswith("_"):
        raise DynamoSchemaException(
            f"{name}.{field_name}: fields must not begin with an underscore: "
            f"store it under that name with field(name={field_name!r})"
        )
    if field_name == "self":
        raise DynamoSchemaException(
            f"{name}.self: rename the field, and keep its stored name with field(name='self')"
        )


def _check_other(name: str, other: str, value: Any, parent: type, inherited: Sequence[str]) -> None:
    if isinstance(value, attrs.Attribute) or type(value).__name__ == "_CountingAttr":
        raise DynamoSchemaException(f"{name}.{other} needs a type: {other}: str = field(...)")
    if other in inherited:
        raise DynamoSchemaException(
            f"{name}.{other} hides a field of {parent.__name__}: "
            f"to change its default repeat its type, {other}: ... = ..."
        )
    if isinstance(value, functools.cached_property):
        raise DynamoSchemaException(
            f"{name}.{other}: records have no place for a cached_property: use a property"
        )


def decorated(name: str) -> DynamoSchemaException:
    """Return the error for attrs' or another decorator on a record class."""
    return DynamoSchemaException(
        f"{name}: records are attrs classes by themselves: leave out the decorator; "
        f"class {name}(DynamoRecord, frozen=True) makes them immutable"
    )


def wire_names(
    name: str, fields: Sequence[attrs.Attribute[Any]], options_of_class: RecordOptions
) -> frozenset[str]:
    """Return the names of the attributes that the fields of a class are stored as; each must be another."""
    wires: dict[str, str] = {}
    versions = []
    for attribute in fields:
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
    return frozenset(wires if options_of_class.tag is None else {*wires, options_of_class.tag_field})
