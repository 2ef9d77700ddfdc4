"""Conditions that DynamoDB refuses are refused before anything is sent."""

from __future__ import annotations

import pytest

from dynamo_objects.errors import QueryError
from dynamo_objects.expressions import tree
from dynamo_objects.expressions.legal import check_legal, reasons

A, B = tree.Path.of("a"), tree.Path.of("b")
ONE, TWO, TEXT = (tree.Value(v) for v in ({"N": "1"}, {"N": "2"}, {"S": "x"}))
LIST = tree.Value({"L": []})

REFUSED = [
    (tree.Compare("<", A, LIST), "have an order"),
    (tree.Compare("=", A, A), "compared with itself"),
    (tree.Between(A, LIST, LIST), "have an order"),
    (tree.Between(A, TWO, ONE), "above the upper one"),
    (tree.Between(A, ONE, TEXT), "different types"),
    (tree.In(A, (ONE, A)), "compared with itself"),
    (tree.Contains(A, A), "compared with itself"),
    (tree.BeginsWith(A, ONE), "begin with something"),
    (tree.BeginsWith(A, tree.Size(B)), "begin with something"),
    (tree.BeginsWith(A, A), "compared with itself"),
    (tree.AttributeType(A, tree.Value({"S": "DOG"})), "type of an attribute"),
    (tree.AttributeType(A, B), "type of an attribute"),
]

ACCEPTED = [
    tree.Compare("=", A, LIST),
    tree.Compare("=", ONE, ONE),
    tree.Compare("=", tree.Size(A), tree.Size(A)),
    tree.Compare("<", A, B),
    tree.Between(A, ONE, TWO),
    tree.Between(A, B, ONE),
    tree.BeginsWith(A, B),
    tree.AttributeType(A, tree.Value({"S": "NULL"})),
    tree.AttributeNotExists(A),
]


@pytest.mark.parametrize(("condition", "reason"), REFUSED)
def test_refused_with_its_reason(condition: tree.Condition, reason: str) -> None:
    """
    What DynamoDB would refuse is refused, alone and deep inside, and the reason is given.
    """
    for whole in (condition, tree.Not(tree.Or((ACCEPTED[0], tree.And((condition, ACCEPTED[3])))))):
        with pytest.raises(QueryError, match=reason):
            check_legal(whole)


@pytest.mark.parametrize("condition", ACCEPTED)
def test_accepted(condition: tree.Condition) -> None:
    """
    What DynamoDB accepts is accepted.
    """
    check_legal(tree.Not(condition))

    assert [] == list(reasons(condition))
