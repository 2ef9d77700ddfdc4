"""Updates: what is refused, and what becomes of items."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects.local.errors import ApiError
from dynamo_objects.local.expressions.parsing import update
from dynamo_objects.local.expressions.placeholders import Placeholders
from dynamo_objects.local.expressions.updating import Applied, apply
from tests.unit.test_local_expressions_texts import UPDATE, parsed, refusal

ITEM: dict[str, Any] = {
    "p": {"S": "key"},
    "n": {"N": "1"},
    "s": {"S": "s"},
    "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}]},
    "m": {"M": {"x": {"N": "1"}, "l": {"L": [{"N": "5"}, {"M": {"z": {"S": "q"}}}]}}},
    "ss": {"SS": ["a", "b"]},
}


def applied(text: str) -> Applied:
    """Return what an update makes of the item."""
    return apply(parsed(UPDATE, text), ITEM)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("INVALID SYNTAX HERE", 'Syntax error; token: "INVALID", near: "INVALID SYNTAX"'),
        ("SET a = :n,", 'Syntax error; token: "<EOF>", near: ","'),
        ("SET a = :n + :n + :n", 'Syntax error; token: "+", near: ":n + :n"'),
        ("SET a = (:n + :n) + :n", 'Syntax error; token: "+", near: ") + :n"'),
        ("SET a = foo(:n + :n)", 'Syntax error; token: "+", near: ":n + :n"'),
        ("SET a = :nREMOVE b", 'Syntax error; token: "b", near: ":nREMOVE b"'),
        ("SET a = ((:n))", "The expression has redundant parentheses;"),
        ("SET a = :n SET b = :n", 'The "SET" section can only be used once in an update expression;'),
        ("SET a = :n SET b = foo(:n)", "Invalid function name; function: foo"),
        ("SET a = size(l)", "The function is not allowed in an update expression; function: size"),
        (
            "SET a = list_append(l, :l) + :n",
            "The function is not allowed to be used this way in an expression; function: list_append",
        ),
        (
            "SET a = if_not_exists(:n, :n)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SET a = :s + :n",
            "Incorrect operand type for operator or function; operator or function: +, operand type: S",
        ),
        (
            "ADD a :s",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
        ),
        (
            "DELETE a :n",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
        ),
        (
            "SET a = :n REMOVE a.b",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; "
            "path one: [a], path two: [a, b]",
        ),
        (
            "SET a = :zz, a = :n",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; "
            "path one: [a], path two: [a]",
        ),
        (
            "SET b = :n, b.a = :n, b[1] = :n",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; "
            "path one: [b, a], path two: [b, [1]]",
        ),
        (
            "SET b = list_append(:s, a), c = if_not_exists(a) ADD a.b :s",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
        ),
    ],
)
def test_updates_are_refused_in_the_words_of_the_service(text: str, message: str) -> None:
    """
    What DynamoDB refuses is refused, in its words; of several clauses the last one's error.
    """
    assert message == refusal(UPDATE, text)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("SET a = :n", "a", {"N": "1"}),
        ("SET a = ((:n) + n)", "a", {"N": "2"}),
        ("SET a = n - :n", "a", {"N": "0"}),
        ("SET a = if_not_exists(gone, if_not_exists(s, :n))", "a", {"S": "s"}),
        ("SET n = if_not_exists(n, :n) + :n", "n", {"N": "2"}),
        ("SET a = list_append(:l, if_not_exists(gone, l))", "a", ITEM["l"]),
        ("SET n = s, s = n", "n", {"S": "s"}),
        ("SET l[1] = :s, l[3] = :s", "l", {"L": [{"N": "0"}, {"S": "s"}, {"N": "2"}, {"S": "s"}]}),
        (
            "SET l[9] = :s, l[7] = :n",
            "l",
            {"L": [*ITEM["l"]["L"], {"N": "1"}, {"S": "s"}]},
        ),
        ("REMOVE l[1], l[3], l[9]", "l", {"L": [{"N": "0"}, {"N": "2"}]}),
        ("REMOVE l[0], l[2] SET l[1] = :s", "l", {"L": [{"S": "s"}, {"N": "3"}]}),
        ("REMOVE s", "s", None),
        ("REMOVE gone", "gone", None),
        ("REMOVE m.l", "m", {"M": {"x": {"N": "1"}}}),
        (
            "SET m.l[1].z = :n",
            "m",
            {"M": {**ITEM["m"]["M"], "l": {"L": [{"N": "5"}, {"M": {"z": {"N": "1"}}}]}}},
        ),
        ("ADD n :n", "n", {"N": "2"}),
        ("ADD a :n", "a", {"N": "1"}),
        ("ADD ss :ss", "ss", {"SS": ["a", "b"]}),
        ("ADD m.x :n", "m", {"M": {**ITEM["m"]["M"], "x": {"N": "2"}}}),
        ("ADD l[9] :n", "l", {"L": [*ITEM["l"]["L"], {"N": "1"}]}),
        ("DELETE ss :ss", "ss", {"SS": ["b"]}),
        ("DELETE gone :ss", "gone", None),
    ],
)
def test_updates_change_items(text: str, name: str, expected: dict[str, Any] | None) -> None:
    """
    An update makes of an item what DynamoDB makes of it, and leaves the old one alone.
    """
    before = repr(ITEM)

    changed = applied(text).item

    assert expected == changed.get(name)
    assert before == repr(ITEM)


def test_a_set_that_loses_all_its_members_is_removed() -> None:
    """
    There are no empty sets: the attribute goes.
    """
    changes = parsed(UPDATE, "DELETE a :ss")

    assert {"p": {"S": "key"}} == apply(changes, {"p": {"S": "key"}, "a": {"SS": ["a"]}}).item


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET a = gone", "The provided expression refers to an attribute that does not exist in the item"),
        (
            "SET a = gone + :n",
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        ("SET a = s + :n", "An operand in the update expression has an incorrect data type"),
        ("SET a = list_append(:l, s)", "An operand in the update expression has an incorrect data type"),
        ("ADD s :n", "An operand in the update expression has an incorrect data type"),
        ("DELETE n :ss", "An operand in the update expression has an incorrect data type"),
        ("SET gone.a = :n", "The document path provided in the update expression is invalid for update"),
        ("SET l.a = :n", "The document path provided in the update expression is invalid for update"),
        ("SET m[0] = :n", "The document path provided in the update expression is invalid for update"),
        ("SET l[9].a = :n", "The document path provided in the update expression is invalid for update"),
        ("REMOVE gone.a", "The document path provided in the update expression is invalid for update"),
        ("DELETE m.gone.a :ss", "The document path provided in the update expression is invalid for update"),
    ],
)
def test_items_must_have_what_an_update_needs(text: str, message: str) -> None:
    """
    An update that needs what the item does not have is refused in the service's words.
    """
    with pytest.raises(ApiError) as caught:
        applied(text)

    assert message == caught.value.message


@pytest.mark.parametrize(
    ("stored", "added", "expected"),
    [
        ("9" * 38, "1", "1" + "0" * 38),
        ("0.1", "0.2", "0.3"),
        ("1" + "0" * 30, "0.1", "1" + "0" * 30 + ".1"),
        ("0.5", "-0.5", "0"),
        ("9" * 38, "2", None),
        ("9" + "0" * 125, "9" + "0" * 125, None),
        ("1" + "0" * 50, "1", None),
    ],
)
def test_sums_are_exact_or_refused(stored: str, added: str, expected: str | None) -> None:
    """
    A sum has all its digits, or DynamoDB's error for numbers that it cannot store.
    """
    request = {UPDATE: "SET n = n + :n", "ExpressionAttributeValues": {":n": {"N": added}}}
    changes = update("SET n = n + :n", Placeholders.of(request))

    if expected is not None:
        assert {"N": expected} == apply(changes, {"n": {"N": stored}}).item["n"]
    else:
        with pytest.raises(ApiError, match="Number overflow"):
            apply(changes, {"n": {"N": stored}})


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("SET n = :n, a = :s", {"n": {"N": "1"}}, {"n": {"N": "1"}, "a": {"S": "s"}}),
        ("REMOVE s", {"s": {"S": "s"}}, {}),
        (
            "SET m.l[1].z = :n, m.x = :s",
            {"m": {"M": {"x": {"N": "1"}, "l": {"L": [{"M": {"z": {"S": "q"}}}]}}}},
            {"m": {"M": {"x": {"S": "s"}, "l": {"L": [{"M": {"z": {"N": "1"}}}]}}}},
        ),
        ("SET m.q = :n", {}, {"m": {"M": {"q": {"N": "1"}}}}),
        ("SET l[100] = :n", {}, {}),
        ("REMOVE l[1], l[9]", {"l": {"L": [{"N": "1"}]}}, {"l": {"L": [{"N": "2"}]}}),
    ],
)
def test_updated_values_are_those_at_the_paths(text: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """
    UPDATED_OLD and UPDATED_NEW have what stands at the paths of the update, and nothing else.

    Source: ScyllaDB's test_returnvalues.py, which runs on AWS too; also of the list's end and shift.
    """
    done = applied(text)

    assert old == done.old
    assert new == done.new


def test_values_must_not_nest_too_deeply() -> None:
    """
    What SET stores at a deep place counts from the top of the item.
    """
    value: dict[str, Any] = {"L": []}
    for _ in range(29):
        value = {"L": [value]}
    request = {UPDATE: "SET m.l[1].z = :v", "ExpressionAttributeValues": {":v": value}}
    changes = update("SET m.l[1].z = :v", Placeholders.of(request))

    with pytest.raises(ApiError, match="Nesting Levels have exceeded"):
        apply(changes, ITEM)
