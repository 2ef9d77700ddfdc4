"""Attribute values of requests, as the engine keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_objects.expressions import tree
from dynamo_objects.local.errors import ApiError
from dynamo_objects.local.expressions.updating import Change, Update, apply
from dynamo_objects.local.values import checked_item, checked_value


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"SS": ["b", "a", "é", ""]}, {"SS": ["", "a", "b", "é"]}),
        ({"NS": ["10", "9", "-1", "1.50"]}, {"NS": ["-1", "1.5", "9", "10"]}),
        ({"BS": ["/w==", "AQ==", ""]}, {"BS": ["", "AQ==", "/w=="]}),
        ({"M": {"x": {"L": [{"NS": ["2", "1"]}]}}}, {"M": {"x": {"L": [{"NS": ["1", "2"]}]}}}),
    ],
)
def test_members_of_sets_are_kept_in_order(sent: dict[str, Any], kept: dict[str, Any]) -> None:
    """
    Sets read back in AWS's order: texts and binaries by their bytes, numbers by value.
    """
    assert kept == checked_value(sent)


@pytest.mark.parametrize(
    ("before", "added", "after"),
    [
        ({"SS": ["a", "c"]}, {"SS": ["b"]}, {"SS": ["a", "b", "c"]}),
        ({"NS": ["2", "10"]}, {"NS": ["2", "3"]}, {"NS": ["2", "3", "10"]}),
        ({"BS": ["AQ=="]}, {"BS": [""]}, {"BS": ["", "AQ=="]}),
    ],
)
def test_additions_to_sets_keep_the_order(
    before: dict[str, Any], added: dict[str, Any], after: dict[str, Any]
) -> None:
    """
    ADD puts new members where they belong.
    """
    update = Update((Change("ADD", tree.Path(("s",)), tree.Value(added)),))

    assert {"s": after} == apply(update, {"s": before}).item


def test_too_deep_values_come_between_empty_names() -> None:
    """
    An attribute without name is found first, then what is too deep, then empty names inside of values.
    """
    deep: dict[str, Any] = {"S": "x"}
    for _ in range(40):
        deep = {"M": {"n": deep}}
    nameless = {"M": {"": {"S": "x"}}}

    assert "Empty attribute name" == _refusal({"d": deep, "": {"S": "x"}})
    assert _refusal({"m": nameless, "d": deep}).startswith("Nesting Levels have exceeded supported limits")
    assert "Empty attribute name" == _refusal({"m": nameless})


def _refusal(item: dict[str, Any]) -> str:
    with pytest.raises(ApiError) as caught:
        checked_item(item)
    return caught.value.message
