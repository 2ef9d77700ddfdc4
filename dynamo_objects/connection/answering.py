"""The API calls of botocore's DynamoDB clients, answered by an engine in this process.

What is registered on a client stays in play: parameters are changed and checked, replies are
handed out and transformed as after a reply over the network. Nothing is signed or sent, and
nothing is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import msgspec

from .shapes import Check, Reader, check_of, reader_of

__all__ = ["Answer", "Engine", "answer"]


class Answer(Protocol):
    """A reply in the shape of the waist."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        ...

    @property
    def body(self) -> bytes:
        """DynamoDB JSON."""
        ...


class Engine(Protocol):
    """What answers requests: the embedded engine, or anything like it."""

    def send(self, operation: str, payload: bytes, /) -> Answer:
        """Carry out one request."""
        ...

    def close(self) -> None:
        """Give up what it holds."""
        ...


class _Received:
    """What botocore's events call the HTTP response."""

    def __init__(self, url: str, reply: Answer) -> None:
        self.url = url
        self.status_code = reply.status
        self.headers = dict(reply.headers)
        self.content = reply.body
        self.raw = None

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.content.decode()


class _Plan:
    """How the requests and replies of one operation are turned into bytes and back.

    Args:
        model: botocore's model of the operation.
    """

    def __init__(self, model: Any) -> None:
        from botocore.parsers import DEFAULT_TIMESTAMP_PARSER

        self.model = model
        self.name: str = model.name
        self._check: Check = check_of(model.input_shape)
        self._readers: tuple[Reader, Reader] = tuple(  # type: ignore[assignment]
            reader_of(model.output_shape, has_binaries=found, read_time=DEFAULT_TIMESTAMP_PARSER)
            for found in (False, True)
        )

    def payload(self, client: Any, parameters: Any) -> bytes:
        """Return the body of a request.

        Raises:
            botocore.exceptions.ParamValidationError: As botocore does.
        """
        if self._check(parameters):
            try:
                return msgspec.json.encode(parameters)
            except UnicodeEncodeError:  # of half a surrogate pair, which botocore escapes
                pass
        from botocore.serialize import create_serializer
        from botocore.validate import ParamValidationDecorator

        is_checked = isinstance(client._serializer, ParamValidationDecorator)
        serializer = create_serializer("json", is_checked)
        body: bytes = serializer.serialize_to_request(parameters, self.model)["body"]
        return body

    def parsed(self, client: Any, response: dict[str, Any]) -> dict[str, Any]:
        """Return what botocore's parser makes of a reply."""
        factory = client._endpoint._response_parser_factory
        if response["status_code"] == 200 and not factory._defaults:
            found = self._read(response["body"])
            if found is not None:
                headers = {name.lower(): text for name, text in response["headers"].items()}
                found["ResponseMetadata"] = {
                    "RequestId": headers.get("x-amzn-requestid", ""),
                    "HTTPStatusCode": 200,
                    "HTTPHeaders": headers,
                }
                return found
        parser = factory.create_parser("json")
        parsed: dict[str, Any] = parser.parse(response, self.model.output_shape)
        if response["status_code"] >= 300:
            client._endpoint._add_modeled_error_fields(response, parsed, self.model, parser)
        return parsed

    def _read(self, body: bytes) -> dict[str, Any] | None:
        """Return the members of a reply, or None where botocore has to look at it."""
        if not body:
            return {}
        try:
            value = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            return None
        read = self._readers[b'"B"' in body or b'"BS"' in body]
        return read(value) if read is not None and type(value) is dict else None


#: Each client has a model of its own; a plan is made when an operation is first used.
_plans: WeakKeyDictionary[Any, dict[str, _Plan]] = WeakKeyDictionary()


def _plan(client: Any, operation: str) -> _Plan:
    model = client.meta.service_model
    plans = _plans.get(model)
    if plans is None:
        plans = _plans.setdefault(model, {})
    plan = plans.get(operation)
    if plan is None:
        plan = plans[operation] = _Plan(model.operation_model(operation))
    return plan


def answer(engine: Engine, client: Any, operation: str, parameters: Any) -> dict[str, Any]:
    """Return what ``client._make_api_call`` returns when the service answers as the engine does.

    Raises:
        botocore.exceptions.ClientError: The engine answered with an error.
        botocore.exceptions.ParamValidationError: The parameters are not of the operation's form.
    """
    plan = _plan(client, operation)
    context = _context(client, plan.model)
    parameters = client._emit_api_params(api_params=parameters, operation_model=plan.model, context=context)
    request = _request(client, plan, plan.payload(client, parameters), context)
    events = client.meta.events
    _, given = events.emit_until_response(
        f"before-call.dynamodb.{operation}",
        model=plan.model,
        params=request,
        request_signer=client._request_signer,
        context=context,
    )
    http, parsed = _received(engine, client, plan, request) if given is None else given
    events.emit(
        f"after-call.dynamodb.{operation}",
        http_response=http,
        parsed=parsed,
        model=plan.model,
        context=context,
    )
    if http.status_code >= 300:
        code = context.get("error_code_override") or parsed.get("Error", {}).get("Code")
        raise client.exceptions.from_code(code)(parsed, operation)
    result: dict[str, Any] = parsed
    return result


def _context(client: Any, model: Any) -> dict[str, Any]:
    return {
        "client_region": client.meta.region_name,
        "client_config": client.meta.config,
        "has_streaming_input": False,
        "auth_type": model.resolved_auth_type,
        "unsigned_payload": None,
    }


def _request(client: Any, plan: _Plan, body: bytes, context: dict[str, Any]) -> dict[str, Any]:
    """Return a request as handlers of ``before-call`` get it; they may change its body."""
    return {
        "url_path": "/",
        "query_string": "",
        "method": "POST",
        "headers": {
            "X-Amz-Target": f"DynamoDB_20120810.{plan.name}",
            "Content-Type": "application/x-amz-json-1.0",
        },
        "body": body,
        "url": client.meta.endpoint_url,
        "context": context,
    }


def _received(
    engine: Engine, client: Any, plan: _Plan, request: dict[str, Any]
) -> tuple[_Received, dict[str, Any]]:
    http = _Received(request["url"], engine.send(plan.name, request["body"]))
    response = {
        "headers": http.headers,
        "status_code": http.status_code,
        "body": http.content,
        "context": {"operation_name": plan.name},
    }
    customized: dict[str, Any] = {}
    client.meta.events.emit(
        f"before-parse.dynamodb.{plan.name}",
        operation_model=plan.model,
        response_dict=response,
        customized_response_dict=customized,
    )
    parsed = plan.parsed(client, response)
    parsed.update(customized)
    parsed["ResponseMetadata"]["RetryAttempts"] = 0
    return http, parsed
