"""Heads of replies: what is looked up in the bytes is what taking them apart gives."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dynamo_objects.connection.heads import Headers, parsed, usual

#: As DynamoDB sends it.
AWS = (
    b"HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Fri, 20 Nov 2026 05:00:00 GMT\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: 1067\r\nConnection: keep-alive\r\n"
    b"x-amzn-RequestId: 4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG\r\nx-amz-crc32: 2745614147\r\n\r\n{"
)

_NAMES = st.sampled_from(
    [
        *("Content-Length", "content-length", "CONTENT-LENGTH", "Content-Length ", " content-length"),
        *("Transfer-Encoding", "Connection", "x-amz-crc32", "X-Amz-CRC32", "Date", "", "\xc0", "x-content-length"),
    ]
)  # fmt: skip
_VALUES = st.one_of(
    st.sampled_from(["0", "7", " 12", "12 ", "\xb2", "7\xa0", "+7", "9" * 19, "close", "Keep-Alive", "chunked", ""]),
    st.text(st.characters(max_codepoint=255), max_size=8),
)  # fmt: skip
_STARTS = st.sampled_from(
    ["HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.0 200 OK", "HTTP/1.1 400 Bad", "HTTP/1.1 2000 OK"]
)  # fmt: skip
_FIELDS = st.lists(st.tuples(_NAMES, st.sampled_from([":", ": ", ""]), _VALUES), max_size=6)


def test_a_reply_of_dynamodb_is_usual() -> None:
    """
    It is not taken apart; its headers are there all the same.
    """
    found = usual(AWS, AWS.index(b"\r\n\r\n"))

    assert found is not None
    headers, length = found
    assert 1067 == length
    assert ("2745614147", "application/x-amz-json-1.0", None) == (
        headers.get("x-amz-crc32"), headers["content-type"], headers.get("x-absent"),
    )  # fmt: skip
    assert "x-amzn-requestid" in headers
    assert "x-absent" not in headers
    with pytest.raises(KeyError):
        headers["x-absent"]


@given(start=_STARTS, fields=_FIELDS)
@example(start="HTTP/1.1 200 OK", fields=[("Content-Length", ":", "0"), ("Content-Length", "", "0")])
@example(start="HTTP/1.1 200 OK", fields=[("Content-Length", ":", "0"), ("Content-Length", "", "")])
def test_what_is_usual_is_what_taking_it_apart_gives(start: str, fields: list[tuple[str, str, str]]) -> None:
    """
    The same headers, in the same cases of the same names; one length, and a connection that stays open.
    """
    lines = [start, *(f"{name}{colon}{value}" for name, colon, value in fields)]
    data = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n{}"
    end = data.index(b"\r\n\r\n")
    found = usual(data, end)
    if found is None:
        return
    headers, length = found
    status, wanted = parsed(data[:end])

    assert (200, length) == (status, int(wanted["content-length"]))
    assert wanted == headers == dict(headers)
    assert {name: headers.get(name) for name in wanted} == wanted
    assert "transfer-encoding" not in wanted
    assert "close" not in wanted.get("connection", "").lower()
    assert data.startswith(b"HTTP/1.1")


@pytest.mark.parametrize(
    "line",
    [
        b"Connection: close",
        b"connection:Close, x",
        b"Transfer-Encoding: chunked",
        b"Content-Length: 7",
        b"content-length:1067",
    ],
)
def test_what_matters_is_not_overlooked(line: bytes) -> None:
    """
    What says that a connection ends, or another length, is left to those who read all of it.
    """
    data = AWS.replace(b"Server: Server", line)

    assert usual(data, data.index(b"\r\n\r\n")) is None


def test_headers_are_not_shown() -> None:
    """
    A page of somebody else may hold anything.
    """
    raw = b"HTTP/1.1 200 OK\r\nSet-Cookie: sentinel\r\n"

    assert "<1 headers>" == repr(Headers(raw, raw.lower()))
