"""Typed items: what replies are parsed into when the record class is known beforehand.

msgspec checks the names, the type tags and their JSON types while it parses, in C, and makes
one small object of each attribute. An item that is not just what its class expects (an
unknown attribute, a NULL, an old type) does not parse, and is read as plain attribute values.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, cast

import msgspec

from .speedups import key_texts
from .values import AttributeValue, Item

__all__ = [
    "PLAIN_ITEMS",
    "Binary",
    "Boolean",
    "ItemReader",
    "Number",
    "Text",
    "TypedItem",
    "list_of",
    "make_decoder",
    "map_of",
    "plain_item",
    "typed_item",
]


class Text(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """``{"S": "..."}``"""

    S: str


class Number(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """``{"N": "..."}``"""

    N: str


class Binary(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """``{"B": "..."}``"""

    B: str


class Boolean(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """``{"BOOL": ...}``"""

    BOOL: bool


@cache
def list_of(kind: Any) -> Any:
    """Return the type of ``{"L": [...]}`` with members of one kind."""
    return msgspec.defstruct("List", [("L", list[kind])], frozen=True, gc=False, forbid_unknown_fields=True)


@cache
def map_of(kind: Any) -> Any:
    """Return the type of ``{"M": {...}}`` with values of one kind."""
    members = [("M", dict[str, kind])]
    return msgspec.defstruct("Map", members, frozen=True, gc=False, forbid_unknown_fields=True)


class TypedItem(msgspec.Struct, frozen=True, gc=False, eq=False, forbid_unknown_fields=True):
    """An item of one record class; as a mapping it holds attribute values like any other.

    The members are ``f0``, ``f1`` ... in the order of the fields; the absent ones are unset.
    """

    places: ClassVar[Mapping[str, str]] = {}
    #: The attributes that are texts.
    texts: ClassVar[frozenset[str]] = frozenset()

    def __getitem__(self, wire: str) -> AttributeValue:
        value = getattr(self, self.places[wire])
        if value is msgspec.UNSET:
            raise KeyError(wire)
        plain: AttributeValue = msgspec.to_builtins(value)
        return plain

    def __iter__(self) -> Iterator[str]:
        return (wire for wire, place in self.places.items() if getattr(self, place) is not msgspec.UNSET)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, wire: object) -> bool:
        return getattr(self, self.places.get(wire, ""), msgspec.UNSET) is not msgspec.UNSET  # type: ignore[call-overload]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self.plain() == plain_item(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.plain())

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (self.plain(),)

    def plain(self) -> dict[str, AttributeValue]:
        """Return it as a dict of attribute values."""
        plain: dict[str, AttributeValue] = msgspec.to_builtins(self)
        return plain

    def has(self, attributes: Item) -> bool:
        """Tell whether it has these attributes of one type tag, spelled the same way."""
        for wire, value in attributes.items():
            for tag, content in value.items():
                if getattr(getattr(self, self.places.get(wire, ""), None), tag, None) != content:
                    return False
        return True

    def get(self, wire: str, default: Any = None) -> Any:
        """Return the attribute value, or *default* where the item has none."""
        try:
            return self[wire]
        except KeyError:
            return default

    def keys(self) -> KeysView[str]:
        """Return the names of the attributes."""
        return KeysView(self)

    def values(self) -> ValuesView[AttributeValue]:
        """Return the attribute values."""
        return ValuesView(self)

    def items(self) -> ItemsView[str, AttributeValue]:
        """Return the names with the attribute values."""
        return ItemsView(self)


Mapping.register(TypedItem)  # pyright: ignore[reportAttributeAccessIssue]


def plain_item(item: Item) -> dict[str, AttributeValue]:
    """Return an item as a dict of attribute values."""
    if type(item) is dict:
        return item
    return item.plain() if isinstance(item, TypedItem) else dict(item)


#: Two threads that make decoders of one generic struct at the same time crash the interpreter (msgspec 0.22).
_making = threading.Lock()


def _renew_lock() -> None:
    """Give a forked child a free lock: another thread may have held it at that moment."""
    global _making
    _making = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def make_decoder(kind: Callable[[], Any]) -> msgspec.json.Decoder[Any]:
    """Return msgspec's decoder for a type, made by one thread at a time."""
    with _making:
        return msgspec.json.Decoder(kind())


class ItemReader:
    """Parses replies with items of one type, and keeps msgspec's decoders for them.

    Attributes:
        item_type: ``Item``, or a type of typed items.
    """

    def __init__(self, item_type: Any) -> None:
        self.item_type = item_type
        self._decoders: dict[Any, Any] = {}
        self._texts: dict[tuple[str, ...], Any] = {}

    def texts(self, wires: tuple[str, ...]) -> Callable[[list[Any]], list[tuple[str, ...]]] | None:
        """Return the function from typed items to the texts of these attributes; None where they are none.

        It raises AttributeError where an item lacks one.
        """
        if wires not in self._texts:
            self._texts[wires] = self._texts_of(wires)
        found: Callable[[list[Any]], list[tuple[str, ...]]] | None = self._texts[wires]
        return found

    def _texts_of(self, wires: tuple[str, ...]) -> Callable[[list[Any]], list[tuple[str, ...]]] | None:
        kind = self.item_type
        places = [kind.places[wire] for wire in wires if wire in getattr(kind, "texts", ())]
        if len(places) < len(wires):
            return None
        if key_texts is not None:
            slots = tuple(vars(kind)[place] for place in places)
            return lambda items: key_texts(items, kind, slots, Text, vars(Text)["S"])
        getters = [attrgetter(f"{place}.S") for place in places]
        return lambda items: list(zip(*(map(getter, items) for getter in getters), strict=True))

    def read(self, reply: Any, body: bytes) -> Any:
        """Return a reply.

        Args:
            reply: Its type, generic in that of its items.

        Raises:
            msgspec.DecodeError: It is not of that type.
        """
        decoder = self._decoders.get(reply)
        if decoder is None:
            decoder = self._decoders[reply] = make_decoder(lambda: reply[self.item_type])
        return decoder.decode(body)


#: Reads items as attribute values.
PLAIN_ITEMS = ItemReader(Item)


def typed_item(name: str, members: Sequence[tuple[str, Any]]) -> type[TypedItem] | None:
    """Return the type of the items of a record class; None where there can be none.

    Args:
        name: Of the class.
        members: The attributes and the kinds of their values.
    """
    places = {wire: f"f{place}" for place, (wire, _) in enumerate(members)}
    fields = [
        (places[wire], kind | msgspec.UnsetType, msgspec.field(default=msgspec.UNSET, name=wire))
        for wire, kind in members
    ]
    try:
        kind = msgspec.defstruct(
            f"{name}Item",
            fields,
            bases=(TypedItem,),
            namespace={"places": places, "texts": frozenset(wire for wire, kind in members if kind is Text)},
            frozen=True,
            gc=False,
            eq=False,
            forbid_unknown_fields=True,
        )
    except ValueError:  # an attribute whose name JSON would have to escape
        return None
    return cast(type[TypedItem], kind)
