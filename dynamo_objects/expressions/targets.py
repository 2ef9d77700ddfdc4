"""Where names lead: from what users write to a path in items and the codec of its values."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ..codec.anything import any_codec
from ..codec.codec import Codec, PathStep
from ..codec.fields import FieldCodec
from ..codec.records import RecordCodec
from ..codec.values import TAGS, Invalid
from ..errors import DynamoSchemaException, QueryError, UnknownFieldError, ValidationError
from . import tree

__all__ = ["Target", "Targets", "parse_path"]

_ANY = any_codec()

#: One step of a path as boto3 writes it: ``address.lines[2]``.
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


class Target(msgspec.Struct, frozen=True):
    """A path in items, and how values there are stored.

    Attributes:
        path: With the names of attributes.
        name: As the user wrote it.
        codec: Codec of the values.
        field: The field, where the path is just that.
    """

    path: tree.Path
    name: str
    codec: Codec
    field: FieldCodec | None

    def encode(self, value: Any, codec: Codec | None = None) -> tree.Value:
        """Return a value as an operand.

        Raises:
            ValidationError: The value does not fit the field.
        """
        try:
            return tree.Value((codec or self.codec).encode(value))
        except Invalid as invalid:
            raise ValidationError("", invalid.under(self.name)) from None

    def is_left_out(self, value: Any) -> bool:
        """Tell whether the field stores *value* by leaving the attribute out."""
        return self.field is not None and self.field.is_left_out(value)


class Targets:
    """Finds the targets of names for the records of one class."""

    def __init__(self, codec: RecordCodec) -> None:
        self._codec = codec
        self._fields: dict[str, Target] = {}

    def find(self, steps: tuple[PathStep, ...], name: str) -> Target:
        """Return where *steps* lead; *name* is what the user wrote, for messages.

        Raises:
            UnknownFieldError: The first step is not a field, or a later one not of its record.
            DynamoSchemaException: A step leads into something that has no inside.
        """
        head = str(steps[0])
        if len(steps) == 1 and name == head and head in self._fields:
            return self._fields[head]
        field = self._codec.by_name.get(head) or self._codec.by_wire.get(head)
        if field is None:
            if not self._codec.options.schemaless:
                raise UnknownFieldError(self._codec.record_class, head, list(self._codec.by_name))
            return Target(tree.Path(steps), name, _ANY, None)
        wires: list[PathStep] = [field.wire]
        codec = field.codec
        for step in steps[1:]:
            wire, codec = self._step(codec, step, name)
            wires.append(wire)
        target = Target(tree.Path(tuple(wires)), name, codec, field if len(steps) == 1 else None)
        if len(steps) == 1 and name == head:
            self._fields[head] = target
        return target

    def _step(self, codec: Codec, step: PathStep, name: str) -> tuple[PathStep, Codec]:
        if isinstance(step, str) and codec.fields is not None:
            found = codec.fields(step)
            if found is None:
                raise UnknownFieldError(codec.types[0], step, ())
            return found
        if codec.tags == TAGS:
            return step, _ANY
        wanted = "M" if isinstance(step, str) else "L"
        if wanted not in codec.tags:
            raise DynamoSchemaException(f"{name}: there is nothing inside {codec.name}")
        return step, codec.element or _ANY


def parse_path(text: str) -> tuple[PathStep, ...]:
    """Return the steps of a path as boto3 writes it: ``address.lines[2]``.

    Raises:
        QueryError: It is not a path.
    """
    steps: list[PathStep] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise QueryError(f"{text!r} is not a path like address.lines[2]")
        steps.append(match[1] if match[1] is not None else int(match[2]))
        position = match.end()
    if not steps or isinstance(steps[0], int) or text.startswith("."):
        raise QueryError(f"{text!r} is not a path like address.lines[2]")
    return tuple(steps)
