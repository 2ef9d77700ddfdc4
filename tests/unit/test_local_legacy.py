"""Parameters from before expressions: checks, and what they become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dynamo_objects.expressions import tree
from dynamo_objects.local import legacy
from dynamo_objects.local.errors import ApiError
from dynamo_objects.local.expressions.testing import holds
from dynamo_objects.local.expressions.updating import apply

S, N, SS = {"S": "s"}, {"N": "1"}, {"SS": ["a"]}
ITEM: dict[str, Any] = {
    "a": {"S": "stuff"},
    "n": {"N": "1"},
    "ss": {"SS": ["a", "b"]},
    "l": {"L": [{"N": "1"}]},
    "a.b": {"N": "2"},
}
INVALID = "One or more parameter values were invalid: "


def words_of(caught: pytest.ExceptionInfo[ApiError]) -> str:
    """Return the message of an error."""
    return caught.value.message


def condition(operator: str, *values: dict[str, Any]) -> dict[str, Any]:
    """Return a legacy condition."""
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("n", condition("EQ", N), True),
        ("n", condition("NE", N), False),
        ("gone", condition("NE", N), True),
        ("n", condition("GE", N), True),
        ("n", condition("LT", N), False),
        ("n", condition("BETWEEN", {"N": "0"}, N), True),
        ("n", condition("IN", {"N": "0"}, N), True),
        ("a", condition("BEGINS_WITH", S), True),
        ("a", condition("CONTAINS", {"S": "uff"}), True),
        ("ss", condition("CONTAINS", {"S": "b"}), True),
        ("l", condition("CONTAINS", N), True),
        ("a", condition("NOT_CONTAINS", {"S": "uff"}), False),
        ("a", condition("NOT_CONTAINS", N), True),
        ("gone", condition("NOT_CONTAINS", N), False),
        ("gone", condition("NULL"), True),
        ("n", condition("NOT_NULL"), True),
        ("a.b", condition("EQ", {"N": "2"}), True),
    ],
)
def test_operators_mean_what_they_did(name: str, given: dict[str, Any], expected: bool) -> None:
    """
    Each ComparisonOperator holds when DynamoDB says so; a dot in a name is a dot.
    """
    assert expected is holds(legacy.filters({name: given}), ITEM)
    assert expected is holds(legacy.expected({"Expected": {name: given}}), ITEM)


@pytest.mark.parametrize(("operator", "expected"), [(None, False), ("AND", False), ("OR", True)])
def test_conditions_are_joined(operator: str | None, expected: bool) -> None:
    """
    All conditions must hold, or one of them with OR.
    """
    given = {"n": condition("EQ", N), "a": condition("NULL")}

    assert expected is holds(legacy.filters(given, operator), ITEM)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (condition("EQ"), INVALID + "Invalid number of argument(s) for the EQ ComparisonOperator"),
        (condition("NULL", S), INVALID + "Invalid number of argument(s) for the NULL ComparisonOperator"),
        (
            condition("BETWEEN", S),
            INVALID + "Invalid number of argument(s) for the BETWEEN ComparisonOperator",
        ),
        (condition("IN"), INVALID + "Invalid number of argument(s) for the IN ComparisonOperator"),
        (condition("IN", S, N), INVALID + "AttributeValues inside AttributeValueList must be of same type"),
        (condition("LT", SS), INVALID + "ComparisonOperator LT is not valid for SS AttributeValue type"),
        (
            condition("BEGINS_WITH", N),
            INVALID + "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
        ),
        (
            condition("CONTAINS", {"L": []}),
            INVALID + "ComparisonOperator CONTAINS is not valid for L AttributeValue type",
        ),
        (
            condition("BETWEEN", {"N": "2"}, N),
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
        ),
        (
            condition("EQ", {}),
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
    ],
)
def test_conditions_are_checked(given: dict[str, Any], message: str) -> None:
    """
    Number and types of values must be the operator's, in filters, key conditions and expectations.
    """
    for use in (
        lambda: legacy.filters({"a": given}),
        lambda: legacy.key_conditions({"a": given}),
        lambda: legacy.expected({"Expected": {"a": given}}),
    ):
        with pytest.raises(ApiError) as caught:
            use()
        assert message == words_of(caught)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"Value": N}, True),
        ({"Value": N, "Exists": True}, True),
        ({"Value": {"N": "2"}}, False),
        ({"Exists": False}, False),
        ({"ComparisonOperator": "GT", "Value": {"N": "0"}}, True),
    ],
)
def test_expectations_without_operator_compare_or_want_absence(given: dict[str, Any], expected: bool) -> None:
    """
    Value is compared for equality; Exists, when false, wants the attribute to be absent.
    """
    assert expected is holds(legacy.expected({"Expected": {"n": given}}), ITEM)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "Value must be provided when Exists is null"),
        ({"Exists": True}, "Value must be provided when Exists is true"),
        ({"Exists": False, "Value": S}, "Value cannot be used when Exists is false"),
        ({"Value": S, "AttributeValueList": [S]}, "Value and AttributeValueList cannot be used together"),
        (
            {"Value": S, "ComparisonOperator": "EQ", "Exists": True},
            "Exists and ComparisonOperator cannot be used together",
        ),
        (
            {"ComparisonOperator": "EQ"},
            "Value or AttributeValueList must be used with ComparisonOperator: EQ",
        ),
        ({"AttributeValueList": [S]}, "AttributeValueList can only be used with a ComparisonOperator"),
    ],
)
def test_expectations_are_checked(given: dict[str, Any], reason: str) -> None:
    """
    The members of an expectation must go together.
    """
    with pytest.raises(ApiError) as caught:
        legacy.expected({"Expected": {"a": given}})

    assert f"{INVALID}{reason} for Attribute: a" == words_of(caught)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "ConditionalOperator cannot be used without Filter or Expected"),
        (
            {"Expected": {"a": {"Exists": False}}},
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ),
    ],
)
def test_conditional_operator_needs_something_to_join(request_: dict[str, Any], message: str) -> None:
    """
    ConditionalOperator stands with two conditions or more.
    """
    with pytest.raises(ApiError) as caught:
        legacy.expected({**request_, "ConditionalOperator": "OR"})

    assert message == words_of(caught)


# --- updates and attributes to get --------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("n", {"Value": S}, S),
        ("n", {"Value": N, "Action": "ADD"}, {"N": "2"}),
        ("new", {"Value": N, "Action": "ADD"}, N),
        ("ss", {"Value": {"SS": ["b", "c"]}, "Action": "ADD"}, {"SS": ["a", "b", "c"]}),
        ("ss", {"Value": SS, "Action": "DELETE"}, {"SS": ["b"]}),
        ("l", {"Value": {"L": [S]}, "Action": "ADD"}, {"L": [N, S]}),
        ("a.b", {"Action": "DELETE"}, None),
    ],
)
def test_attribute_updates_change_items(
    name: str, given: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    """
    Actions do what DynamoDB does; ADD to a list appends.
    """
    changes = legacy.attribute_updates({name: given})

    assert expected == apply(changes, ITEM).item.get(name)
    assert (name,) == changes.attributes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, INVALID + "Only DELETE action is allowed when no attribute value is specified"),
        ({"Action": "ADD", "Value": S}, INVALID + "ADD action is not supported for the type STRING"),
        (
            {"Action": "DELETE", "Value": N},
            INVALID + "DELETE action with value is not supported for the type NUMBER",
        ),
    ],
)
def test_attribute_updates_are_checked(given: dict[str, Any], message: str) -> None:
    """
    Actions must have values, of types that they can work with.
    """
    with pytest.raises(ApiError) as caught:
        legacy.attribute_updates({"a": given})

    assert message == words_of(caught)


def test_attribute_updates_must_match_what_is_stored() -> None:
    """
    A value of another type than the stored one cannot be added.
    """
    changes = legacy.attribute_updates({"a": {"Action": "ADD", "Value": N}})

    with pytest.raises(ApiError, match="Type mismatch for attribute to update"):
        apply(changes, ITEM)


def test_attributes_to_get_are_names() -> None:
    """
    AttributesToGet has names at the top, each once.
    """
    assert (tree.Path(("a.b",)), tree.Path(("n",))) == legacy.attributes_to_get(["a.b", "n"])
    with pytest.raises(ApiError, match="Duplicate value in attribute name: n"):
        legacy.attributes_to_get(["n", "n"])


# --- mixing -------------------------------------------------------------------------------

QUERY = (
    ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"),
    ("ProjectionExpression", "FilterExpression", "KeyConditionExpression"),
)
VALUES = {"ExpressionAttributeValues": {":v": S}}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"KeyConditions": {}, "FilterExpression": "a = b"}, None),
        ({"KeyConditions": {}, "QueryFilter": {}}, None),
        (
            {"KeyConditions": {}, "KeyConditionExpression": "a = b"},
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}",
        ),
        (
            {"QueryFilter": {}, "AttributesToGet": [], "FilterExpression": "a", "ProjectionExpression": "a"},
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {AttributesToGet, QueryFilter} "
            "Expression parameters: {ProjectionExpression, FilterExpression}",
        ),
        (
            {"ExpressionAttributeNames": {"#a": "a"}},
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            VALUES | {"ProjectionExpression": "a"},
            "ExpressionAttributeValues can only be specified when using expressions: "
            "FilterExpression and KeyConditionExpression are null",
        ),
        (VALUES | {"FilterExpression": "a"}, None),
    ],
)
def test_old_and_new_parameters_do_not_mix(request_: Mapping[str, Any], message: str | None) -> None:
    """
    A request has expressions or their predecessors, and names and values only with expressions.
    """
    if message is None:
        legacy.check_mixed(request_, *QUERY)
        return
    with pytest.raises(ApiError) as caught:
        legacy.check_mixed(request_, *QUERY)

    assert message == words_of(caught)
