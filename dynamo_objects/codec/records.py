"""Records <-> items: one codec per record class, made when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any

import attrs

from ..errors import FieldNotLoaded, Problem
from .annotations import class_hints
from .codec import Codec
from .decoders import PageDecoder, compile_decoder, compile_page_decoder, compile_typed_decoder, one_by_one
from .differences import DYNAMIC, Change, Differences
from .encoders import compile_encoder
from .fields import FieldCodec, read_fields
from .kept import KeptItem, keeps, kept_item
from .making import item_maker, page_maker, record_maker
from .members import MAX_DEPTH, MAX_SHOWN, check_name, nesting_depth
from .options import RecordOptions, class_has
from .scalars import content
from .typed import PLAIN_ITEMS, ItemReader, TypedItem, plain_item, typed_item
from .typed_encoders import TypedEncoder, compile_typed_encoder, is_flat
from .values import AttributeValue, Invalid, Item, TooDeep, attribute_path, problems_of

__all__ = ["Change", "RecordCodec", "allow_partial", "nested_codec", "record_codec"]

#: Where the codec stands on its class, so that classes made in functions can go with it.
_PLACE = "__dynamo_codec__"


def record_codec(record_class: type) -> RecordCodec:
    """Return the codec of a record class, made at the first call.

    Raises:
        TypeError: A field of the class cannot be stored.
        NameError: An annotation names something that does not exist.
    """
    codec = record_class.__dict__.get(_PLACE)
    if codec is None:
        codec = RecordCodec(record_class)
        setattr(record_class, _PLACE, codec)
    found: RecordCodec = codec
    return found


def nested_codec(record_class: type) -> Codec:
    """Return the codec of records inside a field of another record."""
    options = _options(record_class)

    def encode(value: Any) -> AttributeValue:
        if type(value) is not record_class:
            raise _other_class(value, record_class)
        return {"M": record_codec(record_class).encode_nested(value)}

    def decode(value: AttributeValue) -> Any:
        return record_codec(record_class).decode(content(value, "M", dict))

    def fields(name: str) -> tuple[str, Codec] | None:
        codec = record_codec(record_class)
        field = codec.by_name.get(name) or codec.by_wire.get(name)
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


def _other_class(value: object, expected: type) -> Invalid:
    name, got = expected.__name__, type(value).__name__
    if isinstance(value, expected):
        return Invalid(
            f"expected {name}, got its subclass {got}, which would come back as {name}: use a union"
        )
    return Invalid(f"expected {name}, got {got}")


def _options(record_class: type) -> RecordOptions:
    # A plain attrs class has nowhere to keep attributes that it does not know.
    options = getattr(record_class, "__dynamo_options__", None)
    return options if isinstance(options, RecordOptions) else RecordOptions(unknown="reject")


class RecordCodec:
    """Encodes, decodes and compares the records of one class.

    Attributes:
        record_class: The class.
        options: How its records are stored.
        fields: Its fields, in the order of declaration.
        by_name: Field name -> field.
        by_wire: Attribute name -> field.
        version: The field that counts saves, or None.
        is_dirty, changes, loaded_values, scalar_values: As in Differences.
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
        self._deep = tuple(field for field in self.fields if field.codec.is_deep)
        self._is_record = hasattr(record_class, "__dynamo_options__")
        self._minds_unknown = self.options.unknown == "reject" or bool(self._tag)
        #: Whether values cannot nest without end, and there is nothing besides the fields.
        self._is_simple = (
            self._is_record
            and not (self.options.schemaless or self._tag)
            and all(f.codec.is_scalar or f.codec.inline_encode for f in self.fields)
        )
        self._scalars = [field for field in self.fields if field.codec.is_scalar]
        differences = Differences(self.fields, self._is_dynamic if self.options.schemaless else None)
        self.loaded_values, self.scalar_values = differences.loaded_values, differences.scalar_values
        self.is_dirty = differences.is_dirty
        self.changes = differences.changes

    @cached_property
    def reader(self) -> ItemReader:
        """What reads replies with items: as typed items where the class allows it."""
        return PLAIN_ITEMS if self._typed_item is None else ItemReader(self._typed_item)

    @cached_property
    def _typed_item(self) -> type[TypedItem] | None:
        if not self._is_record or self.options.schemaless or self._tag:
            return None
        kinds = [(f.wire, f.codec.typed.kind if f.codec.typed else dict[str, Any]) for f in self.fields]
        return typed_item(self.record_class.__name__, kinds)

    @cached_property
    def _encode_fields(self) -> Callable[[Any], dict[str, AttributeValue]]:
        return compile_encoder(self.fields)

    @cached_property
    def _decode_fields(self) -> Callable[..., Any]:
        if not self._is_record:
            return self._construct
        return compile_decoder(self.record_class, self.fields, self._scalars)

    def remember(self, record: Any, item: Item | None, loaded: tuple[Any, ...] | None) -> None:
        """Make *item*, with the immutable values *loaded*, what the record was loaded as."""
        object.__setattr__(record, "_stored", item)
        object.__setattr__(record, "_loaded", loaded)

    # --- encoding -------------------------------------------------------------------------

    @cached_property
    def encode(self) -> Callable[[Any], dict[str, AttributeValue]]:
        """The function from a record to its item, with the unknown attributes that it was loaded with.

        It raises Invalid, with all problems of the record.
        """
        return compile_encoder(self.fields, self._add_unknown) if self._is_simple else self._encode

    @cached_property
    def encode_typed(self) -> TypedEncoder:
        """The function from a new record to its typed item and `loaded_values`; None where that is not the way."""
        kind = self._typed_item
        if kind is None or not self._is_simple or not all(is_flat(f.codec) for f in self.fields):
            return _never
        encode = compile_typed_encoder(self.fields, self._scalars, kind)
        return item_maker(self.record_class, self.fields, self._scalars, kind, encode)

    def _encode(self, record: Any) -> dict[str, AttributeValue]:
        try:
            item = self.encode_nested(record)
        except (TooDeep, RecursionError):
            raise Invalid(self._problems(record)) from None
        for field in self._deep:
            if field.wire in item and nesting_depth(item[field.wire]) > MAX_DEPTH:
                raise Invalid(self._problems(record))
        return item

    def encode_nested(self, record: Any) -> dict[str, AttributeValue]:
        """Return the item of a record that may stand inside of others, however deep.

        Raises:
            Invalid: With all problems of the record.
            TooDeep: It contains itself, or its nesting is known to be too deep.
        """
        try:
            item = self._encode_fields(record)
        except TooDeep:
            raise
        except Invalid as invalid:
            if self.options.schemaless:
                raise Invalid(invalid.problems + self._dynamic_problems(record)) from None
            raise
        if self.options.schemaless:
            self._encode_dynamic(record, item)
        if self._is_record and record._stored is not None:
            self._add_unknown(record, item)
        if self._tag:
            item.update(self._tag)
        return item

    def _add_unknown(self, record: Any, item: dict[str, AttributeValue]) -> None:
        """Add the attributes that the record was loaded with and that are not fields."""
        # A typed item has none.
        if self.options.unknown == "keep" and not isinstance(record._stored, TypedItem):
            for wire in record._stored.keys() - self._known:
                if not self.options.schemaless or not self._is_dynamic(wire):
                    item[wire] = record._stored[wire]

    def _problems(self, record: Any) -> list[Problem]:
        """Return all problems of a record of which a value is nested too deeply."""
        problems: list[Problem] = []
        for field in self.fields:
            step = attribute_path(field.name)
            try:
                problems += problems_of([(step, getattr(record, field.name))], field.encode)
            except TooDeep as too_deep:
                problems += too_deep.under(step)
        return problems + self._dynamic_problems(record)

    # --- fields that a schemaless record does not declare -----------------------------------

    def _encode_dynamic(self, record: Any, item: dict[str, AttributeValue]) -> None:
        try:
            for name, value in vars(record).items():
                item[name] = _encode_dynamic(name, value)
        except Invalid:
            raise Invalid(self._dynamic_problems(record)) from None

    def _dynamic_problems(self, record: Any) -> list[Problem]:
        if not self.options.schemaless:
            return []
        problems: list[Problem] = []
        for name, value in vars(record).items():
            try:
                _encode_dynamic(name, value)
            except Invalid as invalid:
                problems += invalid.under(attribute_path(name[:MAX_SHOWN]))
        return problems

    def _is_dynamic(self, wire: str) -> bool:
        """Tell whether a schemaless record shows this attribute: not when it hides a method."""
        if wire in self._known or wire.startswith("_"):
            return False
        return not class_has(self.record_class, wire)

    # --- decoding -------------------------------------------------------------------------

    @cached_property
    def decode(self) -> Callable[..., Any]:
        """The function from a complete item, of attribute values or typed, to its record.

        Its second argument is the name of the table, for records that are to know it.
        It raises Invalid, with all problems of the item.
        """
        if self._typed_item is None:
            return self._decode
        return self._compiled(record_maker, self._compiled(compile_typed_decoder, self._decode))

    @cached_property
    def decode_page(self) -> PageDecoder:
        """The function from the complete items of a page to their records.

        Its further arguments are the name of the table, and what makes the error for an item that cannot become
        a record. Typed items must not be used afterwards.
        """
        if self._typed_item is None:
            return one_by_one(self.decode)
        return page_maker(self.decode) or self._compiled(compile_page_decoder, self.decode)

    def _compiled(self, compiler: Callable[..., Any], decode: Callable[..., Any]) -> Callable[..., Any]:
        kind, kept = self._typed_item, self._kept_item
        made: Callable[..., Any] = compiler(self.record_class, self.fields, self._scalars, kind, decode, kept)
        return made

    @cached_property
    def _kept_item(self) -> type[KeptItem] | None:
        if not self._scalars or not keeps(self.fields):
            return None
        return kept_item(self.record_class.__name__, self.fields, self._scalars)

    def _decode(self, item: Item, home: str | None = None) -> Any:
        item = plain_item(item)
        try:
            record: Any = self._decode_fields(item, home)
        except RecursionError:
            raise Invalid("nested too deeply") from None
        except Invalid as invalid:
            raise Invalid(invalid.problems + self._unknown_problems(item)) from None
        if self._minds_unknown and (problems := self._unknown_problems(item)):
            raise Invalid(problems)
        if self.options.schemaless:
            self._show_dynamic(record, item)
        return record

    def decode_partial(self, item: Item, names: Collection[str]) -> Any:
        """Return a record of which only the fields *names* were read; others raise when touched."""
        allow_partial(self.record_class)
        record: Any = object.__new__(self.record_class)
        problems: list[Problem] = []
        for field in self.fields:
            if field.name in names:
                try:
                    object.__setattr__(record, field.name, field.read(item))
                except Invalid as invalid:
                    problems += invalid.under(attribute_path(field.name))
        if problems:
            raise Invalid(problems)
        if self.options.schemaless:
            self._show_dynamic(record, item)
        self.remember(record, item, None)
        return record

    def _construct(self, item: Item, home: str | None = None) -> Any:
        """Return an instance of a plain attrs class, through its constructor; it has no home."""
        arguments: dict[str, Any] = {}
        others: dict[str, Any] = {}
        problems: list[Problem] = []
        for attribute in attrs.fields(self.record_class):
            field: FieldCodec = self.by_name[attribute.name]
            try:
                value = field.read(item)
            except Invalid as invalid:
                problems += invalid.under(attribute_path(field.name))
                continue
            if attribute.init:
                arguments[str(attribute.alias)] = value
            else:
                others[attribute.name] = value
        if problems:
            raise Invalid(problems)
        try:
            instance: Any = self.record_class(**arguments)
        except Exception as error:
            # Its validators and converters are not ours; what they say may show values.
            name = self.record_class.__name__
            raise Invalid(f"{name} refuses the stored values: {type(error).__name__}") from None
        for name, value in others.items():
            object.__setattr__(instance, name, value)
        return instance

    def _unknown_problems(self, item: Item) -> list[Problem]:
        """Return the problems with attributes that are not fields."""
        problems: list[Problem] = []
        for name, tag in self._tag.items():
            if item.get(name, tag) != tag:
                problems.append(Problem(attribute_path(name), "the tag of another class"))
        if self.options.unknown == "reject" and not self.options.schemaless:
            reason = f"{self.record_class.__name__} has no field for this attribute"
            unknown = sorted(item.keys() - self._known)
            problems += [Problem(attribute_path(name), reason) for name in unknown]
        return problems

    def _show_dynamic(self, record: Any, item: Item) -> None:
        problems: list[Problem] = []
        for name in item.keys() - self._known:
            if self._is_dynamic(name):
                try:
                    vars(record)[name] = DYNAMIC.decode(item[name])
                except Invalid as invalid:
                    problems += invalid.under(attribute_path(name))
        if problems:
            raise Invalid(problems)


def allow_partial(record_class: type) -> None:
    """Have records of a class raise FieldNotLoaded for fields that were not read.

    A class with ``__getattr__`` reads all attributes four times slower, so only those have
    it of which there are partial records.
    """
    if "__getattr__" not in vars(record_class):
        type.__setattr__(record_class, "__getattr__", _raise_not_loaded)


def _raise_not_loaded(record: Any, name: str) -> Any:
    record_class = type(record)
    if name in record_codec(record_class).by_name:
        raise FieldNotLoaded(record_class, name)
    text = f"{record_class.__name__!r} object has no attribute {name!r}"
    raise AttributeError(text, name=name, obj=record)


def _never(record: Any) -> None:
    return None


def _encode_dynamic(name: str, value: Any) -> AttributeValue:
    check_name(name)
    return DYNAMIC.encode(value)
