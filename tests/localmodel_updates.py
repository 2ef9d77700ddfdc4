"""Updates as tuples of lists: drawn, written as expressions, and applied to plain items.

An update is a list of clauses: ``("SET", path, expression)``, ``("REMOVE", path)``,
``("ADD", path, value)``, ``("DELETE", path, value)``. Expressions are ``("value", value)``,
``("path", path)``, ``("+", one, other)``, ``("-", one, other)``, ``("append", one, other)`` and
``("default", path, expression)``.
"""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal, localcontext
from typing import Any

from hypothesis import strategies as st

from .localmodel_conditions import PATHS, Path, Words
from .localmodel_values import KEY_VALUES, Refused, at, project, tag_of, values

__all__ = ["applied", "key_updates", "only_takes", "returned", "updates", "update_text"]

_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
_GONE = object()


# --- drawing ------------------------------------------------------------------------------

_numbers = st.sampled_from(KEY_VALUES["N"][:6])
_sets = st.sampled_from([frozenset(KEY_VALUES[tag][at : at + 2]) for tag in "SNB" for at in range(3)])
_paths = st.sampled_from(PATHS)


def _valued(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just("value"), strategy)


_path_operand = st.tuples(st.just("path"), _paths)
_number_operand = _path_operand | _valued(_numbers)
_list_operand = _path_operand | _valued(st.sampled_from([[], [None], ["a", "b"]]))
_simple = _valued(values()) | _path_operand
_expressions = st.one_of(
    _simple,
    _simple,
    st.tuples(st.sampled_from("+-"), _number_operand, _number_operand),
    st.tuples(st.just("append"), _list_operand, _list_operand),
    st.tuples(st.just("default"), _paths, _simple).filter(lambda made: made[2] != ("path", made[1])),
    st.tuples(st.just("+"), st.tuples(st.just("default"), _paths, _valued(_numbers)), _valued(_numbers)),
)


@st.composite
def updates(draw: st.DrawFn) -> list[Any]:
    """Return clauses with paths that do not touch each other."""
    clauses: list[Any] = []
    for path in draw(st.lists(_paths, min_size=1, max_size=3, unique_by=lambda path: path[0])):
        section = draw(st.sampled_from((*_SECTIONS, "SET")))
        if section == "SET":
            clauses.append((section, path, draw(_expressions)))
        elif section == "REMOVE":
            clauses.append((section, path))
        else:
            clauses.append((section, path, draw(_sets if section == "DELETE" else _sets | _numbers)))
    if draw(st.integers(0, 4)) == 0:
        clauses = [
            ("SET", ("x", 0), draw(_expressions)),
            ("REMOVE", ("x", 1)),
            ("SET", ("x", 7), draw(_simple)),
        ]
    return clauses


@st.composite
def key_updates(draw: st.DrawFn, keys: dict[str, list[Any]]) -> list[Any]:
    """Return clauses for attributes that are keys of indexes, from what they may be set to."""
    clauses: list[Any] = []
    for name, choices in keys.items():
        if draw(st.integers(0, 3)) == 0:
            value = draw(st.sampled_from([*choices, *choices, _GONE]))
            clauses.append(("REMOVE", (name,)) if value is _GONE else ("SET", (name,), ("value", value)))
    return clauses


# --- writing ------------------------------------------------------------------------------


def update_text(clauses: list[Any], words: Words) -> str:
    """Return an update as an expression."""
    sections = []
    for section in _SECTIONS:
        texts = [_clause(clause, words) for clause in clauses if clause[0] == section]
        if texts:
            sections.append(f"{section} {', '.join(texts)}")
    return " ".join(sections)


def _clause(clause: Any, words: Words) -> str:
    section, path, *rest = clause
    if section == "REMOVE":
        return words.path(path)
    if section == "SET":
        return f"{words.path(path)} = {_text(rest[0], words)}"
    return f"{words.path(path)} {words.value(rest[0])}"


def _text(expression: Any, words: Words) -> str:
    kind, *rest = expression
    match kind:
        case "value":
            return words.value(rest[0])
        case "path":
            return words.path(rest[0])
        case "append":
            return f"list_append({_text(rest[0], words)}, {_text(rest[1], words)})"
        case "default":
            return f"if_not_exists({words.path(rest[0])}, {_text(rest[1], words)})"
    return f"{_text(rest[0], words)} {kind} {_text(rest[1], words)}"


# --- applying -----------------------------------------------------------------------------


def only_takes(clauses: list[Any]) -> bool:
    """Tell whether an update stores nothing; it creates no item then."""
    return bool(clauses) and all(section in ("REMOVE", "DELETE") for section, *_ in clauses)


def applied(clauses: list[Any], item: dict[str, Any]) -> dict[str, Any]:
    """Return what an update makes of an item.

    Raises:
        Refused: The item does not have what the update needs.
    """
    for _, path, *_ in clauses:
        if len(path) > 1:
            _check_place(path, item)
    outcomes = [(path, _outcome(section, path, rest, item)) for section, path, *rest in clauses]
    changed = deepcopy(item)
    stored = [(path, value) for path, value in outcomes if value is not _GONE]
    for path, value in sorted(stored, key=lambda pair: str(pair[0])):
        if value is not _KEPT:
            _store(changed, path, deepcopy(value))
    for path in sorted((path for path, value in outcomes if value is _GONE), key=str, reverse=True):
        _remove(changed, path, item)
    return changed


_KEPT = object()


def _check_place(path: Path, item: dict[str, Any]) -> None:
    (container,) = at(path[:-1], item) or (None,)
    if not isinstance(container, dict if isinstance(path[-1], str) else list):
        raise Refused


def _outcome(section: str, path: Path, rest: list[Any], item: dict[str, Any]) -> Any:
    if section == "SET":
        return _value(rest[0], item)
    old = at(path, item)
    if section == "REMOVE":
        return _GONE
    (value,) = rest
    if not old:
        return value if section == "ADD" else _KEPT
    if tag_of(old[0]) != tag_of(value):
        raise Refused
    if section == "DELETE":
        return (old[0] - value) or _GONE
    return _sum(old[0], value) if isinstance(value, Decimal) else old[0] | value


def _value(expression: Any, item: dict[str, Any]) -> Any:
    kind, *rest = expression
    if kind == "value":
        return rest[0]
    if kind == "path":
        found = at(rest[0], item)
        if not found:
            raise Refused
        return found[0]
    if kind == "default":
        otherwise = _value(rest[1], item)
        (found,) = at(rest[0], item) or (otherwise,)
        return found
    one, other = (_value(operand, item) for operand in rest)
    if kind == "append":
        if not isinstance(one, list) or not isinstance(other, list):
            raise Refused
        return one + other
    if tag_of(one) != "N" or tag_of(other) != "N":
        raise Refused
    return _sum(one, other if kind == "+" else other.copy_negate())


def _sum(one: Decimal, other: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 400
        found = (one + other).normalize()
    if len(found.as_tuple().digits) > 38 or (found and not -130 <= found.adjusted() <= 125):
        raise Refused
    return found if found else Decimal(0)


def _store(item: Any, path: Path, value: Any) -> None:
    container = at(path[:-1], item)[0] if len(path) > 1 else item
    if isinstance(container, list) and path[-1] >= len(container):
        container.append(value)
    else:
        container[path[-1]] = value


def _remove(changed: Any, path: Path, before: Any) -> None:
    if at(path, before):
        container = at(path[:-1], changed)[0] if len(path) > 1 else changed
        del container[path[-1]]


def returned(
    kind: str, clauses: list[Any], old: dict[str, Any] | None, new: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the attributes that an update answers with, as its ReturnValues asks."""
    if kind in ("ALL_OLD", "ALL_NEW"):
        return (old if kind == "ALL_OLD" else new) or {}
    item = {"UPDATED_OLD": old, "UPDATED_NEW": new}.get(kind)
    if not item or (old is None and kind == "UPDATED_OLD"):
        return {}
    return project([path for _, path, *_ in clauses], item)
