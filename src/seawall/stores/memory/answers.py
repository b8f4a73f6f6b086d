"""Answers under idempotency keys, in memory."""

import asyncio
from dataclasses import dataclass
from typing import Final, TypeVar

from seawall.core.kept import RUNNING, Claim, Ending, KeyRow, KeyState
from seawall.ports.answers import ALIVE_S

T = TypeVar("T")
_PURGED_AT_ONCE: Final = 500


@dataclass(slots=True)
class _Row:
    claim: Claim
    state: KeyState
    expires_at_s: float
    ending: Ending | None = None


class MemoryAnswers:
    """Implement `AnswerStore` for one process and one event loop; what it keeps ends with the process."""

    def __init__(self) -> None:
        self._rows: dict[bytes, _Row] = {}
        self._beats: dict[str, float] = {}

    def reserve(self, claim: Claim, now_s: float, over: KeyRow | None = None) -> "asyncio.Future[KeyRow | None]":
        """Take the key, or give the row that is in the way."""
        self._beats[claim.owner] = now_s
        found = self._found(claim.place, now_s)
        if found is not None and (over is None or (found.ticket, found.state) != (over.ticket, over.state)):
            return _done(found)
        self._rows[claim.place] = _Row(claim, KeyState.RESERVED, now_s)
        return _done(None)

    def mark(self, place: bytes, ticket: str, expires_at_s: float) -> "asyncio.Future[bool]":
        """Write ahead that something is about to be sent."""
        row = self._rows.get(place)
        if row is None or row.claim.ticket != ticket or row.state is not KeyState.RESERVED:
            return _done(False)
        row.state, row.expires_at_s = KeyState.DISPATCHED, expires_at_s
        return _done(True)

    def finish(self, place: bytes, ticket: str, ending: Ending) -> "asyncio.Future[bool]":
        """Write the ending."""
        row = self._rows.get(place)
        if row is None or row.claim.ticket != ticket:
            return _done(False)
        row.state, row.expires_at_s, row.ending = ending.state, ending.expires_at_s, ending
        return _done(True)

    def release(self, place: bytes, ticket: str) -> "asyncio.Future[bool]":
        """Give the key back."""
        row = self._rows.get(place)
        if row is None or row.claim.ticket != ticket:
            return _done(False)
        del self._rows[place]
        return _done(True)

    def look(self, place: bytes, now_s: float) -> "asyncio.Future[KeyRow | None]":
        """Give the key's row."""
        return _done(self._found(place, now_s))

    def beat(self, owner: str, now_s: float) -> "asyncio.Future[None]":
        """Say that the owner lives."""
        self._beats[owner] = now_s
        return _done(None)

    def purge(self, now_s: float) -> "asyncio.Future[int]":
        """Drop rows that count as none."""
        gone = [place for place in self._rows if self._found(place, now_s) is None][:_PURGED_AT_ONCE]
        for place in gone:
            del self._rows[place]
        return _done(len(gone))

    def _found(self, place: bytes, now_s: float) -> KeyRow | None:
        row = self._rows.get(place)
        if row is None:
            return None
        claim, ending = row.claim, row.ending
        is_alive = abs(now_s - self._beats[claim.owner]) <= ALIVE_S
        if row.expires_at_s <= now_s and not (is_alive and row.state in RUNNING):
            return None
        return KeyRow(
            row.state,
            claim.fingerprint,
            claim.owner,
            claim.ticket,
            claim.exchange_id,
            is_alive,
            ending.answer if ending else None,
            ending.failure if ending else None,
        )


def _done(result: T) -> "asyncio.Future[T]":
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future
