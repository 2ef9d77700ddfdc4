"""The command ``dynamo-objects``: each of its subcommands is a function from arguments to an exit code.

0: done; 1: it failed; 2: the arguments are wrong (as argparse has it). Problems are told in one line.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from .connection.local import local_transport
from .errors import DynamoException
from .local import Faults, Options
from .local.faults import KINDS
from .local.server import Access, Limits, Server

__all__ = ["main"]

FAILED, WRONG = 1, 2


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
