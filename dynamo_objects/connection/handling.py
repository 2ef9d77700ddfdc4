"""Handlers of the event before-send: mocks that answer, tracing that looks on or adds headers.

They get what botocore would give them, a prepared request; but it is made only for those who look
at it, since most requests meet no handler, or one that is switched off.
"""

from __future__ import annotations

from typing import Any

from botocore.awsrequest import AWSPreparedRequest, HeadersDict

from ..errors import DynamoException
from .boto_errors import boto_failure
from .transport import Reply

__all__ = ["Handlers"]

_FIELDS = ("method", "url", "headers", "body", "stream_output", "context")


class _Request(AWSPreparedRequest):
    """A prepared request whose attributes are made when one is asked for."""

    def __init__(self, handlers: Handlers, lines: list[str], payload: bytes) -> None:
        self._made_of = (handlers, lines, payload)

    def __getattr__(self, name: str) -> Any:
        if name not in _FIELDS:
            raise AttributeError(name)
        self.fill()
        return self.__dict__[name]

    @property
    def is_touched(self) -> bool:
        """Whether somebody has looked, and may have changed something."""
        return len(self.__dict__) > 1

    def fill(self) -> None:
        """Make what nobody has set."""
        handlers, lines, payload = self._made_of
        fields = (line.partition(": ") for line in [*handlers.lines, *lines])
        headers = HeadersDict({name: text.encode("latin-1") for name, _, text in fields})
        headers["Content-Length"] = str(len(payload))
        values: tuple[Any, ...] = ("POST", handlers.url, headers, payload, False, {})
        for name, value in zip(_FIELDS, values, strict=True):
            self.__dict__.setdefault(name, value)


class Handlers:
    """Asks the handlers of a client.

    Args:
        client: A botocore client.
        url: Of all requests.
        lines: Header lines of all requests.
    """

    def __init__(self, client: Any, url: str, lines: tuple[str, ...]) -> None:
        self.url = url
        self.lines = tuple(line for line in lines if line != "Accept-Encoding: identity")
        self._emit = client.meta.events.emit_until_response
        self._session = client._endpoint.http_session

    def reply(self, operation: str, lines: list[str], payload: bytes) -> Reply | None:
        """Return the reply of a handler; or of the service, where one may have changed the request.

        None if no handler cares.

        Raises:
            TransportError: A handler failed, or the changed request.
        """
        request = _Request(self, lines, payload)
        try:
            answer = self._emit(f"before-send.dynamodb.{operation}", request=request)[1]
            if answer is None:
                if not request.is_touched:
                    return None
                request.fill()
                answer = self._session.send(request)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Reply(answer.status_code, headers, bytes(answer.content))
        except DynamoException:
            raise
        except Exception as error:
            failure = boto_failure(error, is_sending=True) or error
        raise failure
