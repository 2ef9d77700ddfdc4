"""Tokens of expressions: a text in, its words and signs out."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import ApiError, invalid

__all__ = ["COMPARATORS", "END", "NAME", "NUMBER", "Token", "failure", "syntax_error", "tokens_of"]

#: Kinds of tokens; those of keywords and signs are the keyword, in capitals, and the sign itself.
NAME, NUMBER, END, OTHER = "name", "number", "end", "other"

COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})

_KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "BETWEEN", "SET", "REMOVE", "ADD", "DELETE"})

#: Whatever is none of the groups is one character that no expression may have; a text in quotes
#: is one token too (near-misses, such as ``_a`` and ``01``, were tried on DynamoDB Local).
_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
        (?P<name>[A-Za-z][A-Za-z0-9_]*)
      | (?P<placeholder>[:\#][A-Za-z0-9_]+)
      | (?P<number>0|[1-9][0-9]*)
      | (?P<sign><=|>=|<>|[=<>()\[\],.+-])
      | (?P<other>"[^"]*"|'[^']*'|.)
    )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)


class Token(NamedTuple):
    """One token: what it is, how it is written, and where it stands."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a text; the last one stands for its end."""
    found = []
    at, length = 0, len(text)
    while match := _TOKEN.match(text, at):
        group = match.lastgroup
        assert group is not None  # the pattern has nothing else
        word = match[group]
        found.append(Token(_kind(group, word), word, match.start(group), match.end()))
        at = match.end()
    found.append(Token(END, "<EOF>", length, length))
    return found


def _kind(group: str, word: str) -> str:
    if group == "name":
        upper = word.upper()
        return upper if upper in _KEYWORDS else NAME
    if group == "placeholder":
        return word[0]
    return word if group == "sign" else group


def syntax_error(kind: str, text: str, tokens: list[Token], at: int) -> ApiError:
    """Return the error for a token where none like it can stand; it shows the tokens before and behind."""
    start = tokens[at - 1].start if at else 0
    end = tokens[min(at + 1, len(tokens) - 1)].end
    return failure(kind, f'Syntax error; token: "{tokens[at].text}", near: "{text[start:end]}"')


def failure(kind: str, reason: str) -> ApiError:
    """Return the error for an expression.

    Args:
        kind: ``FilterExpression`` and the like.
    """
    return invalid(f"Invalid {kind}: {reason}")
