"""Serves every boto3 DynamoDB client and resource of this process from one engine in memory.

Importing it starts it: ``from dynamo_objects import dynamock``. Clients made before and after
are served, those of other libraries too, in all threads; other services are left alone. Nothing
is sent, and neither credentials nor a region are needed.

``reset()`` forgets all tables, ``stop()`` ends it, ``start(retries=True)`` answers below botocore's
retries, so that they are tried out too, at a tenth of the speed (and behind whatever else answers
``before-send`` events, as moto does). ``with serving():`` does all of this for a block.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from .connection.answering import Answer, Engine, answer
from .database import DynamoDatabase
from .errors import DynamoException
from .local.engine import Options

__all__ = ["is_serving", "reset", "serving", "start", "stop"]

_SERVICE = "dynamodb"
_REGION = "us-east-1"
_CREDENTIALS = {"aws_access_key_id": "dynamock", "aws_secret_access_key": "dynamock"}


@attrs.frozen
class _Serving:
    """What is served.

    Attributes:
        engine: Answers all requests.
        retries: Whether botocore sees HTTP responses, and tries again by itself.
        options: Of the engine, for a new one.
        is_ours: Whether the engine was made here.
    """

    engine: Engine
    retries: bool
    options: Options | None = None
    is_ours: bool = True

    def close(self) -> None:
        """Close the engine if it was made here."""
        if self.is_ours:
            self.engine.close()


_lock = threading.RLock()
_serving: _Serving | None = None


def _made(retries: bool, options: Options | None, engine: Engine | None = None) -> _Serving:
    if engine is not None:
        return _Serving(engine, retries, options, is_ours=False)
    from .local.opening import open_engine

    return _Serving(open_engine("memory://", options=options), retries, options)


def is_serving() -> bool:
    """Tell whether boto3's DynamoDB clients are served from memory."""
    return _serving is not None


def start(*, retries: bool = False, options: Options | None = None) -> None:
    """Serve all clients from now on; tables are kept when they are served already.

    Args:
        retries: Answer below botocore's signing, retries and parsers, instead of in their place.
        options: Of the engine, where a new one is made.
    """
    global _serving
    with _lock:
        if _serving is None:
            _serving = _made(retries, options)
        elif options is not None and options != _serving.options:
            _replace(_made(retries, options))
        else:
            _serving = attrs.evolve(_serving, retries=retries)
        _install()


def stop() -> None:
    """Give all clients back to their services, and forget all tables; harmless when nothing is served."""
    global _serving
    with _lock:
        old, _serving = _serving, None
        _uninstall()
        if old is not None:
            DynamoDatabase.forget_tables()
            old.close()


def reset() -> None:
    """Forget all tables; harmless when nothing is served.

    Raises:
        DynamoException: The engine was given to `serving`; it is not ours to empty.
    """
    with _lock:
        if _serving is not None:
            if not _serving.is_ours:
                raise DynamoException("the engine was given to serving(): its tables are not dynamock's")
            _replace(_made(_serving.retries, _serving.options))


def _replace(new: _Serving) -> None:
    global _serving
    old, _serving = _serving, new
    DynamoDatabase.forget_tables()
    if old is not None:
        old.close()


@contextmanager
def serving(
    *, retries: bool = False, options: Options | None = None, engine: Engine | None = None
) -> Iterator[Engine]:
    """Serve all clients from an engine of its own while a block runs; then all is as it was before.

    Args:
        retries, options: See `start`.
        engine: Answers instead of a new one; it is not closed.
    """
    global _serving
    with _lock:
        before, new = _serving, _made(retries, options, engine)
        _serving = new
        DynamoDatabase.forget_tables()
        _install()
    try:
        yield new.engine
    finally:
        with _lock:
            ended, _serving = _serving, before
            if before is None:
                _uninstall()
            else:
                _install()
            DynamoDatabase.forget_tables()
            if ended is not None and ended is not before:
                ended.close()


# --- what is put in the place of botocore's methods ----------------------------------------


class _Patch:
    """One method of botocore that is replaced while something is served.

    Others may replace the same method, before and after: what is not ours is left as it is, and
    what we leave behind under it only passes calls on.
    """

    def __init__(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        self._owner, self._name, self._make = owner, name, make
        self._original: Any = None
        self._ours: Any = None

    def install(self) -> None:
        """Replace the method, unless it is replaced."""
        current = getattr(self._owner, self._name)
        if current is not self._ours:
            self._original, self._ours = current, self._make(current)
            setattr(self._owner, self._name, self._ours)

    def uninstall(self) -> None:
        """Put the method back."""
        if self._ours is not None and getattr(self._owner, self._name) is self._ours:
            setattr(self._owner, self._name, self._original)
        self._original = self._ours = None


_patches: list[_Patch] = []


def _install() -> None:
    if not _patches:
        from botocore.client import BaseClient
        from botocore.endpoint import Endpoint
        from botocore.session import Session

        _patches.append(_Patch(BaseClient, "_make_api_call", _calling))
        _patches.append(_Patch(Endpoint, "_send", _sending))
        _patches.append(_Patch(Session, "create_client", _creating))
    for patch in _patches:
        patch.install()


def _uninstall() -> None:
    for patch in _patches:
        patch.uninstall()


def _calling(original: Any) -> Any:
    """Return what answers the calls of clients."""

    def _make_api_call(self: Any, operation_name: str, api_params: Any) -> Any:
        now = _serving
        if now is None or now.retries or self.meta.service_model.service_name != _SERVICE:
            return original(self, operation_name, api_params)
        return answer(now.engine, self, operation_name, api_params)

    return _make_api_call


def _sending(original: Any) -> Any:
    """Return what answers HTTP requests, in the place of the network."""

    def _send(self: Any, request: Any) -> Any:
        now = _serving
        if now is None or self._endpoint_prefix != _SERVICE:
            return original(self, request)
        target = request.headers["X-Amz-Target"]
        name = (target.decode() if isinstance(target, bytes) else target).partition(".")[2]
        return _response(request.url, now.engine.send(name, _body(request.body)))

    return _send


def _body(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)


class _Raw:
    """A body as urllib3 gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield the body."""
        yield self._body


def _response(url: str, reply: Answer) -> Any:
    from botocore.awsrequest import AWSResponse

    headers: Any = dict(reply.headers)
    return AWSResponse(url, reply.status, headers, _Raw(reply.body))


def _creating(original: Any) -> Any:
    """Return what makes clients; looking for credentials may reach the network."""

    def create_client(self: Any, service_name: str, *args: Any, **kwargs: Any) -> Any:
        if _serving is not None and service_name == _SERVICE and not args:
            kwargs = _with_defaults(self, kwargs)
        return original(self, service_name, *args, **kwargs)

    return create_client


def _with_defaults(session: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a client with made-up credentials and a region where none are given.

    Such a client cannot reach AWS later either.
    """
    arguments = dict(given)
    config = given.get("config")
    region = given.get("region_name") or getattr(config, "region_name", None)
    if not region:
        arguments["region_name"] = session.get_config_variable("region") or _REGION
    if not given.get("aws_access_key_id") and getattr(session, "_credentials", None) is None:
        arguments |= _CREDENTIALS
    return arguments


start()
