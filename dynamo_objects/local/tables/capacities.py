"""Rules of billing modes and throughputs, in AWS's words.

Source: AWS's answers to dynalite's tests; on-demand limits: what dynoxide's tests captured of
AWS in eu-west-2 (July 2026).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from ..definitions import Index, Table, Units
from ..errors import invalid, invalid_parameter

__all__ = [
    "check_bounds",
    "check_first_warmth",
    "check_no_units",
    "check_on_demand_bounds",
    "check_on_demand_mode",
    "check_units_given",
    "check_warmth",
    "units_of",
    "will_not_change",
    "warmth",
    "with_limits",
    "with_units",
]

Members = Mapping[str, Any]
Thing = TypeVar("Thing", Table, Index)

_MAX_UNITS = 1_000_000_000_000
_UNITS = ("ReadCapacityUnits", "WriteCapacityUnits")
_ON_DEMAND = ("MaxReadRequestUnits", "MaxWriteRequestUnits")
#: What an on-demand table is warm for from the start (Developer Guide, "Warm throughput").
_WARM = {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000}
_INITIAL = (
    "See: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
    "on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
)


def units_of(throughput: Members | None) -> Units | None:
    """Return the units of a throughput, or None without one."""
    if throughput is None:
        return None
    return Units(throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"])


def check_bounds(throughput: Members | None) -> None:
    """Check that units are not out of bounds.

    Raises:
        ApiError: ValidationException.
    """
    for name in _UNITS if throughput is not None else ():
        if throughput is not None and throughput[name] > _MAX_UNITS:
            raise invalid(f"Given value {throughput[name]} for {name} is out of bounds")


def check_no_units(throughput: Members | None) -> None:
    """Check that an on-demand table is given no units.

    Raises:
        ApiError: ValidationException.
    """
    if throughput is not None:
        raise invalid_parameter(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
            "PAY_PER_REQUEST"
        )


def check_units_given(throughput: Members | None) -> None:
    """Check that a new provisioned table is given units.

    Raises:
        ApiError: ValidationException.
    """
    if throughput is None:
        raise invalid_parameter(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )


def with_limits(held: Members, given: Members) -> dict[str, Any]:
    """Return a description with other on-demand limits; -1 takes one away."""
    limits = {**held.get("OnDemandThroughput", {}), **given}
    limits = {name: limit for name, limit in limits.items() if limit != -1}
    rest = {name: value for name, value in held.items() if name != "OnDemandThroughput"}
    return {**rest, "OnDemandThroughput": limits} if limits else rest


def check_on_demand_mode(
    given: Members | None, is_on_demand: bool, article: str = "", index: str = ""
) -> None:
    """Check that only on-demand tables have on-demand limits.

    Args:
        article: ``the `` where the service says so: when a table is updated.
        index: What the service says of an index.

    Raises:
        ApiError: ValidationException.
    """
    for name in _ON_DEMAND if given and not is_on_demand else ():
        if given and given.get(name) is not None:
            raise invalid_parameter(
                f"{name} for OnDemandThroughput{index} cannot be specified when {article}table BillingMode is "
                f"PROVISIONED{'' if article else '.'}"
            )


def check_on_demand_bounds(given: Members | None, none: int | None = None, what: str = "table") -> None:
    """Check on-demand limits: at least 1.

    Args:
        none: Takes a limit away, where that is possible: when a table is updated.
        what: Whose limits they are.

    Raises:
        ApiError: ValidationException.
    """
    for name in _ON_DEMAND if given else ():
        value = (given or {}).get(name)
        if value is not None and value < 1 and value != none:
            raise invalid_parameter(
                f"Requested {name} for OnDemandThroughput for {what} is outside of valid range"
            )


def warmth(units: Units | None, asked: Members) -> dict[str, int]:
    """Return what a table or an index is warm for."""
    floor = _WARM if units is None else dict(zip(_WARM, (units.read, units.write), strict=True))
    return {name: max(value, asked.get(name, 0)) for name, value in floor.items()}


def check_first_warmth(request: Members, is_on_demand: bool) -> None:
    """Check what a new table and its indexes are to be warm for.

    Words: aws-controllers-k8s, recorded in us-west-2 and us-east-1 in October 2026.

    Raises:
        ApiError: ValidationException.
    """
    indexes = request.get("GlobalSecondaryIndexes") or ()
    for what, given in (("table", request), *((f"index {index['IndexName']}", index) for index in indexes)):
        floor = warmth(None if is_on_demand else units_of(given.get("ProvisionedThroughput")), {})
        for (name, least), units in zip(floor.items(), _UNITS, strict=True):
            if (given.get("WarmThroughput") or {}).get(name, least) < least:
                than = f"initial throughput for OnDemand. {_INITIAL}" if is_on_demand else ""
                than = than or f"{units} of ProvisionedThroughput"
                raise invalid_parameter(
                    f"Requested {name} for WarmThroughput for {what} is lower than {than}"
                )


def check_warmth(thing: Table | Index, given: Members, what: str) -> None:
    """Check that a table or an index does not get colder.

    Raises:
        ApiError: ValidationException.
    """
    for name, least in warmth(thing.units, thing.description.get("WarmThroughput", {})).items():
        if given.get(name, least) < least:
            raise invalid_parameter(
                f"Requested {name} for WarmThroughput for {what} is lower than current WarmThroughput, "
                "decreasing WarmThroughput is not supported"
            )


def will_not_change(subject: str, kind: str, units: Units) -> str:
    """Return AWS's words for a throughput that is the one there is."""
    names = {"ReadCapacityUnits": units.read, "WriteCapacityUnits": units.write}
    facts = " ".join(
        f"Current {name} provisioned for the {kind}: {value}. Requested {name}: {value}."
        for name, value in names.items()
    )
    return (
        f"The provisioned throughput for the {subject} will not change. "
        f"The requested value equals the current value. {facts} "
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
    )


def with_units(thing: Thing, units: Units, now: float) -> Thing:
    """Return a table or index with other units, which count from now on and show after the update."""
    before = thing.units or Units(0, 0)
    changes: dict[str, Any] = {"NumberOfDecreasesToday": 0, **thing.description.get("changes", {})}
    if units.read > before.read or units.write > before.write:
        changes["LastIncreaseDateTime"] = now
    if units.read < before.read or units.write < before.write:
        is_same_day = _day(changes.get("LastDecreaseDateTime", 0.0)) == _day(now)
        changes["NumberOfDecreasesToday"] = 1 + (changes["NumberOfDecreasesToday"] if is_same_day else 0)
        changes["LastDecreaseDateTime"] = now
    description = {**thing.description, "changes": changes, "before": [before.read, before.write]}
    return msgspec.structs.replace(thing, units=units, description=description)


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(moment))
