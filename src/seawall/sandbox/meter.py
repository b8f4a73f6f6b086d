"""The independent meter: what the sandbox was asked, what it used, and what it would have billed."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from msgspec import structs

from seawall.core.usage import NO_USAGE, Usage

KEPT: Final = 100_000
CALLERS: Final = 10_000  # so many are counted apart


@dataclass(frozen=True, slots=True)
class Entry:
    """One call as the sandbox saw it.

    `key` numbers the API keys of this sandbox from 1 in order of appearance, 0 is no key; the key itself is nowhere.
    `status` is 0 where no answer began. `usage` is what was used until the call ended, `billed_nusd` what of it was
    billed. `events` and `bytes_sent` count what was written of the body, before chunked coding; an event that was begun
    counts whole unless a fault cut it. `hung_up` says that the client ended the call; its last event was number
    `events - 1`. `caller` is the end user that the body names (`metadata.user_id`, `safety_identifier`, `user`).
    """

    request_id: str
    endpoint: str
    key: int
    at_s: float  # wall clock
    model: str = ""
    status: int = 0
    is_stream: bool = False
    usage: Usage = NO_USAGE
    billed_nusd: int = 0
    bytes_sent: int = 0
    events: int = 0
    hung_up: bool = False
    caller: str = ""


@dataclass(slots=True)
class Total:
    """Sums over calls."""

    calls: int = 0
    errors: int = 0
    hung_up: int = 0
    billed_nusd: int = 0
    bytes_sent: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write_short: int = 0
    cache_write_long: int = 0
    output: int = 0
    thinking: int = 0

    def add(self, entry: Entry) -> None:
        """Count one more call."""
        usage = entry.usage
        self.calls += 1
        self.errors += entry.status >= 400  # noqa: PLR2004  # where HTTP's error statuses begin
        self.hung_up += entry.hung_up
        self.billed_nusd += entry.billed_nusd
        self.bytes_sent += entry.bytes_sent
        self.input += usage.input
        self.cache_read += usage.cache_read
        self.cache_write_short += usage.cache_write_short
        self.cache_write_long += usage.cache_write_long
        self.output += usage.output
        self.thinking += usage.thinking


@dataclass(slots=True)
class Meter:
    """Totals of everything since the start or the last `clear`, and the last 100,000 calls one by one.

    Of callers the first 10,000 are counted apart.

    Every change happens on the sandbox's event loop; reading from another thread gives a slightly older state.
    """

    total: Total = field(default_factory=Total)
    by_endpoint: dict[str, Total] = field(default_factory=dict)
    by_model: dict[str, Total] = field(default_factory=dict)
    by_key: dict[int, Total] = field(default_factory=dict)
    by_caller: dict[str, Total] = field(default_factory=dict)
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, entry: Entry) -> None:
        """Count one call."""
        self.entries.append(entry)
        self.total.add(entry)
        self.by_endpoint.setdefault(entry.endpoint, Total()).add(entry)
        self.by_key.setdefault(entry.key, Total()).add(entry)
        if entry.caller and (entry.caller in self.by_caller or len(self.by_caller) < CALLERS):
            self.by_caller.setdefault(entry.caller, Total()).add(entry)
        if entry.model:
            self.by_model.setdefault(entry.model, Total()).add(entry)

    def clear(self) -> None:
        """Begin again at nothing."""
        self.total = Total()
        for part in (self.by_endpoint, self.by_model, self.by_key, self.by_caller, self.entries):
            part.clear()

    def report(self, entries: int = 0) -> dict[str, Any]:
        """Give the totals and the newest `entries` calls as a JSON object."""
        newest = [
            {**asdict(entry), "usage": structs.asdict(entry.usage)}
            for _, entry in zip(range(entries), reversed(self.entries), strict=False)
        ]
        return {
            "total": asdict(self.total),
            "by_endpoint": _sums(self.by_endpoint),
            "by_model": _sums(self.by_model),
            "by_key": _sums(self.by_key),
            "by_caller": _sums(self.by_caller),
            "entries": newest,
        }


def _sums(totals: Mapping[str, Total] | Mapping[int, Total]) -> dict[str, Any]:
    return {str(name): asdict(total) for name, total in totals.items()}
