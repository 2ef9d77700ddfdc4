"""Expressions of requests: a text and placeholders in, trees out, with all of the service's checks.

Order of errors: syntax, redundant brackets, names of functions and reserved words where they
stand, then placeholders and operands in the order of evaluation, then the number of operators.
The clauses of an update are looked at from the last to the first (DynamoDB Local; dynalite's
tests agree).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ...expressions import tree
from ..errors import ApiError
from .checks import check, path_text
from .grammar import MAX_PATH, Action, Steps, condition_text, projection_text, update_text
from .keyconditions import key_leaf
from .machine import MAX_OPERATORS, PathText
from .placeholders import Placeholders
from .testing import Condition, ConstantSize, attributes_in, leaf
from .tokens import failure
from .updating import Change, Update

__all__ = ["attributes_in", "condition", "projection", "update"]

_UPDATE, _PROJECTION, _KEY = "UpdateExpression", "ProjectionExpression", "KeyConditionExpression"

#: Makes a condition, or a value to set, of an operator or function and its operands.
Maker = Callable[[str, Sequence[Any]], Any]


def condition(kind: str, text: str, placeholders: Placeholders) -> Any:
    """Return the condition that a text describes; for ``holds``, or for ``key_range``.

    Args:
        kind: ``ConditionExpression``, ``FilterExpression`` or ``KeyConditionExpression``.

    Raises:
        ApiError: It describes none, or none that the service accepts.
    """
    template = condition_text(kind, text)
    if kind == _KEY:
        made = _evaluated(kind, template.steps, placeholders, _key_node)
    else:
        made = _evaluated(kind, template.steps, placeholders, _condition)
    _check_operators(kind, template.operators)
    return made


def projection(text: str, placeholders: Placeholders) -> tuple[tree.Path, ...]:
    """Return the paths that a text names.

    Raises:
        ApiError: It names none, or some that the service does not accept.
    """
    paths = [_path(_PROJECTION, path, placeholders) for path in projection_text(text)]
    _check_paths(_PROJECTION, paths[::-1])
    return tuple(paths)


def update(text: str, placeholders: Placeholders) -> Update:
    """Return the update that a text describes.

    Raises:
        ApiError: It describes none, or none that the service accepts.
    """
    template = update_text(text)
    backwards = template.actions[::-1]
    paths = _target_paths(backwards, placeholders)
    changes = [
        Change(action.section, path, _set_value(action, placeholders))
        for action, path in zip(backwards, paths, strict=True)
    ]
    _check_operators(_UPDATE, template.operators)
    return Update(tuple(changes[::-1]))


def _check_operators(kind: str, count: int) -> None:
    if count > MAX_OPERATORS:
        raise failure(
            kind, f"The expression contains too many operators; operator count: {MAX_OPERATORS + 1}"
        )


# --- evaluation ---------------------------------------------------------------------------


def _evaluated(kind: str, steps: Steps, placeholders: Placeholders, make: Maker) -> Any:
    """Return what the steps of a template come to."""
    stack: list[Any] = []
    for what, given in steps:
        if what == "ready":
            stack.append(given)
        elif what == "value":
            stack.append(tree.Value(placeholders.value(kind, str(given))))
        elif what == "path":
            assert isinstance(given, tuple)
            stack.append(_path(kind, given, placeholders))
        else:
            assert isinstance(given, int)
            operands = stack[-given:]
            del stack[-given:]
            check(kind, what, operands)
            stack.append(make(what, operands))
    (made,) = stack
    return made


def _condition(operator: str, operands: Sequence[Any]) -> Any:
    if operator == "AND":
        return tree.And(tuple(operands))
    if operator == "OR":
        return tree.Or(tuple(operands))
    if operator == "NOT":
        return _negated(operands[0])
    return _size(operands[0]) if operator == "size" else leaf(operator, operands)


def _negated(inner: Condition) -> Condition:
    """Return a negation; a double one is none, so that many do not pile up."""
    return inner.condition if isinstance(inner, tree.Not) else tree.Not(inner)  # type: ignore[arg-type]


def _size(operand: Any) -> tree.Size | ConstantSize:
    return ConstantSize(operand.value) if isinstance(operand, tree.Value) else tree.Size(operand)


def _key_node(operator: str, operands: Sequence[Any]) -> Any:
    return _size(operands[0]) if operator == "size" else key_leaf(operator, operands)


def _set_value(action: Action, placeholders: Placeholders) -> Any:
    if not action.steps:
        return None
    value = _evaluated(_UPDATE, action.steps, placeholders, _made)
    if action.section != "SET":
        _check_addend(action.section, value)
    return value


_MAKERS: dict[str, Callable[..., Any]] = {
    "if_not_exists": tree.IfNotExists,
    "list_append": tree.ListAppend,
    "+": tree.Plus,
    "-": tree.Minus,
}


def _made(operator: str, operands: Sequence[Any]) -> Any:
    return _MAKERS[operator](*operands)


#: Words for types where the service does not use tags.
_WORDS = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "M": "MAP",
}


def _check_addend(section: str, value: tree.Value) -> None:
    tag = next(iter(value.value))
    if tag in _WORDS and (section, tag) != ("ADD", "N"):
        raise failure(
            _UPDATE,
            "Incorrect operand type for operator or function; "
            f"operator: {section}, operand type: {_WORDS[tag]}",
        )


# --- paths --------------------------------------------------------------------------------


def _path(kind: str, text: PathText, placeholders: Placeholders) -> tree.Path:
    steps = tuple(
        placeholders.name(kind, step) if isinstance(step, str) and step[0] == "#" else step for step in text
    )
    if len(steps) > MAX_PATH:
        raise failure(kind, f"The document path has too many nesting levels; nesting levels: {len(steps)}")
    return _made_path(steps)


@lru_cache(maxsize=4096)
def _made_path(steps: PathText) -> tree.Path:
    return tree.Path(steps)


def _target_paths(backwards: Sequence[Action], placeholders: Placeholders) -> list[tree.Path]:
    if len(backwards) == 1:
        return [_path(_UPDATE, backwards[0].path, placeholders)]
    paths: list[tree.Path] = []
    seen = _Seen()
    for action in backwards:
        path = _path(_UPDATE, action.path, placeholders)
        if seen.is_taken(path.steps):
            raise _collision(_UPDATE, path, paths)
        paths.append(path)
    return paths


def _check_paths(kind: str, backwards: Sequence[tree.Path]) -> None:
    if len(backwards) > 1:
        seen = _Seen()
        for at, path in enumerate(backwards):
            if seen.is_taken(path.steps):
                raise _collision(kind, path, backwards[:at])


class _Seen:
    """Paths that were seen, to find out at once whether a further one goes with them."""

    def __init__(self) -> None:
        self._ends: set[PathText] = set()
        self._kinds: dict[PathText, type] = {}

    def is_taken(self, steps: PathText) -> bool:
        """Tell whether a path overlaps or conflicts with one before it, and keep it."""
        for length, step in enumerate(steps):
            before = steps[:length]
            if before in self._ends or self._kinds.setdefault(before, type(step)) is not type(step):
                return True
        if steps in self._ends or steps in self._kinds:
            return True
        self._ends.add(steps)
        return False


def _collision(kind: str, path: tree.Path, others: Sequence[tree.Path]) -> ApiError:
    """Return the error for a path that overlaps or conflicts with one of the others."""
    for other in others:
        how = _how(path.steps, other.steps)
        if how is not None:
            return failure(
                kind,
                f"Two document paths {how} with each other; must remove or rewrite one of these paths; "
                f"path one: {path_text(path)}, path two: {path_text(other)}",
            )
    raise AssertionError("a path was found to collide with one of the others")


def _how(one: PathText, two: PathText) -> str | None:
    for first, second in zip(one, two, strict=False):
        if type(first) is not type(second):
            return "conflict"
        if first != second:
            return None
    return "overlap"
