"""Kinds that requests of several operations share.

Source: AWS's service model of DynamoDB (version 2012-08-10, as published with botocore); the
order of enumerations is that of AWS's messages, which is another one.
"""

from __future__ import annotations

from collections.abc import Mapping

from .kinds import NAME_PATTERN, AttributeValues, Flag, Keyed, Kind, Many, Struct, TableNames, Text

__all__ = [
    "ANY_TEXT",
    "CAPACITY",
    "CONDITIONAL_OPERATOR",
    "CONDITIONS",
    "EXPECTED",
    "FLAG",
    "INDEX_NAME",
    "ITEM",
    "METRICS",
    "NAMES",
    "ON_FAILURE",
    "RETURN_VALUES",
    "SELECT",
    "TABLE",
    "VALUE",
    "VALUES",
    "one_of",
    "struct",
]


def one_of(*values: str) -> Text:
    """Return the kind of a text that is one of some."""
    return Text(values=values)


def struct(java: str, required: str = "", /, **members: Kind) -> Struct:
    """Return the kind of a structure.

    Args:
        required: Names of members, with spaces between.
    """
    found: Mapping[str, Kind] = members
    return Struct(java, found, frozenset(required.split()))


ANY_TEXT = Text()
FLAG = Flag()
TABLE = TableNames()
VALUE = AttributeValues()
#: Items, keys, and values of expressions.
ITEM = Keyed(VALUE)
VALUES = ITEM
NAMES = Keyed(ANY_TEXT)
INDEX_NAME = Text(3, 255, NAME_PATTERN)

CAPACITY = one_of("INDEXES", "TOTAL", "NONE")
METRICS = one_of("SIZE", "NONE")
RETURN_VALUES = one_of("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
ON_FAILURE = one_of("ALL_OLD", "NONE")
CONDITIONAL_OPERATOR = one_of("OR", "AND")
SELECT = one_of("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
_COMPARISON = one_of(
    "IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE",
    "CONTAINS",
)  # fmt: skip

EXPECTED = Keyed(
    struct(
        "ExpectedAttributeValue",
        Value=VALUE,
        Exists=FLAG,
        ComparisonOperator=_COMPARISON,
        AttributeValueList=Many(VALUE),
    )
)
CONDITIONS = Keyed(
    struct("Condition", "ComparisonOperator", AttributeValueList=Many(VALUE), ComparisonOperator=_COMPARISON)
)
