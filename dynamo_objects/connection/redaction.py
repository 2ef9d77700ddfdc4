"""Messages of services without what they quote: item values and credentials.

Services tell what they refuse in many ways: ``Value '...' at 'requestItems' failed``,
``Input collection [...] contains duplicates``, ``cannot be converted to a numeric value: ...``.
So what stands in quoting places goes, and whatever the request sent as a value goes wherever
it stands. Names of tables, attributes and indexes stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from ..codec.values import TAGS

__all__ = ["without_credentials", "without_values"]

# Patterns are compiled when the first message comes, which in most programs is never.

#: Where messages quote: seen on DynamoDB Local, dynoxide, moto, and in AWS's own messages.
_QUOTING = (
    r"(?<=\b[Vv]alue )(?!for\b|is\b).+(?= at ')"  # Value '...' at 'requestItems' failed
    r"|(?<=\[).+(?=\])"  # Input collection [...] contains duplicates
    r"|(?<=\{).+(?=\})"  # lower bound operand: {S: ...}
    r"|(?<=`).+(?=`)"  # invalid type: integer `...`
    r"|(?<=numeric value: ).+"  # cannot be converted to a numeric value: ...
    r"|(?<=; type: )[^,]+"  # Invalid attribute type name found, type: ...
)
#: Of what an authorization is made; a refused signature is explained with all of it.
_CREDENTIALS = r"\n|Authorization|AWS4-HMAC|Credential=|Canonical String|String-to-Sign"
_ACCESS_KEY = r"\b(?:AKIA|ASIA)[A-Z0-9]+"

_LONGEST = 300
#: Longer messages are lists of what was sent, and not searched.
_LONGEST_SEARCHED = 20_000
#: Shorter values are part of too many words.
_SHORTEST_VALUE = 4


def without_values(message: str, payload: bytes) -> str:
    """Return a service's message without the item values that it may quote.

    Args:
        message: The message.
        payload: The request that it answers.
    """
    message = re.sub(_QUOTING, "...", message, flags=re.DOTALL)
    if len(message) > _LONGEST_SEARCHED:
        return f"(a message of {len(message)} characters)"
    for value in _values(payload):
        if value in message:
            message = message.replace(value, "...")
    return message[:_LONGEST]


def without_credentials(message: str) -> str:
    """Return the message of a refusal without the parts of the request's authorization."""
    message = re.split(_CREDENTIALS, message, maxsplit=1)[0]
    return re.sub(_ACCESS_KEY, "...", message)[:_LONGEST]


def _values(payload: bytes) -> list[str]:
    """Return the texts, numbers and binaries of a request, longest first."""
    try:
        found = set(_leaves(msgspec.json.decode(payload)))
    except (msgspec.DecodeError, RecursionError):
        return []
    return sorted(found, key=len, reverse=True)


def _leaves(node: Any) -> Iterator[str]:
    nodes = [node]
    for node in nodes:  # grows meanwhile
        if isinstance(node, list):
            nodes.extend(node)
        elif isinstance(node, dict):
            for name, inner in node.items():
                if name in TAGS and not isinstance(inner, dict):
                    yield from _texts(inner)
                if isinstance(inner, list | dict):
                    nodes.append(inner)


def _texts(held: Any) -> Iterator[str]:
    for text in held if isinstance(held, list) else [held]:
        if isinstance(text, str) and len(text) >= _SHORTEST_VALUE:
            yield text
