"""The laws of records and items, over generated classes: see ``tests/laws.py``.

A bounded run, the same every time in CI; ``tools/round_trip.py`` runs the same laws for as
long as one likes.
"""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamo_objects.codec.values import Invalid
from dynamo_objects.record import codec_of
from tests.laws import LAWS, Law, one_change_is_named, round_trip
from tests.strategies import ClassSpec, choices, classes, make_class, wire_value

bounded = settings(
    max_examples=60,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

#: Classes that all laws are tried on, made once.
SPECS = [make_class(Random(seed)) for seed in range(60)]


@pytest.mark.parametrize("law", LAWS, ids=[law.__name__ for law in LAWS])
@bounded
@given(spec=st.sampled_from(SPECS), choices=choices)
def test_law(law: Law, spec: ClassSpec, choices: Random) -> None:
    """
    Law: what its function in ``tests/laws.py`` says, for any record of any of the classes.
    """
    law(spec, choices)


@bounded
@given(spec=classes, choices=choices)
def test_round_trip_of_a_class_made_on_the_spot(spec: ClassSpec, choices: Random) -> None:
    """
    Law: decode(encode(record)) == record, and a change is named, for any record of any class.
    """
    round_trip(spec, choices)
    one_change_is_named(spec, choices)


_json: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(-5, 5)
    | st.sampled_from(["", "a", "1", "NaN", "eA=="]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["S", "N", "B", "SS", "NS", "BS", "L", "M", "NULL", "BOOL", "name", "x"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=6,
)


@bounded
@given(spec=st.sampled_from(SPECS), choices=choices, garbage=_json)
def test_damaged_items_are_errors(spec: ClassSpec, choices: Random, garbage: Any) -> None:
    """
    Law: an item with anything else in place of a value is read as a record that can be stored, or is Invalid.
    """
    codec = codec_of(spec.made)
    item = codec.encode(spec.make(choices))
    damaged = {**item, choices.choice(spec.fields).wire: garbage}
    try:
        record = codec.decode(damaged)
    except Invalid:
        return
    assert not codec.is_dirty(record)
    codec.encode(record)


@bounded
@given(spec=st.sampled_from(SPECS), choices=choices)
def test_attribute_of_another_type_is_read_or_refused(spec: ClassSpec, choices: Random) -> None:
    """
    Law: an item with a good attribute value of any type in place of another is read and clean, or Invalid.
    """
    codec = codec_of(spec.made)
    item = codec.encode(spec.make(choices))
    strange = {**item, choices.choice(spec.fields).wire: wire_value(choices)}
    try:
        record = codec.decode(strange)
    except Invalid:
        return
    assert not codec.is_dirty(record)
    assert strange.keys() >= codec.encode(record).keys() - item.keys()
