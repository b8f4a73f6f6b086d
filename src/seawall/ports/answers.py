"""Where answers are kept under idempotency keys."""

from asyncio import Future
from typing import Final, Protocol

from seawall.core.kept import Claim, Ending, KeyRow

ALIVE_S: Final = 2.0


class AnswerStore(Protocol):
    """One row a key, shared by all processes of a machine; every call is one atomic step among them.

    A call begins its work at once, in the order of the calls, and gives a future of it: whoever does not wait still
    has it done, and cancelling the wait undoes nothing. Futures belong to the running event loop, and fail with
    `Unavailable` where the store cannot be read or written. `now_s` is wall time. A process counts as alive for
    `ALIVE_S` before and after its last beat. A row whose time is over counts as none, unless its process still lives
    and has not ended it.
    """

    def reserve(self, claim: Claim, now_s: float, over: KeyRow | None = None) -> "Future[KeyRow | None]":
        """Take the key where it has no row, or where its row still has the ticket and the state of `over`.

        Gives None where the key is the claim's now, in state `reserved`, and the row that is in the way where it is
        not. A claim is also its owner's beat.
        """

    def mark(self, place: bytes, ticket: str, expires_at_s: float) -> "Future[bool]":
        """Write ahead that something is about to be sent: `reserved` becomes `dispatched`, durably.

        Gives False where the key is no longer this ticket's; nothing may be sent then.
        """

    def finish(self, place: bytes, ticket: str, ending: Ending) -> "Future[bool]":
        """Write the ending, durably; False where the key is no longer this ticket's, and nothing is changed."""

    def release(self, place: bytes, ticket: str) -> "Future[bool]":
        """Give the key back as if nobody had ever used it; False where it is no longer this ticket's."""

    def look(self, place: bytes, now_s: float) -> "Future[KeyRow | None]":
        """Give the key's row."""

    def beat(self, owner: str, now_s: float) -> "Future[None]":
        """Say that the owner lives."""

    def purge(self, now_s: float) -> "Future[int]":
        """Drop rows that count as none, some hundreds at most, and give their number."""
