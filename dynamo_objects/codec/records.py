"""Records <-> items, and what has changed since a record was loaded.

A loaded record keeps the item it came from (``_item``) and the values of its immutable
fields (``_loaded``). It is dirty when a current value differs from the loaded one:
by value, so that another spelling of a number in the item is not a change, and through
containers, so that ``record.tags.append("x")`` is one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from operator import attrgetter, is_
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from .annotations import resolve
from .codec import Codec
from .compiled import compile_decoder, compile_encoder
from .containers import MAX_DEPTH, any_codec
from .fields import FieldCodec, read_fields
from .options import RecordOptions
from .scalars import content
from .values import AttributeValue, Invalid, Item, attribute_path

__all__ = ["Change", "RecordCodec", "nested_codec", "record_codec"]


@attrs.frozen
class Change:
    """One attribute that differs from what was loaded.

    Attributes:
        wire: Name of the attribute.
        new: What is to be stored; None to remove it.
        old: What was loaded; None when it was absent.
    """

    wire: str
    new: AttributeValue | None
    old: AttributeValue | None


#: Codec of the fields that a schemaless record does not declare.
_ANY = any_codec()

#: attrs class -> its codec. Weak, so that classes made in tests and functions can go.
_CODECS: WeakKeyDictionary[type, RecordCodec] = WeakKeyDictionary()


def record_codec(record_class: type) -> RecordCodec:
    """Return the codec of a record class, made at the first call.

    Raises:
        TypeError: A field of the class cannot be stored.
        NameError: An annotation names something that does not exist.
    """
    try:
        return _CODECS[record_class]
    except KeyError:
        codec = _CODECS[record_class] = RecordCodec(record_class)
        return codec


def class_hints(record_class: type) -> dict[str, Any]:
    """Return field name -> type, with parents' fields; early resolved ones as they were kept."""
    names = {attribute.name for attribute in attrs.fields(record_class)}
    hints: dict[str, Any] = {}
    for owner in reversed(record_class.__mro__[:-1]):
        kept = vars(owner).get("__dynamo_hints__")
        if kept is None:
            own = inspect.get_annotations(owner)
            kept = resolve(owner, {name: own[name] for name in own if name in names}, {})
        hints.update(kept)
    return hints


def nested_codec(record_class: type) -> Codec:
    """Return the codec of records inside a field of another record."""
    options = _options(record_class)

    def encode(value: Any) -> AttributeValue:
        if type(value) is not record_class:
            raise Invalid(f"expected {record_class.__name__}, got {type(value).__name__}")
        return {"M": record_codec(record_class).encode(value)}

    def decode(value: AttributeValue) -> Any:
        return record_codec(record_class).decode(content(value, "M", dict))

    def fields(name: str) -> tuple[str, Codec] | None:
        field = record_codec(record_class).by_name.get(name)
        return None if field is None else (field.wire, field.codec)

    return Codec(
        name=record_class.__name__,
        encode=encode,
        decode=decode,
        tags=frozenset({"M"}),
        types=(record_class,),
        is_scalar=False,
        is_deep=True,
        fields=fields,
        record_tag=None if options.tag is None else (options.tag_field, options.tag),
    )


def _options(record_class: type) -> RecordOptions:
    #: A plain attrs class has nowhere to keep attributes that it does not know.
    options = getattr(record_class, "__dynamo_options__", None)
    return options if isinstance(options, RecordOptions) else RecordOptions(unknown="reject")


_TOO_DEEP = f"lists and maps nest deeper than {MAX_DEPTH} levels, or a value contains itself"


class RecordCodec:
    """Encodes, decodes and compares the records of one class.

    Attributes:
        record_class: The class.
        fields: Its fields, in the order of declaration.
        by_name: Field name -> field.
        by_wire: Attribute name -> field.
        version: The field that counts saves, or None.
    """

    def __init__(self, record_class: type) -> None:
        self.record_class = record_class
        self.options = _options(record_class)
        self.fields = read_fields(record_class, class_hints(record_class), nested_codec)
        self.by_name = {field.name: field for field in self.fields}
        self.by_wire = {field.wire: field for field in self.fields}
        self.version = next((f for f in self.fields if f.options.version), None)
        self._known = frozenset(self.by_wire)
        self._tag: Item = {}
        if self.options.tag is not None:
            self._tag = {self.options.tag_field: {"S": self.options.tag}}
            self._known |= {self.options.tag_field}
        self._scalars = tuple(f for f in self.fields if f.codec.is_scalar)
        self._containers = tuple(f for f in self.fields if not f.codec.is_scalar)
        self._scalar_values = _getter([f.name for f in self._scalars])
        self._encode_fields = compile_encoder(self.fields)
        self._deep = tuple(f for f in self.fields if f.codec.is_deep)
        self._minds_unknown = self.options.schemaless or self.options.unknown == "reject" or bool(self._tag)
        self._is_record = hasattr(record_class, "__dynamo_options__")
        if self._is_record:
            self._decode_fields = compile_decoder(record_class, self.fields, self._scalars)
        else:
            self._decode_fields = self._construct

    # --- encoding -------------------------------------------------------------------------

    def encode(self, record: Any) -> Item:
        """Return the item of a record, with the unknown attributes that it was loaded with.

        Raises:
            Invalid: With all problems of the record.
        """
        try:
            item = self._encode_fields(record)
        except Invalid:
            raise Invalid(self._problems(record)) from None
        except RecursionError:
            raise Invalid(_TOO_DEEP) from None
        for field in self._deep:
            if field.wire in item and _depth(item[field.wire]) > MAX_DEPTH:
                raise Invalid(Invalid(_TOO_DEEP).under(attribute_path(field.name)))
        if self._is_record:
            self._add_unknown(record, item)
        if self._tag:
            item.update(self._tag)
        return item

    def _problems(self, record: Any) -> Iterator[Any]:
        for field in self.fields:
            try:
                field.encode(getattr(record, field.name))
            except Invalid as invalid:
                yield from invalid.under(attribute_path(field.name))

    def _add_unknown(self, record: Any, item: Item) -> None:
        loaded = record._item
        if self.options.schemaless:
            for name, value in vars(record).items():
                try:
                    item[name] = _ANY.encode(value)
                except Invalid as invalid:
                    raise Invalid(invalid.under(attribute_path(name))) from None
            if loaded:
                item.update({w: v for w, v in loaded.items() if not self._is_dynamic(w)})
        elif loaded and self.options.unknown == "keep":
            for wire in loaded.keys() - self._known:
                item[wire] = loaded[wire]

    # --- decoding -------------------------------------------------------------------------

    def decode(self, item: Item) -> Any:
        """Return the record of a complete item.

        Raises:
            Invalid: With all problems of the item.
        """
        try:
            record = self._decode_fields(item)
        except (Invalid, KeyError, TypeError, AttributeError, ValueError, RecursionError):
            raise Invalid(self._decode_problems(item)) from None
        if self._minds_unknown:
            self._take_unknown(record, item)
        return record

    def decode_partial(self, item: Item, names: Collection[str]) -> Any:
        """Return a record of which only the fields *names* were read; others raise when touched."""
        record = object.__new__(self.record_class)
        problems = []
        for field in self.fields:
            if field.name in names:
                try:
                    value = field.decode(item.get(field.wire))
                    object.__setattr__(record, field.name, value)
                except Invalid as invalid:
                    problems += invalid.under(attribute_path(field.name))
        if problems:
            raise Invalid(problems)
        object.__setattr__(record, "_item", item)
        object.__setattr__(record, "_loaded", None)
        return record

    def _construct(self, item: Item) -> Any:
        """Return an instance of a plain attrs class, through its constructor."""
        values: dict[str, Any] = {}
        for attribute in attrs.fields(self.record_class):
            values[str(attribute.alias)] = self.by_name[attribute.name].decode(
                item.get(self.by_name[attribute.name].wire)
            )
        return self.record_class(**values)

    def _decode_problems(self, item: Item) -> Iterator[Any]:
        found = False
        for field in self.fields:
            try:
                field.decode(item.get(field.wire))
            except Invalid as invalid:
                found = True
                yield from invalid.under(attribute_path(field.name))
            except RecursionError:
                found = True
                yield from Invalid("nested too deeply").under(attribute_path(field.name))
        if not found:
            yield from Invalid("not the attributes of a record").problems

    def _take_unknown(self, record: Any, item: Item) -> None:
        if self._tag:
            for name, tag in self._tag.items():
                if item.get(name, tag) != tag:
                    raise Invalid(Invalid("the tag of another class").under(attribute_path(name)))
        unknown = item.keys() - self._known
        if self.options.schemaless:
            for name in unknown:
                if self._is_dynamic(name):
                    try:
                        vars(record)[name] = _ANY.decode(item[name])
                    except Invalid as invalid:
                        raise Invalid(invalid.under(attribute_path(name))) from None
        elif unknown and self.options.unknown == "reject":
            names = ", ".join(sorted(map(repr, unknown)))
            raise Invalid(f"{self.record_class.__name__} has no field for the attributes {names}")

    def _is_dynamic(self, wire: str) -> bool:
        """Tell whether a schemaless record shows this attribute: not when it hides a method."""
        if wire in self._known or wire.startswith("_"):
            return False
        return not hasattr(self.record_class, wire)

    # --- changes --------------------------------------------------------------------------

    def loaded_values(self, record: Any, **changed: Any) -> tuple[Any, ...]:
        """Return the values of the immutable fields, some of them *changed*, for ``_loaded``."""
        values = self._scalar_values(record)
        if not changed:
            return values
        names = (field.name for field in self._scalars)
        return tuple(changed.get(n, v) for n, v in zip(names, values, strict=True))

    def remember(self, record: Any, item: Item | None, loaded: tuple[Any, ...] | None) -> None:
        """Make *item*, with the immutable values *loaded*, what the record was loaded as."""
        object.__setattr__(record, "_item", item)
        object.__setattr__(record, "_loaded", loaded)

    def is_dirty(self, record: Any) -> bool:
        """Tell whether a loaded record differs from what it was loaded as."""
        loaded = record._loaded
        if loaded is not None and not self._containers and not self.options.schemaless:
            # One pass in C for the usual case: the very objects that were loaded.
            if all(map(is_, self._scalar_values(record), loaded)):
                return False
        return any(True for _ in self._differences(record))

    def changes(self, record: Any) -> list[Change]:
        """Return the attributes of a loaded record that differ from what was loaded.

        Raises:
            Invalid: A changed value cannot be stored; with all problems.
        """
        changes, problems = [], []
        for wire, step, encode in self._differences(record):
            try:
                changes.append(Change(wire, encode(), record._item.get(wire)))
            except Invalid as invalid:
                problems += invalid.under(step)
        if problems:
            raise Invalid(problems)
        return changes

    def _differences(self, record: Any) -> Iterator[tuple[str, str, Callable[[], AttributeValue | None]]]:
        """Yield (attribute, path, how to encode it) for each field that differs."""
        item: Item = record._item
        for field, was in self._with_loaded(record):
            try:
                value = getattr(record, field.name)
            except AttributeError:
                continue  # a field that a partial record did not read
            old = item.get(field.wire)
            if field.codec.is_scalar:
                differs = not _same(field, value, field.decode(old) if was is None else was[0])
            else:
                differs = _encoded_differs(field, value, old)
            if differs:
                yield field.wire, attribute_path(field.name), _Encode(field.encode, value)
        if self.options.schemaless:
            yield from self._dynamic_differences(record)

    def _with_loaded(self, record: Any) -> Iterable[tuple[FieldCodec, tuple[Any] | None]]:
        if record._loaded is None:
            return ((field, None) for field in self.fields)
        kept = dict(zip((f.name for f in self._scalars), record._loaded, strict=True))
        return ((f, (kept[f.name],) if f.name in kept else None) for f in self.fields)

    def _dynamic_differences(
        self, record: Any
    ) -> Iterator[tuple[str, str, Callable[[], AttributeValue | None]]]:
        item: Item = record._item
        values: Mapping[str, Any] = vars(record)
        for name, value in values.items():
            if name not in item or not _equal_encoded(_ANY, value, item[name]):
                yield name, attribute_path(name), _Encode(_ANY.encode, value)
        for name in item.keys() - values.keys():
            if self._is_dynamic(name):
                yield name, attribute_path(name), _Encode(_nothing, None)


@attrs.frozen
class _Encode:
    """A call that is made later, or never."""

    encode: Callable[[Any], AttributeValue | None]
    value: Any = attrs.field(repr=False)

    def __call__(self) -> AttributeValue | None:
        return self.encode(self.value)


def _depth(value: AttributeValue) -> int:
    """Return how many lists and maps stand inside each other, this one included."""
    depth, level = 0, [value]
    while level := [inner for inner in level if "L" in inner or "M" in inner]:
        depth += 1
        if depth > MAX_DEPTH:
            break
        level = [child for inner in level for child in (inner["L"] if "L" in inner else inner["M"].values())]
    return depth


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
    if type(value) is type(was):
        return bool(value == was)
    try:
        return field.encode(value) == field.encode(was)  # True is not 1, Decimal(1) is
    except Invalid:
        return False


def _encoded_differs(field: FieldCodec, value: Any, old: AttributeValue | None) -> bool:
    """Tell whether a container is stored otherwise than it was, whatever its old spelling."""
    try:
        return field.encode(value) != field.encode(field.decode(old))
    except Invalid:
        return True  # what cannot be stored is reported when it is encoded


def _equal_encoded(codec: Codec, value: Any, old: AttributeValue) -> bool:
    try:
        return codec.encode(value) == codec.encode(codec.decode(old))
    except Invalid:
        return False
