"""Our signatures are botocore's."""

from __future__ import annotations

import datetime
from typing import Any
from unittest import mock

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from dynamo_objects.connection.signing import Signer

#: What keys, tokens, regions and header values consist of.
WORDS = st.text("abzAZ059+/=-_.", min_size=1, max_size=40)
TEXTS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\x7f"), min_size=1, max_size=40
)
HOSTS = st.sampled_from(
    [
        "dynamodb.eu-north-1.amazonaws.com",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "a-b.example",
        "1234.ddb.us-east-1.amazonaws.com",
    ]
)
PORTS = st.sampled_from(["", ":1", ":80", ":443", ":8000", ":65535"])
OPERATIONS = st.sampled_from(["GetItem", "PutItem", "Query", "TransactWriteItems"])
SECONDS = st.integers(0, 4_102_444_799)
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "x-amz-a", "x-amz-date-of", "x-amz-z", "x-y", "aa"]), TEXTS, max_size=4
)


@st.composite
def credentials(draw: Any) -> ReadOnlyCredentials:
    """Return credentials with or without a session token."""
    return ReadOnlyCredentials(draw(WORDS), draw(TEXTS), draw(st.none() | WORDS))


def by_botocore(
    url: str, region: str, headers: dict[str, str], payload: bytes, given: ReadOnlyCredentials, now: float
) -> dict[str, str]:
    """Return the headers of a request that botocore has signed at some time."""
    request = AWSRequest("POST", url, headers=headers, data=payload)
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment, create=True):
        SigV4Auth(given, "dynamodb", region).add_auth(request)
    return {name.lower(): text for name, text in request.headers.items()}


def host_of(scheme: str, host: str, port: str) -> str:
    """Return the header Host: without the port that a scheme has anyway."""
    return host if port == {"http": ":80", "https": ":443"}[scheme] else host + port


@given(
    st.sampled_from(["http", "https"]), HOSTS, PORTS, WORDS, HEADERS,
    st.lists(st.tuples(OPERATIONS, st.binary(max_size=200), credentials(), SECONDS), min_size=1, max_size=4),
)  # fmt: skip
def test_signatures_are_those_of_botocore(
    scheme: str, host: str, port: str, region: str, headers: dict[str, str], requests: list[Any]
) -> None:
    """
    With and without session token, one after another with changing credentials, on any day.
    """
    signer = Signer(region=region, service="dynamodb", host=host_of(scheme, host, port), headers=headers)
    for operation, payload, given_credentials, second in [*requests, requests[0]]:
        lines = signer.sign(operation, payload, given_credentials, second + 0.5)

        target = f"DynamoDB_20120810.{operation}"
        expected = by_botocore(
            f"{scheme}://{host}{port}/",
            region,
            {**headers, "x-amz-target": target},
            payload,
            given_credentials,
            second,
        )
        found = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
        assert {name: text for name, text in expected.items() if name not in headers} == found


def test_the_key_is_renewed_at_midnight() -> None:
    """
    And not with every second: the credentials are looked at once a day.
    """
    given_credentials: Any = ReadOnlyCredentials("id", "secret", None)
    signer = Signer(region="r", service="dynamodb", host="h", headers={})
    midnight = 86400 * 365
    signer.sign("GetItem", b"{}", given_credentials, midnight - 2)
    key = signer._keyed
    signer.sign("GetItem", b"{}", given_credentials, midnight - 1)
    assert key is signer._keyed
    signer.sign("GetItem", b"{}", given_credentials, midnight)
    assert key is not signer._keyed


def test_a_signer_shows_no_credentials() -> None:
    """
    Neither itself nor what it has made.
    """
    signer = Signer(region="r", service="dynamodb", host="h", headers={})
    sentinel: Any = ReadOnlyCredentials("sentinel-id", "sentinel-secret", "sentinel-token")
    signer.sign("GetItem", b"{}", sentinel, 1)

    assert "sentinel" not in f"{signer!r} {signer._moment!r}"
