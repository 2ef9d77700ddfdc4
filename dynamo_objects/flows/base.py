"""What a flow may yield, and what it gets back.

A flow is a generator. It yields commands and is sent their results; whoever runs it does
the I/O, the sleeping and the timing. The same flow runs under a sync and an async driver.

=================  ===========================================================
yields             gets
=================  ===========================================================
an Operation       the operation's result, or its error is thrown into the flow
``Pause``          seconds since the flow began, after sleeping
``Backoff``        the same, after a random time that grows with *attempt*
``Emit``           None; *value* goes to the consumer at once
``Together``       the results of all children, in their order
=================  ===========================================================
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, TypeAlias, TypeVar

import msgspec

from ..codec.structs import Quiet
from ..operations.base import Operation

__all__ = ["Backoff", "Command", "Emit", "Flow", "Pause", "Together"]


class Pause(msgspec.Struct, frozen=True):
    """Sleep for *seconds*."""

    seconds: float


class Backoff(msgspec.Struct, frozen=True):
    """Sleep as before the retry number *attempt*, counted from 0.

    Attributes:
        is_throttled: Whether that is because there were too many requests.
    """

    attempt: int
    is_throttled: bool = True


class Emit(Quiet, frozen=True):
    """Hand *value* to whoever consumes the flow's events."""

    unshown = frozenset({"value"})

    value: Any


class Together(msgspec.Struct, frozen=True):
    """Run child flows, some of them at the same time; how many is the driver's business.

    What children emit goes to the consumer as it comes. When a child raises, no further
    child is begun; those that run are waited for, then the error is thrown into the parent.
    Children may come from a generator: they are taken as there is room.
    """

    flows: Iterable[Flow[Any]]


Command: TypeAlias = Operation[Any] | Pause | Backoff | Emit | Together

Result = TypeVar("Result")

Flow: TypeAlias = Generator[Command, Any, Result]
