"""What a codec is: the two functions between one Python type and attribute values.

Codecs know nothing of tables. They are built once per annotation (see ``annotations``)
and put together into one function per record class (see ``records``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from .values import AttributeValue

__all__ = ["Code", "Codec", "PathStep", "Source", "Typed", "decode_source", "encode_code"]

#: One step into a value: the key of a map, or the index of a list.
PathStep = str | int


class Source:
    """Source text of a function that is being generated, and the values it refers to.

    Every name in the text is made here, so that nothing a user wrote is ever part of it.
    """

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {}
        self._counter = 0

    def constant(self, value: Any) -> str:
        """Return the name by which the generated function knows *value*."""
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def variable(self) -> str:
        """Return the name of a variable that nothing else uses."""
        self._counter += 1
        return f"x{self._counter}"


class Code(msgspec.Struct, frozen=True):
    """Generated code: an expression, and the lines that must run before it.

    A loop is quicker than a comprehension, which Python 3.11 makes a function of.
    """

    expression: str
    lines: tuple[str, ...] = ()


class Typed(msgspec.Struct, frozen=True):
    """How values are read that were parsed from JSON into a type of their own.

    Attributes:
        kind: The type for msgspec; whatever is not just so does not parse.
        decode: Writes the expression from a variable of that type to the Python value.
            It may raise any exception; the caller then decodes attribute values instead.
        together: Returns the values of many texts at once, those of one field of a page, say, or
            raises ValueError: they are read one by one then. None where there is no such way.
    """

    kind: Any
    decode: Callable[[Source, str], str]
    together: Callable[[Sequence[str]], list[Any]] | None = None


class Codec(msgspec.Struct, frozen=True, eq=False):
    """How values of one Python type become attribute values and back.

    Attributes:
        name: What the type is called in messages.
        encode: Python value -> attribute value; raises Invalid.
        decode: Attribute value -> Python value; raises Invalid.
        tags: The type tags that ``decode`` takes.
        types: The Python types whose values belong to this codec (unions choose by them).
        key_type: ``S``, ``N`` or ``B`` where values can be keys and members of sets.
        is_scalar: Whether decoded values are immutable, so that one may be kept as a snapshot.
        is_deep: Whether the depth of nesting depends on the values, and needs a check.
        element: Codec of the members of a list or set, or of the values of a map.
        fields: For records: name of a field or its attribute -> (attribute, codec), or None.
        record_tag: For records of a class with ``tag=``: the attribute that holds it, and the tag.
        inline_encode: Writes ``encode`` as code over a variable; only for speed.
            May also raise TypeError or ValueError; the caller then asks ``encode`` for the reason.
        inline_decode: The same for ``decode``, as an expression, with KeyError, TypeError,
            AttributeError or ArithmeticError.
        typed: How values are read that were parsed into a type of their own; only for speed.
    """

    name: str
    encode: Callable[[Any], AttributeValue]
    decode: Callable[[AttributeValue], Any]
    tags: frozenset[str]
    types: tuple[type, ...]
    key_type: str | None = None
    is_scalar: bool = True
    is_deep: bool = False
    element: Codec | None = None
    fields: Callable[[str], tuple[str, Codec] | None] | None = None
    record_tag: tuple[str, str] | None = None
    inline_encode: Callable[[Source, str], Code] | None = None
    inline_decode: Callable[[Source, str], str] | None = None
    typed: Typed | None = None


def encode_code(codec: Codec, source: Source, variable: str) -> Code:
    """Return the code that encodes *variable*."""
    if codec.inline_encode is not None:
        return codec.inline_encode(source, variable)
    return Code(f"{source.constant(codec.encode)}({variable})")


def decode_source(codec: Codec, source: Source, variable: str) -> str:
    """Return an expression that decodes *variable*."""
    if codec.inline_decode is not None:
        return codec.inline_decode(source, variable)
    return f"{source.constant(codec.decode)}({variable})"
