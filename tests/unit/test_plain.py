"""The way that is known without botocore is the one that botocore would go; where that is not sure, it is asked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore
import botocore.httpsession
import botocore.session
import msgspec
import pytest
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

from dynamo_objects.connection.aws import AwsSettings, boto_transport, local_settings
from dynamo_objects.connection.plain import NotPlain, PlainCredentials, changes, plain_way
from dynamo_objects.connection.routes import route_of
from dynamo_objects.connection.wire import Route
from tests.wireservers import RawServer, make_certificate

TOP = Path(__file__).parents[2]
CREDENTIALS: dict[str, Any] = {
    "aws_access_key_id": "AKIASENTINEL",
    "aws_secret_access_key": "sentinel-secret",
}
REGION = "eu-north-1"
KINDS = ["urllib3", "curl"]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home and an environment in which nothing is configured."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "BOTO")) or name.lower().endswith("_proxy") or "CA_BUNDLE" in name:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


@contextmanager
def without_botocore() -> Iterator[None]:
    """Nobody has imported it, so it seems, and nobody looks at imports."""
    loaded, finders = sys.modules.pop("botocore"), list(sys.meta_path)
    sys.meta_path[:] = [each for each in finders if "botocore" not in str(getattr(each, "__module__", ""))]
    try:
        yield
    finally:
        sys.modules["botocore"], sys.meta_path[:] = loaded, finders


def plain(settings: AwsSettings) -> tuple[Route, PlainCredentials]:
    """Return the way as it is found before anybody imports botocore."""
    with without_botocore():
        return plain_way(settings)


def reason(settings: AwsSettings) -> str:
    """Return why botocore must be asked; empty if it need not."""
    try:
        plain(settings)
    except NotPlain as error:
        return str(error)
    return ""


def fields(route: Route, credentials: Any) -> dict[str, Any]:
    """Return everything of a way that must be the same: all but the user agent."""
    found = msgspec.structs.asdict(route)
    found["lines"] = {line for line in route.lines if not line.startswith("User-Agent: ")}
    found["signer"] = route.signer.sign("GetItem", b"{}", credentials, 1_700_000_000.0)
    names = ("access_key", "secret_key", "token", "account_id")
    return {**found, **{name: getattr(credentials, name, None) for name in names}}


def botos(settings: AwsSettings) -> dict[str, Any]:
    """Return everything of the way that botocore's client goes."""
    transport = boto_transport(settings)
    try:
        route = route_of(transport.client, timeout_seconds=settings.timeout_seconds)
        return fields(route, transport.client._request_signer._credentials.get_frozen_credentials())
    finally:
        transport.close()


def given(region: str | None = REGION, url: str | None = None, **options: Any) -> AwsSettings:
    """Return settings with credentials."""
    return AwsSettings(region, url, **{"session_arguments": CREDENTIALS, **options})


# --- it is botocore's way ---------------------------------------------------------------------


def all_regions() -> dict[str, list[str]]:
    """Return partition -> all of its regions that botocore has heard of."""
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    found: dict[str, list[str]] = {}
    for partition in loader.load_data("partitions")["partitions"]:
        names = session.get_available_regions("dynamodb", partition["id"], allow_non_regional=True)
        found[partition["id"]] = sorted({*names, *partition["regions"]})
    return found


def test_regions_are_those_of_botocore() -> None:
    """
    Of AWS's common partition all are known, of the others none; all that are known are as botocore has them.
    """
    regions = all_regions()
    unusual = {name for partition, names in regions.items() if partition != "aws" for name in names}
    unusual |= {"local", "aws-global", *(name for name in regions["aws"] if name.endswith("-fips"))}
    known = {name for names in regions.values() for name in names if not reason(given(name))}
    different = [name for name in known if fields(*plain(given(name))) != botos(given(name))]

    assert 30 <= len(known)
    assert set(regions["aws"]) - unusual == known
    assert [] == different


@pytest.mark.parametrize("region", ["eu-central-9", "us-nowhere-12"])
def test_regions_that_are_yet_to_come(region: str) -> None:
    """
    Their endpoints are known by their names, as botocore does it.
    """
    assert botos(given(region)) == fields(*plain(given(region)))


@pytest.mark.parametrize(
    "region", ["", "EU-NORTH-1", "eu-north-1 ", "eu-north-1\n", "eu-nørth-1", "eu-north-٣", "mars-north-1", "local", 7]
)  # fmt: skip
def test_names_that_are_no_regions(region: Any) -> None:
    """
    Botocore says what it thinks of them.
    """
    assert "region" in reason(given(region))


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000",
        "http://localhost:8000/",
        "http://localhost",
        "http://127.0.0.1:80",
        "https://127.0.0.1:443/",
        "https://127.0.0.1:80",
        "https://db.example.com",
        "https://db-1.example.com:8443",
        "https://dynamodb.eu-north-1.amazonaws.com",
        "https://dynamodb.us-west-2.amazonaws.com/",
        "https://vpce-0a1b2c-3d4e.dynamodb.eu-north-1.vpce.amazonaws.com",
        "https://123456789012.ddb.eu-north-1.amazonaws.com",
        f"https://{'a' * 63}.example.com",
    ],
)
def test_endpoints_that_are_given(url: str) -> None:
    """
    Address, header Host and signature are those of botocore.
    """
    settings = given(url=url)

    assert botos(settings) == fields(*plain(settings))


@pytest.mark.parametrize(
    "url",
    [
        "https://db.example.com/path",
        "https://db.example.com/?query",
        "https://db.example.com#part",
        "http://[::1]:8000",
        "https://DB.example.com",
        "https://db_1.example.com",
        "https://-db.example.com",
        "https://db..example.com",
        "https://db.example.com.",
        "https://db.example.com:08000",
        f"https://{'a' * 64}.example.com",
        f"https://{'a.' * 110}com",
        "https://dü.example.com",
    ],
)
def test_endpoints_that_are_left_to_botocore(url: str) -> None:
    """
    It knows about paths and unusual names, or refuses them.
    """
    assert "the endpoint is an unusual one" == reason(given(url=url))


@pytest.mark.parametrize(
    "options",
    [
        {"timeout_seconds": 1.5},
        {"timeout_seconds": 60.0, "max_connections": 40},
        {"session_arguments": {**CREDENTIALS, "aws_session_token": "its-token"}},
        {"session_arguments": {**CREDENTIALS, "aws_session_token": ""}},
        {"session_arguments": {**CREDENTIALS, "aws_access_key_id": " padded "}},
    ],
)
def test_what_connect_is_given(options: dict[str, Any]) -> None:
    """
    Timeouts, connections and credentials are the same on both ways.
    """
    assert botos(given(**options)) == fields(*plain(given(**options)))


def test_dynamodb_local() -> None:
    """
    ``region_name="localhost"`` is simple enough.
    """
    url, credentials, region = local_settings(None, None)
    settings = given(region, url, session_arguments=credentials)

    assert botos(settings) == fields(*plain(settings))


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"AWS_SESSION_TOKEN": "its-token"},
        {"AWS_SESSION_TOKEN": ""},
        {"AWS_REGION": REGION},
        {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent"},
        {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CONFIG_FILE": ""},
        {"no_proxy": "", "HTTPS_PROXY": ""},
        {"AWS_CA_BUNDLE": "/etc/one.pem", "REQUESTS_CA_BUNDLE": "/etc/two.pem"},
        {"REQUESTS_CA_BUNDLE": "/etc/two.pem"},
    ],
    ids=str,
)
@pytest.mark.parametrize("is_explicit", [True, False])
def test_what_the_environment_says(
    environment: dict[str, str], is_explicit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Credentials, the region and the file of certificates are taken from it, after those of ``connect``.
    """
    of_its_own = {"AWS_ACCESS_KEY_ID": "KEYID", "AWS_SECRET_ACCESS_KEY": "key", "AWS_DEFAULT_REGION": REGION}
    for name, value in {**of_its_own, **environment}.items():
        monkeypatch.setenv(name, value)
    settings = given("us-west-2") if is_explicit else AwsSettings()
    found = fields(*plain(settings))

    assert botos(settings) == found
    assert ("AKIASENTINEL" if is_explicit else "KEYID") == found["access_key"]
    assert ("us-west-2" if is_explicit else REGION) in found["url"]


def test_certificates_are_those_of_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Those of certifi, also where it was made to tell of others; without certifi, botocore's own.
    """
    import certifi

    usual = plain(given())[0].ca_bundle
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "certifi")
        not_imported = plain(given())[0].ca_bundle
        patch.setitem(sys.modules, "certifi", None)
        without = plain(given())[0].ca_bundle
    monkeypatch.setattr(certifi, "where", lambda: "/etc/other.pem")

    assert botocore.httpsession.get_cert_path(True) == usual == not_imported
    assert botocore.httpsession.DEFAULT_CA_BUNDLE == without
    assert "/etc/other.pem" == plain(given())[0].ca_bundle


# --- where botocore is asked ------------------------------------------------------------------


def names_in_sources(pattern: str) -> set[str]:
    """Return all names that match a pattern in the texts of botocore and boto3."""
    name = re.compile(pattern)
    found: set[str] = set()
    for package in (botocore, boto3):
        for path in Path(str(package.__file__)).parent.rglob("*.py"):
            found.update(name.findall(path.read_text(encoding="utf-8")))
    return found


def test_variables_that_are_not_known_are_left_to_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Of all that it looks at, only these make no difference, or are looked at here as well.
    """
    listed: set[str] = set()
    for _, names, *_ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values():
        listed.update([names] if isinstance(names, str) else names or [])
    found = names_in_sources(r"\b(?:AWS|BOTO)[A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b")
    harmless = set()
    for name in found:
        with monkeypatch.context() as patch:
            patch.setenv(name, "value")
            if not reason(given()):
                harmless.add(name)

    assert set() == {name for name in listed if name.startswith("AWS_")} - found
    assert {"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCOUNT_ID", "AWS_SECURITY_TOKEN", "BOTO_CONFIG"} <= found
    assert {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"),
        *("AWS_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE"),
        *("AWS_EXECUTION_ENV", "AWS_EC2_METADATA_DISABLED", "AWS_LAMBDA_FUNCTION_NAME"),
    } == harmless & {name for name in found if name.startswith("AWS_")}
    assert set() == {name for name in harmless if name.startswith("BOTO")}


def test_there_are_few_other_variables() -> None:
    """
    Besides AWS's and its own, botocore looks at these: certificates, keys of TLS to note, traces.
    """
    found = names_in_sources(r"""environ(?:\.get\(|\[)\s*['"](\w+)['"]|['"](?:\w+)['"] in \S*environ\b""")

    others = {name for name in found if name and not name.startswith(("AWS_", "BOTO"))}
    assert {"REQUESTS_CA_BUNDLE", "SSLKEYLOGFILE", "_X_AMZN_TRACE_ID"} == others - {"FOO"}  # of a docstring


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_PROFILE", "sentinel"),
        ("AWS_PROFILE", ""),
        ("AWS_ENDPOINT_URL_DYNAMODB", "https://sentinel.example.com"),
        ("AWS_ACCOUNT_ID", "sentinel"),
        ("AWS_SECURITY_TOKEN", "sentinel"),
        ("AWS_SOMETHING_NEW", "sentinel"),
        ("BOTOCORE_EXPERIMENTAL__PLUGINS", "sentinel"),
        ("HTTPS_PROXY", "http://me:sentinel@proxy:1"),
        ("http_proxy", "http://me:sentinel@proxy:1"),
        ("All_Proxy", "http://me:sentinel@proxy:1"),
        ("AWS_CA_BUNDLE", " "),
        ("REQUESTS_CA_BUNDLE", ""),
    ],
)
def test_what_is_set_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    But not its value.
    """
    monkeypatch.setenv(name, value)
    why = reason(given())

    assert name in why
    assert "sentinel" not in why


@pytest.mark.parametrize("path", [".aws/config", ".aws/credentials", ".aws/models/dynamodb"])
def test_files_of_configuration(path: str, home: Path) -> None:
    """
    Where there is one, even an empty one, botocore reads it.
    """
    (home / path).parent.mkdir(parents=True, exist_ok=True)
    (home / path).touch()

    assert "exists" in reason(given())


@pytest.mark.parametrize("name", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
def test_files_of_configuration_elsewhere(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A path may begin with a tilde or with another variable.
    """
    (home / "there").touch()
    monkeypatch.setenv("SOMEWHERE", str(home))
    reasons = []
    for value in ("~/there", "$SOMEWHERE/there", "~/elsewhere"):
        monkeypatch.setenv(name, value)
        reasons.append(reason(given()))

    assert [True, True, False] == [name in each for each in reasons]


@pytest.mark.parametrize(
    "options",
    [
        {"session_arguments": {}},
        {"session_arguments": {"aws_access_key_id": "KEYID"}},
        {"session_arguments": {"aws_session_token": "its-token"}},
        {"session_arguments": {**CREDENTIALS, "aws_access_key_id": ""}},
        {"session_arguments": {**CREDENTIALS, "aws_secret_access_key": b"sentinel"}},
        {"session_arguments": {**CREDENTIALS, "aws_session_token": 7}},
        {"session_arguments": {**CREDENTIALS, "profile_name": "work"}},
        {"session_arguments": {**CREDENTIALS, "aws_account_id": "123456789012"}},
        {"config": Config(), "session_arguments": CREDENTIALS},
        {"session": object(), "session_arguments": {}},
    ],
    ids=lambda options: ",".join(options["session_arguments"]) + ",".join(options),
)
def test_arguments_that_are_not_simple(options: dict[str, Any]) -> None:
    """
    Botocore knows what they mean, or what is wrong with them.
    """
    assert reason(AwsSettings(REGION, **options))


def test_half_of_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The environment does not complete those of ``connect``, and half of them there are no credentials.
    """
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    reasons = [reason(AwsSettings(REGION))]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KEYID")
    reasons.append(reason(AwsSettings(REGION, session_arguments={"aws_access_key_id": "OTHER"})))
    reasons.append(reason(AwsSettings(REGION)))

    assert [True, True, False] == ["no credentials" in each for each in reasons]


def test_regions_that_contradict_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Which variable counts has not always been the same.
    """
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    reasons = [reason(given(None))]
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    reasons += [reason(given(None)), reason(given(REGION))]

    assert ["differ", "differ", ""] == [each.rpartition(" ")[2] for each in reasons]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_systems_that_have_proxies_elsewhere(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Outside of the environment.
    """
    monkeypatch.setattr(sys, "platform", platform)

    assert "proxies" in reason(given())


class Finder:
    """Looks at imports, as tracing libraries do that change botocore when it is imported."""

    def find_spec(self, *_: Any) -> None:
        """Find nothing."""


def test_libraries_that_wait_for_an_import_of_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    They shall get it; also where they begin to wait later.
    """
    with without_botocore():
        has_changed = changes()
        before = has_changed()
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with without_botocore():
        after = has_changed()

    assert f"{__name__} looks at imports" == reason(given())
    assert [False, True] == [before, after]


def test_nothing_shows_credentials() -> None:
    """
    Neither of the two values.
    """
    shown = repr(plain(given(session_arguments={**CREDENTIALS, "aws_session_token": "sentinel-token"})))

    assert "sentinel" not in shown.lower()


# --- in fresh processes -----------------------------------------------------------------------

BEGIN = """
import json, os, sys
from dynamo_objects import DynamoDatabase, DynamoRecord, DynamoTable, HashKey

class Thing(DynamoRecord):
    id: str = ""

class Things(DynamoTable[Thing]):
    table_name = "things"
    schema = [HashKey("id")]

def connect(**options):
    options = {"transport": sys.argv[1], **options}
    return DynamoDatabase().connect(**options).get_connection().transport

def loaded(*names):
    return [name for name in names if name in sys.modules]
"""

Run = Callable[..., Any]


@pytest.fixture(params=KINDS)
def run(request: pytest.FixtureRequest, home: Path) -> Run:
    """Runs a program in a fresh process, in which nothing is configured; returns what it prints."""
    kind = request.param
    if kind == "curl":
        pytest.importorskip("pycurl")

    def call(program: str, *arguments: str, **environment: str) -> Any:
        variables = {
            "AWS_ACCESS_KEY_ID": "KEYID",
            "AWS_SECRET_ACCESS_KEY": "key",
            "AWS_DEFAULT_REGION": REGION,
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            **environment,
        }
        command = [sys.executable, "-X", "dev", "-c", BEGIN + program, kind, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=TOP, env=variables, check=False)
        assert "" == done.stderr
        return json.loads(done.stdout)

    call.kind = kind  # type: ignore[attr-defined]
    return call


def test_a_first_get_imports_no_botocore(run: Run) -> None:
    """
    Nor boto3; and nothing that only another wire, proxies, TLS or odd replies need.
    """
    program = """
transport = connect(endpoint_url=sys.argv[2], auto_create=False)
found = Things().get("k1").id
names = ["botocore", "boto3", "urllib3", "ssl", "http.client", "socket"]
print(json.dumps([found, loaded(*names), transport.asks_boto3, transport.falls_back]))
"""
    with RawServer() as server:
        found, modules, *reasons = run(program, server.url)

    assert "k1" == found
    assert ["", ""] == reasons
    assert ([] if run.kind == "curl" else ["socket"]) == modules  # type: ignore[attr-defined]
    assert 1 == len(server.heads)
    assert b"Credential=KEYID/" in server.heads[0]


def test_botocore_may_be_imported_later(run: Run) -> None:
    """
    From then on it is asked, handlers and all; the connection of before is closed.
    """
    program = """
transport = connect(endpoint_url=sys.argv[2], auto_create=False)
table = Things()
found = [table.get("k1").id]
before = transport.asks_boto3
import boto3
client = transport.client

def see(request, **_):
    request.headers["X-Seen"] = "yes"

client.meta.events.register("before-send.dynamodb", see)
found += [table.get("k1").id, table.get("k1").id]
print(json.dumps([found, before, transport.asks_boto3, transport.falls_back]))
DynamoDatabase().disconnect()
"""
    with RawServer() as server:
        found, *reasons = run(program, server.url)
        server.wait_for_end()

    assert ["k1", "k1", "k1"] == found
    assert ["", "botocore was imported", ""] == reasons
    assert [False, True, True] == [b"X-Seen: yes" in head for head in server.heads]
    assert [True, False, False] == [b"Boto3/" not in head for head in server.heads]
    assert 2 == server.accepted


def test_botocore_may_be_imported_while_threads_are_sending(run: Run) -> None:
    """
    Every request is answered, on one way or the other.
    """
    program = """
import threading
transport = connect(endpoint_url=sys.argv[2], auto_create=False)
table, found = Things(), []
has_begun, is_imported = threading.Event(), threading.Event()

def work():
    for number in range(100):
        while number == 99 and not is_imported.is_set():
            table.get("k1")
        found.append(table.get("k1").id)
        has_begun.set()

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
has_begun.wait(10)
import boto3
is_imported.set()
for thread in threads:
    thread.join(30)
print(json.dumps([found.count("k1"), transport.asks_boto3, transport.falls_back]))
DynamoDatabase().disconnect()
"""
    with RawServer() as server:
        found = run(program, server.url)

    assert [400, "botocore was imported", ""] == found
    assert {True, False} == {b"Boto3/" in head for head in server.heads}


@pytest.mark.parametrize("order", ["before", "after", "while"])
def test_moto_needs_no_setting(order: str, run: Run) -> None:
    """
    Started before ``connect``, after it, or when the way is known already.
    """
    program = """
def start():
    from moto import mock_aws
    mock = mock_aws()
    mock.start()
    return mock

order = sys.argv[2]
mock = start() if order == "before" else None
transport = connect()
asked = transport.asks_boto3 if order == "while" else ""
mock = mock or start()
table = Things()
table.save(Thing(id="k1"))
found = table.get("k1").id
import boto3
names = boto3.client("dynamodb", region_name=os.environ["AWS_DEFAULT_REGION"]).list_tables()["TableNames"]
mock.stop()
DynamoDatabase().disconnect()
print(json.dumps([asked, found, names, transport.__class__.__name__]))
"""
    found = run(program, order)

    assert ["", "k1", ["things"], "NativeTransport"] == found


@pytest.mark.parametrize("run", ["urllib3"], indirect=True)
def test_a_mock_that_serves_boto3(run: Run) -> None:
    """
    ``dynamock`` is met on the way, whenever it is imported.
    """
    program = """
transport = connect()
asked = transport.asks_boto3
from dynamo_objects import dynamock
table = Things()
table.save(Thing(id="k1"))
print(json.dumps([asked, table.get("k1").id]))
"""
    assert ["", "k1"] == run(program)


@pytest.mark.parametrize("run", ["urllib3"], indirect=True)
def test_the_table_of_boto3(run: Run) -> None:
    """
    ``table.table`` makes a boto3 table when it is asked for, and all goes on.
    """
    program = """
transport = connect(endpoint_url=sys.argv[2], auto_create=False)
table = Things()
found = [table.get("k1").id, loaded("boto3")]
found += [table.table.get_item(Key={"id": "k1"})["Item"]["id"], table.get("k1").id, transport.asks_boto3]
print(json.dumps(found))
"""
    with RawServer() as server:
        assert ["k1", [], "k1", "k1", "botocore was imported"] == run(program, server.url)


def test_functions_of_lambda(run: Run) -> None:
    """
    What Lambda sets is no reason to ask botocore; its user agent and its traces are sent.
    """
    program = """
transport = connect(endpoint_url=sys.argv[2], auto_create=False)
Things().get("k1")
print(json.dumps([transport.asks_boto3, loaded("botocore")]))
"""
    names = (
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API", "AWS_ACCESS_KEY", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS",
        "_AWS_XRAY_DAEMON_PORT", "LAMBDA_TASK_ROOT", "_HANDLER", "TZ",
    )  # fmt: skip
    variables = {
        **dict.fromkeys(names, "UTC"),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13 (x)",
        "AWS_REGION": REGION,
        "AWS_SESSION_TOKEN": "its-token",
        "_X_AMZN_TRACE_ID": "Root=1-2;Sampled=1",
    }
    with RawServer() as server:
        assert ["", []] == run(program, server.url, **variables)
    (head,) = server.heads

    agent = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"user-agent: "))
    assert agent.partition(b": ")[2].startswith(b"dynamo_objects/")
    assert agent.endswith(b" exec-env/AWS_Lambda_python3.13--x-")
    assert b"X-Amzn-Trace-Id: Root=1-2;Sampled=1" in head
    assert b"X-Amz-Security-Token: its-token" in head


def test_certificates_are_checked(run: Run, tmp_path: Path) -> None:
    """
    By those that are trusted, and no others.
    """
    program = """
from dynamo_objects.errors import TransportError
connect(endpoint_url=sys.argv[2], auto_create=False, deadline_seconds=0)
try:
    found = Things().get("k1").id
except TransportError as error:
    found = str(error)
print(json.dumps([found, loaded("botocore")]))
"""
    certificate = make_certificate(tmp_path, "127.0.0.1")
    with RawServer(certificate=certificate) as server:
        trusted = run(program, server.url, AWS_CA_BUNDLE=certificate.path)
        refused = run(program, server.url)

    assert ["k1", []] == trusted
    assert "SSL" in refused[0]
    assert [] == refused[1]
    assert 1 == len(server.heads)


@pytest.mark.parametrize("run", ["urllib3"], indirect=True)
@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"AWS_ACCESS_KEY_ID": ""}, "Unable to locate credentials"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "Partial credentials found in env"),
        ({"AWS_DEFAULT_REGION": ""}, "Invalid endpoint"),
        ({"AWS_PROFILE": "nobody"}, r"profile \(nobody\) could not be found"),
    ],
)
def test_errors_are_those_of_botocore(environment: dict[str, str], message: str, run: Run) -> None:
    """
    Nothing else is said because botocore was not asked at first.
    """
    program = """
from dynamo_objects.errors import TransportError
connect(auto_create=False, deadline_seconds=0)
try:
    Things().get("k1")
except TransportError as error:
    print(json.dumps(str(error)))
"""
    said = run(program, **{"AWS_EC2_METADATA_DISABLED": "true", **environment})

    assert re.search(message, said)
