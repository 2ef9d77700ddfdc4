"""Trees as text: what requests say, what is refused before, and that no user text gets in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_objects.codec.values import AttributeValue
from dynamo_objects.errors import QueryError
from dynamo_objects.expressions import tree
from dynamo_objects.expressions.render import Placeholders

A, B = tree.Path.of("a"), tree.Path.of("b")
ONE, TWO = tree.Value({"N": "1"}), tree.Value({"N": "2"})
SAME, EXISTS = tree.Compare("=", A, ONE), tree.AttributeExists(A)
BETWEEN_NAMES = tree.Between(A, A, A)
BETWEEN, IN = tree.Between(A, ONE, TWO), tree.In(A, (ONE, TWO))
APPENDED = tree.ListAppend(tree.IfNotExists(A, ONE), TWO)

# --- what conditions look like ------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (SAME, "#n0 = :v0"),
        (tree.Compare("<>", ONE, A), ":v0 <> #n0"),
        (tree.Compare("<", A, B), "#n0 < #n1"),
        (tree.Compare("=", ONE, ONE), ":v0 = :v1"),
        (tree.Compare(">=", tree.Size(A), tree.Size(B)), "size(#n0) >= size(#n1)"),
        (BETWEEN, "#n0 BETWEEN :v0 AND :v1"),
        (tree.Between(ONE, A, tree.Size(B)), ":v0 BETWEEN #n0 AND size(#n1)"),
        (IN, "#n0 IN (:v0, :v1)"),
        (tree.In(tree.Size(A), (B, ONE, tree.Size(B))), "size(#n0) IN (#n1, :v0, size(#n1))"),
        (EXISTS, "attribute_exists(#n0)"),
        (tree.AttributeNotExists(A), "attribute_not_exists(#n0)"),
        (tree.AttributeType(A, ONE), "attribute_type(#n0, :v0)"),
        (tree.BeginsWith(A, B), "begins_with(#n0, #n1)"),
        (tree.Contains(A, ONE), "contains(#n0, :v0)"),
        (tree.AttributeExists(tree.Path.of("a", "b", "a")), "attribute_exists(#n0.#n1.#n0)"),
        (tree.AttributeExists(tree.Path.of("a", 0, 12, "b", 3)), "attribute_exists(#n0[0][12].#n1[3])"),
    ],
)
def test_each_condition_has_its_text(condition: tree.Condition, text: str) -> None:
    """
    A condition is written with a placeholder for every name and every value.
    """
    written = Placeholders().condition(condition)

    assert text == written


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (tree.And((EXISTS, SAME)), "attribute_exists(#n0) AND #n0 = :v0"),
        (tree.Or((EXISTS, EXISTS)), "attribute_exists(#n0) OR attribute_exists(#n0)"),
        (tree.Not(EXISTS), "NOT (attribute_exists(#n0))"),
        (tree.Not(tree.Not(EXISTS)), "NOT (NOT (attribute_exists(#n0)))"),
        (tree.Not(BETWEEN), "NOT (#n0 BETWEEN :v0 AND :v1)"),
        (tree.Not(IN), "NOT (#n0 IN (:v0, :v1))"),
        (tree.And((BETWEEN, SAME)), "(#n0 BETWEEN :v0 AND :v1) AND #n0 = :v2"),
        (tree.Or((IN, SAME)), "(#n0 IN (:v0, :v1)) OR #n0 = :v2"),
        (tree.And((tree.Not(SAME), SAME)), "NOT (#n0 = :v0) AND #n0 = :v1"),
        (tree.And((tree.Or((SAME, SAME)), SAME)), "(#n0 = :v0 OR #n0 = :v1) AND #n0 = :v2"),
        (tree.Or((tree.And((SAME, SAME)), SAME)), "(#n0 = :v0 AND #n0 = :v1) OR #n0 = :v2"),
        (tree.Not(tree.Or((SAME, SAME))), "NOT (#n0 = :v0 OR #n0 = :v1)"),
    ],
)
def test_brackets_keep_the_tree(condition: tree.Condition, text: str) -> None:
    """
    The text means what the tree means, whatever binds more strongly.
    """
    written = Placeholders().condition(condition)

    assert text == written


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (tree.And((SAME,)), "#n0 = :v0"),
        (tree.Or((tree.And((tree.Or((SAME,)),)),)), "#n0 = :v0"),
        (tree.Or((tree.And((SAME,)), SAME)), "#n0 = :v0 OR #n0 = :v1"),
        (tree.Not(tree.And((tree.Or((SAME, SAME)),))), "NOT (#n0 = :v0 OR #n0 = :v1)"),
        (tree.And((tree.And((tree.Or((SAME, SAME)),)), SAME)), "(#n0 = :v0 OR #n0 = :v1) AND #n0 = :v2"),
        (tree.Or((tree.And((BETWEEN,)), SAME)), "(#n0 BETWEEN :v0 AND :v1) OR #n0 = :v2"),
    ],
)
def test_and_and_or_of_one_leave_no_trace(condition: tree.Condition, text: str) -> None:
    """
    Nothing is put in brackets twice: DynamoDB refuses redundant parentheses.
    """
    written = Placeholders().condition(condition)

    assert text == written


@pytest.mark.parametrize(("options", "parts"), [(1, [1]), (99, [99]), (100, [99, 1]), (250, [99, 99, 52])])
def test_in_is_split_where_it_has_too_many_options(options: int, parts: list[int]) -> None:
    """
    IN takes 99 options; more of them become several INs, each option once and in order.
    """
    placeholders = Placeholders()
    wanted = [{"N": str(number)} for number in range(options)]

    text = placeholders.condition(tree.In(A, tuple(map(tree.Value, wanted))))

    assert parts == [part.count(":v") for part in text.split(" OR ")]
    assert wanted == list(placeholders.values().values())


def test_split_in_stays_one_condition() -> None:
    """
    Several INs for one are put in brackets where something else stands beside them.
    """
    many = tree.In(A, (ONE,) * 100)

    text = Placeholders().condition(tree.And((many, SAME)))

    assert re.fullmatch(r"\(#n0 IN \(.*\) OR #n0 IN \(:v99\)\) AND #n0 = :v100", text)


# --- projections, updates, and all of a request -------------------------------------------


def test_projection_lists_paths() -> None:
    """
    A projection names its paths in order, with a placeholder for every name.
    """
    placeholders = Placeholders()

    text = placeholders.projection([A, tree.Path.of("b", 0, "a")])

    assert "#n0, #n1[0].#n0" == text
    assert {"#n0": "a", "#n1": "b"} == placeholders.names()


@pytest.mark.parametrize(
    ("update", "text"),
    [
        (tree.Update(sets=(tree.Set(A, ONE),)), "SET #n0 = :v0"),
        (tree.Update(sets=(tree.Set(A, ONE), tree.Set(B, A))), "SET #n0 = :v0, #n1 = #n0"),
        (tree.Update(sets=(tree.Set(A, tree.Plus(A, ONE)),)), "SET #n0 = #n0 + :v0"),
        (tree.Update(sets=(tree.Set(A, tree.Minus(ONE, B)),)), "SET #n0 = :v0 - #n1"),
        (tree.Update(sets=(tree.Set(A, tree.IfNotExists(B, ONE)),)), "SET #n0 = if_not_exists(#n1, :v0)"),
        (
            tree.Update(sets=(tree.Set(A, APPENDED),)),
            "SET #n0 = list_append(if_not_exists(#n0, :v0), :v1)",
        ),
        (tree.Update(removes=(tree.Remove(A), tree.Remove(tree.Path.of("b", 1)))), "REMOVE #n0, #n1[1]"),
        (tree.Update(adds=(tree.Add(A, ONE),)), "ADD #n0 :v0"),
        (tree.Update(deletes=(tree.Delete(A, ONE), tree.Delete(B, TWO))), "DELETE #n0 :v0, #n1 :v1"),
        (
            tree.Update((tree.Set(A, ONE),), (tree.Remove(B),), (tree.Add(tree.Path.of("c"), TWO),)),
            "SET #n0 = :v0 REMOVE #n1 ADD #n2 :v1",
        ),
    ],
)
def test_each_update_has_its_text(update: tree.Update, text: str) -> None:
    """
    Every clause is written once, with all its changes.
    """
    written = Placeholders().update(update)

    assert text == written


def test_expressions_of_a_request_share_names_but_no_values() -> None:
    """
    A name has one placeholder in a request; equal values have one each, so that texts depend on the
    shape of a call alone.
    """
    placeholders = Placeholders()

    condition = placeholders.condition(SAME)
    update = placeholders.update(tree.Update(sets=(tree.Set(A, ONE), tree.Set(B, TWO))))

    assert ("#n0 = :v0", "SET #n0 = :v1, #n1 = :v2") == (condition, update)
    assert {"#n0": "a", "#n1": "b"} == placeholders.names()
    assert {":v0": ONE.value, ":v1": ONE.value, ":v2": TWO.value} == placeholders.values()


@pytest.mark.parametrize(
    ("condition", "added"),
    [
        (EXISTS, {"ExpressionAttributeNames": {"#n0": "a"}}),
        (tree.Compare("=", ONE, ONE), {"ExpressionAttributeValues": {":v0": ONE.value, ":v1": ONE.value}}),
    ],
)
def test_empty_maps_are_not_sent(condition: tree.Condition, added: dict[str, Any]) -> None:
    """
    A request has names or values where its texts use some, since DynamoDB refuses empty maps.
    """
    payload: dict[str, Any] = {}
    placeholders = Placeholders()
    placeholders.condition(condition)

    placeholders.add_to(payload)

    assert added == payload


# --- what is refused ----------------------------------------------------------------------

IN_198 = tree.In(A, (ONE,) * 198)
SIZES = tree.Compare("=", tree.Size(A), tree.Size(A))
LONG = tree.And((tree.Contains(tree.Path(("a",) * 32), ONE),) * 32)


@pytest.mark.parametrize(
    ("allowed", "refused", "reason"),
    [
        (tree.And((SAME,) * 150), tree.And((SAME,) * 151), "301 operators"),
        (tree.And((tree.Not(SAME),) + (SAME,) * 149), tree.Not(tree.And((SAME,) * 151)), "302 operators"),
        (tree.And((*[SAME] * 148, IN_198)), tree.And((*[SAME] * 149, IN_198)), "301 operators"),
        (tree.Or((SIZES,) * 75), tree.Or((SIZES,) * 76), "303 operators"),
        (tree.Or((tree.Not(EXISTS),) * 100), tree.Or((tree.Not(EXISTS),) * 101), "302 operators"),
        (tree.And((BETWEEN,) * 100), LONG, "4[0-9]{3} bytes"),
        (
            tree.AttributeExists(tree.Path(("a",) * 32)),
            tree.AttributeExists(tree.Path(("a",) * 33)),
            "33 steps",
        ),
        (
            tree.AttributeExists(tree.Path.of("a", 2**31 - 1)),
            tree.AttributeExists(tree.Path.of("a", 2**31)),
            "index 2147483648",
        ),
        (
            tree.AttributeExists(tree.Path.of("a", 0)),
            tree.AttributeExists(tree.Path.of("a", -1)),
            "index -1",
        ),
        (EXISTS, tree.AttributeExists(tree.Path(())), "begins with the name"),
        (EXISTS, tree.AttributeExists(tree.Path.of(0)), "begins with the name"),
        (EXISTS, tree.AttributeExists(tree.Path.of("")), "empty name"),
        (EXISTS, tree.AttributeExists(tree.Path.of("a", "")), "empty name"),
        (tree.In(A, (ONE,)), tree.In(A, ()), "IN needs options"),
        (tree.And((SAME,)), tree.And(()), "AND needs conditions"),
        (tree.Or((SAME,)), tree.Not(tree.Or((SAME, tree.Or(())))), "OR needs conditions"),
    ],
)
def test_conditions_beyond_the_limits_are_refused_before_sending(
    allowed: tree.Condition, refused: tree.Condition, reason: str
) -> None:
    """
    What DynamoDB would refuse for its size or shape is an error here; the limit itself is allowed.
    """
    Placeholders().condition(allowed)

    with pytest.raises(QueryError, match=reason):
        Placeholders().condition(refused)


def test_the_limits_are_for_each_expression() -> None:
    """
    Two conditions of one request, a key condition and a filter, may each be as large as allowed.
    """
    placeholders = Placeholders()
    condition = tree.And((EXISTS,) * 150)

    texts = [placeholders.condition(condition), placeholders.condition(condition)]

    assert texts[0] == texts[1]


def _ranges(*steps: int) -> tree.Condition:
    return tree.And((BETWEEN_NAMES,) * 135 + (tree.Between(tree.Path.of("a", *steps), A, A),))


@pytest.mark.parametrize(
    ("write", "largest", "too_large"),
    [
        (Placeholders.condition, _ranges(*[1] * 7), _ranges(*[1] * 6, 10)),
        (Placeholders.projection, [*[A] * 818, tree.Path.of("a", 1)], [*[A] * 818, tree.Path.of("a", 10)]),
        (
            Placeholders.update,
            tree.Update(removes=(*[tree.Remove(A)] * 816, tree.Remove(tree.Path.of("a", 1000)))),
            tree.Update(removes=(*[tree.Remove(A)] * 816, tree.Remove(tree.Path.of("a", 10000)))),
        ),
    ],
)
def test_an_expression_has_at_most_4096_bytes(
    write: Callable[[Placeholders, Any], str], largest: Any, too_large: Any
) -> None:
    """
    DynamoDB takes 4096 bytes of each expression; one more is refused here.
    """
    text = write(Placeholders(), largest)

    assert 4096 == len(text)
    with pytest.raises(QueryError, match="4097 bytes"):
        write(Placeholders(), too_large)


# --- no user text in the text -------------------------------------------------------------

HOSTILE = [
    *("#", "#n0", "#n1", ":", ":v0", ":v1", "'", '"', "`", ".", "..", "a.b", " ", "a b", "(", ")", "[0]"),
    *("a[0]", ",", "=", "<>", "\n", "\0", "é", "\u202e", "😀", "OR attribute_exists(x)", "a) OR (b"),
    *("AND", "and", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "size", "size(a)", "ABORT", "NULL", "-1"),
]
names = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=5))
values: st.SearchStrategy[AttributeValue] = st.one_of(
    st.sampled_from(HOSTILE).map(lambda text: {"S": text}),
    st.text(max_size=5).map(lambda text: {"S": text}),
    st.integers().map(lambda number: {"N": str(number)}),
    st.lists(names, max_size=2).map(lambda texts: {"L": [{"S": text} for text in texts]}),
    st.sampled_from([{"NULL": True}, {"BOOL": False}, {"B": "Iw=="}, {"SS": ["#n0", ":v0"]}]),
)
paths = st.builds(
    lambda name, others: tree.Path((name, *others)),
    names,
    st.lists(st.one_of(names, st.integers(0, 2**31 - 1)), max_size=3),
)
constants = st.builds(tree.Value, values)
operands = st.one_of(paths, constants, st.builds(tree.Size, paths))
comparators = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
leaves = st.one_of(
    st.builds(tree.Compare, comparators, operands, operands),
    st.builds(tree.Between, operands, operands, operands),
    st.builds(tree.In, operands, st.lists(operands, min_size=1, max_size=3).map(tuple)),
    st.builds(tree.AttributeExists, paths),
    st.builds(tree.AttributeNotExists, paths),
    st.builds(tree.AttributeType, paths, constants),
    st.builds(tree.BeginsWith, paths, operands),
    st.builds(tree.Contains, paths, operands),
)


def _joined(inner: st.SearchStrategy[tree.Condition]) -> st.SearchStrategy[tree.Condition]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(tree.And, several), st.builds(tree.Or, several), st.builds(tree.Not, inner))


conditions = st.recursive(leaves, _joined, max_leaves=6)

WORDS = (
    r"#n\d+|:v\d+|\[\d+\]|[.,()]|<>|<=|>=|[=<>]|AND|OR|NOT|BETWEEN|IN|size|contains|begins_with"
    r"|attribute_exists|attribute_not_exists|attribute_type"
)
GRAMMAR = re.compile(rf"(?:(?:{WORDS}) ?)+")


@given(condition=conditions)
def test_text_has_only_words_of_ours(condition: tree.Condition) -> None:
    """
    The text of a condition is made of keywords, placeholders and list indexes, whatever the names and
    values are.
    """
    text = Placeholders().condition(condition)

    assert GRAMMAR.fullmatch(text)


@given(condition=conditions)
def test_names_and_values_are_those_of_the_tree(condition: tree.Condition) -> None:
    """
    Each placeholder in the text is defined and each one defined is used, and they stand for exactly the
    names and values of the tree.
    """
    placeholders = Placeholders()

    text = placeholders.condition(condition)

    parts = list(_parts(condition))
    assert set(re.findall(r"#n\d+", text)) == placeholders.names().keys()
    assert {part for part in parts if isinstance(part, str)} == set(placeholders.names().values())
    assert re.findall(r":v\d+", text) == sorted(placeholders.values(), key=lambda name: int(name[2:]))
    assert [part.value for part in parts if isinstance(part, tree.Value)] == list(
        placeholders.values().values()
    )


@given(condition=conditions, value=values, suffix=names)
def test_text_depends_on_the_shape_alone(
    condition: tree.Condition, value: AttributeValue, suffix: str
) -> None:
    """
    Other names, as far as they differ where these differ, and other values give the same text.
    """
    other = _changed(condition, value, suffix)

    assert Placeholders().condition(condition) == Placeholders().condition(other)


@given(changes=st.lists(st.tuples(paths, values), min_size=1, max_size=3))
def test_updates_have_only_words_of_ours(changes: list[tuple[tree.Path, AttributeValue]]) -> None:
    """
    Names and values of an update do not get into its text either, nor names into a projection's.
    """
    update = tree.Update(
        sets=tuple(tree.Set(path, tree.IfNotExists(path, tree.Value(value))) for path, value in changes),
        removes=tuple(tree.Remove(path) for path, _ in changes),
        adds=tuple(tree.Add(path, tree.Value(value)) for path, value in changes),
    )
    words = r"(?:(?:#n\d+|:v\d+|\[\d+\]|[.,()=]|SET|REMOVE|ADD|if_not_exists) ?)+"

    assert re.fullmatch(words, Placeholders().update(update))
    assert re.fullmatch(words, Placeholders().projection(path for path, _ in changes))


def _parts(node: Any) -> Iterator[str | tree.Value]:
    """Give the names and the constants of a tree, in its order."""
    if isinstance(node, tree.Path):
        yield from (step for step in node.steps if isinstance(step, str))
    elif isinstance(node, tree.Value):
        yield node
    elif isinstance(node, tuple):
        for inner in node:
            yield from _parts(inner)
    elif isinstance(node, msgspec.Struct):
        yield from _parts(msgspec.structs.astuple(node))


def _changed(node: Any, value: AttributeValue, suffix: str) -> Any:
    """Return a tree of the same shape with *suffix* behind all names, and *value* for all constants."""
    if isinstance(node, tree.Path):
        return tree.Path(tuple(step + suffix if isinstance(step, str) else step for step in node.steps))
    if isinstance(node, tree.Value):
        return tree.Value(value)
    if isinstance(node, tuple):
        return tuple(_changed(inner, value, suffix) for inner in node)
    if not isinstance(node, msgspec.Struct):
        return node
    return type(node)(*(_changed(inner, value, suffix) for inner in msgspec.structs.astuple(node)))
