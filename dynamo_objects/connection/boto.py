"""The boto transport: requests through any boto3-shaped client.

The client gets its parameters by keyword, as from anyone else, so that whatever is built
around it (moto, tracing, a DAX client) keeps working. From botocore's own clients the raw
reply is taken before botocore parses it; from others the reply is made from their result.
"""

from __future__ import annotations

import os
import re
import threading
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ..errors import TransportError
from .transport import Reply

__all__ = ["BotoTransport", "client_retries"]

_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_HOOK = "dynamo_objects.raw_reply"


def client_retries(client: Any) -> bool:
    """Tell whether a client may send a request more than once by itself."""
    config = getattr(getattr(client, "meta", None), "config", None)
    retries = getattr(config, "retries", None) or {}
    attempts = retries.get("total_max_attempts")
    if attempts is None and "max_attempts" in retries:
        attempts = retries["max_attempts"] + 1
    return bool(attempts != 1)


class BotoTransport:
    """Sends requests through a boto3-shaped client.

    Args:
        make_client: Called once per process: connections must not be shared after a fork.
        retries_by_itself: Whether the client may send a request more than once.
    """

    def __init__(self, make_client: Callable[[], Any], *, retries_by_itself: bool) -> None:
        self._make_client = make_client
        self._retries_by_itself = retries_by_itself
        self._lock = threading.Lock()
        self._clients: dict[int, Any] = {}
        self._raw = threading.local()

    @property
    def retries_by_itself(self) -> bool:
        """Whether the client may send a request more than once."""
        return self._retries_by_itself

    @property
    def client(self) -> Any:
        """Return the client of this process."""
        client = self._clients.get(os.getpid())
        return self._new_client() if client is None else client

    def _new_client(self) -> Any:
        with self._lock:
            client = self._clients.get(os.getpid())
            if client is None:
                client = _guarded(self._make_client)
                events = getattr(getattr(client, "meta", None), "events", None)
                if events is not None:
                    events.register("before-parse.dynamodb", self._keep_raw, unique_id=_HOOK)
                self._clients = {os.getpid(): client}
            return client

    def _keep_raw(self, response_dict: Mapping[str, Any], **_: Any) -> None:
        """Keep a reply as received, for the thread that waits for it."""
        if getattr(self._raw, "is_waiting", False):
            self._raw.reply = _reply_of(
                response_dict["status_code"], response_dict["headers"], response_dict["body"]
            )

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request; the timeout is the client's own."""
        method = getattr(self.client, _WORD.sub("_", operation).lower())
        parameters = msgspec.json.decode(payload)
        if b'"B"' in payload or b'"BS"' in payload:
            parameters = _with_bytes(parameters)
        self._raw.is_waiting, self._raw.reply = True, None
        try:
            result = _guarded(lambda: method(**parameters), self._raw)
        finally:
            self._raw.is_waiting = False
        raw: Reply | None = self._raw.reply
        return _reply_from(result) if raw is None else raw

    def close(self) -> None:
        """Close the client's connections."""
        for client in self._clients.values():
            close = getattr(client, "close", None)
            events = getattr(getattr(client, "meta", None), "events", None)
            if events is not None:
                events.unregister("before-parse.dynamodb", self._keep_raw, unique_id=_HOOK)
            if close is not None and not self._retries_by_itself:
                close()
        self._clients = {}


def _reply_of(status: int, headers: Mapping[str, str], body: Any) -> Reply:
    lowered = {name.lower(): value for name, value in headers.items()}
    return Reply(status, lowered, bytes(body))


def _reply_from(result: Mapping[str, Any]) -> Reply:
    """Return the reply of a client that is not botocore's, from its parsed result."""
    metadata = result.get("ResponseMetadata", {})
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
    return Reply(metadata.get("HTTPStatusCode", default), headers, msgspec.json.encode(members))


def _guarded(call: Callable[[], Any], raw: Any = None) -> Any:
    """Make a call into boto, turning its exceptions into ours or into a result with ``Error``."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        return call()
    except exceptions.ClientError as error:
        return error.response
    except ResponseParserError as error:
        if getattr(raw, "reply", None) is not None:
            return {}  # judged by the raw reply, which explains more
        raise TransportError(f"boto3 cannot read the reply: {error}", sent=True) from None
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        sent, can_retry = _judge(error)
        text = f"{type(error).__name__}: {error}"
        raise TransportError(text, sent=sent, can_retry=can_retry) from None
    except exceptions.BotoCoreError as error:  # no credentials or region, a bad profile
        raise TransportError(f"boto3: {error}", sent=False, can_retry=False) from None


def _judge(error: Exception) -> tuple[bool, bool]:
    """Return whether the request may have been sent, and whether to try again."""
    from botocore import exceptions

    if isinstance(error, exceptions.SSLError):
        # A certificate is refused before anything is sent; other faults may come later.
        is_certificate = "CERTIFICATE" in str(error).upper()
        return not is_certificate, not is_certificate
    # Not connected: EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError.
    return not isinstance(error, exceptions.ConnectionError), True


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
        if tag == "BS" and all(isinstance(member, str) for member in held):
            return {"BS": [a2b_base64(member) for member in held]}
    return {name: _with_bytes(inner) for name, inner in value.items()}
