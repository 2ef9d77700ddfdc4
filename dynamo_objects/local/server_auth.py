"""Is a request signed? Nobody checks signatures here, but whether one is there, as the service does first.

Source: what AWS answered to the tests of dynalite (test/connection.js), with its texts and its order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from .errors import ApiError

__all__ = ["auth_problem"]

_PARTS = ("Credential", "Signature", "SignedHeaders")
_QUERY_PARTS = ("Algorithm", "Credential", "Signature", "SignedHeaders", "Date")
_SEPARATORS = re.compile(r"[, ]+")


def auth_problem(fields: Mapping[str, str], query: str) -> ApiError | None:
    """Return what the service says to a request that is not signed well, or None.

    Args:
        fields: Header fields, names in lower case.
        query: Of the URL, where a signature may stand too.
    """
    given = fields.get("authorization")
    parameters = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
    if "X-Amz-Algorithm" in parameters:
        if given:
            return ApiError(
                "InvalidSignatureException",
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
            )
        return _query_problem(parameters)
    if not given or not given.startswith("AWS4-"):
        return ApiError("MissingAuthenticationTokenException", "Request is missing Authentication Token")
    return _header_problem(given, fields)


def _query_problem(parameters: Mapping[str, str]) -> ApiError | None:
    names = [f"X-Amz-{part}" for part in _QUERY_PARTS]
    missing = [name for name in names if not parameters.get(name)]
    if not missing:
        return None
    text = "".join(f"AWS query-string parameters must include '{name}'. " for name in missing)
    return ApiError("IncompleteSignatureException", f"{text}Re-examine the query-string parameters.")


def _header_problem(given: str, fields: Mapping[str, str]) -> ApiError | None:
    parts = [part.partition("=") for part in _SEPARATORS.split(given)[1:]]
    found = {name: value for name, _, value in parts}
    text = "".join(
        f"Authorization header requires '{part}' parameter. " for part in _PARTS if not found.get(part)
    )
    if not fields.get("x-amz-date") and not fields.get("date"):
        text += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
    return ApiError("IncompleteSignatureException", f"{text}Authorization={given}") if text else None
