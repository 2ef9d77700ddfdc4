"""Records, typed items, keys and sizes in C; compiled where there is a compiler."""

from collections.abc import Callable
from typing import Any, final

from .typed import TypedItem
from .typed_encoders import TypedEncoder
from .values import Item

@final
class RecordMaker:
    """Makes the records of one class; called with an item and the name of its table."""

    def __new__(
        cls,
        record_class: type,
        item_class: type[TypedItem],
        kept_class: Callable[..., Any],
        guard: object,
        kept: tuple[Any, ...],
        unset: object,
        instead: Callable[..., Any],
        slots: tuple[Any, ...],
        fields: tuple[tuple[Any, ...], ...],
        /,
    ) -> RecordMaker: ...
    def __call__(self, item: Any, home: str | None = None) -> Any: ...
    def page(self, items: list[Any], home: str, /) -> tuple[list[Any], int]: ...

@final
class ItemMaker:
    """Makes the typed items of the records of one class; called with a record."""

    def __new__(
        cls,
        record_class: type,
        item_class: Callable[..., Any],
        unset: object,
        flags: tuple[object, object],
        instead: TypedEncoder,
        max_name: int,
        fields: tuple[tuple[Any, ...], ...],
        /,
    ) -> ItemMaker: ...
    def __call__(self, record: Any, /) -> tuple[TypedItem, tuple[Any, ...]] | None: ...

def key_items(
    keys: list[Any], kind: Callable[..., Item], parts: tuple[tuple[Callable[[str], Any], int], ...], /
) -> list[Item] | None:
    """Return the typed key attributes of keys as users write them; None where one is unusual."""

def key_texts(
    items: list[Any], kind: type[TypedItem], places: tuple[Any, ...], box: type, text: Any, /
) -> list[tuple[str, ...]]:
    """Return tuples of the texts in attributes of typed items; raise AttributeError where one lacks any."""

def plain_size(item: Any, most: int, /) -> int:
    """Return the bytes of an item of usual attribute values, or -1."""
