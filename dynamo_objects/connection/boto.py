"""The boto transport: requests through any boto3-shaped client.

The client gets its parameters by keyword, as from anyone else, so that whatever is built
around it (moto, tracing, a DAX client) keeps working. From botocore's own clients the raw
reply is taken before botocore parses it; from others the reply is made from their result.
"""

from __future__ import annotations

import os
import re
import threading
import weakref
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ..errors import DynamoException, TransportError
from .boto_errors import boto_failure
from .transport import Reply

__all__ = ["BotoTransport", "client_retries"]

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def client_retries(client: Any) -> bool:
    """Tell whether a client may send a request more than once by itself."""
    config = getattr(getattr(client, "meta", None), "config", None)
    retries = getattr(config, "retries", None)
    if not isinstance(retries, Mapping):
        return True
    attempts = retries.get("total_max_attempts")
    if attempts is None and "max_attempts" in retries:
        attempts = retries["max_attempts"] + 1
    return bool(attempts != 1)


class BotoTransport:
    """Sends requests through a boto3-shaped client.

    Args:
        make_client: Called once per process: connections must not be shared after a fork.
        retries_by_itself: Whether the client may send a request more than once.
        is_ours: Whether the client is closed with the transport.
    """

    def __init__(
        self, make_client: Callable[[], Any], *, retries_by_itself: bool, is_ours: bool = True
    ) -> None:
        self._make_client = make_client
        self._retries_by_itself = retries_by_itself
        self._is_ours = is_ours
        self._is_closed = False
        self._is_inherited = False
        self._client: Any = None
        self._inherited: Any = None
        self._lock = threading.Lock()
        self._raw = threading.local()
        _transports.add(self)

    @property
    def retries_by_itself(self) -> bool:
        """Whether the client may send a request more than once."""
        return self._retries_by_itself

    @property
    def client(self) -> Any:
        """Return the client of this process."""
        client = self._client
        return self._new_client() if client is None else client

    def _new_client(self) -> Any:
        with self._lock:
            if self._is_closed:
                raise TransportError("the connection was closed", sent=False, can_retry=False)
            if self._client is None:
                client = self._made_client()
                events = _events(client)
                if events is not None:
                    events.register("before-parse.dynamodb", self._keep_raw, unique_id=self._hook)
                self._client = client
            return self._client

    def _made_client(self) -> Any:
        client, failure = _attempt(self._make_client)
        if failure is not None:
            raise boto_failure(failure, is_sending=False) or failure
        if self._is_inherited and not self._is_ours:
            _close(client)  # drops the parent's connections; it makes new ones as needed
        return client

    @property
    def _hook(self) -> str:
        """Return a name of our own: two transports may share a client."""
        return f"dynamo_objects.raw_reply.{id(self)}"

    def _keep_raw(self, response_dict: Mapping[str, Any], **_: Any) -> None:
        """Keep a reply as received, for the thread that waits for it."""
        if getattr(self._raw, "is_waiting", False):
            headers = {name.lower(): value for name, value in response_dict["headers"].items()}
            self._raw.reply = Reply(response_dict["status_code"], headers, bytes(response_dict["body"]))

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request; the timeout is the client's own."""
        name = _WORD.sub("_", operation).lower()
        method = getattr(self.client, name, None)
        if method is None:
            raise TransportError(f"the client has no {name}", sent=False, can_retry=False)
        parameters = msgspec.json.decode(payload)
        if b'"B"' in payload or b'"BS"' in payload:
            parameters = _with_bytes(parameters)
        self._raw.is_waiting, self._raw.reply = True, None
        try:
            result, failure = _attempt(lambda: method(**parameters))
        finally:
            self._raw.is_waiting = False
        raw: Reply | None = self._raw.reply
        self._raw.reply = None
        if failure is not None:
            error = boto_failure(failure, is_sending=True, has_reply=raw is not None)
            if error is not None:
                raise error
        return _reply_from(result) if raw is None else raw

    def close(self) -> None:
        """Close the client's connections, if the client is ours."""
        with self._lock:
            client, self._client, self._is_closed = self._client, None, True
        events = _events(client)
        if events is not None:
            events.unregister("before-parse.dynamodb", self._keep_raw, unique_id=self._hook)
        if self._is_ours:
            _close(client)

    def _after_fork(self) -> None:
        """Forget the parent's client: both would read replies from the same connections.

        It is not closed here, since another thread may have held its locks.
        """
        self._inherited, self._client, self._is_inherited = self._client, None, True
        self._lock, self._raw = threading.Lock(), threading.local()


_transports: weakref.WeakSet[BotoTransport] = weakref.WeakSet()


def _renew_clients() -> None:
    for transport in list(_transports):
        transport._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_clients)


def _attempt(call: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """Return the result of a call, or what it raised.

    Raising anew outside of the except block keeps boto's exceptions, which hold the
    request, out of the chain of ours.
    """
    from botocore.exceptions import ClientError

    try:
        return call(), None
    except ClientError as error:
        return error.response, None
    except DynamoException:
        raise
    except Exception as error:
        return None, error


def _events(client: Any) -> Any:
    return getattr(getattr(client, "meta", None), "events", None)


def _close(client: Any) -> None:
    close = getattr(client, "close", None)
    if close is not None:
        close()


def _reply_from(result: Any) -> Reply:
    """Return the reply of a client that is not botocore's, from its parsed result."""
    if not isinstance(result, Mapping):
        return Reply(200, {}, b"")  # judged as any other page that is not DynamoDB's
    metadata = result.get("ResponseMetadata") or {}
    members = {name: value for name, value in result.items() if name != "ResponseMetadata"}
    error = members.pop("Error", None)
    if error is not None:
        members["__type"] = error.get("Code", "")
        members["message"] = error.get("Message", "")
    headers = {
        "x-amzn-requestid": metadata.get("RequestId") or "from a client without request ids",
        "content-type": "application/x-amz-json-1.0",
    }
    default = 200 if error is None else 400
    try:
        body = msgspec.json.encode(members)
    except (TypeError, ValueError, RecursionError):
        body = b""
    return Reply(metadata.get("HTTPStatusCode") or default, headers, body)


def _with_bytes(value: Any) -> Any:
    """Return the members of a request with binaries as bytes, which boto3 encodes itself.

    Only an attribute value has a text as ``B`` or a list of texts as ``BS``.
    """
    if isinstance(value, list):
        return [_with_bytes(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, held),) = value.items()
        if tag == "B" and isinstance(held, str):
            return {"B": a2b_base64(held)}
        if tag == "BS" and isinstance(held, list) and all(isinstance(member, str) for member in held):
            return {"BS": [a2b_base64(member) for member in held]}
    return {name: _with_bytes(inner) for name, inner in value.items()}
