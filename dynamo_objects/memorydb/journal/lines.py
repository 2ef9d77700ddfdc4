"""The lines of a journal: values in, bytes out, and back; each line proves that it is whole.

A journal is text. Each line is a CRC-32 in eight hexadecimal digits, a space, JSON, and the end
of the line. The first line is the `Header`. A unit is any number of `Change` and `Withdrawal`
lines and one `Commit`, which makes them accepted: without it they never were. `Done` lines come
after units, as writes are acknowledged.
"""

from __future__ import annotations

import binascii
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from zlib import crc32

import msgspec

from ...codec.values import AttributeValue, Item
from ...operations.batch import key_identity

__all__ = [
    "FORMAT",
    "HEADER_BEGIN",
    "Change",
    "Commit",
    "Done",
    "Header",
    "Kind",
    "Line",
    "Withdrawal",
    "change_body",
    "change_line",
    "decode_header",
    "decode_line",
    "encode_line",
    "is_whole_but_for_its_end",
]

FORMAT = 1
#: What the JSON of every first line begins with.
HEADER_BEGIN = b'{"journal":"dynamo_objects",'
#: Digits and the space before the JSON.
_CRC_BYTES = 9
#: Lists and maps in lists and maps (AWS Developer Guide, "Constraints": 32), with room to spare.
_MAX_DEPTH = 64

#: put: no item may be there; update: changes of *base*; replace: *base* may be there, or nothing;
#: delete: *base* may be there; without one, nothing is known of what is there.
Kind = Literal["put", "update", "replace", "delete"]


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a journal belongs to. It holds no credentials.

    Attributes:
        journal: Says what kind of file this is.
        format: Of the lines.
        endpoint: Of the service, or the URL of the embedded engine, without user and password.
        region: Of the service, where there is one.
        table: Name of the table, with its prefix.
        keys: Names and types of its key attributes, the hash key first.
        version: The attribute that counts the versions of its records, if they have one.
        attributes: Those of its records, as far as declared.
    """

    journal: Literal["dynamo_objects"] = "dynamo_objects"
    format: int = FORMAT
    endpoint: str
    region: str
    table: str
    keys: list[tuple[str, str]]
    version: str | None
    attributes: list[str]


class Change(
    msgspec.Struct, frozen=True, eq=False, array_like=True, tag="change", forbid_unknown_fields=True
):
    """What is to become of one item.

    Attributes:
        unit: Of which unit.
        number: Grows from change to change.
        kind: See `Kind`.
        key: The key attributes.
        item: The item afterwards; None for a deletion.
        base: The item that the change was made from; None where none is known.
    """

    unit: int
    number: int
    kind: Kind
    key: dict[str, AttributeValue]
    item: dict[str, AttributeValue] | None
    base: dict[str, AttributeValue] | None

    @property
    def identity(self) -> tuple[Any, ...]:
        """Return what two spellings of its key have in common."""
        return key_identity(self.key)


class Withdrawal(
    msgspec.Struct, frozen=True, eq=False, array_like=True, tag="withdrawal", forbid_unknown_fields=True
):
    """What was accepted for a key is not to be written any more: the record is as it was."""

    unit: int
    number: int
    key: dict[str, AttributeValue]

    @property
    def identity(self) -> tuple[Any, ...]:
        """Return what two spellings of its key have in common."""
        return key_identity(self.key)


class Commit(msgspec.Struct, frozen=True, array_like=True, tag="commit", forbid_unknown_fields=True):
    """The end of a unit.

    Attributes:
        count: Lines in the unit.
        crc: Over all of them.
        session: Of the process; with the number of a change it names the change for ever.
    """

    unit: int
    count: int
    crc: int
    session: str


class Done(msgspec.Struct, frozen=True, array_like=True, tag="done", forbid_unknown_fields=True):
    """Changes that are in the table, and with each of them all earlier ones of its key."""

    numbers: list[int]


Line = Change | Withdrawal | Commit | Done

_encode = msgspec.json.Encoder().encode
_lines: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_headers: msgspec.json.Decoder[Header] = msgspec.json.Decoder(Header)


def _framed(payload: bytes) -> bytes:
    return b"%08x %b\n" % (crc32(payload), payload)


def encode_line(value: Header | Line) -> bytes:
    """Return a value as a line."""
    return _framed(_encode(value))


def change_body(kind: Kind, key: Item, item: Item | None, base: Item | None) -> bytes:
    """Return what a change says, as JSON, without its place; equal changes have equal bodies."""
    return _encode((kind, key, item, base))


def change_line(unit: int, number: int, body: bytes) -> bytes:
    """Return the line of a change."""
    return _framed(b'["change",%d,%d,%b' % (unit, number, body[1:]))


def _payload(line: bytes) -> bytes | None:
    """Return the JSON of a line; None if any bit of it is wrong."""
    payload = line[_CRC_BYTES:-1]
    return payload if line == _framed(payload) else None


def decode_line(line: bytes) -> Line | None:
    """Return the value of a line, or None if it is damaged, or not ours."""
    payload = _payload(line)
    if payload is None:
        return None
    try:
        found = _lines.decode(payload)
        if isinstance(found, Change | Withdrawal):
            _check(found)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return found


def decode_header(line: bytes) -> Header | None:
    """Return the header in a line, or None if it is damaged, or not ours."""
    payload = _payload(line)
    if payload is None:
        return None
    try:
        header = _headers.decode(payload)
    except (ValueError, RecursionError):
        return None
    is_known = header.format == FORMAT and 1 <= len(header.keys) <= 2
    return header if is_known and all(tag in ("S", "N", "B") for _, tag in header.keys) else None


def is_whole_but_for_its_end(line: bytes) -> bool:
    """Tell whether a line without an end has one in fact, which was damaged."""
    payload = line[_CRC_BYTES:-1]
    return bool(payload) and line[:-1] == _framed(payload)[:-1]


# --- attribute values ------------------------------------------------------------------------


def _check(line: Change | Withdrawal) -> None:
    """Raise ValueError where a line holds what cannot be an item."""
    _check_item(line.key, 0)
    if not line.key or any(value.keys() - {"S", "N", "B"} for value in line.key.values()):
        raise ValueError("not a key")
    line_items = (line.item, line.base) if isinstance(line, Change) else ()
    for item in line_items:
        if item is not None:
            _check_item(item, 0)
            if any(item.get(wire) is None for wire in line.key):
                raise ValueError("an item without its key")
    if isinstance(line, Change) and (line.item is None) != (line.kind == "delete"):
        raise ValueError("an item to delete, or none to put")
    if isinstance(line, Change) and line.base is None and line.kind in ("update", "replace"):
        raise ValueError("a change of nothing")


def _check_item(item: Any, depth: int) -> None:
    if type(item) is not dict or depth > _MAX_DEPTH:
        raise ValueError("not an item")
    for value in item.values():
        _check_value(value, depth)


def _check_value(value: Any, depth: int) -> None:
    if type(value) is not dict or len(value) != 1 or depth > _MAX_DEPTH:
        raise ValueError("not an attribute value")
    ((tag, held),) = value.items()
    if tag in _TEXTS:
        _TEXTS[tag](held)
    elif tag in ("SS", "NS", "BS") and type(held) is list:
        for member in held:
            _TEXTS[tag[0]](member)
    elif tag == "L" and type(held) is list:
        for member in held:
            _check_value(member, depth + 1)
    elif tag == "M":
        _check_item(held, depth + 1)
    elif tag not in ("BOOL", "NULL") or type(held) is not bool:
        raise ValueError("not an attribute value")


def _check_text(held: Any) -> None:
    if type(held) is not str:
        raise ValueError("not a text")


def _check_number(held: Any) -> None:
    _check_text(held)
    try:
        number = Decimal(held)
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not number.is_finite():
        raise ValueError("not a number")


def _check_bytes(held: Any) -> None:
    _check_text(held)
    binascii.a2b_base64(held)


_TEXTS = {"S": _check_text, "N": _check_number, "B": _check_bytes}
