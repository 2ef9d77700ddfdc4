"""From a botocore client to a route: everything that a request of our own needs to go the same way.

The client prepares one request, which is not sent. Its address and headers are taken over, and it
is signed here as well: only if both signatures are the same, the client's way is known. Where
anything is unusual, handlers of others for one, there is no route, and the client sends requests.
"""

from __future__ import annotations

import calendar
import time
from types import FunctionType
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.client
import botocore.endpoint
import botocore.httpsession
import botocore.signers

from .signing import Signer
from .wire import Proxy, Route, host_header

__all__ = ["NoRoute", "is_instrumented", "route_of"]

#: Events at which a handler could change or see what is asked; before-send is honoured.
_EVENTS = (
    "provide-client-params",
    "before-parameter-build",
    "before-endpoint-resolution",
    "before-call",
    "request-created",
    "choose-signer",
    "before-sign",
    "response-received",
    "needs-retry",
    "before-parse",
    "after-call",
    "after-call-error",
)

#: Headers that are made for each request, or only describe botocore's own retries.
_CHANGING = frozenset(
    {
        *("authorization", "x-amz-date", "x-amz-security-token", "x-amz-target", "x-amzn-trace-id"),
        *("host", "content-length", "amz-sdk-invocation-id", "amz-sdk-request"),
    }
)

_METHODS: tuple[tuple[Any, str], ...] = (
    (botocore.client.BaseClient, "_make_api_call"),
    (botocore.endpoint.Endpoint, "make_request"),
    (botocore.endpoint.Endpoint, "_send"),
    (botocore.httpsession.URLLib3Session, "send"),
    (botocore.signers.RequestSigner, "sign"),
)


class NoRoute(Exception):
    """A client's way to the service is unusual; the message says how.

    Attributes:
        passes: Whether it may become usual again.
    """

    def __init__(self, message: str, *, passes: bool = False) -> None:
        self.passes = passes
        super().__init__(message)


class _Prepared(Exception):
    """Carries a request out of botocore instead of sending it."""


def _is_own(owner: Any, name: str) -> bool:
    """Tell whether a method is botocore's own, and no wrapper around it."""
    method = vars(owner)[name]
    return type(method) is FunctionType and method.__globals__["__name__"].startswith("botocore.")


#: As they were when this module was imported; wrapped ones are noticed with them.
_WERE_OWN = all(_is_own(*method) for method in _METHODS)
_MAKE, _REQUEST, _SEND, _HTTP, _SIGN = (vars(owner)[name] for owner, name in _METHODS)


def is_instrumented(
    client: Any = botocore.client.BaseClient,
    endpoint: Any = botocore.endpoint.Endpoint,
    session: Any = botocore.httpsession.URLLib3Session,
    signer: Any = botocore.signers.RequestSigner,
) -> bool:
    """Tell whether somebody has replaced methods of botocore, for tracing or as a mock."""
    if (
        client._make_api_call is _MAKE
        and endpoint._send is _SEND
        and endpoint.make_request is _REQUEST
        and session.send is _HTTP
        and signer.sign is _SIGN
    ):
        return not _WERE_OWN
    return not all(_is_own(*method) for method in _METHODS)


def route_of(client: Any, *, timeout_seconds: float) -> Route:
    """Return the way that a client's requests go.

    Args:
        timeout_seconds: What the client's read timeout is unless its user has set another one.

    Raises:
        NoRoute: It cannot be gone without the client.
        Exception: What botocore raises without credentials, a region and the like.
    """
    try:
        return _route(client, timeout_seconds)
    except (AttributeError, KeyError, IndexError) as error:  # an unknown botocore
        raise NoRoute(f"botocore has changed: {type(error).__name__}") from None


def _route(client: Any, timeout_seconds: float) -> Route:
    if is_instrumented():
        raise NoRoute("methods of botocore are replaced", passes=True)
    if botocore.client.BaseClient not in type(client).__mro__:
        raise NoRoute("the client is not botocore's")
    for method in ("_make_api_call", "_make_request"):
        if method in vars(client):
            raise NoRoute(f"the client has a {method} of its own")
    _check_handlers(client)
    request = _prepared(client)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    credentials = client._request_signer._credentials.get_frozen_credentials()
    signer = _signer(request, headers, credentials)
    parts = urlsplit(request.url)
    is_tls = parts.scheme == "https"
    session = client._endpoint.http_session
    if type(session).send is not _HTTP:  # of a class of its own
        raise NoRoute("the client has an HTTP session of another kind")
    config = client.meta.config
    constant = {name: text for name, text in headers.items() if name not in _CHANGING}
    constant.setdefault("accept-encoding", "identity")
    if not all(text.isascii() and text.isprintable() for text in constant.values()):
        raise NoRoute("a header holds unusual characters")
    return Route(
        url=request.url,
        is_tls=is_tls,
        host=parts.hostname or "",
        port=parts.port or (443 if is_tls else 80),
        host_header=host_header(request.url),
        target=f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}",
        lines=tuple(f"{name.title()}: {text}" for name, text in constant.items()),
        signer=signer,
        account_id=getattr(credentials, "account_id", None),
        connect_seconds=float(config.connect_timeout),
        read_seconds=None if config.read_timeout == timeout_seconds else float(config.read_timeout),
        max_connections=config.max_pool_connections,
        proxy=_proxy(session, request.url),
        ca_bundle=_ca_bundle(session, is_tls),
        client_cert=(session._cert_file, session._key_file) if session._cert_file else None,
        socket_options=list(session._socket_options),
    )


# --- the parts of a route --------------------------------------------------------------------


def _check_handlers(client: Any) -> None:
    """Raise NoRoute where somebody else than botocore handles requests."""
    handlers = client.meta.events._emitter._handlers
    for event in _EVENTS:
        for operation in ("GetItem", "TransactWriteItems", "CreateTable"):
            for handler in handlers.prefix_search(f"{event}.dynamodb.{operation}"):
                owner = getattr(handler, "__self__", None)
                module = type(owner).__module__ if owner is not None else handler.__module__
                name = type(owner).__name__ if owner is not None else handler.__qualname__
                is_ours = module == "dynamo_objects.connection.boto"
                is_known = module.startswith("botocore.") and name != "EndpointDiscoveryHandler"
                if not is_ours and not is_known:
                    raise NoRoute(f"{module}.{name} handles {event}")


def _prepared(client: Any) -> Any:
    """Return a request of the client, which is not sent."""

    def take(request: Any, **_: Any) -> None:
        raise _Prepared(request)

    events = client.meta.events
    event, name = "before-send.dynamodb.GetItem", "dynamo_objects.prepared"
    events.register_first(event, take, unique_id=name)  # before others, which are not to see it
    try:
        client.get_item(TableName="table", Key={"id": {"S": "id"}})
    except _Prepared as prepared:
        return prepared.args[0]
    finally:
        events.unregister(event, take, unique_id=name)
    raise NoRoute("something answers before a request is made")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _signer(request: Any, headers: dict[str, str], credentials: Any) -> Signer:
    """Return a signer that signs this request as the client did.

    Raises:
        NoRoute: It does not, or the request is not signed.
    """
    algorithm, _, rest = headers.get("authorization", "").partition(" ")
    if algorithm != "AWS4-HMAC-SHA256" or request.method != "POST":
        raise NoRoute("requests are not signed with signature version 4")
    fields: dict[str, str] = dict(part.strip().split("=", 1) for part in rest.split(","))
    _, _, region, service, _ = fields["Credential"].rsplit("/", 4)
    signed = {name: headers[name] for name in fields["SignedHeaders"].split(";") if name not in _CHANGING}
    parts = urlsplit(request.url)
    target, _, operation = headers["x-amz-target"].rpartition(".")
    if parts.query or parts.username is not None or parts.fragment:
        raise NoRoute("the endpoint has a query or a user")
    signer = Signer(
        region=region,
        service=service,
        host=host_header(request.url),
        path=parts.path or "/",
        headers=signed,
        target=f"{target}.",
    )
    moment = calendar.timegm(time.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))
    lines = signer.sign(operation, request.body, credentials, moment)
    found = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
    if any(headers.get(name) != text for name, text in found.items()):
        raise NoRoute("requests are signed in another way")
    return signer


def _proxy(session: Any, url: str) -> Proxy | None:
    config = session._proxy_config
    found = config.proxy_url_for(url)
    if not found:
        return None
    parts = urlsplit(found)
    if config.settings or parts.scheme != "http" or not url.startswith("https:"):
        raise NoRoute("the proxy has settings of its own, or is not asked to connect")
    url = f"http://{parts.netloc}"
    if parts.username is not None and not (unquote(parts.username) and unquote(parts.password or "")):
        raise NoRoute("the proxy's URL has half of the credentials")
    return Proxy(parts.hostname or "", parts.port or 80, url, config.proxy_headers_for(found))


def _ca_bundle(session: Any, is_tls: bool) -> str | None:
    if not is_tls:
        return None
    bundle = botocore.httpsession.get_cert_path(session._verify)
    if not bundle:
        raise NoRoute("certificates are not to be verified")
    return str(bundle)
