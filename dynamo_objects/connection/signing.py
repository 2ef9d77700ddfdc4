"""AWS's signature version 4 of DynamoDB requests, with a signing key that is made once a day.

The signatures are those of botocore's ``SigV4Auth``, byte for byte. Everything that does not
change with the request is prepared: for each second, and for each operation.

Source: AWS IAM User Guide, "Create a signed AWS API request".
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256 as _sha256
from typing import Any, Protocol

from ..errors import TransportError

__all__ = ["Credentials", "Signer"]

_ALGORITHM = "AWS4-HMAC-SHA256"
_BLOCK_BYTES = 64  # of SHA-256, for HMAC (RFC 2104)


class Credentials(Protocol):
    """Credentials that do not change, as botocore's frozen ones; equal ones sign equally."""

    @property
    def access_key(self) -> str:
        """Return the id of the key."""
        ...

    @property
    def secret_key(self) -> str:
        """Return the secret."""
        ...

    @property
    def token(self) -> str | None:
        """Return the session token, if there is one."""
        ...


class _Moment:
    """What is the same for all requests of one second with the same credentials."""

    __slots__ = (
        "authorization",
        "begun",
        "credentials",
        "date",
        "inner",
        "outer",
        "second",
        "stamp",
        "token",
    )

    second: int
    credentials: Credentials
    stamp: str
    token: str
    date: str
    authorization: str
    inner: Any
    outer: Any
    begun: dict[str, tuple[Any, str]]


#: For an operation: the canonical request up to the time, the rest of it up to the payload, the header of the target.
_Form = tuple[str, str, str]


class Signer:
    """Signs POST requests to one place.

    Args:
        region: Of the signature.
        service: Of the signature, ``dynamodb``.
        host: Value of the header Host.
        path: Canonical path of the URL.
        query: Canonical query of the URL.
        headers: Other headers to sign, with names in lower case.
        target: What stands before the operation in X-Amz-Target.
    """

    def __init__(
        self,
        *,
        region: str,
        service: str,
        host: str,
        path: str = "/",
        query: str = "",
        headers: Mapping[str, str],
        target: str = "DynamoDB_20120810.",
    ) -> None:
        self._region, self._service = region, service
        self._start = f"POST\n{path}\n{query}\n"
        self._headers = {"host": host, **headers}
        self._target = target
        self._forms: dict[tuple[str, str], _Form] = {}
        self._keyed: tuple[tuple[Credentials, str], bytes] | None = None
        self._moment = _Moment()
        self._moment.second = -1

    def sign(self, operation: str, payload: bytes, credentials: Credentials, now: float) -> list[str]:
        """Return the headers that change with requests: target, date, signature, and any token.

        Args:
            now: Seconds since 1970, by the clock of the service.

        Raises:
            TransportError: The credentials hold line breaks or the like.
        """
        moment = self._moment
        if moment.second != int(now) or moment.credentials != credentials:
            moment = self._moment = self._made(int(now), credentials)
        begun = moment.begun.get(operation)
        if begun is None:
            begun = self._begun(moment, operation)
        request, inner, outer = begun[0].copy(), moment.inner.copy(), moment.outer.copy()
        request.update(_sha256(payload).hexdigest().encode())
        inner.update(request.hexdigest().encode())
        outer.update(inner.digest())
        lines = [begun[1], moment.date, f"{moment.authorization}{outer.hexdigest()}"]
        if moment.token:
            lines.append(f"X-Amz-Security-Token: {moment.token}")
        return lines

    def _begun(self, moment: _Moment, operation: str) -> tuple[Any, str]:
        """Return the hash of a canonical request up to its payload, and the header of the target."""
        form = self._forms.get((operation, moment.token))
        if form is None:
            form = self._form(operation, moment.token)
        before, after, target = form
        begun = moment.begun[operation] = (_sha256(f"{before}{moment.stamp}{after}".encode()), target)
        return begun

    def _made(self, second: int, credentials: Credentials) -> _Moment:
        """Return what one second needs; requests in other threads keep theirs."""
        made = _Moment()
        made.second, made.credentials, made.token = second, credentials, credentials.token or ""
        shown = f"{credentials.access_key}{made.token}"
        if not (shown.isascii() and shown.isprintable()):
            raise TransportError("the credentials cannot stand in a header", sent=False, can_retry=False)
        made.stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        scope = f"{made.stamp[:8]}/{self._region}/{self._service}/aws4_request"
        made.date, made.begun = f"X-Amz-Date: {made.stamp}", {}
        names = ";".join(sorted(self._signed("", made.token)))
        made.authorization = (
            f"Authorization: {_ALGORITHM} Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature="
        )
        key = self._key(credentials, made.stamp[:8]).ljust(_BLOCK_BYTES, b"\0")
        made.inner = _sha256(bytes(byte ^ 0x36 for byte in key))
        made.inner.update(f"{_ALGORITHM}\n{made.stamp}\n{scope}\n".encode())
        made.outer = _sha256(bytes(byte ^ 0x5C for byte in key))
        return made

    def _key(self, credentials: Credentials, date: str) -> bytes:
        """Return the signing key of a day."""
        keyed = self._keyed
        if keyed is None or keyed[0] != (credentials, date):
            key = f"AWS4{credentials.secret_key}".encode()
            for part in (date, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._keyed = keyed = ((credentials, date), key)
            self._forms = {}  # those of an old session token are not needed any more
        return keyed[1]

    def _signed(self, operation: str, token: str) -> dict[str, str]:
        """Return all headers that are signed."""
        found = {**self._headers, "x-amz-date": "", "x-amz-target": f"{self._target}{operation}"}
        if token:
            found["x-amz-security-token"] = token
        return {name: " ".join(text.split()) for name, text in found.items()}

    def _form(self, operation: str, token: str) -> _Form:
        signed = sorted(self._signed(operation, token).items())
        before = [f"{name}:{text}\n" for name, text in signed if name < "x-amz-date"]
        after = [f"{name}:{text}\n" for name, text in signed if name > "x-amz-date"]
        names = ";".join(name for name, _ in signed)
        form = (
            f"{self._start}{''.join(before)}x-amz-date:",
            f"\n{''.join(after)}\n{names}\n",
            f"X-Amz-Target: {self._target}{operation}",
        )
        self._forms[operation, token] = form
        return form
