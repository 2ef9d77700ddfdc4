"""The way of the simple case, known without botocore: importing that takes longer than all else at the start.

The rule: credentials and a region are arguments or in the environment, the endpoint is an argument
or the one that the region has anyway, and nothing else is there that botocore could heed. Whatever
is not known to be harmless is left to botocore: other variables of AWS, files of configuration,
proxies, and botocore itself, once somebody has imported it.

Source: botocore 1.44, ``configprovider.BOTOCORE_DEFAUT_SESSION_VARIABLES``, the order of
``credentials.create_credential_resolver``, and the rules of endpoints in ``data/dynamodb``. Tests
compare the way with botocore's for all regions, and the variables with all that botocore names.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from ..codec.structs import Quiet
from .aws import USER_AGENT, AwsSettings
from .signing import Signer
from .wire import Route, host_header

__all__ = ["NotPlain", "PlainCredentials", "changes", "plain_way"]

#: Read here, or of no effect where credentials and region are read here; also what Lambda sets and botocore does not read.
_HARMLESS = frozenset(
    {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY"),
        *("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_CA_BUNDLE"),
        *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
        "AWS_EC2_METADATA_DISABLED",  # the machine is asked last for credentials
    }
)
_HARMLESS_STARTS = ("AWS_LAMBDA_", "AWS_XRAY_")

#: Variables of proxies have any name before this end.
_PROXY = "_proxy"

#: Name the file of trusted certificates, the first of them that is set.
_BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")

_FILES = (("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))
_MODELS = "~/.aws/models"

#: Of AWS's common partition; others have other endpoints.
_REGION = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]{1,20}-[0-9]{1,2}", re.ASCII)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ENDPOINT = re.compile(rf"https?://(?=.{{1,200}}$){_LABEL}(\.{_LABEL})*(:[1-9][0-9]{{0,4}})?/?", re.ASCII)

#: Modules of finders that wait for no import of botocore; those of tracing do, to change it then.
_FINDERS = ("_frozen_importlib", "_frozen_importlib_external", "_distutils_hack", "_virtualenv", "six")
_FINDERS_STARTS = ("__editable__", "_pytest.")

_CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")

#: (IPPROTO_TCP, TCP_NODELAY, 1), the same numbers everywhere: the module socket is not needed for anything else.
_SOCKET_OPTIONS = ((6, 1, 1),)


class NotPlain(Exception):
    """Botocore must be asked; the message says why, without values."""


class PlainCredentials(Quiet, frozen=True, eq=False):
    """Credentials that do not change. Shows none of them."""

    unshown = frozenset({"access_key", "secret_key", "token"})

    access_key: str
    secret_key: str
    token: str | None
    account_id: None = None


def changes() -> Callable[[], bool]:
    """Return a look whether something has happened to this process after which the rule must be asked again."""
    finders = list(sys.meta_path)
    return lambda: "botocore" in sys.modules or sys.meta_path != finders


def plain_way(settings: AwsSettings) -> tuple[Route, PlainCredentials]:
    """Return the way to DynamoDB, and the credentials, as botocore would find them at this moment.

    Raises:
        NotPlain: It could find something else.
    """
    _check_process()
    _check_environment()
    _check_files()
    for name in ("session", "client", "config"):
        if getattr(settings, name) is not None:
            raise NotPlain(f"connect was given a {name}")
    credentials = _credentials(settings.session_arguments)
    region = _region(settings.region_name)
    return _route(settings, region), credentials


# --- what must not be there ------------------------------------------------------------------


def _check_process() -> None:
    if "botocore" in sys.modules:
        raise NotPlain("botocore was imported")
    if sys.platform in ("darwin", "win32", "cygwin"):
        raise NotPlain("the system may have settings for proxies")
    for finder in sys.meta_path:
        module = str(getattr(finder, "__module__", None))
        if module not in _FINDERS and not module.startswith(_FINDERS_STARTS):
            raise NotPlain(f"{module} looks at imports")


def _check_environment() -> None:
    for name, value in os.environ.items():
        if name.startswith(("AWS_", "BOTO")):
            is_harmless = name in _HARMLESS or name.startswith(_HARMLESS_STARTS)
        else:
            is_harmless = not (value and name.lower().endswith(_PROXY))
        if not is_harmless:
            raise NotPlain(f"{name} is set")
    if any(not os.environ.get(name, "file").strip() for name in _BUNDLES):
        raise NotPlain(f"{' or '.join(_BUNDLES)} is empty")


def _check_files() -> None:
    for name, usual in _FILES:
        path = os.path.expanduser(os.path.expandvars(os.environ.get(name, usual)))
        if os.path.isfile(path):
            raise NotPlain(f"the file of {name}, or {usual}, exists")
    if os.path.lexists(os.path.expanduser(_MODELS)):
        raise NotPlain(f"{_MODELS} exists")


# --- the parts of the way --------------------------------------------------------------------


def _credentials(given: dict[str, Any]) -> PlainCredentials:
    """Return the credentials of ``connect``, else of the environment."""
    if unusual := given.keys() - set(_CREDENTIALS):
        raise NotPlain(f"connect was given {', '.join(sorted(unusual))}")
    found = given or {name: os.environ.get(name.upper()) or None for name in _CREDENTIALS}
    key, secret, token = (found.get(name) for name in _CREDENTIALS)
    if not (key and secret and isinstance(key, str) and isinstance(secret, str)):
        raise NotPlain("there are no credentials in arguments or in the environment")
    if not (token is None or isinstance(token, str)):
        raise NotPlain("the session token is no text")
    return PlainCredentials(key, secret, token)


def _region(given: str | None) -> str:
    region = given
    if region is None:
        region = os.environ.get("AWS_DEFAULT_REGION", "")
        if os.environ.get("AWS_REGION", region) != region:
            raise NotPlain("AWS_REGION and AWS_DEFAULT_REGION differ")
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        raise NotPlain("there is no region, or an unusual one")
    return region


def _route(settings: AwsSettings, region: str) -> Route:
    url = settings.endpoint_url or f"https://dynamodb.{region}.amazonaws.com"
    if not _ENDPOINT.fullmatch(url):
        raise NotPlain("the endpoint is an unusual one")
    url = url if url.endswith("/") else f"{url}/"
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    host = host_header(url)
    content_type = "application/x-amz-json-1.0"
    return Route(
        url=url,
        is_tls=is_tls,
        host=parts.hostname or "",
        port=parts.port or (443 if is_tls else 80),
        host_header=host,
        target="/",
        lines=(f"Content-Type: {content_type}", f"User-Agent: {_user_agent()}", "Accept-Encoding: identity"),
        signer=Signer(region=region, service="dynamodb", host=host, headers={"content-type": content_type}),
        account_id=None,
        connect_seconds=min(5.0, settings.timeout_seconds),
        read_seconds=None,
        max_connections=settings.max_connections,
        proxy=None,
        ca_bundle=_ca_bundle() if is_tls else None,
        client_cert=None,
        socket_options=list(_SOCKET_OPTIONS),
    )


def _user_agent() -> str:
    """Return who asks: this library, and on what it runs."""
    python = ".".join(map(str, sys.version_info[:3]))
    parts = [USER_AGENT, f"lang/python#{python}", f"os/{sys.platform}"]
    if environment := os.environ.get("AWS_EXECUTION_ENV"):
        parts.append(f"exec-env/{re.sub(r'[^A-Za-z0-9._-]', '-', environment)}")
    return " ".join(parts)


def _ca_bundle() -> str:
    """Return the file that botocore takes: of the environment, of certifi, its own."""
    if given := next((os.environ[name] for name in _BUNDLES if name in os.environ), None):
        return given
    loaded: Any = sys.modules.get("certifi")
    if loaded is not None:  # somebody may have made it tell of another file
        return str(loaded.where())
    package = find_spec("certifi") or find_spec("botocore")  # imports neither
    if package is not None and package.origin is not None:
        path = os.path.join(os.path.dirname(package.origin), "cacert.pem")
        if os.path.isfile(path):
            return path
    raise NotPlain("the file of trusted certificates is not where it usually is")
