"""Run the call of an idempotency key once, and give its answer to everybody who repeats it."""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable
from typing import Final, NamedTuple

import orjson
from msgspec.structs import replace

from seawall.core.error import Conflict, Mismatch, SeawallError, Unavailable
from seawall.core.kept import Claim, Ending, KeptAnswer, KeyRow, KeyState
from seawall.guards.idempotency.rule import (
    RERUN_HEADER,
    Conflicting,
    Different,
    Join,
    Kept,
    Released,
    Repeat,
    Replay,
    Run,
    after_answer,
    after_failure,
    checked_key,
    decide,
    error_of,
    failure_of,
    unknown_note,
    way_out,
)
from seawall.guards.idempotency.running import Begun, KeysInUse, Running, unwatched
from seawall.guards.idempotency.settings import IdempotencySettings
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.recorded import RecordedStream
from seawall.pipeline.recording import Recording
from seawall.pipeline.stored import StoredStream

POLL_S: Final = 0.05
_RERUN: Final = RERUN_HEADER.encode()


class _Keyed(NamedTuple):
    """One call with a key, as this guard sees it."""

    exchange: Exchange
    claim: Claim
    wants_rerun: bool


class IdempotencyGuard:
    """Give the same answer to the same key, byte for byte, and pay for it once; calls on at most once.

    A key counts for one client key, route and endpoint, and only where something is billed. The first call survives
    its client, so that its answer can be kept; those that come while it runs wait for it, or follow its stream; those
    that come later get what was kept. `keys` is what the process shares.
    """

    def __init__(self, settings: IdempotencySettings, keys: KeysInUse) -> None:
        self._settings = settings
        self._keys = keys

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Run the call, join the one that runs, or give the answer that is kept; without a key, just go on.

        Raises:
            BadRequest: the key is none.
            Mismatch: the key stands for another request.
            Conflict: nobody knows what became of the first call, or its answer was too large to be kept.
            Unavailable: the store cannot be used, so that nobody knows whether the key was.
            SeawallError: the error that is kept under the key.
        """
        key = exchange.headers.get(b"idempotency-key")
        if key is None or not exchange.endpoint.is_billed:
            return call_next(exchange)
        return self._once(self._keyed(exchange, checked_key(key)), call_next)

    async def _once(self, keyed: _Keyed, call_next: CallNext) -> Reply:
        """Be the first call of the key, or get what the first one got."""
        exchange = keyed.exchange
        place, fingerprint = keyed.claim.place, keyed.claim.fingerprint
        while True:
            running = self._keys.running.get(place)
            if running is None:
                return await self._first(keyed, call_next)
            if running.fingerprint != fingerprint:
                if await running.has_key():
                    raise _mismatch()
            elif (reply := await _joined(exchange, running)) is not None:
                return reply

    def _keyed(self, exchange: Exchange, key: bytes) -> _Keyed:
        principal, body = exchange.principal, exchange.body
        scope = (principal.key_id if principal else "", exchange.route, exchange.endpoint.name)
        place = hashlib.sha256("\0".join(scope).encode() + b"\0" + key).digest()
        canonical = b"" if body is None else orjson.dumps(body.fields, option=orjson.OPT_SORT_KEYS)
        fingerprint = hashlib.sha256(canonical).digest()
        claim = Claim(place, fingerprint, self._keys.owner, secrets.token_hex(8), exchange.id)
        return _Keyed(exchange, claim, exchange.headers.get(_RERUN) == b"true")

    async def _first(self, keyed: _Keyed, call_next: CallNext) -> Reply:
        """Be the one of this process that asks the store; repeats in the same process wait for what comes of it."""
        place = keyed.claim.place
        running = self._keys.running[place] = Running(keyed.claim.fingerprint)
        try:
            kept = await self._claimed(keyed)
        except SeawallError as error:
            self._leave(keyed, running, error if isinstance(error, Unavailable) else None)
            raise
        except BaseException:
            # Cancelled while it was being claimed, perhaps after it was: the store does one thing after the other.
            unwatched(self._keys.store.release(place, keyed.claim.ticket))
            self._leave(keyed, running, None)
            raise
        if kept is not None:
            self._leave(keyed, running, kept)
            return _replayed(keyed.exchange, kept)
        running.own()
        return await self._run(keyed, running, call_next)

    async def _claimed(self, keyed: _Keyed) -> KeptAnswer | None:
        """Wait until the key is this call's, and None, or until there is an answer under it.

        Raises:
            SeawallError: there is neither; the error says why.
        """
        store, clock, claim = self._keys.store, self._keys.clock, keyed.claim
        found: KeyRow | KeptAnswer | None = await store.reserve(claim, clock.wall_s())
        while not isinstance(found, KeptAnswer):
            if found is not None:
                found = await self._next(keyed, found)
            elif await store.mark(claim.place, claim.ticket, self._expiry_s()):
                keyed.exchange.watchdog.survive()
                return None
            else:  # it was taken away: this process looked dead
                found = await store.reserve(claim, clock.wall_s())
        return found

    async def _next(self, keyed: _Keyed, row: KeyRow) -> KeyRow | KeptAnswer | None:
        """Act on the row that is in the way: give its answer, or the row that is there next, None for the claim's own.

        Raises:
            SeawallError: the row is a reason not to run the call.
        """
        store, clock, claim = self._keys.store, self._keys.clock, keyed.claim
        match decide(self._as_seen(row), claim.fingerprint, wants_rerun=keyed.wants_rerun):
            case Run():
                if row.state is not KeyState.RESERVED:
                    keyed.exchange.note("idempotency.rerun")
                return await store.reserve(claim, clock.wall_s(), over=row)
            case Join():
                return await self._news(keyed.exchange, claim)
            case Replay(answer):
                return answer
            case Repeat(failure):
                keyed.exchange.note("idempotency.repeated")
                raise error_of(failure)
            case Conflicting(code, note):
                raise Conflict(note, code=code)
            case Different():
                raise _mismatch()

    def _as_seen(self, row: KeyRow) -> KeyRow:
        """Give the row with what only this process knows: what it has itself and does not run is not alive."""
        if row.owner != self._keys.owner or not row.is_alive:
            return row
        return replace(row, is_alive=False)

    async def _news(self, exchange: Exchange, claim: Claim) -> KeyRow | None:
        """Ask again in a moment; another process has the key, and there is no other way to hear of it."""
        await asyncio.sleep(POLL_S)
        exchange.provider_wait_s += POLL_S
        store, clock = self._keys.store, self._keys.clock
        return await store.look(claim.place, clock.wall_s()) or await store.reserve(claim, clock.wall_s())

    async def _run(self, keyed: _Keyed, running: Running, call_next: CallNext) -> Reply:
        exchange = keyed.exchange
        try:
            reply = await call_next(exchange)
        except BaseException as error:
            reason = exchange.watchdog.take(SeawallError) if isinstance(error, asyncio.CancelledError) else None
            self._failed(keyed, running, reason or error)
            if reason is not None:
                raise reason from None
            raise
        headers = tuple(reply.headers)
        if reply.stream is None:
            answer = KeptAnswer(reply.status, headers, reply.body, False, _cost(exchange), exchange.degraded)
            _note_absence(exchange)
            await self._answered(keyed, running, answer)
            return reply
        recording = Recording(self._settings.largest)
        begun = Begun(reply.status, headers, recording, exchange.degraded)

        async def completed() -> None:
            if recording.is_too_large:
                recording.close(Conflict(_too_large(exchange.id), code="idempotency.too_large"))
            recording.close(None)
            body = b"".join(recording.pieces)
            answer = KeptAnswer(reply.status, headers, body, True, _cost(exchange), exchange.degraded)
            await self._answered(keyed, running, None if recording.is_too_large else answer)

        def failed(error: BaseException) -> None:
            self._failed(keyed, running, error)
            recording.close(_for_others(exchange, error))

        reply.stream.on_end(lambda _: _note_absence(exchange))
        reply.stream = RecordedStream(reply.stream, recording, exchange.watchdog, completed, failed)
        running.tell(begun)
        return reply

    async def _answered(self, keyed: _Keyed, running: Running, answer: KeptAnswer | None) -> None:
        """Keep an answer, None for one that is too large, before its client has all of it.

        Where it cannot be kept, or time is up, the client gets it all the same.
        """
        claim, expires_at_s = keyed.claim, self._expiry_s()
        ending = Ending(KeyState.TOO_LARGE, expires_at_s)
        if answer is not None:
            ending = after_answer(answer, self._settings.largest, expires_at_s)
        if ending.state is KeyState.TOO_LARGE:
            keyed.exchange.note("idempotency.too_large")
        written = self._keys.store.finish(claim.place, claim.ticket, ending)
        unwatched(written)
        self._leave(keyed, running, answer)
        try:
            await asyncio.wait([written])
        except asyncio.CancelledError:
            if keyed.exchange.watchdog.take(SeawallError) is None:
                raise

    def _failed(self, keyed: _Keyed, running: Running, error: BaseException) -> None:
        """Give the key back, or keep the error; without waiting, since the time of the exchange may be over."""
        exchange, claim, store = keyed.exchange, keyed.claim, self._keys.store
        _note_absence(exchange)
        match after_failure(error, exchange.attempts):
            case Released():
                unwatched(store.release(claim.place, claim.ticket))
                self._leave(keyed, running, error if isinstance(error, SeawallError) else None)
                return
            case Kept() if isinstance(error, SeawallError):
                message = f"{error}; this end is kept under the idempotency key: {way_out(exchange.id)}"
                error.args, error.should_retry = (message,), False
                failure = failure_of(error, self._keys.scrub(message))
                ending = Ending(KeyState.FAILED, self._expiry_s(), failure=failure)
            case _:
                ending = Ending(KeyState.UNKNOWN, self._expiry_s())
        unwatched(store.finish(claim.place, claim.ticket, ending))
        self._leave(keyed, running, _for_others(exchange, error))

    def _leave(self, keyed: _Keyed, running: Running, outcome: KeptAnswer | SeawallError | None) -> None:
        """Let go of the key in this process, and tell those who wait."""
        del self._keys.running[keyed.claim.place]
        running.tell(outcome)

    def _expiry_s(self) -> float:
        return self._keys.clock.wall_s() + self._settings.keep_s


async def _joined(exchange: Exchange, running: Running) -> Reply | None:
    """Wait for a call that runs; None where it gave the key back without having been able to say anything."""
    began_s = exchange.watchdog.now_s()
    try:
        outcome = await running.outcome()
    finally:
        exchange.provider_wait_s += exchange.watchdog.now_s() - began_s
    if outcome is None:
        return None
    if isinstance(outcome, SeawallError):
        exchange.note("idempotency.joined")
        raise outcome.with_traceback(None)  # all who joined raise it, and each would add to its traceback
    if isinstance(outcome, KeptAnswer):
        return _replayed(exchange, outcome)
    return _repeated(exchange, outcome)


def _replayed(exchange: Exchange, answer: KeptAnswer) -> Reply:
    if answer.is_stream:
        return _repeated(exchange, Begun(answer.status, answer.headers, Recording.of(answer.body), answer.degraded))
    _mark(exchange, answer.degraded)
    return Reply(answer.status, list(answer.headers), answer.body)


def _repeated(exchange: Exchange, begun: Begun) -> Reply:
    _mark(exchange, begun.degraded)
    return Reply(begun.status, list(begun.headers), stream=StoredStream(begun.recording, exchange.watchdog))


def _mark(exchange: Exchange, degraded: str) -> None:
    exchange.is_replayed, exchange.degraded = True, degraded
    exchange.note("idempotency.replayed")


def _for_others(exchange: Exchange, error: BaseException) -> SeawallError:
    """Give what those get who joined a call that failed."""
    if isinstance(error, SeawallError):
        return error
    return Conflict(unknown_note(exchange.id), code="idempotency.unknown")


def _note_absence(exchange: Exchange) -> None:
    if exchange.watchdog.is_abandoned:
        exchange.note("client.left")


def _cost(exchange: Exchange) -> int:
    return sum(attempt.cost_nusd or 0 for attempt in exchange.attempts)


def _mismatch() -> Mismatch:
    return Mismatch(
        "the idempotency key was used for another request; expected the same body, or a new key",
        param="idempotency-key",
    )


def _too_large(exchange_id: str) -> str:
    return f"the stream grew too large to be kept for those who repeat it; {way_out(exchange_id)}"
