"""The embedded engine: DynamoDB's JSON protocol in the process, bytes in and bytes out.

It knows nothing of records and could be shipped alone. A request goes through

``engine``
    finds the handler of the operation and makes the reply, also of errors (``errors``);
``requests``
    checks members and their types as the service's front does, with its wording;
``values``, ``expressions``, ``legacy``
    check and normalise attribute values, and turn texts into the trees of ``..expressions``;
``items``, ``search``, ``batches``, ``transactions``, ``tables``
    carry it out, on definitions (``definitions``), counting capacity (``capacity``);
``storage``
    keeps ordered entries, in memory or in a SQL database.

On request it simulates what is hard to come by: throttling (``throughput``), tables and
indexes that take time, TTL, and faults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine import LocalEngine, Options
    from .faults import Faults
    from .opening import open_engine

__all__ = ["Faults", "LocalEngine", "Options", "open_engine"]

#: Name -> the module that has it.
_MODULES = {"Faults": "faults", "LocalEngine": "engine", "Options": "engine", "open_engine": "opening"}

if not TYPE_CHECKING:

    def __getattr__(name):
        """Import what is public when it is first used: who needs the errors needs no engine."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f".{_MODULES[name]}", __name__), name)
        return value

    def __dir__():
        """List the public names, imported or not."""
        return sorted({*globals(), *__all__})
