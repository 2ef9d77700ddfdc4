"""Storages in processes that fork: no child inherits half a change, or a connection."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

__all__ = ["Forks", "whole_at_fork"]


class Forks(Protocol):
    """A storage that wants to know of forks."""

    def before_fork(self) -> None:
        """Come to rest; called in the parent."""
        ...

    def after_fork(self) -> None:
        """Go on; called in the parent and in the child."""
        ...


_storages: WeakSet[Forks] = WeakSet()
_resting: list[Forks] = []


def whole_at_fork(storage: Forks) -> None:
    """Have a storage told of forks for as long as it lives."""
    _storages.add(storage)


def _before() -> None:
    _resting[:] = _storages
    for storage in _resting:
        storage.before_fork()


def _after() -> None:
    for storage in _resting:
        storage.after_fork()
    _resting.clear()


if hasattr(os, "register_at_fork"):  # there is none on Windows, where nothing forks
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
