"""What is merely described: stream, encryption, table class.

The engine keeps no streams; it answers for their specification as AWS does.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from ..engine import Context
from ..errors import invalid, invalid_parameter
from .describing import ACCOUNT, region_of, table_arn

__all__ = ["check_stream", "encrypted", "with_stream"]

Members = Mapping[str, Any]


def check_stream(given: Members | None) -> None:
    """Check the stream specification of a new table.

    Raises:
        ApiError: ValidationException.
    """
    if given is None:
        return
    # The first message was captured from AWS by dynoxide's tests; the second is our own.
    if not given["StreamEnabled"] and given.get("StreamViewType") is not None:
        raise invalid_parameter(
            "Table is being created with a stream disabled, UpdateViewType should not be specified"
        )
    if given["StreamEnabled"] and given.get("StreamViewType") is None:
        raise invalid_parameter(
            "Table is being created with a stream enabled, StreamViewType should be specified"
        )


def with_stream(
    context: Context, name: str, description: Members, given: Members, now: float
) -> dict[str, Any]:
    """Return a description with a stream turned on or off.

    Raises:
        ApiError: It has one already, or none (API reference, "UpdateTable": ValidationException; the
            words are DynamoDB Local's).
    """
    has_stream = "StreamSpecification" in description
    if not given["StreamEnabled"]:
        if not has_stream:
            raise invalid(f"Table has no stream to disable: TableName: {name}")
        return {held: value for held, value in description.items() if held != "StreamSpecification"}
    if has_stream:
        raise invalid(f"Table already has an enabled stream: TableName: {name}")
    label = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}"
    return {
        **description,
        "StreamSpecification": dict(given),
        "LatestStreamLabel": label,
        "LatestStreamArn": f"{table_arn(context, name)}/stream/{label}",
    }


def encrypted(context: Context, description: Members, given: Members) -> dict[str, Any]:
    """Return a description with encryption by a key of the account, or by AWS's own, as by default."""
    if given.get("SSEType") == "AES256":
        raise invalid_parameter("SSEType AES256 is not supported")
    if not given.get("Enabled"):
        return {held: value for held, value in description.items() if held != "SSEDescription"}
    key = given.get("KMSMasterKeyId") or str(uuid.uuid4())
    arn = key if key.startswith("arn:") else f"arn:aws:kms:{region_of(context)}:{ACCOUNT}:key/{key}"
    return {
        **description,
        "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": arn},
    }
