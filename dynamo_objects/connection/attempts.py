"""One operation with its retries, as a generator without I/O.

It yields `Send` and `Sleep`, and is sent replies or transport errors. What may be sent
again, and what a lost reply means, is decided here and nowhere else:

* throttling, conflicts with transactions and requests that were never sent are retried;
* after a lost reply (a 5xx status, a broken connection, a damaged reply) the outcome is
  unknown: an operation that would count twice is not sent again, and a conditional write
  whose repeat fails proves nothing: both raise OutcomeUnknown;
* a transaction keeps its token, so a repeat that is cancelled for good is conclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

import msgspec

from ..codec.structs import Quiet
from ..errors import (
    AccessRefused,
    ConditionFailed,
    DynamoException,
    InternalError,
    LimitExceeded,
    NotDynamoDBReply,
    OutcomeUnknown,
    ServiceError,
    ThrottledError,
    TransactionCancelled,
    TransactionConflict,
    TransportError,
)
from ..operations.base import Operation, Resend
from .replies import read
from .transport import Reply

__all__ = ["Attempts", "First", "RetryPolicy", "Send", "Sleep", "attempts"]

Result = TypeVar("Result")

#: A damaged reply may be followed by a good one; a portal or wrong endpoint goes on.
MAX_STRANGE_REPLIES = 3

#: Reasons of a cancelled transaction that there were too many requests.
_THROTTLED_REASONS = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError"})

#: Reasons of a cancelled transaction that pass by themselves.
_PASSING_REASONS = frozenset({"None", "TransactionConflict"}) | _THROTTLED_REASONS

#: Refusals that a wrong clock also causes: signatures hold for some minutes.
_CLOCK_CODES = frozenset({"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"})


class RetryPolicy(msgspec.Struct, frozen=True):
    """How long and how often to try.

    Attributes:
        deadline_seconds: After this long no further attempt is begun.
        timeout_seconds: How long one attempt may take.
        base_seconds: The first pause is a random time up to this; it doubles each time.
        cap_seconds: No pause is longer than this.
    """

    deadline_seconds: float = 30.0
    timeout_seconds: float = 20.0
    base_seconds: float = 0.05
    cap_seconds: float = 5.0

    def pause(self, attempt: int, chance: float) -> float:
        """Return the seconds before retry number *attempt*, counted from 0.

        Full jitter: a random time between 0 and the bound (AWS Architecture Blog,
        "Exponential Backoff And Jitter").

        Args:
            chance: A random number from 0 to 1.
        """
        return chance * float(min(self.cap_seconds, self.base_seconds * 2 ** min(attempt, 30)))


class Send(Quiet, frozen=True):
    """Send one request, and answer with its reply or its TransportError."""

    unshown = frozenset({"payload"})

    operation: str
    payload: bytes
    timeout_seconds: float


class Sleep(msgspec.Struct, frozen=True):
    """Sleep for *seconds*.

    Attributes:
        is_throttled: Whether that is because there were too many requests.
    """

    seconds: float
    is_throttled: bool = False


class First(Quiet, frozen=True):
    """The first attempt, and what came of it."""

    unshown = frozenset({"payload", "answer"})

    payload: bytes
    began: float
    answer: Reply | TransportError


Attempts: TypeAlias = Generator[Send | Sleep, "Reply | TransportError | None", Result]


def attempts(
    operation: Operation[Result],
    policy: RetryPolicy,
    clock: Callable[[], float],
    chance: Callable[[], float],
    first: First | None = None,
) -> Attempts[Result]:
    """Run an operation to its result.

    Args:
        clock: Seconds from any fixed moment.
        chance: Random numbers from 0 to 1.
        first: The first attempt, where it was made already.

    Raises:
        DynamoException: The operation failed for good, or its outcome is not known.
    """
    payload = operation.payload() if first is None else first.payload
    began = clock() if first is None else first.began
    attempt = strange = 0
    lost: DynamoException | None = None
    while True:
        if first is not None and attempt == 0:
            answer: Reply | TransportError | None = first.answer
        else:
            answer = yield Send(operation.name, payload, policy.timeout_seconds)
        try:
            result = _result(operation, answer)
        except DynamoException as error:
            failure = error
        else:
            if lost is not None and not operation.is_settled(result):
                raise _unknown(operation) from lost
            return result
        if _loses_outcome(failure):
            lost = failure
            if operation.resend is Resend.NEVER:
                raise _unknown(operation) from failure
        can_retry = _can_retry(operation, failure)
        pause = policy.pause(attempt, chance()) if can_retry else 0.0
        strange += isinstance(failure, NotDynamoDBReply)
        elapsed = clock() - began + pause
        is_over = elapsed > policy.deadline_seconds or strange > MAX_STRANGE_REPLIES
        is_late = lost is not None and elapsed > operation.resend_seconds
        if is_over or is_late or not can_retry:
            if lost is not None and _needs_outcome(operation) and not _is_conclusive(failure):
                raise _unknown(operation) from failure
            raise _final(operation, failure, attempt + 1)
        yield Sleep(pause, _is_throttled(failure))
        attempt += 1


def _result(operation: Operation[Result], answer: Reply | TransportError | None) -> Result:
    assert answer is not None  # a Send is never answered with nothing
    if isinstance(answer, TransportError):
        raise answer
    return read(operation, answer)


def _loses_outcome(error: DynamoException) -> bool:
    """Tell whether the operation may have been carried out although this came back."""
    if isinstance(error, TransportError):
        return error.sent
    if isinstance(error, NotDynamoDBReply):
        # A redirection or a refusal says so in its status, whoever it comes from.
        return not 300 <= error.status < 500
    return isinstance(error, InternalError)


def _needs_outcome(operation: Operation[Any]) -> bool:
    """Tell whether it matters if it was carried out; table operations look for themselves."""
    return operation.is_write and not operation.retries_limit


def _is_conclusive(error: DynamoException) -> bool:
    """Tell whether an error proves that no earlier attempt was carried out.

    A transaction that had been would be answered as carried out, by its token.
    """
    return isinstance(error, TransactionCancelled) and not _passes(error)


def _can_retry(operation: Operation[Any], error: DynamoException) -> bool:
    if isinstance(error, TransportError):
        return error.can_retry
    if isinstance(error, LimitExceeded):
        return operation.retries_limit
    if isinstance(error, TransactionCancelled):
        return _passes(error)
    return isinstance(error, ThrottledError | InternalError | TransactionConflict | NotDynamoDBReply)


def _is_throttled(error: DynamoException) -> bool:
    if isinstance(error, TransactionCancelled):
        return any(r.code in _THROTTLED_REASONS for r in error.reasons)
    return isinstance(error, ThrottledError)


def _passes(cancelled: TransactionCancelled) -> bool:
    """Tell whether everything that cancelled a transaction passes by itself."""
    return bool(cancelled.reasons) and all(r.code in _PASSING_REASONS for r in cancelled.reasons)


def _unknown(operation: Operation[Any]) -> OutcomeUnknown:
    table, key = operation.subject
    return OutcomeUnknown(operation.name, table=table, key=key)


def _final(operation: Operation[Any], error: DynamoException, tries: int) -> DynamoException:
    table, key = operation.subject
    where = f"{operation.name} of {table}" + ("" if key is None else f" {key!r}")
    if isinstance(error, ServiceError) and error.code == "ConditionalCheckFailedException":
        return ConditionFailed(
            f"{where}: the condition is false, nothing was written",
            table=table,
            key=key,
            item=error.item,
        )
    if isinstance(error, AccessRefused) and error.code in _CLOCK_CODES:
        error.add_note("this happens with wrong credentials, or when the clock of this machine is wrong")
    error.add_note(f"{where}, {tries} {'try' if tries == 1 else 'tries'}")
    return error
