"""What happens in one run: everything is drawn from one seed before it begins; pure."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

USD: Final = 1_000_000_000  # nano-dollars
TEAMS: Final = 3
USERS: Final = 20
CALLERS: Final = 1_000
SPREAD_S: Final = 1.5  # over which callers begin
SILENT_S: Final = 2.0  # a ledger that is locked or full stays so for this long at most

KINDS: Final = frozenset({"all", "provider", "team", "user"})  # of accounts that have a cap

Act: TypeAlias = Literal["kill", "lock", "full", "ahead", "back"]

# Models of very different prices, with the dialect of their maker.
MODELS: Final[Mapping[str, str]] = {
    "claude-opus-5-5": "anthropic",
    "claude-sonnet-5-5": "anthropic",
    "claude-haiku-4-5": "anthropic",
    "gpt-5.4": "openai",
    "gpt-4o-mini": "openai",
}
FLAT: Final = "sandbox-flat"
FLAT_TOKENS: Final = 100  # of $100 a million: a cent
# What the provider does wrong. It bills what it bills: a usage that is missing or doubled is so only in its answer.
FAULTS: Final = (
    "status=500", "status=529", "status=429,retry_after=0", "cut=200", "cut_headers", "no_terminal", "garbage",
    "usage=missing", "usage=double", "error_in_stream=overloaded_error@4", "duplicate_event", "wrong_length=+10",
)  # fmt: skip  # one list, not a column


@dataclass(frozen=True, slots=True)
class Ask:
    """One call of one caller. `leaves_after` is the number of pieces of the answer after which it hangs up."""

    after_s: float
    team: int
    user: int
    model: str
    max_tokens: int
    text: str
    is_stream: bool
    leaves_after: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that befalls the gateway, `after_s` from the first call."""

    after_s: float
    act: Act


@dataclass(frozen=True, slots=True)
class Caps:
    """The caps in nano-dollars, over the accounts' whole lives; `all` is the one that is meant to be hit."""

    all: int
    provider: int
    team: int
    user: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run. `faults` are the provider's, each with the share of calls that it hits.

    `output_tokens` is how long its answers are where they may be; None leaves it to the provider.
    """

    seed: int
    caps: Caps
    asks: tuple[Ask, ...]
    events: tuple[Event, ...]
    faults: tuple[tuple[str, float], ...]
    on_exhausted: str
    on_hang_up: str
    retries: int
    output_tokens: int | None
    is_exact: bool = False


def scenario(seed: int, callers: int = CALLERS) -> Scenario:
    """Draw a run with everything that can go wrong."""
    draw = random.Random(seed)  # noqa: S311  # the same seed is the same run
    caps = Caps(USD, USD * 7 // 10, USD * 4 // 10, USD // 10)
    return Scenario(
        seed,
        caps,
        tuple(_asks(draw, callers)),
        tuple(sorted(_events(draw), key=lambda event: event.after_s)),
        tuple((fault, 0.01 + 0.04 * draw.random()) for fault in draw.sample(FAULTS, draw.randint(0, 6))),
        draw.choice(("refuse", "refuse", "clamp", "degrade")),
        draw.choice(("abort", "drain")),
        draw.randint(0, 2),
        draw.choice((None, 200, 1_000, 3_000)),
    )


def exact(seed: int, callers: int = CALLERS) -> Scenario:
    """Draw a run in which nothing goes wrong and every call costs a cent: exactly the cap is to be spent."""
    draw = random.Random(seed)  # noqa: S311  # the same seed is the same run
    asks = tuple(
        Ask(
            SPREAD_S * draw.random(),
            draw.randrange(TEAMS),
            draw.randrange(USERS),
            FLAT,
            FLAT_TOKENS,
            "Hello",
            draw.random() < 0.5,
            None,
        )
        for _ in range(callers)
    )
    return Scenario(
        seed, Caps(USD, 2 * USD, 2 * USD, 2 * USD), asks, (), (), "refuse", "abort", 0, FLAT_TOKENS, is_exact=True
    )


def _asks(draw: random.Random, callers: int) -> Iterator[Ask]:
    for _ in range(callers):
        leaves = draw.random() < 0.15
        yield Ask(
            SPREAD_S * draw.random(),
            draw.randrange(TEAMS),
            draw.randrange(USERS),
            draw.choice(tuple(MODELS)),
            draw.choice((16, 100, 400, 1_000, 2_000)),
            "What is the price of everything? " * draw.choice((1, 3, 20, 200)),
            draw.random() < 0.5,
            draw.randrange(40) if leaves else None,
        )


def _events(draw: random.Random) -> Iterator[Event]:
    for _ in range(draw.randint(0, 3)):
        yield Event(0.1 + 2 * draw.random(), "kill")
    others: tuple[Act, ...] = ("lock", "full", "ahead", "back")
    for act in draw.sample(others, draw.randint(0, 2)):
        yield Event(0.1 + SPREAD_S * draw.random(), act)
