"""Key conditions: what queries ask of keys, by expressions and by legacy conditions."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects.local.definitions import KeyPart, Keys
from dynamo_objects.local.errors import ApiError
from dynamo_objects.local.expressions.keyconditions import KeyRange, conditions_of, key_range
from dynamo_objects.local.legacy import key_conditions
from tests.unit.test_local_expressions_texts import parsed, refusal

KIND = "KeyConditionExpression"
HASH = Keys((KeyPart("p", "S"),))
BOTH = Keys((KeyPart("p", "S"),), (KeyPart("r", "N"),))
MANY = Keys(
    (KeyPart("h1", "S"), KeyPart("h2", "N")),
    (KeyPart("r1", "S"), KeyPart("r2", "S"), KeyPart("r3", "N")),
)
S, N, N2 = {"S": "s"}, {"N": "1"}, {"N": "2"}


def asked(text: str, keys: Keys) -> KeyRange:
    """Return what a query asks for."""
    return key_range(parsed(KIND, text), keys)


@pytest.mark.parametrize(
    ("text", "keys", "expected"),
    [
        ("p = :s", HASH, KeyRange({"p": S}, {})),
        ("(:s = p)", BOTH, KeyRange({"p": S}, {})),
        ("r = :n AND p = :s", BOTH, KeyRange({"p": S}, {"r": N})),
        ("p = :s AND :n < r", BOTH, KeyRange({"p": S}, {}, BOTH.range[0], ">", (N,))),
        ("p = :s AND r <= :n", BOTH, KeyRange({"p": S}, {}, BOTH.range[0], "<=", (N,))),
        (
            "(p = :s) AND (r BETWEEN :n AND :n2)",
            BOTH,
            KeyRange({"p": S}, {}, BOTH.range[0], "BETWEEN", (N, N2)),
        ),
        ("h2 = :n AND h1 = :s", MANY, KeyRange({"h1": S, "h2": N}, {})),
        (
            "h1 = :s AND h2 = :n AND r2 = :s AND r1 = :s AND r3 > :n",
            MANY,
            KeyRange({"h1": S, "h2": N}, {"r1": S, "r2": S}, MANY.range[2], ">", (N,)),
        ),
        (
            "h1 = :s AND (h2 = :n AND begins_with(r1, :s))",
            MANY,
            KeyRange({"h1": S, "h2": N}, {}, MANY.range[0], "begins_with", (S,)),
        ),
    ],
)
def test_queries_ask_for_ranges_of_keys(text: str, keys: Keys, expected: KeyRange) -> None:
    """
    A key condition is the hash attributes, the leading range attributes, and one condition at most.
    """
    assert expected == asked(text, keys)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a > b AND size(b) > c OR a > c", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT p = :s", "Invalid operator used in KeyConditionExpression: NOT"),
        ("p IN (:s)", "Invalid operator used in KeyConditionExpression: IN"),
        ("p <> :s", "Invalid operator used in KeyConditionExpression: <>"),
        ("contains(a.d, b)", "Invalid operator used in KeyConditionExpression: contains"),
        ("attribute_type(p, :type)", "Invalid operator used in KeyConditionExpression: attribute_type"),
        ("p = :s AND size(r) = :n", "KeyConditionExpressions cannot contain nested operations"),
        ("p.a = :s", "KeyConditionExpressions cannot have conditions on nested attributes"),
        (
            "p = :s AND p = :s",
            "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key",
        ),
        (
            "p = r",
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
        ),
        (":s = :s", "Invalid condition in KeyConditionExpression: No key attribute specified"),
        (
            "p = :s AND begins_with(:s, r)",
            "Invalid condition in KeyConditionExpression: "
            "begins_with operator must have the key attribute as its first operand",
        ),
        (
            ":s BETWEEN p AND r",
            "Invalid condition in KeyConditionExpression: "
            "BETWEEN operator must have the key attribute as its first operand",
        ),
    ],
)
def test_what_no_key_can_have_is_refused_before_keys_are_known(text: str, message: str) -> None:
    """
    What cannot be a key condition is refused without a look at the table.
    """
    node = parsed(KIND, text)

    with pytest.raises(ApiError) as caught:
        conditions_of(node)

    assert message == caught.value.message


def test_key_conditions_are_conditions() -> None:
    """
    A KeyConditionExpression is checked as any condition is.
    """
    expected = "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"

    assert expected == refusal(KIND, "p < :t")


TOO_MANY = (
    "The number of query conditions ({}) exceeds the number of key attributes defined in the schema ({})"
)
GAP = (
    "RANGE key attributes {} must have equality conditions specified in the query "
    "because a condition is present on key attribute {}"
)


@pytest.mark.parametrize(
    ("text", "keys", "message"),
    [
        ("r = :n", BOTH, "Query condition missed key schema element: p"),
        ("x = :s", HASH, "Query condition missed key schema element: p"),
        ("p = :s AND x = :s", BOTH, "Query condition missed key schema element: r"),
        ("p = :s AND x = :s", HASH, TOO_MANY.format(2, 1)),
        ("p > :s", HASH, "Query key condition not supported"),
        ("begins_with(p, :s)", BOTH, "Query key condition not supported"),
        ("p = :s AND r = :n AND x = :n", BOTH, TOO_MANY.format(3, 2)),
        (
            "p = :n",
            BOTH,
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "p = :s AND r > :s",
            BOTH,
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        ("h1 = :s", MANY, "Query condition missed key schema element: h2"),
        ("h1 = :s AND h2 > :n", MANY, "Query key condition not supported"),
        ("h1 = :s AND h2 = :n AND x = :s", MANY, "Query condition missed key schema element: r1"),
        ("h1 = :s AND h2 = :n AND r2 = :s", MANY, GAP.format("r1", "r2")),
        ("h1 = :s AND h2 = :n AND r1 = :s AND r3 = :n", MANY, GAP.format("r2", "r3")),
        ("h1 = :s AND h2 = :n AND r1 > :s AND r2 = :s", MANY, GAP.format("r1", "r2")),
    ],
)
def test_key_conditions_must_go_with_the_keys(text: str, keys: Keys, message: str) -> None:
    """
    What the keys of the table or index do not allow is refused in the service's words.
    """
    with pytest.raises(ApiError) as caught:
        asked(text, keys)

    assert message == caught.value.message


def legacy(operator: str, *values: dict[str, Any]) -> dict[str, Any]:
    """Return a condition of KeyConditions."""
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


def test_legacy_key_conditions_ask_for_the_same() -> None:
    """
    KeyConditions become what the expression becomes.
    """
    conditions = key_conditions({"p": legacy("EQ", S), "r": legacy("BETWEEN", N, N2)})

    assert asked("p = :s AND r BETWEEN :n AND :n2", BOTH) == key_range(conditions, BOTH)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "Conditions can be of length 1 or 2 only"),
        (
            {"p": legacy("NULL")},
            "Attempted conditional constraint is not an indexable operation",
        ),
        ({"p": legacy("NE", S)}, "Attempted conditional constraint is not an indexable operation"),
        ({"p": legacy("GT", S)}, "Query key condition not supported"),
        ({"x": legacy("NULL")}, "Query condition missed key schema element: p"),
        (
            {"p": legacy("EQ", N)},
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
    ],
)
def test_legacy_key_conditions_must_go_with_the_keys(raw: dict[str, Any], message: str) -> None:
    """
    KeyConditions that keys do not allow are refused in the service's words.
    """
    with pytest.raises(ApiError) as caught:
        key_range(key_conditions(raw), BOTH)

    assert message == caught.value.message
