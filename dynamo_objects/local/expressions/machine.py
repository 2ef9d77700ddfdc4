"""Reads conditions and the right sides of SET: tokens in, steps for a stack machine out.

The steps are in postfix order: operands first, then what is done with them. Open brackets and
operators wait on a stack of our own, so that depth costs nothing. What is wrong beyond syntax is
noted with its place, because the service reports syntax first, wherever it is.
"""

from __future__ import annotations

from typing import NoReturn, TypeAlias

import msgspec

from .reserved import RESERVED
from .tokens import COMPARATORS, END, NAME, NUMBER, Token, failure, syntax_error, tokens_of

__all__ = ["MAX_OPERATORS", "Machine", "PathText", "Step"]

#: Operators and functions of one expression (AWS Developer Guide, "Quotas": 300).
MAX_OPERATORS = 300

_MAX_INDEX = 2**31 - 1

_CONDITION_FUNCTIONS = frozenset(
    {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"}
)
_UPDATE_FUNCTIONS = frozenset({"if_not_exists", "list_append"})

#: Names, with placeholders as ``#name``, and indexes.
PathText: TypeAlias = tuple[str | int, ...]

#: (what to do, with what): ``("path", ("a", "#b", 0))``, ``("value", ":v")``,
#: ``("size", 1)``: a function or operator and the number of its operands.
Step: TypeAlias = tuple[str, PathText | str | int]

_OPERAND, _CONDITION, _SUM = "operand", "condition", "sum"


class _Node(msgspec.Struct):
    """What has been read last.

    Attributes:
        kind: Operand, condition or sum.
        function: Its name if it is the call of one, which may be an operand or a condition.
        at: Where that stands.
        is_wrapped: Whether brackets stand around it.
    """

    kind: str
    function: str | None = None
    at: int = 0
    is_wrapped: bool = False


class _Frame(msgspec.Struct):
    """Something that is waiting for its next operand.

    Attributes:
        kind: ``(``, ``call``, an operator, or ``start``.
        allows: What may stand in it besides operands: a condition, a sum, or nothing.
        count: Operands that it has.
    """

    kind: str
    allows: str | None
    count: int = 0
    function: str = ""
    at: int = 0


class Machine:
    """Reads one text.

    Attributes:
        steps: What has been read.
        operators: How many operators and functions there were.
    """

    def __init__(self, kind: str, text: str) -> None:
        self.kind, self.text = kind, text
        self.tokens = tokens_of(text)
        self.at = 0
        self.steps: list[Step] = []
        self.operators = 0
        self._is_redundant = False
        self._problems: list[tuple[int, str]] = []
        self._stack: list[_Frame] = []

    @property
    def token(self) -> Token:
        """Return the next token."""
        return self.tokens[self.at]

    def fail(self) -> NoReturn:
        """Refuse the next token."""
        raise syntax_error(self.kind, self.text, self.tokens, self.at)

    def expect(self, kind: str) -> Token:
        """Take the next token, which must be of a kind."""
        token = self.tokens[self.at]
        if token.kind != kind:
            self.fail()
        self.at += 1
        return token

    def finish(self) -> None:
        """Check that the text ends here, and raise what was noted, in the service's order."""
        self.expect(END)
        if self._is_redundant:
            raise failure(self.kind, "The expression has redundant parentheses;")
        if self._problems:
            raise failure(self.kind, min(self._problems)[1])

    # --- operands -------------------------------------------------------------------------

    def path(self) -> PathText:
        """Take a path."""
        steps: list[str | int] = [self._attribute_name()]
        while True:
            if self.token.kind == ".":
                self.at += 1
                steps.append(self._attribute_name())
            elif self.token.kind == "[":
                self.at += 1
                steps.append(self._index())
            else:
                return tuple(steps)

    def _attribute_name(self) -> str:
        token = self.token
        if token.kind == NAME:
            if token.text.upper() in RESERVED:
                self._note(token, f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        elif token.kind != "#":
            self.fail()
        self.at += 1
        return token.text

    def _index(self) -> int:
        token = self.expect(NUMBER)
        self.expect("]")
        if len(token.text) > 10 or int(token.text) > _MAX_INDEX:
            self._note(token, f"List index is not within the allowable range; index: [{token.text}]")
            return 0
        return int(token.text)

    def _note(self, token: Token, problem: str) -> None:
        self._problems.append((token.start, problem))

    # --- the machine ----------------------------------------------------------------------

    def condition(self) -> None:
        """Take a condition."""
        self._run(_CONDITION)

    def set_value(self) -> None:
        """Take the right side of a SET clause."""
        self._run(_SUM)

    def _run(self, allows: str) -> None:
        self._stack = [_Frame("start", allows)]
        node: _Node | None = None
        while self._stack:
            node = self._wanted() if node is None else self._reduced(node)

    def _wanted(self) -> _Node | None:
        """Take the beginning of an operand or condition; None when it waits for more."""
        token, top = self.token, self._stack[-1]
        if token.kind == "(":
            self._push("(", top.allows)
        elif token.kind == "NOT" and top.allows == _CONDITION:
            self.operators += 1
            self._push("NOT", _CONDITION)
        elif token.kind == NAME and self.tokens[self.at + 1].kind == "(":
            self._begin_call(token)
        elif token.kind in (NAME, "#"):
            self.steps.append(("path", self.path()))
            return _Node(_OPERAND)
        elif token.kind == ":":
            self.at += 1
            self.steps.append(("value", token.text))
            return _Node(_OPERAND)
        else:
            self.fail()
        return None

    def _push(self, kind: str, allows: str | None, count: int = 0) -> None:
        self._stack.append(_Frame(kind, allows, count))
        self.at += 1

    def _begin_call(self, token: Token) -> None:
        mine, others, where = _CONDITION_FUNCTIONS, _UPDATE_FUNCTIONS, "a condition"
        if self.kind == "UpdateExpression":
            mine, others, where = others, mine, "an update"
        if token.text in others:
            self._note(token, f"The function is not allowed in {where} expression; function: {token.text}")
        elif token.text not in mine:
            self._note(token, f"Invalid function name; function: {token.text}")
        self.operators += 1
        self._stack.append(_Frame("call", None, 0, token.text, token.start))
        self.at += 2

    def _reduced(self, node: _Node) -> _Node | None:
        """Give a node to what waits for it; None when another one is wanted, or all is done."""
        kind = self._stack[-1].kind
        if kind in ("call", "IN"):
            return self._argument(node)
        if kind in ("start", "(", "NOT", "AND", "OR"):
            return self._in_brackets(node)
        if kind == "lower bound":
            self._check_operand(node)
            self.expect("AND")
            self._stack[-1].kind = "BETWEEN"
            return None
        self._check_operand(node)
        return self._done(_SUM if kind in ("+", "-") else _CONDITION)

    def _done(self, kind: str) -> _Node:
        """Close what waits on top, all of whose operands are there."""
        frame = self._stack.pop()
        self.steps.append((frame.kind, frame.count + 1))
        return _Node(kind)

    def _argument(self, node: _Node) -> _Node | None:
        self._check_operand(node)
        frame = self._stack[-1]
        frame.count += 1
        if self.token.kind == ",":
            self.at += 1
            return None
        self.expect(")")
        self._stack.pop()
        if frame.kind == "IN":
            self.steps.append(("IN", frame.count))
            return _Node(_CONDITION)
        self.steps.append((frame.function, frame.count))
        return _Node(_OPERAND, frame.function, frame.at)

    def _in_brackets(self, node: _Node) -> _Node | None:
        """Go on behind a node where brackets, conditions and sums are in order."""
        frame, token = self._stack[-1], self.token
        if frame.allows == _SUM and node.kind == _OPERAND and token.kind in ("+", "-"):
            self._check_operand(node)
            self.operators += 1
            self._push(token.kind, None, 1)
            return None
        if frame.allows == _CONDITION and node.kind == _OPERAND and self._compares():
            self._check_operand(node)
            return None
        if frame.kind == "(" and token.kind == ")" and node.kind != _CONDITION:
            return self._unwrapped(node)
        if frame.allows == _CONDITION:
            self._check_condition(node)
            return self._joined(node)
        if frame.kind == "(":
            self.fail()
        self._stack.pop()
        return None

    def _compares(self) -> bool:
        """Take a comparator, BETWEEN or IN if there is one."""
        kind = self.token.kind
        if kind in COMPARATORS:
            self._push(kind, None, 1)
        elif kind == "BETWEEN":
            self._push("lower bound", None, 2)
        elif kind == "IN":
            self.at += 1
            if self.token.kind != "(":
                self.fail()
            self._push("IN", None, 1)
        else:
            return False
        self.operators += 1
        return True

    def _joined(self, node: _Node) -> _Node | None:
        """Go on behind a condition: NOT binds closest, then AND, then OR."""
        frame, kind = self._stack[-1], self.token.kind
        if frame.kind == "NOT" or (frame.kind == "AND" and kind != "AND"):
            return self._done(_CONDITION)
        if kind in ("AND", "OR"):
            self.operators += 1
            if frame.kind == kind:
                frame.count += 1
                self.at += 1
            else:
                self._push(kind, _CONDITION, 1)
            return None
        if frame.kind == "OR":
            return self._done(_CONDITION)
        if frame.kind == "(":
            if kind != ")":
                self.fail()
            return self._unwrapped(node)
        self._stack.pop()
        return None

    def _unwrapped(self, node: _Node) -> _Node:
        """Close brackets around a node."""
        self.at += 1
        self._stack.pop()
        self._is_redundant |= node.is_wrapped
        return msgspec.structs.replace(node, is_wrapped=True)

    def _check_operand(self, node: _Node) -> None:
        """Note a function that cannot be an operand."""
        if node.function is None:
            return
        is_update = self.kind == "UpdateExpression"
        if (node.function == "list_append") if is_update else (node.function != "size"):
            self._note_misuse(node)

    def _check_condition(self, node: _Node) -> None:
        """Refuse an operand where a condition must be, and note a function that is none."""
        if node.kind == _CONDITION:
            return
        if node.function is None:
            self.fail()
        node.kind = _CONDITION
        if node.function == "size":
            self._note_misuse(node)

    def _note_misuse(self, node: _Node) -> None:
        self._problems.append(
            (
                node.at,
                "The function is not allowed to be used this way in an expression; "
                f"function: {node.function}",
            )
        )
