"""What a repeat gets, and what becomes of a key when its call has ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from seawall.core.error import (
    BadRequest,
    DeadlineExceeded,
    SeawallError,
    UpstreamCredentials,
    UpstreamError,
    UpstreamRefused,
)
from seawall.core.kept import Ending, KeptAnswer, KeptFailure, KeyRow, KeyState
from seawall.core.record import AttemptRecord

MAX_KEY: Final = 255
RERUN_HEADER: Final = "x-seawall-idempotency-rerun"


@dataclass(frozen=True, slots=True)
class Run:
    """Nobody runs it, and nothing was sent: run it."""


@dataclass(frozen=True, slots=True)
class Join:
    """It is running: wait for its end."""


@dataclass(frozen=True, slots=True)
class Replay:
    """It was answered: give the same answer."""

    answer: KeptAnswer


@dataclass(frozen=True, slots=True)
class Repeat:
    """It failed in a way that may have cost something: give the same error."""

    failure: KeptFailure


@dataclass(frozen=True, slots=True)
class Conflicting:
    """There is no answer to give, and to run it again is for the client to decide."""

    code: str
    note: str


@dataclass(frozen=True, slots=True)
class Different:
    """The key stands for another request."""


Choice: TypeAlias = Run | Join | Replay | Repeat | Conflicting | Different


@dataclass(frozen=True, slots=True)
class Released:
    """Nothing was billed: a repeat may run."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The error is what every repeat gets."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows what came of it."""


def checked_key(value: bytes) -> bytes:
    """Give the key that a client chose.

    Raises:
        BadRequest: it is empty, too long, or not of printable ASCII characters.
    """
    text = value.decode("latin-1")
    if 0 < len(text) <= MAX_KEY and text.isascii() and text.isprintable():
        return value
    raise BadRequest(f"Idempotency-Key: expected 1 to {MAX_KEY} printable ASCII characters", param="idempotency-key")


def decide(row: KeyRow, fingerprint: bytes, *, wants_rerun: bool) -> Choice:
    """Say what a call gets whose key has this row; `is_alive` of the row means that its call is still running.

    `wants_rerun` is the client's own word that the call may run again although the first may have been billed.
    """
    if row.state is KeyState.RESERVED and not row.is_alive:
        return Run()
    if row.fingerprint != fingerprint:
        return Different()
    if row.state in (KeyState.RESERVED, KeyState.DISPATCHED) and row.is_alive:
        return Join()
    if row.state is KeyState.DONE and row.answer is not None:
        return Replay(row.answer)
    if wants_rerun:
        return Run()
    if row.state is KeyState.FAILED and row.failure is not None:
        return Repeat(row.failure)
    if row.state is KeyState.TOO_LARGE:
        note = "the answer to this idempotency key was given, and was too large to be kept"
        return Conflicting("idempotency.too_large", f"{note}; {way_out(row.exchange_id)}")
    return Conflicting("idempotency.unknown", unknown_note(row.exchange_id))


def way_out(exchange_id: str) -> str:
    """Say what a client can do about a key that gives no answer."""
    return (
        f"look at what became of it with `seawall calls show {exchange_id}`, then use a new key, or send "
        f"`{RERUN_HEADER}: true` to run it again under this one"
    )


def unknown_note(exchange_id: str) -> str:
    """Say that nobody knows how a call ended, and what to do about it."""
    note = "the first call with this idempotency key ended unseen: it may have been answered and billed"
    return f"{note}; {way_out(exchange_id)}"


def after_failure(error: BaseException, attempts: Sequence[AttemptRecord]) -> Released | Kept | Unknown:
    """Say what becomes of the key of a call that failed.

    It is given back only where nothing can have been billed, by any attempt. What is no error of ours has no answer
    that could be repeated.
    """
    if _is_free(error, attempts):
        return Released()
    return Kept() if isinstance(error, SeawallError) else Unknown()


def _is_free(error: BaseException, attempts: Sequence[AttemptRecord]) -> bool:
    if any(attempt.cost_nusd != 0 for attempt in attempts):
        return False
    if isinstance(error, UpstreamError):
        return isinstance(error, UpstreamRefused | UpstreamCredentials) or not error.dispatched
    return True  # every dispatch has its attempt, so that none was, or none of them counts


def after_answer(answer: KeptAnswer, largest: int, expires_at_s: float) -> Ending:
    """Say how a call ended that was answered: its answer is kept unless it is larger than allowed."""
    if len(answer.body) > largest:
        return Ending(KeyState.TOO_LARGE, expires_at_s)
    return Ending(KeyState.DONE, expires_at_s, answer)


def failure_of(error: SeawallError, message: str) -> KeptFailure:
    """Put an error into the form in which it is kept; `message` is what may be kept of its text."""
    if isinstance(error, UpstreamRefused):
        return KeptFailure(error.code, error.status, message, error.kind, error.detail, error.param)
    return KeptFailure(error.code, error.status, message)


def error_of(failure: KeptFailure) -> SeawallError:
    """Make the error anew that was kept; to try it again by itself helps no client."""
    error: SeawallError
    if failure.code == UpstreamRefused.code:
        error = UpstreamRefused(
            failure.status, failure.kind, failure.message, detail=failure.detail, param=failure.param
        )
    else:
        error = _kind_of(failure.code)(failure.message)
        error.status, error.code = failure.status, failure.code
    error.should_retry = False
    return error


def _kind_of(code: str) -> type[SeawallError]:
    """Choose the class by which guards above know what went wrong."""
    if code == DeadlineExceeded.code:
        return DeadlineExceeded
    return UpstreamError if code.startswith("upstream.") else SeawallError
