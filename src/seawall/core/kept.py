"""What is kept under an idempotency key."""

from enum import StrEnum

import msgspec


class KeyState(StrEnum):
    """How far the call under a key has come.

    `reserved` nothing was sent, `dispatched` something may have been, `done` its answer is kept, `failed` its error is,
    `too_large` it was answered, but its answer is not kept, `unknown` nobody saw its end.
    """

    RESERVED = "reserved"
    DISPATCHED = "dispatched"
    DONE = "done"
    FAILED = "failed"
    TOO_LARGE = "too_large"
    UNKNOWN = "unknown"


RUNNING = frozenset({KeyState.RESERVED, KeyState.DISPATCHED})


class KeptAnswer(msgspec.Struct, frozen=True):
    """A complete answer: `body` is the whole body, or all bytes of a stream to its terminal event.

    `cost_nusd` is what it cost when it was made, `degraded` what it stood in for, as on its exchange.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    is_stream: bool
    cost_nusd: int = 0
    degraded: str = ""


class KeptFailure(msgspec.Struct, frozen=True):
    """An error after which something may have been billed. `kind` and `detail` are the provider's own words."""

    code: str
    status: int
    message: str
    kind: str = ""
    detail: str = ""
    param: str | None = None


class Claim(msgspec.Struct, frozen=True):
    """A call that wants a key. `place` is the digest of key and scope, `fingerprint` that of the request.

    `owner` names the process, `ticket` this one claim, `exchange_id` the call for whoever looks it up.
    """

    place: bytes
    fingerprint: bytes
    owner: str
    ticket: str
    exchange_id: str


class Ending(msgspec.Struct, frozen=True):
    """How a call under a key ended; it can be asked for until the wall time `expires_at_s`."""

    state: KeyState
    expires_at_s: float
    answer: KeptAnswer | None = None
    failure: KeptFailure | None = None


class KeyRow(msgspec.Struct, frozen=True):
    """What a store knows of one key. `is_alive` says whether the process that has it was heard of lately."""

    state: KeyState
    fingerprint: bytes
    owner: str
    ticket: str
    exchange_id: str
    is_alive: bool
    answer: KeptAnswer | None = None
    failure: KeptFailure | None = None
