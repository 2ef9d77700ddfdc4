"""Numbers: exact to 38 digits, strict both ways, bool never one of them."""

from __future__ import annotations

import decimal
import enum
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_objects import DynamoRecord, ValidationError, field
from dynamo_objects.codec import numbers
from dynamo_objects.codec.values import Invalid
from dynamo_objects.record import codec_of

DIGITS_38 = "12345678901234567890123456789012345678"


class Numbers(DynamoRecord):
    """A field of each type of number."""

    whole: int = 0
    exact: Decimal = Decimal(0)
    real: float = 0.0
    any: Any = 0
    any_float: Any = field(default=0, numbers=float)


class Level(enum.IntEnum):
    """An int of a subclass."""

    LOW = 1


def stored(name: str, value: Any) -> str:
    """Return the text that a number is stored as."""
    text: str = codec_of(Numbers).encode(Numbers(**{name: value}))[name]["N"]
    return text


def reason(name: str, value: Any) -> str:
    """Return why a number is refused."""
    with pytest.raises(ValidationError) as caught:
        Numbers(**{name: value}).validate()
    (problem,) = caught.value.problems
    assert name == problem.path
    return problem.reason


def loaded(name: str, text: Any) -> Any:
    """Return the value that is read from a number's text."""
    return getattr(codec_of(Numbers).decode({name: {"N": text}}), name)


STORED = [
    # field, value, text
    ("whole", 0, "0"),
    ("whole", -7, "-7"),
    ("whole", Level.LOW, "1"),
    ("whole", 10**38 - 1, "9" * 38),
    ("whole", 10**38, "1" + "0" * 38),
    ("whole", -(10**125), "-1" + "0" * 125),
    ("whole", int("9" * 38) * 10**88, "9" * 38 + "0" * 88),
    ("exact", Decimal("1.10"), "1.1"),
    ("exact", Decimal("1E+2"), "100"),
    ("exact", Decimal("100"), "100"),
    ("exact", Decimal("-0"), "0"),
    ("exact", Decimal("0E+200"), "0"),
    ("exact", Decimal("0.0"), "0"),
    ("exact", Decimal("1E-130"), "0." + "0" * 129 + "1"),
    ("exact", Decimal("9.99E+125"), "999" + "0" * 123),
    ("exact", Decimal("1E+125"), "1" + "0" * 125),
    ("exact", Decimal(DIGITS_38), DIGITS_38),
    ("exact", Decimal(DIGITS_38 + "000"), DIGITS_38 + "000"),
    ("exact", Decimal("0.000" + DIGITS_38), "0.000" + DIGITS_38),
    ("exact", Decimal("-12.5"), "-12.5"),
    ("exact", 3, "3"),
    ("real", 0.1 + 0.2, "0.30000000000000004"),
    ("real", 1.0, "1"),
    ("real", 1, "1"),
    ("real", -0.0, "0"),
    ("real", 1e22, "1" + "0" * 22),
    ("real", 1e-7, "0.0000001"),
    ("real", 9.99e125, "999" + "0" * 123),
    ("any", 5, "5"),
    ("any", Decimal("5.50"), "5.5"),
    ("any", Level.LOW, "1"),
    ("any_float", 2.5, "2.5"),
    ("any_float", 2, "2"),
    ("any_float", 1e23, "99999999999999991611392"),
    ("any_float", 1e50, "1" + "0" * 50),
]


@pytest.mark.parametrize(("name", "value", "text"), STORED)
def test_number_is_stored_as_plain_text(name: str, value: Any, text: str) -> None:
    """
    Equal numbers are stored as equal texts, without exponents and zeros to spare, all digits kept.
    """
    assert text == stored(name, value)


@pytest.mark.parametrize(("name", "value", "text"), STORED)
def test_number_comes_back_equal(name: str, value: Any, text: str) -> None:
    """
    What was stored is read as an equal number.
    """
    assert value == loaded(name, text)


TOO_MANY = "number has 39 significant digits, DynamoDB keeps 38"
NOT_FINITE = "NaN and infinity are not numbers in DynamoDB"
TOO_BIG = "number out of range: 1E+126 or more"
TOO_SMALL = "number out of range: nearer to zero than 1E-130"
NO_FLOATS = "expected int or Decimal, got float: declare the field with numbers=float"

REFUSED = [
    # field, value, reason
    ("whole", True, "expected int, got bool"),
    ("whole", False, "expected int, got bool"),
    ("whole", 1.0, "expected int, got float"),
    ("whole", Decimal(1), "expected int, got Decimal"),
    ("whole", "1", "expected int, got str"),
    ("whole", None, "expected int, got NoneType"),
    ("whole", 10**38 + 1, TOO_MANY),
    ("whole", -(10**38) - 1, TOO_MANY),
    ("whole", 10**126, "number out of range: more than 126 digits before the point"),
    ("exact", True, "expected Decimal, got bool"),
    ("exact", 1.5, "expected Decimal, got float"),
    ("exact", "1.5", "expected Decimal, got str"),
    ("exact", Decimal("NaN"), NOT_FINITE),
    ("exact", Decimal("-NaN"), NOT_FINITE),
    ("exact", Decimal("sNaN"), NOT_FINITE),
    ("exact", Decimal("sNaN123"), NOT_FINITE),
    ("exact", Decimal("Infinity"), NOT_FINITE),
    ("exact", Decimal("-Infinity"), NOT_FINITE),
    ("exact", Decimal(DIGITS_38 + "1"), TOO_MANY),
    ("exact", Decimal("0." + DIGITS_38 + "1"), TOO_MANY),
    ("exact", Decimal("1E+126"), TOO_BIG),
    ("exact", Decimal("-1E+126"), TOO_BIG),
    ("exact", Decimal("1E-131"), TOO_SMALL),
    ("exact", Decimal("0.9E-130"), TOO_SMALL),
    ("real", True, "expected float, got bool"),
    ("real", Decimal("1.5"), "expected float, got Decimal"),
    ("real", "1.5", "expected float, got str"),
    ("real", float("nan"), NOT_FINITE),
    ("real", float("inf"), NOT_FINITE),
    ("real", float("-inf"), NOT_FINITE),
    ("real", 1e126, TOO_BIG),
    ("real", 5e-324, TOO_SMALL),
    ("real", 2**53 + 1, "integer cannot be held exactly by a float"),
    ("real", 10**400, "integer cannot be held exactly by a float"),
    ("any", 1.5, NO_FLOATS),
    ("any", 1.0, NO_FLOATS),
    ("any", 10**38 + 1, TOO_MANY),
    ("any", Decimal("NaN"), NOT_FINITE),
    ("any_float", Decimal("1.5"), "expected int or float, got Decimal: this field has numbers=float"),
    ("any_float", float("nan"), NOT_FINITE),
    ("any_float", 10**38, "integer cannot be held exactly by a float"),
    ("any_float", 10**400, "integer cannot be held exactly by a float"),
]


@pytest.mark.parametrize(("name", "value", "expected"), REFUSED)
def test_number_is_refused(name: str, value: Any, expected: str) -> None:
    """
    What DynamoDB would refuse, round or read as something else is refused before any request.
    """
    assert expected == reason(name, value)


def test_int_of_thousands_of_digits_is_refused() -> None:
    """
    An int that Python itself would not turn into text is refused like any other.
    """
    assert "number out of range: more than 126 digits before the point" == reason("whole", 10**5000)


READ = [
    # field, text, value
    ("whole", "1E+2", 100),
    ("whole", "1.0", 1),
    ("whole", "+5", 5),
    ("whole", "007", 7),
    ("whole", "-0", 0),
    ("whole", "0.0", 0),
    ("whole", "1" + "0" * 125, 10**125),
    ("whole", "0" * 60 + "5", 5),
    ("exact", "1.10", Decimal("1.1")),
    ("exact", ".5", Decimal("0.5")),
    ("exact", "5.", Decimal(5)),
    ("exact", "1e-130", Decimal("1E-130")),
    ("exact", "9.99E+125", Decimal("9.99E+125")),
    ("exact", DIGITS_38 + "000", Decimal(DIGITS_38 + "000")),
    ("exact", "0." + "0" * 91 + DIGITS_38, Decimal("0." + "0" * 91 + DIGITS_38)),
    ("real", "0.1", 0.1),
    ("real", DIGITS_38, 1.2345678901234568e37),
    ("real", "1E+125", 1e125),
    ("any", "1.50", Decimal("1.5")),
    ("any", "2.0", 2),
    ("any_float", "1.50", 1.5),
    ("any_float", "2.0", 2),
]


@pytest.mark.parametrize(("name", "text", "value"), READ)
def test_any_spelling_of_a_number_is_read(name: str, text: str, value: Any) -> None:
    """
    Other programs may spell numbers otherwise; the value and its type are the field's.
    """
    found = loaded(name, text)

    assert (value, type(value)) == (found, type(found))


BAD_TEXTS = [
    "", " ", "NaN", "Infinity", "-inf", "sNaN", "1_0", "١", "１", "0x10", "1e", "e5", ".", "-", "+-1", "--1",
    " 1", "1 ", "1\n", "1,5", "1E+126", "1E-131", "1E9999", DIGITS_38 + "1", "0." + DIGITS_38 + "1", "½", "²",
]  # fmt: skip


@pytest.mark.parametrize("name", ["whole", "exact", "real", "any", "any_float"])
@pytest.mark.parametrize("text", BAD_TEXTS)
def test_text_that_is_no_number_of_dynamodb_is_an_error(name: str, text: str) -> None:
    """
    A damaged or invented number is an error with its path, never a value.
    """
    with pytest.raises(Invalid) as caught:
        loaded(name, text)

    assert [f".{name}"] == [problem.path for problem in caught.value.problems]
    assert not text.strip() or len(text) < 3 or text not in str(caught.value)


@pytest.mark.parametrize("content", [1, 1.5, None, True, ["1"], {"S": "1"}])
@pytest.mark.parametrize("name", ["whole", "exact", "real", "any", "any_float"])
def test_number_must_be_a_json_text(name: str, content: Any) -> None:
    """
    A number with another JSON type than text is not DynamoDB's.
    """
    with pytest.raises(Invalid, match="the content of N has a wrong JSON type"):
        loaded(name, content)


@pytest.mark.parametrize("text", ["1.5", "1E-1", "0.1"])
def test_fraction_is_no_int(text: str) -> None:
    """
    A field of type int does not round what somebody else stored.
    """
    with pytest.raises(Invalid, match="expected a whole number"):
        loaded("whole", text)


def test_numbers_do_not_depend_on_the_decimal_context() -> None:
    """
    A program that computes with few digits stores and reads all of them.
    """
    value = Decimal("12345678901234567890123456789.123456789")
    with decimal.localcontext() as context:
        context.prec = 5
        context.traps[decimal.Inexact] = True
        text = stored("exact", value)
        found = loaded("exact", text)

    assert value == found


@given(st.integers(-(10**38), 10**38))
def test_every_int_of_38_digits_round_trips(value: int) -> None:
    """
    Law: an int comes back as the same int, also where the field is Any.
    """
    for name in ("whole", "any"):
        found = loaded(name, stored(name, value))

        assert (value, int) == (found, type(found))


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_is_exact_or_refused(value: Decimal) -> None:
    """
    Law: a Decimal comes back equal, or it cannot be stored at all.
    """
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    try:
        text = stored("exact", value)
    except Invalid:
        assert len(digits) > 38 or not -130 <= value.adjusted() <= 125
    else:
        assert value == loaded("exact", text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_exact_or_refused(value: float) -> None:
    """
    Law: a float comes back as the same float, or it is out of DynamoDB's range.
    """
    for name in ("real", "any_float"):
        try:
            text = stored(name, value)
        except Invalid:
            assert value != 0
            assert not 1e-130 <= abs(value) < 1e126
        else:
            assert value == loaded(name, text)


_TEXTS = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.decimals(allow_nan=True, allow_infinity=True, places=3).map(str),
    st.text(alphabet='0123456789-+.,eE_[] \t\n"N\u0663', max_size=6),
    st.sampled_from(
        ["", "0", "-0", "00", "007", "1.0", "1.50", ".5", "1.", "1,2", "NaN", "1_0", "\ud800", "9" * 39]
    ),
)


def _each(parse: Any, texts: list[str]) -> Any:
    try:
        return [parse(text) for text in texts]
    except Invalid:
        return None


@given(texts=st.lists(_TEXTS, min_size=1, max_size=4))
def test_numbers_that_are_read_together_are_what_each_is(texts: list[str]) -> None:
    """
    All of them or none; whole numbers only if they are spelt as we would.
    """
    try:
        together = numbers.parse_ints(texts)
    except ValueError:
        together = []
    assert not together or _each(numbers.parse_int, texts) == together
    assert not together or list(map(str, together)) == texts

    try:
        exact = numbers.parse_decimals(texts)
    except ValueError:
        exact = []
    assert not exact or list(map(str, _each(numbers.parse_decimal, texts))) == list(map(str, exact))


def test_plain_numbers_are_read_together() -> None:
    """
    The test above would pass if none were.
    """
    assert [0, -7, 10**37] == numbers.parse_ints(["0", "-7", str(10**37)])
    assert [Decimal("1.50"), Decimal("-3"), Decimal(DIGITS_38)] == numbers.parse_decimals(
        ["1.50", "-3", DIGITS_38]
    )
