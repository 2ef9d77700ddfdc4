"""The command ``dynamo-objects``: each of its subcommands is a function from arguments to an exit code.

0: done; 1: it failed; 2: the arguments are wrong (as argparse has it); 3: done, but somebody has to look
at something. Problems are told in one line.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from .connection.aws import LOCAL_REGION, is_loopback
from .connection.local import local_transport
from .database import DynamoDatabase
from .errors import BatchFailed, DynamoException, JournalDamaged
from .local import Faults, Options
from .local.faults import KINDS
from .local.server import Access, Limits, Server

__all__ = ["main"]

FAILED, WRONG, LOOK = 1, 2, 3


class _Problem(Exception):
    """Something that the user can mend.

    Attributes:
        code: Exit code.
    """

    def __init__(self, message: str, code: int = WRONG) -> None:
        self.code = code
        super().__init__(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks and return the exit code.

    Args:
        arguments: Without the program's name; left out, those of this process.

    Raises:
        SystemExit: With 2 for wrong arguments, 0 for ``--help``.
    """
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except _Problem as problem:
        sys.stderr.write(f"dynamo-objects: {problem}\n")
        return problem.code
    except KeyboardInterrupt:
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dynamo-objects", description="Tools of the library dynamo_objects.", allow_abbrev=False
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_recover(commands)
    return parser


# --- serve ---------------------------------------------------------------------------------


def _add_serve(commands: Any) -> None:
    parser = commands.add_parser(
        "serve",
        help="serve the embedded engine over HTTP",
        description="Serves the embedded engine over HTTP, for any SDK. Signatures are not checked. "
        "It prints its URL when it is ready, and ends by Ctrl-C or SIGTERM.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "url",
        nargs="?",
        default="memory://",
        help="memory://, sqlite:///stores.db, or postgresql+psycopg://... (default: %(default)s)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8000, help="0 for any free port (default: %(default)s)")
    parser.add_argument("--allow-remote", action="store_true", help="let other machines in, with --host")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="another name of this machine"
    )
    parser.add_argument(
        "--allow-origin", action="append", default=[], metavar="URL", help="let web pages in; * for all"
    )
    parser.add_argument(
        "--max-connections", type=_count, default=Limits().connections, help="default: %(default)s"
    )
    _add_simulation(parser)
    parser.set_defaults(run=_serve)


def _add_simulation(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "what is hard to come by", "By default all tables answer at once, at any rate, without faults."
    )
    group.add_argument(
        "--throughput", action="store_true", help="throttle tables and indexes with provisioned throughput"
    )
    kinds = "; ".join(f"{kind}: {what}" for kind, what in KINDS.items())
    group.add_argument(
        "--fault",
        action="append",
        default=[],
        type=_rate,
        metavar="KIND=PART",
        help=f"for example throttle=0.1, for one request in ten; {kinds}",
    )
    group.add_argument("--seed", default="0", help="another seed gives other faults (default: %(default)s)")
    group.add_argument(
        "--delay-seconds", type=_seconds, default=0.05, help="how late a delay is (default: %(default)s)"
    )
    group.add_argument(
        "--table-seconds", type=_seconds, default=0.0, help="how long tables take to be created and changed"
    )
    group.add_argument(
        "--index-lag-seconds", type=_seconds, default=0.0, help="how long global indexes lag behind"
    )
    group.add_argument(
        "--ttl-delay-seconds", type=_seconds, help="delete expired items, so long after they have expired"
    )
    group.add_argument(
        "--page-bytes",
        type=_count,
        default=Options().page_bytes,
        help="how much a query or scan reads at most (default: %(default)s)",
    )


def _rate(text: str) -> tuple[str, float]:
    kind, _, part = text.partition("=")
    try:
        return kind, float(part)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected something like throttle=0.1, not {text}") from None


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected seconds, 0 or more, not {text}")
    return seconds


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"a port is 0 to 65535, not {number}")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, not {number}")
    return number


def _serve(options: argparse.Namespace) -> int:
    ended = _on_signals()
    transport = _opened(options.url, _simulated(options))
    try:
        server = _server(transport.engine, options)
        if options.allow_remote:
            sys.stderr.write("Warning: whoever reaches this port can read and change all tables.\n")
        server.start()
        try:
            sys.stdout.write(f"{server.url}\n")
            sys.stdout.flush()
            while not ended.wait(1.0):  # without an end, Windows would not see Ctrl-C
                pass
        except BrokenPipeError:
            raise _Problem("nobody reads the output", FAILED) from None
        finally:
            server.close()
    finally:
        transport.close()
    return 0


def _simulated(options: argparse.Namespace) -> Options:
    """Return what the engine simulates as the arguments ask for it."""
    try:
        faults = Faults(dict(options.fault), options.seed, options.delay_seconds) if options.fault else None
    except ValueError as error:
        raise _Problem(str(error)) from None
    return Options(
        throughput=options.throughput,
        faults=faults,
        table_seconds=options.table_seconds,
        index_lag_seconds=options.index_lag_seconds,
        ttl_delay_seconds=options.ttl_delay_seconds,
        page_bytes=options.page_bytes,
    )


def _opened(url: str, simulated: Options) -> Any:
    try:
        return local_transport(url, None, simulated)
    except DynamoException as error:
        raise _Problem(str(error)) from None


def _server(engine: Any, options: argparse.Namespace) -> Server:
    access = Access(
        hosts=frozenset(name.lower() for name in [options.host, *options.allow_host]),
        origins=frozenset(options.allow_origin),
    )
    limits = Limits(connections=options.max_connections)
    try:
        return Server(
            engine,
            options.host,
            options.port,
            access=access,
            limits=limits,
            allow_remote=options.allow_remote,
        )
    except ValueError as error:
        raise _Problem(str(error)) from None
    except OSError as error:
        raise _Problem(
            f"cannot listen on {options.host}, port {options.port}: {error.strerror}", FAILED
        ) from None


def _on_signals() -> threading.Event:
    """Return what is set by the first signal to end; a second one ends at once."""
    ended = threading.Event()

    def end(number: int, frame: Any) -> None:
        signal.signal(number, signal.SIG_DFL)
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return ended


# --- recover -------------------------------------------------------------------------------


def _add_recover(commands: Any) -> None:
    parser = commands.add_parser(
        "recover",
        help="write what a MemoryTable had accepted when its process died",
        description="Writes what a MemoryTable had accepted in its journal when its process died. The journal "
        "says where its table is; a database that needs a password is named by --url. What others have "
        "changed since is left as it is, and goes to the file PATH.conflicts, with both sides. "
        "Exit codes: 0: everything is written; 1: it failed, or some records are left; 2: the arguments "
        "are wrong; 3: there were conflicts, or parts of the journal cannot be read.",
        allow_abbrev=False,
    )
    parser.add_argument("journal", metavar="PATH", help="of the journal")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--url", help="of the embedded engine, as in connect(url=...)")
    place.add_argument("--endpoint-url", metavar="URL", help="of the service")
    parser.add_argument("--region", help="of the service")
    parser.add_argument("--prefix", default="", help="the journal must be of a table with this prefix")
    parser.add_argument("--profile", help="of AWS credentials")
    parser.add_argument("--allow-plaintext", action="store_true", help="let plain HTTP leave this machine")
    parser.set_defaults(run=_recover)


def _recover(options: argparse.Namespace) -> int:
    from .memorydb.recovery import read_header, recover_in  # with cachetools: serving needs none of it

    database = DynamoDatabase(f"recover {options.journal}")
    try:
        header = read_header(options.journal)
        if header is None:
            sys.stdout.write("nothing was ever accepted\n")
            return 0
        database.connect(table_prefix=options.prefix, auto_create=False, **_place(header, options))
        report = recover_in(options.journal, database)
    except JournalDamaged as error:
        _print_recovered(error.report)
        raise _Problem(str(error), LOOK) from None
    except BatchFailed as error:
        _print_recovered(error.report)
        raise _Problem(str(error), FAILED) from None
    except FileNotFoundError:
        raise _Problem(f"there is no journal {options.journal}") from None
    except DynamoException as error:
        raise _Problem(str(error), FAILED) from None
    finally:
        database.disconnect()
    _print_recovered(report)
    return LOOK if report.conflicts else 0


def _place(header: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Return what ``connect`` needs to get to the place of a journal; whether it is there is checked later."""
    url = options.url
    if url is None and options.endpoint_url is None and not header.endpoint.startswith(("http:", "https:")):
        url = header.endpoint
    if url is not None:
        return {"url": url}
    endpoint = options.endpoint_url or header.endpoint
    region = options.region or header.region or LOCAL_REGION
    if is_loopback(endpoint) and region == LOCAL_REGION and options.profile is None:
        parts = urlsplit(endpoint)  # DynamoDB Local, or another engine that checks no credentials
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = parts.port or 80
        return {"region_name": "localhost", "DYNAMODB_HOST": host, "DYNAMODB_PORT": port}
    return {
        "endpoint_url": endpoint,
        "region_name": options.region or header.region or None,
        "profile_name": options.profile,
        "allow_plaintext": options.allow_plaintext,
    }


def _print_recovered(report: Any) -> None:
    """Print counts; never keys or values."""
    counts = {
        "replayed": report.replayed,
        "there already": report.there_already,
        "conflicts": report.conflicts,
        "left in the journal": len(report.failed),
        "never accepted": report.discarded,
        "damaged places": report.damaged,
    }
    sys.stdout.write("".join(f"{name}: {count}\n" for name, count in counts.items()))
    if report.conflicts:
        sys.stdout.write(f"conflicts are in {report.conflict_file}\n")
