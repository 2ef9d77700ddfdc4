"""Checksums of replies: the same ones with the extra package and without it."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

TOP = Path(__file__).resolve().parents[2]


@given(data=st.one_of(st.binary(max_size=200), st.integers(0, 70_000).map(lambda size: b"\x9c" * size)))
def test_both_give_the_same(data: bytes) -> None:
    """
    For any bytes, of any length.
    """
    isal_zlib = pytest.importorskip("isal.isal_zlib")

    assert zlib.crc32(data) == isal_zlib.crc32(data)


@pytest.mark.parametrize("has_isal", [True, False])
def test_replies_are_checked_with_either(has_isal: bool) -> None:
    """
    A right checksum is right, a wrong one is refused; isal is used where it is installed.
    """
    if has_isal:
        pytest.importorskip("isal")
    program = (
        f"import sys\nif not {has_isal}: sys.modules['isal'] = None\n"
        "from dynamo_objects.connection import replies\n"
        "from dynamo_objects.connection.transport import Reply\n"
        "from dynamo_objects.errors import NotDynamoDBReply\n"
        "replies._check_crc(Reply(200, {'x-amz-crc32': '2745614147'}, b'{}'))\n"
        "try:\n    replies._check_crc(Reply(200, {'x-amz-crc32': '2745614147'}, b'{ }'))\n"
        "except NotDynamoDBReply:\n    print(replies.crc32.__module__)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=TOP, check=False
    )

    assert ("isal.isal_zlib\n" if has_isal else "zlib\n", "") == (run.stdout, run.stderr)
