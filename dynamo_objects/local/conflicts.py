"""Keys that transactions of this process are about to write: who meets them is refused.

On the service a write fails that meets a transaction under way (API reference,
TransactWriteItems: TransactionConflictException). Here transactions run one after another;
those that wait for their turn have claimed their keys, and meeting one of these is a conflict.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from .definitions import Position
from .errors import ApiError

__all__ = ["MESSAGE", "Claims", "Place", "transaction_conflict"]

#: Collection and position.
Place = tuple[int, Position]

#: What replies say of it.
MESSAGE = "Transaction is ongoing for the item"


class Claims:
    """The keys that transactions under way have claimed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[Place, object] = {}
        self._tidied = 0.0

    def claim(self, places: Iterable[Place], owner: object) -> set[Place]:
        """Claim all places, or none; return those that somebody else has."""
        wanted = list(places)
        with self._lock:
            taken = {place for place in wanted if place in self._owners}
            if not taken:
                self._owners.update(dict.fromkeys(wanted, owner))
        return taken

    def release(self, owner: object) -> None:
        """Give up the places of an owner."""
        with self._lock:
            self._owners = {place: who for place, who in self._owners.items() if who is not owner}

    def is_claimed(self, place: Place, owner: object) -> bool:
        """Tell whether somebody else has claimed a place."""
        owners = self._owners
        return bool(owners) and owners.get(place, owner) is not owner

    def is_time_to_tidy(self, now: float) -> bool:
        """Tell, once a minute, that old tokens may be thrown away."""
        is_time = not 0 <= now - self._tidied < 60
        if is_time:
            self._tidied = now
        return is_time


def transaction_conflict() -> ApiError:
    """Return the error of a single write that meets a transaction."""
    return ApiError("TransactionConflictException", MESSAGE)
