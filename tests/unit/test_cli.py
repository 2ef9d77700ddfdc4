"""The command dynamo-objects: what it prints, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from dynamo_objects import cli
from dynamo_objects.local import Faults, Options

TOP = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-W", "error", "-m", "dynamo_objects"]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``serve`` while the block runs; give the process and the URL that it has printed."""
    process = subprocess.Popen(
        [*COMMAND, "serve", *arguments, "--port", "0"],
        cwd=TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        url = process.stdout.readline().strip()
        yield process, url
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_its_url_answers_and_ends_quietly(number: signal.Signals) -> None:
    """
    The first line is the URL, there the engine answers, and a signal ends it with code 0 and no word.
    """
    with running() as (process, url):
        with urllib.request.urlopen(url) as response:
            page = response.read()
        client = boto3.client(
            "dynamodb", endpoint_url=url, region_name="x", aws_access_key_id="a", aws_secret_access_key="b"
        )
        names = client.list_tables()["TableNames"]
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        client.close()

    assert url.startswith("http://127.0.0.1:")
    assert page.startswith(b"healthy: ")
    assert ([], 0, "", "") == (names, process.returncode, out, err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["nonsense"], "invalid choice"),
        (["serve", "--nonsense"], "unrecognized"),
        (["serve", "--port", "x"], "invalid"),
        (["serve", "--port", "65536"], "0 to 65535"),
        (["serve", "--max-connections", "0"], "1 or more"),
        (["serve", "--po", "1"], "unrecognized"),
        (["serve", "--fault", "throttle"], "throttle=0.1"),
        (["serve", "--table-seconds", "-1"], "0 or more"),
        (["serve", "--table-seconds", "nan"], "0 or more"),
        (["serve", "--page-bytes", "0"], "1 or more"),
    ],
)
def test_wrong_arguments_are_explained(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Wrong arguments end with code 2 and an explanation, before anything is opened.
    """
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)

    assert 2 == caught.value.code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nosuchdatabase://user:sentinel@host/db"], 2, "cannot be opened"),
        (["nonsense"], 2, "cannot be opened"),
        (["memory://", "--fault", "earthquake=0.1"], 2, "no such faults: earthquake"),
        (["memory://", "--fault", "error=0.6", "--fault", "delay=0.6"], 2, "together at most 1"),
        (["memory://", "--host", "0.0.0.0"], 2, "other machines"),
        (["memory://", "--host", "no.such.host.invalid"], 2, "no place to listen"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_line(arguments: list[str], code: int, message: str) -> None:
    """
    A bad URL or host ends with code 2 and one line, without a traceback or a password.
    """
    result = subprocess.run(
        [*COMMAND, "serve", "--port", "0", *arguments], cwd=TOP, capture_output=True, text=True, check=False
    )

    assert (code, "") == (result.returncode, result.stdout)
    assert message in result.stderr
    assert 1 == len(result.stderr.splitlines())
    assert "sentinel" not in result.stderr


def test_arguments_become_options() -> None:
    """
    Everything that the engine simulates can be asked for, and nothing of it happens unasked.
    """
    text = "serve --throughput --fault throttle=0.1 --fault delay=0.2 --seed 7 --delay-seconds 0.5 --page-bytes 9"
    text += " --table-seconds 2 --index-lag-seconds 1 --ttl-delay-seconds 0"
    asked, usual = (cli._simulated(cli._parser().parse_args(given.split())) for given in (text, "serve"))

    assert Options() == usual
    assert asked == Options(
        throughput=True,
        faults=Faults({"throttle": 0.1, "delay": 0.2}, "7", 0.5),
        table_seconds=2.0,
        index_lag_seconds=1.0,
        ttl_delay_seconds=0.0,
        page_bytes=9,
    )


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttle", ClientError),
        ("lost_reply", ConnectionClosedError),
        ("lost_request", ConnectionClosedError),
    ],
)
def test_faults_reach_clients(kind: str, error: type[Exception]) -> None:
    """
    A fault that is asked for is one on the wire: an error reply, or a connection that breaks.
    """
    with running("--fault", f"{kind}=1") as (_, url):
        client = boto3.client(
            "dynamodb",
            endpoint_url=url,
            region_name="x",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(retries={"max_attempts": 0}),
        )
        with pytest.raises(error):
            client.list_tables()
        client.close()


def test_a_port_in_use_is_told_in_a_line() -> None:
    """
    A port that somebody else has ends with code 1 and one line.
    """
    with running() as (_, url):
        port = url.rpartition(":")[2]
        result = subprocess.run(
            [*COMMAND, "serve", "--port", port], cwd=TOP, capture_output=True, text=True, check=False
        )

    assert (1, "") == (result.returncode, result.stdout)
    assert f"port {port}" in result.stderr
    assert 1 == len(result.stderr.splitlines())


def test_letting_other_machines_in_is_warned_of() -> None:
    """
    With --allow-remote it listens for other machines, and says what that means.
    """
    with running("memory://", "--host", "0.0.0.0", "--allow-remote") as (process, url):
        assert process.stderr is not None
        assert "Warning" in process.stderr.readline()
        assert url.startswith("http://0.0.0.0:")


def test_help_names_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    """
    --help ends with code 0.
    """
    with pytest.raises(SystemExit) as caught:
        cli.main(["serve", "--help"])

    assert 0 == caught.value.code
    assert "--allow-origin" in capsys.readouterr().out
