"""Expressions of requests: what is refused, with which words, and what conditions mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from dynamo_objects.expressions import tree
from dynamo_objects.local.errors import ApiError
from dynamo_objects.local.expressions.parsing import attributes_in, condition, projection, update
from dynamo_objects.local.expressions.placeholders import Placeholders
from dynamo_objects.local.expressions.projecting import project
from dynamo_objects.local.expressions.testing import holds

FILTER, UPDATE, PROJECTION = "FilterExpression", "UpdateExpression", "ProjectionExpression"
VALUES: dict[str, dict[str, Any]] = {
    ":s": {"S": "s"},
    ":n": {"N": "1"},
    ":n2": {"N": "2"},
    ":b": {"B": "AA=="},
    ":l": {"L": []},
    ":m": {"M": {}},
    ":t": {"BOOL": True},
    ":z": {"NULL": True},
    ":ss": {"SS": ["a"]},
    ":type": {"S": "N"},
}
ITEM: dict[str, Any] = {
    "p": {"S": "key"},
    "n": {"N": "1"},
    "s": {"S": "stuff"},
    "l": {"L": [{"N": "0"}, {"N": "1"}, {"M": {"x": {"S": "s"}, "y": {"N": "2"}}}]},
    "m": {"M": {"x": {"N": "1"}, "y": {"L": []}}},
    "ss": {"SS": ["a", "b"]},
}


def request(kind: str, text: str) -> dict[str, Any]:
    """Return a request with one expression, and the values and names that it uses."""
    made: dict[str, Any] = {kind: text}
    values = {key: VALUES[key] for key in re.findall(r":\w+", text) if key in VALUES}
    names = {key: key[1:] for key in re.findall(r"#[a-y]\w*", text)}
    if values:
        made["ExpressionAttributeValues"] = values
    if names:
        made["ExpressionAttributeNames"] = names
    return made


def parsed(kind: str, text: str) -> Any:
    """Return what an expression becomes."""
    placeholders = Placeholders.of(request(kind, text))
    if kind == UPDATE:
        return update(text, placeholders)
    return projection(text, placeholders) if kind == PROJECTION else condition(kind, text, placeholders)


def refusal(kind: str, text: str) -> str:
    """Return the words with which an expression is refused."""
    with pytest.raises(ApiError) as caught:
        parsed(kind, text)
    assert "ValidationException" == caught.value.code
    return caught.value.message.removeprefix(f"Invalid {kind}: ")


# --- conditions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "token", "near"),
    [
        ("a = = :s", "=", "= = :s"),
        ("a =", "<EOF>", "="),
        ("= a", "=", "= a"),
        ("  ", "<EOF>", "  "),
        ("a b c", "b", "a b c"),
        ("a = :s)", ")", ":s)"),
        ("(a = :s", "<EOF>", ":s"),
        ("a = 5", "5", "= 5"),
        ('a = "x y"', '"x y"', '= "x y"'),
        ("_a = :s", "_", "_a"),
        ("a[01] = :s", "1", "01]"),
        ("a[-1] = :s", "-", "[-1"),
        ("a NOT IN (:s)", "NOT", "a NOT IN"),
        ("a IN ()", ")", "()"),
        ("a AND b", "AND", "a AND b"),
        ("(a) AND (b)", "AND", ") AND ("),
        ("NOT a", "<EOF>", "a"),
        ("size(a).b = :n", ".", ").b"),
        ("a = set", "set", "= set"),
        ("a = é", "é", "= é"),
        ("foo(a) = = ", "=", "= = "),
    ],
)
def test_syntax_errors_show_the_token_and_its_neighbours(text: str, token: str, near: str) -> None:
    """
    A syntax error names the token, and shows the text from the one before to the one behind.
    """
    message = refusal(FILTER, text)

    assert f'Syntax error; token: "{token}", near: "{near}"' == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("((a = :s))", "The expression has redundant parentheses;"),
        ("((a)) = :s", "The expression has redundant parentheses;"),
        ("foo(((a)))", "The expression has redundant parentheses;"),
        ("status = :s", "Attribute name is a reserved keyword; reserved keyword: status"),
        ("a.Name = :s", "Attribute name is a reserved keyword; reserved keyword: Name"),
        ("foo(status)", "Invalid function name; function: foo"),
        ("status = foo(a)", "Attribute name is a reserved keyword; reserved keyword: status"),
        ("SIZE(a) = :n", "Invalid function name; function: SIZE"),
        (
            "if_not_exists(a, :n) = :n",
            "The function is not allowed in a condition expression; function: if_not_exists",
        ),
        (
            "size(a)",
            "The function is not allowed to be used this way in an expression; function: size",
        ),
        (
            "attribute_exists(a) = :t",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            "attribute_exists(:s)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "begins_with(a)",
            "Incorrect number of operands for operator or function; "
            "operator or function: begins_with, number of operands: 1",
        ),
        (
            "a < :l",
            "Incorrect operand type for operator or function; operator or function: <, operand type: L",
        ),
        (
            "begins_with(a, :n)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "size(:n) = :n",
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            "a = #a",
            "The first operand must be distinct from the remaining operands for this operator or function; "
            "operator: =, first operand: [a]",
        ),
        (
            "contains(a.b[0], a.b[0])",
            "The first operand must be distinct from the remaining operands for this operator or function; "
            "operator: contains, first operand: [a, b, [0]]",
        ),
        (
            "a BETWEEN :n2 AND :n",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            "lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
        ),
        (
            "a BETWEEN :n AND :s",
            "The BETWEEN operator requires same data type for lower and upper bounds; "
            "lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:s}",
        ),
        (
            "attribute_type(a, :s)",
            "Invalid attribute type name found; type: s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "#z = :s",
            "An expression attribute name used in the document path is not defined; attribute name: #z",
        ),
        (
            "a = :zz",
            "An expression attribute value used in expression is not defined; attribute value: :zz",
        ),
        ("a" + "[0]" * 32 + " = :s", "The document path has too many nesting levels; nesting levels: 33"),
        (
            "a[2147483648] = :s",
            "List index is not within the allowable range; index: [2147483648]",
        ),
        (
            "a IN (" + ",".join([":s"] * 100) + ")",
            "The IN operator is provided with too many operands; number of operands: 101",
        ),
        ("NOT " * 300 + "a = :s", "The expression contains too many operators; operator count: 301"),
        (
            "a = :s".ljust(4097),
            "Expression size has exceeded the maximum allowed size; expression size: 4097",
        ),
    ],
)
def test_conditions_are_refused_in_the_words_of_the_service(text: str, message: str) -> None:
    """
    What DynamoDB refuses is refused, in its words.
    """
    assert message == refusal(FILTER, text)


@pytest.mark.parametrize(
    "text",
    [
        "a = = :s AND foo(b)",
        "((a = :s)) AND foo(b)",
        "foo(b) AND a = a",
        "a = a AND b = :zz",
        "b = :zz AND a = a",
        "a = a" + " OR a = :s" * 200,
    ],
)
def test_the_first_of_several_errors_is_the_one_of_the_service(text: str) -> None:
    """
    Syntax comes before brackets, these before functions, these before operands, in their order.
    """
    order = ("Syntax", "redundant", "Invalid function", "distinct", "not defined", "too many")
    expected = {
        "a = = :s AND foo(b)": "Syntax",
        "((a = :s)) AND foo(b)": "redundant",
        "foo(b) AND a = a": "Invalid function",
        "b = :zz AND a = a": "not defined",
    }.get(text, "distinct")

    message = refusal(FILTER, text)

    assert expected == next(word for word in order if word in message)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n = :n", True),
        ("(n) = (:n)", True),
        (":n = n AND NOT (s = :s OR s = :n)", True),
        ("s = :s OR s = :n AND n = :n", False),
        ("NOT NOT n = :n", True),
        ("NOT n = :n OR n = :n", True),
        ("n between :n and :n2", True),
        ("n IN (:s, (:n))", True),
        ("m.x = l[1]", True),
        ("#m.#x = #l[1]", True),
        ("size(l) > size(ss)", True),
        ("size(:ss) = n", True),
        ("size(:s) = :n2", False),
        ("attribute_type(n, :type)", True),
        ("attribute_type(:n, :type)", True),
        ("attribute_type(size(l), :type)", True),
        ("attribute_type(size(n), :type)", False),
        ("begins_with(s, :s)", True),
        ("begins_with(:s, l[2].x)", True),
        ("contains(:ss, l[2].x)", False),
        ("contains(s, l[2].x)", True),
        ("contains(size(l), n)", False),
        ("attribute_exists((m.y))", True),
        ("attribute_not_exists(m.y[0])", True),
        (":s < :n", False),
    ],
)
def test_conditions_hold_as_they_read(text: str, expected: bool) -> None:
    """
    A condition holds for an item when DynamoDB says so.
    """
    assert expected is holds(parsed(FILTER, text), ITEM)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 4000,
        "NOT " * 1000,
        "(NOT " * 800,
        "size(" * 800,
        "a" + "[0]" * 1300,
        "a.b" + ".b" * 2000 + " = a",
        "(a = :s AND " * 290 + "a = :s" + ")" * 290,
    ],
)
def test_depth_costs_no_stack(text: str) -> None:
    """
    However deeply a text is nested, it is refused as any other.
    """
    assert "RecursionError" not in refusal(FILTER, text)


def test_the_deepest_accepted_condition_is_tested() -> None:
    """
    A condition of as many operators and brackets as there may be can be put to an item.
    """
    text = "(n = :n AND " * 149 + "n = :n" + ")" * 149

    assert holds(parsed(FILTER, text), ITEM) is True


def test_attributes_in_a_condition_are_known() -> None:
    """
    The names of all attributes that a condition looks at are found, however it does.
    """
    looked_at = parsed(
        FILTER,
        "a.b = :n OR NOT (size(c) IN (:n, d) AND begins_with(:s, e)) OR f BETWEEN g AND :n OR size(:s) = h",
    )

    assert set("acdefgh") == attributes_in(looked_at)


# --- placeholders -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        ({}, {}, "ExpressionAttributeNames must not be empty"),
        (None, {}, "ExpressionAttributeValues must not be empty"),
        (
            {"a": "a"},
            {},
            'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"',
        ),
        (
            None,
            {":a-b": {"S": "s"}},
            'ExpressionAttributeValues contains invalid key: Syntax error; key: ":a-b"',
        ),
        (
            {"#a": ""},
            None,
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a",
        ),
        (
            None,
            {":a": {}},
            "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, "
            "must contain exactly one of the supported datatypes for key :a",
        ),
        (
            None,
            {":a": {"SS": []}},
            "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: "
            "An string set  may not be empty for key :a",
        ),
        (
            {"#a": "a", "#b": "b"},
            {":a": {"S": "s"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}",
        ),
        (
            None,
            {":a": {"S": "s"}, ":b": {"S": "s"}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:a, :b}",
        ),
    ],
)
def test_placeholders_are_checked(
    names: Mapping[str, Any] | None, values: Mapping[str, Any] | None, message: str
) -> None:
    """
    Names and values must be well-formed, and every one must be used.
    """
    given = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
    whole = {PROJECTION: "x", **{name: held for name, held in given.items() if held is not None}}

    with pytest.raises(ApiError) as caught:
        Placeholders.of(whole).check_used()

    assert message == caught.value.message


def test_numbers_in_values_are_normal() -> None:
    """
    A value is compared and stored with its number in the normal form.
    """
    placeholders = Placeholders.of({FILTER: "a = :a", "ExpressionAttributeValues": {":a": {"N": "01.50"}}})

    made = condition(FILTER, "a = :a", placeholders)

    assert tree.Compare("=", tree.Path(("a",)), tree.Value({"N": "1.5"})) == made


# --- projections --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n, #s", {"n": {"N": "1"}, "s": {"S": "stuff"}}),
        ("m.x", {"m": {"M": {"x": {"N": "1"}}}}),
        ("m.y", {"m": {"M": {"y": {"L": []}}}}),
        ("l[2].y, l[0]", {"l": {"L": [{"N": "0"}, {"M": {"y": {"N": "2"}}}]}}),
        ("l[9], gone, n.x, s[0], m.x.y", {}),
    ],
)
def test_projections_keep_what_is_asked_for(text: str, expected: Mapping[str, Any]) -> None:
    """
    A projection has the asked parts in their surroundings, and list elements close together.
    """
    assert expected == project(parsed(PROJECTION, text), ITEM)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,,b", 'Syntax error; token: ",", near: ",,b"'),
        (
            "m, m.x",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; "
            "path one: [m], path two: [m, x]",
        ),
        (
            "m[0], m.x",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; "
            "path one: [m, [0]], path two: [m, x]",
        ),
        ("a.list, a.list", "Attribute name is a reserved keyword; reserved keyword: list"),
        ("a".ljust(4097), "Expression size has exceeded the maximum allowed size;"),
    ],
)
def test_projections_are_refused_in_the_words_of_the_service(text: str, message: str) -> None:
    """
    What DynamoDB refuses is refused, in its words.
    """
    assert message == refusal(PROJECTION, text)
