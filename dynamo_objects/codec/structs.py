"""The base of values that hold parts of items: their ``repr`` leaves those out.

Values of the library's own are msgspec structs, frozen and compared by class and fields like
attrs classes. Those are compiled when they are defined, which for a hundred of them took half
of the time of importing the package.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

__all__ = ["Quiet"]


class Quiet(msgspec.Struct, frozen=True):
    """A value that does not show all its fields.

    Attributes:
        unshown: Names of the fields that its ``repr`` leaves out.
    """

    unshown: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        shown = (f"{n}={getattr(self, n)!r}" for n in self.__struct_fields__ if n not in self.unshown)
        return f"{type(self).__name__}({', '.join(shown)})"
