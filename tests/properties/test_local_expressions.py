"""Laws of the embedded engine's expressions."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from dynamo_objects.codec.values import TAGS
from dynamo_objects.expressions import render, tree
from dynamo_objects.expressions.evaluate import matches
from dynamo_objects.expressions.legal import reasons
from dynamo_objects.local.errors import ApiError
from dynamo_objects.local.expressions.keyconditions import conditions_of
from dynamo_objects.local.expressions.parsing import attributes_in, condition, projection, update
from dynamo_objects.local.expressions.placeholders import Placeholders
from dynamo_objects.local.expressions.projecting import project
from dynamo_objects.local.expressions.testing import holds
from dynamo_objects.local.expressions.updating import apply

NAMES = ("a", "b", "size", "odd name")

scalars = st.one_of(
    st.sampled_from([{"S": ""}, {"S": "s"}, {"S": "stu"}, {"B": "AA=="}, {"B": "AAEC"}]),
    st.sampled_from([{"N": "0"}, {"N": "1"}, {"N": "1.5"}, {"BOOL": True}, {"NULL": True}]),
    st.sampled_from([{"SS": ["s", "t"]}, {"NS": ["1", "2"]}, {"BS": ["AA=="]}]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda held: {"L": held}),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=2).map(lambda held: {"M": held}),
    ),
    max_leaves=4,
)
items = st.dictionaries(st.sampled_from(NAMES), values, max_size=4)
paths = st.builds(
    lambda first, more: tree.Path((first, *more)),
    st.sampled_from(NAMES),
    st.lists(st.one_of(st.sampled_from(NAMES), st.integers(0, 2)), max_size=2),
)
operands = st.one_of(paths, values.map(tree.Value), paths.map(tree.Size))
types = st.sampled_from(sorted(TAGS)).map(lambda tag: tree.Value({"S": tag}))
leaves = st.one_of(
    st.builds(tree.Compare, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), operands, operands),
    st.builds(tree.Between, operands, operands, operands),
    st.builds(tree.In, operands, st.lists(operands, min_size=1, max_size=3).map(tuple)),
    st.builds(tree.BeginsWith, paths, operands),
    st.builds(tree.Contains, paths, operands),
    st.builds(tree.AttributeExists, paths),
    st.builds(tree.AttributeNotExists, paths),
    st.builds(tree.AttributeType, paths, types),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(tuple).map(tree.And),
        st.lists(inner, min_size=1, max_size=3).map(tuple).map(tree.Or),
        inner.map(tree.Not),
    ),
    max_leaves=6,
)


@given(wanted=conditions, item=items)
def test_a_text_means_what_its_tree_means(wanted: tree.Condition, item: dict[str, Any]) -> None:
    """
    A condition that is written as text and read again holds for the same items; what the
    library calls illegal is refused, and nothing else.
    """
    writer = render.Placeholders()
    request: dict[str, Any] = {"FilterExpression": writer.condition(wanted)}
    writer.add_to(request)
    placeholders = Placeholders.of(request)
    try:
        read = condition("FilterExpression", request["FilterExpression"], placeholders)
    except ApiError:
        assert list(reasons(wanted))
        return

    assert [] == list(reasons(wanted))
    assert matches(wanted, item) is holds(read, item)
    placeholders.check_used()


@given(wanted=conditions, item=items)
def test_only_the_named_attributes_matter(wanted: tree.Condition, item: dict[str, Any]) -> None:
    """
    A condition holds for an item as it does for the attributes that it looks at.
    """
    names = attributes_in(wanted)
    part = {name: value for name, value in item.items() if name in names}

    assert holds(wanted, item) is holds(wanted, part)


@given(path=paths, value=values, item=items)
def test_what_is_set_is_what_is_projected(path: tree.Path, value: Any, item: dict[str, Any]) -> None:
    """
    UPDATED_NEW has the value that was set, UPDATED_OLD the one before, and REMOVE removes it.
    """
    writer = render.Placeholders()
    request: dict[str, Any] = {
        "UpdateExpression": writer.update(tree.Update(sets=(tree.Set(path, tree.Value(value)),)))
    }
    writer.add_to(request)
    try:
        done = apply(update(request["UpdateExpression"], Placeholders.of(request)), item)
    except ApiError:
        assume(False)

    assert project([path], item) == done.old
    assert done.new == project([path], done.item)
    if not isinstance(path.steps[-1], int):
        assert holds(tree.Compare("=", path, tree.Value(value)), done.item)


# --- nothing but errors of the service ----------------------------------------------------

WORDS = """
( ) [ ] . , = < > <> <= >= + - # : 0 1 31 _ ' " é a b #a #b :s :n :l :ss size status foo
AND OR NOT IN BETWEEN and SET REMOVE ADD DELETE
attribute_exists attribute_type begins_with contains if_not_exists list_append a.b[0]
"""
PIECES = (
    *WORDS.split(),
    "a = :s",
    "size(a)",
    "(a = :s)",
    "begins_with(a, :s)",
    "SET a = :n",
    "REMOVE a",
    " ",
)
GIVEN = {
    "ExpressionAttributeNames": {"#a": "a", "#b": "b"},
    "ExpressionAttributeValues": {":s": {"S": "s"}, ":n": {"N": "1"}, ":l": {"L": []}, ":ss": {"SS": ["s"]}},
}
ITEM: dict[str, Any] = {"a": {"M": {"b": {"L": [{"N": "1"}]}}}, "b": {"S": "s"}}


def try_all(text: str) -> None:
    """Read a text as an expression of every kind, and use it; only the service's errors may come of it."""
    for kind in ("FilterExpression", "KeyConditionExpression", "UpdateExpression", "ProjectionExpression"):
        placeholders = Placeholders.of({**GIVEN, kind: text})
        try:
            if kind == "UpdateExpression":
                apply(update(text, placeholders), ITEM)
            elif kind == "ProjectionExpression":
                project(projection(text, placeholders), ITEM)
            elif kind == "KeyConditionExpression":
                conditions_of(condition(kind, text, placeholders))
            else:
                holds(condition(kind, text, placeholders), ITEM)
        except ApiError as error:
            if error.code != "ValidationException":
                raise


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=14), glue=st.sampled_from(["", " "]))
def test_any_text_is_read_or_refused(pieces: list[str], glue: str) -> None:
    """
    Whatever a text is made of, it is an expression or a ValidationException.
    """
    try_all(glue.join(pieces))


@given(seed=st.integers(0, 2**32))
def test_long_texts_are_read_or_refused(seed: int) -> None:
    """
    Texts as long as may be, with much the same again and again, are no exception.
    """
    rng = random.Random(seed)
    unit = " ".join(rng.choices(PIECES, k=rng.randint(1, 3)))

    try_all((unit * 4096)[: rng.randint(3000, 4096)])
