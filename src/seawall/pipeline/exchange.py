"""One client call on its way through the guards."""

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, TypeAlias

import msgspec

from seawall.core.error import SeawallError
from seawall.core.principal import Principal
from seawall.core.receipt import Receipt
from seawall.core.record import MAX_NOTES, AttemptRecord
from seawall.core.target import Target
from seawall.dialects.dialect import Dialect, Endpoint, Facts
from seawall.dialects.json_object import JsonObject
from seawall.pipeline.reply_stream import ReplyStream
from seawall.pipeline.stream import Tap
from seawall.pipeline.watchdog import Watchdog

Headers: TypeAlias = Mapping[bytes, bytes]


class Labels(msgspec.Struct, frozen=True):
    """What the caller says of the call, beside what the key says. Empty text means "not said"."""

    user: str = ""
    feature: str = ""
    conversation: str = ""
    traffic_class: str = ""


NO_LABELS: Final = Labels()


class Asked(msgspec.Struct, frozen=True):
    """What a request line and its headers ask for. `route` is empty where the path names none.

    `read_body` reads the body whole, once, and raises `BodyTooLarge` as soon as it is longer than its argument.
    """

    dialect: Dialect
    endpoint: Endpoint
    headers: Headers
    read_body: Callable[[int], Awaitable[bytes]]
    route: str = ""
    model_id: str = ""
    query: str = ""


class Translation(Protocol):
    """What stands between a client's dialect and a provider's, for one target."""

    def tap(self) -> Tap:
        """Make what turns one attempt's frames into the client's."""

    def whole(self, body: bytes) -> bytes:
        """Turn a whole answer into the client's.

        Raises:
            UpstreamBroken: it is none.
        """


class Exchange:
    """The journey of one client call; only the guards of its own pipeline write to it.

    `started_s` is on the event loop's clock, `at_s` is wall time. `headers` are the client's, names in lower case;
    `dialect` is the client's too.
    `model_id` is the model in the path of the models endpoint, `query` what of the query string may go on. `body` is
    None on endpoints without one. `principal` is None for a caller without a good key, and `policy_version` names the
    policy that the exchange keeps to its end. `provider_wait_s` sums the time spent waiting for providers.
    `facts` is what the running attempt's stream has said so far, and `opened_s` when the client's stream could begin.

    What goes to a provider is `body`, for the endpoint `sends` in the dialect `speaks`; both are the client's own
    unless `translation` stands between them. `receipt` is good for the next dispatch, which uses it up.
    `legs_left` counts the targets that may be tried after this one.
    `degraded` names what was served in place of an answer (`model`, `cached`, `message`), `is_replayed` says that it
    was an earlier answer.
    """

    __slots__ = (
        "at_s",
        "attempts",
        "body",
        "degraded",
        "dialect",
        "endpoint",
        "facts",
        "headers",
        "id",
        "is_replayed",
        "labels",
        "legs_left",
        "model_asked",
        "model_id",
        "notes",
        "opened_s",
        "policy_version",
        "principal",
        "provider_wait_s",
        "query",
        "read_body",
        "receipt",
        "route",
        "sends",
        "speaks",
        "started_s",
        "taps",
        "target",
        "trace_id",
        "traffic_class",
        "translation",
        "wants_stream",
        "watchdog",
    )

    def __init__(self, exchange_id: str, at_s: float, watchdog: Watchdog, asked: Asked) -> None:
        self.id = exchange_id
        self.at_s = at_s
        self.watchdog = watchdog
        self.started_s = watchdog.started_s
        self.headers = asked.headers
        self.dialect = asked.dialect
        self.endpoint = asked.endpoint
        self.route = asked.route
        self.model_id = asked.model_id
        self.query = asked.query
        self.read_body = asked.read_body
        self.body: JsonObject | None = None
        self.principal: Principal | None = None
        self.traffic_class = ""
        self.labels = NO_LABELS
        self.trace_id = ""
        self.model_asked = ""
        self.wants_stream = False
        self.policy_version = ""
        self.target: Target | None = None
        self.taps: list[Tap] = []
        self.notes: list[str] = []
        self.attempts: list[AttemptRecord] = []
        self.facts: Facts | None = None
        self.opened_s: float | None = None
        self.provider_wait_s = 0.0
        self.speaks = asked.dialect
        self.sends = asked.endpoint
        self.translation: Translation | None = None
        self.legs_left = 0
        self.degraded = ""
        self.is_replayed = False
        self.receipt: Receipt | None = None

    def note(self, code: str) -> None:
        """Keep a stable code for the record: what was changed or left out on the way."""
        if len(self.notes) < MAX_NOTES and code not in self.notes:
            self.notes.append(code)


class Reply(msgspec.Struct):
    """What goes back to the client: a whole body, or a stream whose opening has been seen.

    `headers` are those of the provider that may be passed on, names in lower case. `facts` is what a whole answer says
    of itself, in the provider's own count.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    facts: Facts | None = None
    stream: ReplyStream | None = None


CallNext: TypeAlias = Callable[[Exchange], Awaitable[Reply]]


class Guard(Protocol):
    """One callable around the next.

    A guard that has nothing to do with the answer is no coroutine: it does its part and gives what `call_next` gave.
    """

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Do this guard's part; call on at most as often as its room's documentation says."""


def compose(guards: tuple[Guard, ...], innermost: CallNext) -> CallNext:
    """Put guards around the innermost call, the first one outermost."""
    call = innermost
    for guard in reversed(guards):
        call = _around(guard, call)
    return call


def _around(guard: Guard, call_next: CallNext) -> CallNext:
    """Bind a guard to what it stands around; half the price of a `functools.partial` with a keyword."""
    begin = guard.__call__

    def call(exchange: Exchange) -> Awaitable[Reply]:
        return begin(exchange, call_next)

    return call


def error_code(error: BaseException | None) -> str:
    """Give the stable code of an ending: empty for a good one, `cancelled` for a shutdown, `internal` for our fault."""
    if error is None:
        return ""
    if isinstance(error, SeawallError):
        return error.code
    return "cancelled" if isinstance(error, CancelledError) else "internal"
