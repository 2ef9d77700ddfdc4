"""The native transports: botocore says where requests go and who signs them, and they go there without it.

In the simple case it need not be asked, see `plain`; from when it is imported, it is. What both wires
share is here: credentials are looked at for each request, handlers of before-send are asked, a wrong
clock is corrected. Where botocore's way is unusual, botocore goes it.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import threading
import weakref
from collections.abc import Callable
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ..errors import DynamoException, TransportError
from .aws import AwsSettings, boto_transport
from .boto_errors import boto_failure
from .transport import Reply, Transport

if TYPE_CHECKING:
    from .wire import Route, Wire

__all__ = ["TRANSPORTS", "NativeTransport", "chosen_transport"]

#: What ``connect(transport=...)`` takes by name.
TRANSPORTS = ("boto3", "urllib3", "curl")

#: Batches hold up to 16 MB of values, and a control character is up to six bytes of JSON.
MAX_REPLY_BYTES = 128 * 1024 * 1024

#: Refusals that a wrong clock causes; others of the same code have another cause.
_CLOCK_CODES = frozenset(
    {"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
)

#: Signatures hold for five minutes; the header Date has whole seconds.
_SKEW_SECONDS = 60.0

#: What botocore leaves as it is in a trace id.
_SAFE = "-=;:+&[]{}\"',"

#: All of them name tables by their names; others may name them by ARNs, on which an endpoint depends.
_BY_NAME = frozenset(
    {
        *(
            "GetItem",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "Query",
            "Scan",
            "BatchGetItem",
            "BatchWriteItem",
        ),
        *("TransactGetItems", "TransactWriteItems", "CreateTable", "DescribeTable", "UpdateTable"),
        *("DeleteTable", "ListTables", "DescribeTimeToLive", "UpdateTimeToLive"),
    }
)


class _State:
    """What a process has made of the settings.

    Attributes:
        asked: Why botocore was asked for the way; empty if it was not.
        why: Why requests go through botocore; empty if they do not.
        passes: Whether that may change.
        is_odd: Tells whether to look closer before the next request.
        is_over: Tells whether all of this must be found out anew.
        fixed: Credentials that never change; None: they are asked for each time.
        handled: Asks those who may want to answer instead; None where there are none.
    """

    __slots__ = (
        "asked",
        "credentials",
        "fixed",
        "handled",
        "in_lambda",
        "is_instrumented",
        "is_odd",
        "is_over",
        "passes",
        "pid",
        "route",
        "why",
        "wire",
    )

    pid: int
    asked: str
    why: str
    passes: bool
    is_odd: Callable[[], bool]
    is_over: Callable[[], bool]
    route: Route
    wire: Wire
    credentials: Callable[[], Any]
    fixed: Any
    handled: Callable[[str, list[str], bytes], Reply | None] | None
    is_instrumented: Callable[[], bool]
    in_lambda: bool


class NativeTransport:
    """Sends requests along the way that botocore's client for the settings would go.

    Args:
        settings: How to reach DynamoDB; without a client.
        make_wire: Makes a wire from a route and the largest size of a reply.
    """

    #: Whether one ``send`` may reach the service more than once: no, but for what it refused to look at.
    retries_by_itself = False

    def __init__(self, settings: AwsSettings, make_wire: Callable[[Route, int], Wire]) -> None:
        self._boto = boto_transport(settings)
        self._settings = settings
        self._make_wire = make_wire
        self._state: _State | None = None
        self._inherited: list[_State] = []
        self._skew_seconds = 0.0
        self._is_closed = False
        self._lock = threading.Lock()
        _transports.add(self)

    @property
    def client(self) -> Any:
        """Return the botocore client of this process."""
        return self._boto.client

    @property
    def falls_back(self) -> str:
        """Return why requests go through botocore; empty if they do not.

        Raises:
            TransportError: There are no credentials, no region and the like.
        """
        return self._opened().why

    @property
    def asks_boto3(self) -> str:
        """Return why boto3 was asked for the way, which takes time at the start; empty if it was not."""
        return self._opened().asked

    def send(self, operation: str, payload: bytes, timeout_seconds: float) -> Reply:
        """Send one request and return its reply."""
        state = self._state
        if state is None or state.is_odd() or state.pid != os.getpid():
            state = self._opened()
            if state.why or state.is_instrumented():
                return self._boto.send(operation, payload, timeout_seconds)
        if operation not in _BY_NAME and b'"arn:' in payload:
            return self._boto.send(operation, payload, timeout_seconds)
        route, credentials = state.route, state.fixed
        if credentials is None:
            credentials = _frozen(state.credentials)
            if getattr(credentials, "account_id", None) != route.account_id:
                self._forget(state)
                return self.send(operation, payload, timeout_seconds)
        seconds = route.read_seconds or timeout_seconds
        reply = self._signed(state, operation, payload, credentials, seconds)
        if reply.status != 200 and reply.status in (400, 403) and self._corrects_clock(reply):
            reply = self._signed(state, operation, payload, credentials, seconds)
        return reply

    def _signed(
        self, state: _State, operation: str, payload: bytes, credentials: Any, seconds: float
    ) -> Reply:
        """Sign a request and return the reply of a handler, or of the service."""
        route = state.route
        lines = route.signer.sign(operation, payload, credentials, time() + self._skew_seconds)
        if state.in_lambda:
            lines += _trace()
        if state.handled is not None:
            handled = state.handled(operation, lines, payload)
            if handled is not None:
                return handled
        return state.wire.exchange(lines, payload, seconds)

    def _corrects_clock(self, reply: Reply) -> bool:
        """Tell whether a refusal is due to a wrong clock, which is put right for what follows."""
        try:
            code = str(msgspec.json.decode(reply.body, type=dict[str, Any])["__type"]).rpartition("#")[2]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
            return False
        if code not in _CLOCK_CODES:
            return False
        from email.utils import parsedate_to_datetime  # clocks are rarely wrong

        try:
            theirs = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            return False
        skew = theirs - time()
        if abs(skew - self._skew_seconds) < _SKEW_SECONDS:
            return False
        self._skew_seconds = skew
        return True

    # --- the state of a process -----------------------------------------------------------

    def _opened(self) -> _State:
        with self._lock:
            state = self._state
            if state is not None and state.pid != os.getpid():  # forked without Python's knowledge
                self._inherited.append(state)
                state = None
            if state is not None and state.is_over():
                state.wire.close()  # connections in use close when they are given back
                state = self._state = None
            if self._is_closed:
                raise TransportError("the connection was closed", sent=False, can_retry=False)
            if state is None:
                state = self._made()
                self._state = None if state.passes else state
        return state

    def _made(self) -> _State:
        from . import plain

        state = _State()
        state.pid, state.asked, state.why, state.passes = os.getpid(), "", "", False
        state.in_lambda = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
        state.is_odd = state.is_over = plain.changes()  # before it is looked whether anything is there
        try:
            state.route, state.fixed = plain.plain_way(self._settings)
        except plain.NotPlain as error:
            state.asked = str(error)
            return self._made_by_boto(state)
        state.wire = self._make_wire(state.route, MAX_REPLY_BYTES)
        state.handled, state.is_instrumented = None, _never
        return state

    def _made_by_boto(self, state: _State) -> _State:
        from . import handling, routes  # they import botocore

        client, state.fixed = self._boto.client, None
        state.is_over, state.is_odd = _never, _always
        try:
            state.route = routes.route_of(client, timeout_seconds=self._settings.timeout_seconds)
        except routes.NoRoute as error:
            state.why, state.passes = str(error), error.passes
            return state
        except DynamoException:
            raise
        except Exception as error:
            failure = boto_failure(error, is_sending=False) or error
        else:
            state.wire = self._make_wire(state.route, MAX_REPLY_BYTES)
            state.credentials = client._request_signer._credentials.get_frozen_credentials
            state.handled = handling.Handlers(client, state.route.url, state.route.lines).reply
            state.is_odd = state.is_instrumented = routes.is_instrumented
            return state
        raise failure

    def _forget(self, state: _State) -> None:
        """Make another route for the next request; connections in use close when they are given back."""
        with self._lock:
            if self._state is state:
                self._state = None
        state.wire.close()

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            state, self._state, self._is_closed = self._state, None, True
        if state is not None and not state.why:
            state.wire.close()
        self._boto.close()

    def _after_fork(self) -> None:
        """Forget the parent's connections: both would read replies from them."""
        self._lock = threading.Lock()
        state, self._state = self._state, None
        if state is not None and not state.why:
            self._inherited.append(state)  # a thread of the parent may hold parts of it
            state.wire.abandon()


_transports: weakref.WeakSet[NativeTransport] = weakref.WeakSet()


def _renew_transports() -> None:
    for transport in list(_transports):
        transport._after_fork()


def _close_wires() -> None:
    """Close what nobody has closed: at the end of the program that is no fault."""
    for transport in list(_transports):
        state = transport._state
        if state is not None and not state.why and state.pid == os.getpid():
            state.wire.close()


atexit.register(_close_wires)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_transports)


def _frozen(get: Callable[[], Any]) -> Any:
    """Return the credentials of this moment; botocore renews them when it is time.

    Raises:
        TransportError: They could not be renewed.
    """
    try:
        return get()
    except Exception as error:
        failure = boto_failure(error, is_sending=False) or error
    raise failure


def _never() -> bool:
    return False


def _always() -> bool:
    return True


def _trace() -> list[str]:
    """Return the header by which AWS notices functions that call themselves, as botocore makes it."""
    trace = os.environ.get("_X_AMZN_TRACE_ID")
    return [f"X-Amzn-Trace-Id: {quote(trace, safe=_SAFE)}"] if trace else []


def chosen_transport(settings: AwsSettings, name: str | None) -> Transport:
    """Return the transport of a name.

    Args:
        name: One of `TRANSPORTS`; None: the client's where there is one, else our own sockets, which
            need less than libcurl. Their name is that of urllib3, which asks proxies for them.

    Raises:
        DynamoException: There is none of this name, it needs pycurl, or it cannot use a client.
    """
    if name is not None and name not in TRANSPORTS:
        raise DynamoException(f"transport= is one of {', '.join(TRANSPORTS)}, or an object, not {name!r}")
    if name == "curl" and importlib.util.find_spec("pycurl") is None:
        raise DynamoException("transport='curl' needs pycurl: pip install dynamo_objects[fast]")
    if name == "boto3" or (settings.client is not None and name is None):
        return boto_transport(settings)
    if settings.client is not None:
        raise DynamoException(f"client= sends requests itself: leave out transport={name!r}")
    return NativeTransport(settings, _curl if name == "curl" else _pool)


def _curl(route: Route, max_reply_bytes: int) -> Wire:
    from .curl import CurlWire

    return CurlWire(route, max_reply_bytes)


def _pool(route: Route, max_reply_bytes: int) -> Wire:
    from .pool import PoolWire

    return PoolWire(route, max_reply_bytes)
