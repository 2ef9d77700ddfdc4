"""From what boto raises to a TransportError: was the request sent, and can another try help?

Texts of boto that may quote a request, or the signature made from credentials, are left out;
so is the exception itself, which holds the request.
"""

from __future__ import annotations

import re

from ..errors import TransportError

__all__ = ["boto_failure", "without_user"]

#: While a TLS connection is set up nothing of the request is sent.
_CERTIFICATE = ("CERTIFICATE", "HOSTNAME")
_HANDSHAKE = ("HANDSHAKE", "WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "UNSUPPORTED_PROTOCOL", "TLSV1_")

_USER_IN_URL = r"(?<=://)[^/@\s]*@"  # compiled when it is needed


def without_user(text: str) -> str:
    """Return a text without user names and passwords in its URLs."""
    return re.sub(_USER_IN_URL, "", text)


def boto_failure(error: Exception, *, is_sending: bool, has_reply: bool = False) -> TransportError | None:
    """Return what an exception out of a boto3-shaped client means; None: its reply tells.

    Args:
        error: The exception, other than a ClientError.
        is_sending: Whether a request was to be sent; else a client was to be made.
        has_reply: Whether a reply was received before it was raised.
    """
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    name = type(error).__name__
    if isinstance(error, exceptions.ParamValidationError):  # its text quotes values
        return TransportError(f"boto3: {name}: the request is not valid", sent=False, can_retry=False)
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        sent, can_retry = _judge(error)
        return TransportError(_text(error), sent=sent, can_retry=can_retry)
    if isinstance(error, exceptions.BotoCoreError) and not isinstance(error, exceptions.IncompleteReadError):
        # No credentials or region, a bad profile.
        return TransportError(f"boto3: {without_user(str(error))}", sent=False, can_retry=False)
    if has_reply:
        return None  # boto could not read it; we judge it as it came
    if isinstance(error, exceptions.IncompleteReadError | ResponseParserError | OSError):
        return TransportError(f"{name}: {without_user(str(error))}", sent=is_sending)
    failure = TransportError(f"the client failed with {name}", sent=is_sending, can_retry=False)
    failure.__cause__ = error
    return failure


def _text(error: Exception) -> str:
    """Return what happened; the text of an unknown fault may hold a header of the request."""
    from botocore.exceptions import HTTPClientError

    name = type(error).__name__
    if type(error) is not HTTPClientError:
        return f"{name}: {without_user(str(error))}"
    inner = error.kwargs.get("error")
    return f"{name}: {type(inner).__name__}"


def _judge(error: Exception) -> tuple[bool, bool]:
    """Return whether the request may have been sent, and whether to try again."""
    from botocore import exceptions

    if isinstance(error, exceptions.SSLError):
        text = str(error).upper()
        if any(word in text for word in _CERTIFICATE):
            return False, False
        return not any(word in text for word in _HANDSHAKE), True
    # Not connected: EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError.
    return not isinstance(error, exceptions.ConnectionError), True
