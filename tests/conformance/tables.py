"""The tables that cases share: empty before each case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["MADE", "TABLES"]

#: The name of every table that a case may make; it is deleted after the case.
MADE = "made"


def _table(types: Mapping[str, str], keys: list[str], **more: Any) -> dict[str, Any]:
    return {
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": type_} for name, type_ in types.items()
        ],
        "KeySchema": _schema(keys),
        "BillingMode": "PAY_PER_REQUEST",
        **more,
    }


def _schema(keys: list[str]) -> list[dict[str, str]]:
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, kinds, strict=False)]


def _index(name: str, keys: list[str], kind: str = "ALL", held: list[str] | None = None) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": kind}
    if held:
        projection["NonKeyAttributes"] = held
    return {"IndexName": name, "KeySchema": _schema(keys), "Projection": projection}


#: Name -> members of CreateTable. Attributes that are index keys begin with the index's name.
TABLES: Mapping[str, dict[str, Any]] = {
    "hash": _table({"pk": "S"}, ["pk"]),
    "range": _table({"pk": "S", "sk": "N"}, ["pk", "sk"]),
    "binary": _table({"pk": "B", "sk": "B"}, ["pk", "sk"]),
    "number": _table({"pk": "N"}, ["pk"]),
    "index": _table(
        {"pk": "S", "sk": "S", "all_h": "S", "all_r": "N", "keys_h": "S", "some_h": "S", "lall_r": "S", "lkeys_r": "N"},
        ["pk", "sk"],
        GlobalSecondaryIndexes=[
            _index("all", ["all_h", "all_r"]),
            _index("keys", ["keys_h"], "KEYS_ONLY"),
            _index("some", ["some_h"], "INCLUDE", ["inc"]),
        ],
        LocalSecondaryIndexes=[
            _index("lall", ["pk", "lall_r"]),
            _index("lkeys", ["pk", "lkeys_r"], "KEYS_ONLY"),
        ],
    ),
}  # fmt: skip
