"""From an HTTP request to an engine's reply: what AWS's front does before and after the operation itself.

Its order: other methods, content type, compression, JSON, operation, signature, and then the
engine. Source: what AWS answered to the tests of dynalite (test/connection.js) and of ScyllaDB's
Alternator (test_cors.py, test_health.py, test_compressed_request.py).

Browsers are kept out, since any web page could make them send requests here: a request for
another host (DNS rebinding) or from a page that does not come from this machine is refused.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import traceback
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from ..codec.structs import Quiet
from .errors import ApiError
from .faults import LostReply
from .server_auth import auth_problem
from .server_coding import THRESHOLD_BYTES, CodingProblem, compressed, decoded, wanted_coding
from .server_http import Head

__all__ = ["AMZ_JSON", "MAX_BODY_BYTES", "Access", "Answering", "Front", "Response"]

_log = logging.getLogger("dynamo_objects.local.server")

#: Longer requests are refused (as AWS does).
MAX_BODY_BYTES = 16 * 1024 * 1024

#: The content type of replies.
AMZ_JSON = "application/x-amz-json-1.0"
_JSON = "application/json"
_PREFIX = "DynamoDB_20120810."
_UNKNOWN_PAGE = b"<UnknownOperationException/>\n"
_HEALTHY = b"healthy: dynamodb.us-east-1.amazonaws.com "
_EXPOSED = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"

#: The operations that AWS has; of others it says so before it looks for a signature.
_OPERATIONS = frozenset(
    """
    BatchExecuteStatement BatchGetItem BatchWriteItem CancelBulkOperation CreateBackup CreateGlobalTable
    CreateTable DeleteBackup DeleteItem DeleteResourcePolicy DeleteTable DescribeBackup DescribeBulkOperation
    DescribeContinuousBackups DescribeContributorInsights DescribeEndpoints DescribeExport
    DescribeGlobalTable DescribeGlobalTableSettings DescribeImport DescribeKinesisStreamingDestination
    DescribeLimits DescribeTable DescribeTableReplicaAutoScaling DescribeTimeToLive
    DisableKinesisStreamingDestination EnableKinesisStreamingDestination ExecuteStatement
    ExecuteTransaction ExportTableToPointInTime GetItem GetResourcePolicy ImportTable ListBackups
    ListBulkOperations ListContributorInsights ListExports ListGlobalTables ListImports ListTables
    ListTagsOfResource PutItem PutResourcePolicy Query RestoreTableFromBackup RestoreTableToPointInTime
    Scan SearchVectors StartBulkPutItems TagResource TransactGetItems TransactWriteItems UntagResource
    UpdateContinuousBackups UpdateContributorInsights UpdateGlobalTable UpdateGlobalTableSettings
    UpdateItem UpdateKinesisStreamingDestination UpdateTable UpdateTableReplicaAutoScaling
    UpdateTimeToLive
    """.split()  # noqa: SIM905 (a list of a hundred lines)
)
_AWS_HOST = re.compile(r"dynamodb\.[a-z0-9-]+\.amazonaws\.com")


class Reply(Protocol):
    """What an engine answers."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def body(self) -> bytes:
        """DynamoDB JSON."""
        ...


class Answering(Protocol):
    """An engine, or anything like it."""

    def send(self, operation: str, payload: bytes, /) -> Reply:
        """Carry out one request."""
        ...


class Response(Quiet, frozen=True):
    """What is sent back.

    Attributes:
        status: HTTP status.
        body: As it is sent.
        content_type: Empty for none.
        fields: More header fields.
    """

    unshown = frozenset({"body"})

    status: int
    body: bytes = b""
    content_type: str = ""
    fields: tuple[tuple[str, str], ...] = ()


class Access(msgspec.Struct, frozen=True):
    """Who may send requests, besides programs that call this machine by a name of its own.

    Attributes:
        hosts: More names of this machine, as in the header Host.
        origins: Web pages, as ``https://app.example.com``; ``*`` for all.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    def takes_host(self, host: str) -> bool:
        """Tell whether a request was meant for this machine; pages of others have names of others."""
        name = host.rpartition(":")[0] if re.search(r":[0-9]*$", host) else host
        name = name.strip("[]").rstrip(".").lower()
        if name in self.hosts or "." not in name or name.endswith((".localhost", ".internal")):
            return True
        return _is_address(name) or _AWS_HOST.fullmatch(name) is not None

    def takes_origin(self, origin: str) -> bool:
        """Tell whether a web page may send requests; what is no origin was not sent by a browser."""
        if origin in self.origins or "*" in self.origins:
            return True
        if "://" not in origin:
            return origin != "null"  # of pages from files, and of frames that hide theirs
        try:
            host = urlsplit(origin).hostname or ""
        except ValueError:
            return False
        return host == "localhost" or host.endswith(".localhost") or _is_loopback(host)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


class Front:
    """Answers requests from an engine.

    Args:
        engine: Carries out operations.
        access: Who may send requests.
    """

    def __init__(self, engine: Answering, access: Access | None = None) -> None:
        self._engine = engine
        self._access = access or Access()

    def respond(self, head: Head, body: bytes) -> Response:
        """Return the response to a request."""
        fields = head.fields
        origin = fields.get("origin")
        if not self._access.takes_host(fields.get("host", "")):
            return _refused("this server does not have the name that the header Host gives")
        if origin is None:
            return self._answered(head, body)
        if not self._access.takes_origin(origin):
            return _refused("this server takes no requests from web pages of other machines")
        return _with_cors(head, self._answered(head, body))

    def _answered(self, head: Head, body: bytes) -> Response:
        if head.method != "POST":
            return _of_other_method(head)
        given = head.fields.get("content-type", "").partition(";")[0].strip().lower()
        if body and given != AMZ_JSON and given != _JSON:
            return Response(404, _UNKNOWN_PAGE)
        content_type = AMZ_JSON if given == AMZ_JSON else _JSON
        coding = head.fields.get("content-encoding")
        if coding is not None:
            try:
                body = decoded(body, coding.lower(), MAX_BODY_BYTES)
            except CodingProblem as problem:
                return Response(413) if problem.is_too_long else _failed(content_type)
        status, reply = self._carried_out(head, body)
        return _packed(head, Response(status, reply, content_type))

    def _carried_out(self, head: Head, body: bytes) -> tuple[int, bytes]:
        """Return status and body of the reply."""
        prefix, operation = head.fields.get("x-amz-target", "")[:18], head.fields.get("x-amz-target", "")[18:]
        is_known = prefix == _PREFIX and operation in _OPERATIONS
        problem = auth_problem(head.fields, head.query)
        if not is_known or problem is not None:
            return _refusal(body, is_known, problem)
        try:
            reply = self._engine.send(operation, body)
        except LostReply:  # a fault that was asked for: the connection ends
            raise
        except Exception as error:
            _log.error("%s failed with %s\n%s", operation, type(error).__name__, _places(error))
            return 500, ApiError("InternalServerError", "Internal server error").body()
        return reply.status, reply.body


def _places(error: Exception) -> str:
    """Return where it happened, without the error's text, which may quote an item."""
    return "".join(traceback.format_tb(error.__traceback__))


def _refusal(body: bytes, is_known: bool, problem: ApiError | None) -> tuple[int, bytes]:
    """Return what is said to a request that does not get as far as the engine."""
    if body:
        try:
            msgspec.json.decode(body)
        except (ValueError, RecursionError):
            return 400, ApiError("SerializationException").body()
    if not is_known or problem is None:
        return 400, ApiError("UnknownOperationException").body()
    return 400, problem.body()


def _of_other_method(head: Head) -> Response:
    if head.method == "GET" and head.path in ("/", "/ping"):
        return Response(200, _HEALTHY)
    if head.method == "OPTIONS" and "origin" in head.fields:
        return Response(200)
    return Response(404, _UNKNOWN_PAGE)


def _refused(message: str) -> Response:
    return Response(403, ApiError("AccessDeniedException", message).body(), AMZ_JSON)


def _failed(content_type: str) -> Response:
    return Response(500, ApiError("InternalServerError", "Internal server error").body(), content_type)


def _with_cors(head: Head, response: Response) -> Response:
    """Return a response that lets a web page read it."""
    fields = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": _EXPOSED}
    if head.method == "OPTIONS":
        fields |= _asked_for(head.fields)
        fields["Access-Control-Max-Age"] = "172800"
    return msgspec.structs.replace(response, fields=(*response.fields, *fields.items()))


def _asked_for(fields: Mapping[str, str]) -> dict[str, str]:
    return {
        f"Access-Control-Allow-{name}": fields[f"access-control-request-{asked}"]
        for name, asked in (("Headers", "headers"), ("Methods", "method"))
        if f"access-control-request-{asked}" in fields
    }


def _packed(head: Head, response: Response) -> Response:
    """Return a long response compressed, where the client asks for it."""
    accepted = head.fields.get("accept-encoding")
    if accepted is None or accepted == "identity" or len(response.body) < THRESHOLD_BYTES:
        return response
    coding = wanted_coding(accepted)
    if coding is None:
        return response
    fields = (*response.fields, ("Content-Encoding", coding))
    return msgspec.structs.replace(response, body=compressed(response.body, coding), fields=fields)
