"""Generated record classes and legal records of them, from any source of random choices.

A ``Kind`` (see ``leaves`` and ``kinds``) is one annotation with its legal values and what may
happen to them: being spelled otherwise by another program, being changed in place.
``make_class`` puts kinds together into a record class. Everything is drawn from a
``random.Random``: the tests take it from hypothesis, which can shrink what it drew, and
``tools/round_trip.py`` from a seed.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Union

import attrs
from hypothesis import strategies as st

from dynamo_objects import DynamoRecord, field

from .kinds import any_kind, dict_of, list_of, long_tuple_of, name_of_key, set_of, tuple_of, union
from .leaves import TTL, Kind, Money, leaf, text, whole

__all__ = ["ClassSpec", "FieldSpec", "choices", "classes", "importable", "make_class", "wire_value"]

#: A source of choices for everything here, which hypothesis can shrink.
choices = st.randoms(use_true_random=False)


def make_kind(rng: Random, mode: str, depth: int) -> Kind:
    """Return some kind, with *depth* containers and records inside each other at most."""
    if not depth or rng.random() < 0.4:
        plain = leaf(rng, mode)
        if rng.random() < 0.3:
            return union(rng, plain, *(leaf(rng, mode) for _ in range(rng.randint(0, 2))))
        return plain

    def inner() -> Kind:
        return make_kind(rng, mode, depth - 1)

    def key() -> Kind:
        return next(kind for kind in iter(lambda: leaf(rng, mode), None) if kind.is_key)

    def container() -> Kind:
        makers: tuple[Callable[[], Kind], ...] = (
            lambda: list_of(inner()),
            lambda: dict_of(inner()),
            lambda: set_of(key(), set),
            lambda: set_of(key(), frozenset),
            lambda: tuple_of(*(inner() for _ in range(rng.randint(1, 3)))),
            lambda: long_tuple_of(inner()),
            lambda: _nested(make_class(rng, depth - 1)),
            lambda: _nested(make_class(rng, depth - 1)),
            lambda: _nested(_make_plain(rng, depth - 1)),
            lambda: _tagged(rng, depth - 1),
        )
        return rng.choice(makers)()

    if rng.random() < 0.15:
        return any_kind(mode)
    if rng.random() < 0.2:
        return union(rng, container(), leaf(rng, mode), leaf(rng, mode))
    return container()


# --- classes ------------------------------------------------------------------------------


@attrs.frozen(eq=False, repr=False)
class FieldSpec:
    """One field of a generated class.

    Attributes:
        name: Its name.
        wire: The name of its attribute.
        kind: Its type, with legal values.
        is_required: Whether the constructor must be given a value.
        is_literal: Whether a stored item that lacks the attribute has the value of a new record.
        declared: What the class body has as its default.
    """

    name: str
    wire: str
    kind: Kind
    is_required: bool
    is_literal: bool
    declared: Any


@attrs.frozen(eq=False, repr=False)
class ClassSpec:
    """A generated class and its fields."""

    made: type[Any]
    fields: tuple[FieldSpec, ...]
    is_recursive: bool = False

    def __repr__(self) -> str:
        fields = ", ".join(f"{field.name}: {field.kind.annotation}" for field in self.fields)
        return f"<{self.made.__name__} {fields}>"

    def make(self, rng: Random, depth: int = 2) -> Any:
        """Return a legal instance."""
        values = {f.name: f.kind.make(rng) for f in self.fields if f.is_required or rng.random() < 0.7}
        if self.is_recursive and depth and rng.random() < 0.5:
            values["child"] = self.make(rng, depth - 1)
        return self.made(**values)

    def mutate(self, rng: Random, record: Any) -> None:
        """Change something inside of a record, by assignment where it is not frozen."""
        spec = rng.choice(self.fields)
        if spec.kind.mutate is not None and rng.random() < 0.5:
            spec.kind.mutate(rng, getattr(record, spec.name))
            return
        try:
            setattr(record, spec.name, spec.kind.make(rng))
        except AttributeError:
            return  # frozen

    def respell(self, rng: Random, item: dict[str, Any]) -> dict[str, Any]:
        """Return an item as another program might have written it."""
        kinds = {spec.wire: spec.kind for spec in self.fields}
        return {
            wire: kinds[wire].respell(rng, value) if wire in kinds and value != {"NULL": True} else value
            for wire, value in item.items()
        }


def _nested(spec: ClassSpec) -> Kind:
    return Kind(
        spec.made,
        spec.make,
        frozenset({"M"}),
        respell=lambda rng, value: {"M": spec.respell(rng, value["M"])} if "M" in value else value,
        mutate=spec.mutate,
        types=(spec.made,),
        can_be_empty=all(field.is_literal for field in spec.fields),
    )


def _tagged(rng: Random, depth: int) -> Kind:
    """Return the union of two record classes that are told apart by their tags."""
    first, second = make_class(rng, depth, tag="first"), make_class(rng, depth, tag="second")
    by_class = {first.made: first, second.made: second}
    by_tag = {"first": first, "second": second}

    def respell(rng: Random, value: Any) -> Any:
        if "M" not in value:
            return value
        spec = by_tag[value["M"]["kind of record"]["S"]]
        return {"M": spec.respell(rng, value["M"])}

    return Kind(
        Union[first.made, second.made],  # noqa: UP007
        lambda rng: rng.choice((first, second)).make(rng),
        frozenset({"M"}),
        respell=respell,
        mutate=lambda rng, value: by_class[type(value)].mutate(rng, value),
        types=(first.made, second.made),
    )


_NAMES = ("name", "items", "keys", "copy", "value", "type", "cls", "record", "item", "größe", "get", "data")
_WIRES = ("#0", "a.b", "x[1]", "'", "SELECT", "ключ", "_hidden", "update_data", "\n")


def _make_field(rng: Random, name: str, depth: int, *, is_plain: bool = False) -> FieldSpec:
    mode = rng.choice(("text", "text", "epoch", "floats"))
    if rng.random() < 0.07:
        mode = "ttl"
        kind = rng.choice((TTL, union(rng, TTL)))
    else:
        kind = make_kind(rng, mode, depth)
    options: dict[str, Any] = {}
    if mode == "ttl" or (mode == "epoch" and "datetime" in kind.uses):
        options[mode] = True
    if mode == "floats" and "Any" in kind.uses:
        options["numbers"] = float
    wire = name
    if rng.random() < 0.2:
        options["name"] = wire = f"{rng.choice(_WIRES)}{name}"
    if rng.random() < 0.2:
        options["null"] = "store"
    how = rng.choice(("required", "empty", "empty", "value", "factory"))
    if how == "empty" and kind.empties:
        empty = rng.choice(kind.empties)
        if type(empty) in (list, dict, set) and (is_plain or rng.random() < 0.5):
            options["factory"] = type(empty)
        else:
            options["default"] = empty
    elif how == "value" and not is_plain:
        options["default"] = kind.make(rng)
    elif how == "factory":
        made = kind.make(rng)
        if kind.can_be_empty:
            options["factory"] = kind.annotation
        elif not isinstance(made, list | dict | set | tuple) and not attrs.has(type(made)):
            options["factory"] = lambda: made
    is_required = "default" not in options and "factory" not in options
    is_literal = "default" in options or isinstance(options.get("factory"), type)
    declared = options["default"] if options.keys() == {"default"} else field(**options) if options else None
    return FieldSpec(name, wire, kind, is_required, is_literal, declared)


def _body(specs: tuple[FieldSpec, ...], extra: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    def fill(namespace: dict[str, Any]) -> None:
        namespace["__module__"] = __name__
        namespace["__annotations__"] = {spec.name: spec.kind.annotation for spec in specs} | extra
        for spec in specs:
            if spec.declared is not None or not spec.is_required:
                namespace[spec.name] = spec.declared
        namespace.update(dict.fromkeys(extra))

    return fill


def _make_fields(rng: Random, depth: int, *, is_plain: bool = False) -> tuple[FieldSpec, ...]:
    names = rng.sample(_NAMES, rng.randint(1, 4 if depth < 2 else 8))
    return tuple(_make_field(rng, name, depth, is_plain=is_plain) for name in names)


def make_class(rng: Random, depth: int = 2, tag: str | None = None) -> ClassSpec:
    """Return a record class: mutable or frozen, perhaps one whose records contain themselves."""
    specs = _make_fields(rng, depth)
    name = f"Record{rng.randrange(10**12)}"
    is_recursive = rng.random() < 0.15
    keywords: dict[str, Any] = {"frozen": rng.random() < 0.4}
    if tag is not None:
        keywords |= {"tag": tag, "tag_field": "kind of record"}
    body = _body(specs, {"child": f"{name} | None"} if is_recursive else {})
    made = types.new_class(name, (DynamoRecord,), keywords, body)
    return ClassSpec(made, specs, is_recursive)


def _make_plain(rng: Random, depth: int) -> ClassSpec:
    """Return an attrs class that is no record."""
    specs = _make_fields(rng, depth, is_plain=True)
    bare = types.new_class(f"Plain{rng.randrange(10**12)}", (), {}, _body(specs, {}))
    made = attrs.define(bare, slots=rng.random() < 0.5, frozen=rng.random() < 0.4, kw_only=True)
    return ClassSpec(made, specs)


@contextmanager
def importable(spec: ClassSpec) -> Iterator[None]:
    """Let pickle find the class, and those inside of it, by name."""
    made = list(_classes_in(spec.made, set()))
    for kind in made:
        globals()[kind.__name__] = kind
    try:
        yield
    finally:
        for kind in made:
            globals().pop(kind.__name__, None)


def _classes_in(kind: Any, seen: set[Any]) -> Iterator[type[Any]]:
    if isinstance(kind, type) and attrs.has(kind) and kind is not Money:
        if kind not in seen:
            seen.add(kind)
            yield kind
            for annotation in vars(kind)["__annotations__"].values():
                yield from _classes_in(annotation, seen)
        return
    for inner in getattr(kind, "__args__", ()):
        yield from _classes_in(inner, seen)


def wire_value(rng: Random, depth: int = 2) -> dict[str, Any]:
    """Return an attribute value as DynamoDB might send it."""
    if depth and rng.random() < 0.3:
        if rng.random() < 0.5:
            return {"L": [wire_value(rng, depth - 1) for _ in range(rng.randint(0, 2))]}
        return {"M": {name_of_key(rng): wire_value(rng, depth - 1) for _ in range(rng.randint(0, 2))}}
    return rng.choice(
        (
            {"S": text(rng)},
            {"N": f"{whole(rng):,}".replace(",", "")},
            {"N": "1.50E+3"},
            {"B": "eA=="},
            {"BOOL": True},
            {"NULL": True},
            {"SS": ["b", "a"]},
            {"NS": ["1.0", "2"]},
        )
    )


classes: st.SearchStrategy[ClassSpec] = choices.map(make_class)
"""Record classes that hypothesis can shrink."""
