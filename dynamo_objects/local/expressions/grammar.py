"""Expressions as templates: a text in, what it says with its placeholders still in it out.

A template is made once for each text; ``parsing`` puts the names and values of a request into it.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from ...expressions.tree import Path
from .machine import Machine, PathText, Step
from .tokens import END, failure

__all__ = [
    "MAX_PATH",
    "Action",
    "ConditionText",
    "Steps",
    "UpdateText",
    "condition_text",
    "projection_text",
    "update_text",
]

#: An expression may be this long. DynamoDB Local counts characters; others than ASCII are
#: syntax errors anyway (AWS Developer Guide, "Quotas": 4 KB).
_MAX_LENGTH = 4096

#: Names and indexes of one path (DynamoDB Local; Developer Guide, "Quotas": 32 levels).
MAX_PATH = 32

_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")

#: Steps, with the paths that need no names made already.
Steps = tuple[Step | tuple[str, Path], ...]


class ConditionText(msgspec.Struct, frozen=True):
    """A condition: steps for a stack machine, and how many operators and functions it has."""

    steps: Steps
    operators: int


class Action(msgspec.Struct, frozen=True):
    """One clause of an update.

    Attributes:
        section: ``SET``, ``REMOVE``, ``ADD`` or ``DELETE``.
        path: What is changed.
        steps: The right side of SET; the value of ADD and DELETE.
    """

    section: str
    path: PathText
    steps: Steps = ()


class UpdateText(msgspec.Struct, frozen=True):
    """An update: its clauses as they stand, and how many operators and functions they have."""

    actions: tuple[Action, ...]
    operators: int


@lru_cache(maxsize=4096)
def condition_text(kind: str, text: str) -> ConditionText:
    """Return the template of a condition.

    Args:
        kind: ``ConditionExpression``, ``FilterExpression`` or ``KeyConditionExpression``.

    Raises:
        ApiError: It is none, whatever its placeholders stand for.
    """
    machine = _machine(kind, text)
    machine.condition()
    machine.finish()
    return ConditionText(_prepared(machine.steps), machine.operators)


@lru_cache(maxsize=4096)
def update_text(text: str) -> UpdateText:
    """Return the template of an update.

    Raises:
        ApiError: It is none, whatever its placeholders stand for.
    """
    machine = _machine("UpdateExpression", text)
    actions: list[Action] = []
    sections: list[str] = []
    while machine.token.kind != END or not sections:
        sections.append(_section(machine, actions))
    machine.finish()
    for at, section in enumerate(sections):
        if section in sections[:at]:
            raise failure(
                machine.kind, f'The "{section}" section can only be used once in an update expression;'
            )
    return UpdateText(tuple(actions), machine.operators)


@lru_cache(maxsize=4096)
def projection_text(text: str) -> tuple[PathText, ...]:
    """Return the paths of a projection.

    Raises:
        ApiError: It is none, whatever its placeholders stand for.
    """
    machine = _machine("ProjectionExpression", text)
    paths = [machine.path()]
    while machine.token.kind == ",":
        machine.at += 1
        paths.append(machine.path())
    machine.finish()
    return tuple(paths)


def _machine(kind: str, text: str) -> Machine:
    if not text:
        raise failure(kind, "The expression can not be empty;")
    if len(text) > _MAX_LENGTH:
        # Only conditions tell their size (DynamoDB Local).
        size = f" expression size: {len(text)}" if "Condition" in kind or "Filter" in kind else ""
        raise failure(kind, f"Expression size has exceeded the maximum allowed size;{size}")
    return Machine(kind, text)


def _prepared(steps: list[Step]) -> Steps:
    """Return steps in which the paths without placeholders are ready."""
    return tuple(
        ("ready", Path(given))
        if what == "path" and isinstance(given, tuple) and len(given) <= MAX_PATH and not _has_names(given)
        else (what, given)
        for what, given in steps
    )


def _has_names(path: PathText) -> bool:
    return any(isinstance(step, str) and step.startswith("#") for step in path)


def _section(machine: Machine, actions: list[Action]) -> str:
    """Take one section with all its clauses."""
    section = machine.token.kind
    if section not in _SECTIONS:
        machine.fail()
    machine.at += 1
    actions.append(_action(machine, section))
    while machine.token.kind == ",":
        machine.at += 1
        actions.append(_action(machine, section))
    if machine.token.kind not in (*_SECTIONS, END):
        machine.fail()
    return section


def _action(machine: Machine, section: str) -> Action:
    path = machine.path()
    if section == "REMOVE":
        return Action(section, path)
    if section == "SET":
        machine.expect("=")
        machine.set_value()
    else:
        machine.steps.append(("value", machine.expect(":").text))
    action = Action(section, path, _prepared(machine.steps))
    machine.steps.clear()
    return action
