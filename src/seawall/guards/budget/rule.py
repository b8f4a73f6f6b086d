"""Decide about money and tokens: how much to hold, what to book, how far to clamp; pure."""

from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from seawall.core.price import Mode, Price, cost_nusd
from seawall.core.record import AttemptRecord
from seawall.core.usage import Usage
from seawall.core.worst_case import Bound, worst_nusd
from seawall.guards.budget.amounts import Amounts

LEAST_ANSWER: Final = 16  # tokens: with fewer there is no answer worth its prompt, and OpenAI takes no fewer
Doubt: TypeAlias = Literal["unknown", "hung_up"]
_NOTHING: Final = Amounts(0)


class Booking(msgspec.Struct, frozen=True):
    """What is booked for an attempt. With a doubt, nobody knows it to be right: it may be less, and not more."""

    amounts: Amounts
    doubt: Doubt | None = None


class Ending(msgspec.Struct, frozen=True):
    """How an attempt ended. `record` is the meter's; None where it has none."""

    was_dispatched: bool
    is_complete: bool
    is_hung_up: bool
    record: AttemptRecord | None


class Answer(NamedTuple):
    """How long an answer may be: `max_tokens` for each of its `choices`, and never less than `floor`."""

    max_tokens: int
    choices: int
    floor: int = LEAST_ANSWER


class Left(NamedTuple):
    """What is left in the scarcest account of each unit; None where no account of that unit came short."""

    nusd: int | None = None
    tokens: int | None = None


def worst_case(price: Price | None, bound: Bound) -> Amounts:
    """Say what an attempt can take at most; without a price no money is counted.

    Raises:
        ValueError: there is no bound of its input.
    """
    if bound.input_tokens is None:
        raise ValueError(f"expected a bound on input tokens, found none: {bound.why}")
    nusd = 0 if price is None else worst_nusd(price, bound)
    return Amounts(nusd, bound.input_tokens + bound.output_tokens)


def settlement(held: Amounts, price: Price | None, bound: Bound, ending: Ending) -> Booking:
    """Say what to book for an attempt that has ended.

    A count of the provider's is booked as it is, zero included, and what was never sent or was refused costs nothing.
    A stream that told its input and not its end is booked at that and the longest answer; all else at the whole hold,
    as is one whose prompt may be read again, longer, after what was told.
    """
    if not ending.was_dispatched:
        return Booking(_NOTHING)
    doubt: Doubt = "hung_up" if ending.is_hung_up else "unknown"
    record = ending.record
    if record is None:
        return Booking(held, doubt)
    usage = record.usage
    if usage == "none":
        return Booking(_NOTHING)
    prompt, nusd = _prompt(record), record.cost_nusd
    counted = Amounts(held.nusd if nusd is None else nusd, prompt + record.output_tokens + record.thinking_tokens)
    # A stream may count more than once before it has come to its end.
    if usage == "reported" and (ending.is_complete or record.stop_reason):
        return Booking(counted)
    if prompt and usage in ("partial", "reported") and bound.rounds == 1:
        return Booking(_longest(price, bound, record), doubt)
    # A count that does not add up was read in the dearer way, which may still be too little.
    return Booking(Amounts(max(held.nusd, counted.nusd), max(held.tokens, counted.tokens)), doubt)


def clamped(price: Price | None, bound: Bound, answer: Answer, left: Left) -> int | None:
    """Give the largest `max_tokens` below the answer's own that fits what is left; None where the floor does not."""
    fitting, too_long = answer.floor - 1, answer.max_tokens
    while too_long - fitting > 1:
        tried = (fitting + too_long) // 2
        if _fits(worst_case(price, shortened(bound, answer, tried)), left):
            fitting = tried
        else:
            too_long = tried
    return fitting if fitting >= answer.floor else None


def shortened(bound: Bound, answer: Answer, max_tokens: int) -> Bound:
    """Give the bound of the same call with a lower `max_tokens`."""
    return msgspec.structs.replace(
        bound, output_tokens=bound.output_tokens - (answer.max_tokens - max_tokens) * answer.choices
    )


def _fits(worst: Amounts, left: Left) -> bool:
    return (left.nusd is None or worst.nusd <= left.nusd) and (left.tokens is None or worst.tokens <= left.tokens)


def _prompt(record: AttemptRecord) -> int:
    cached = record.cache_read_tokens + record.cache_write_short_tokens + record.cache_write_long_tokens
    return record.input_tokens + cached


def _longest(price: Price | None, bound: Bound, record: AttemptRecord) -> Amounts:
    """Price the known prompt with the longest answer, in the mode that was told or else the dearest."""
    prompt = _prompt(record)
    tokens = prompt + bound.output_tokens
    if price is None:
        return Amounts(0, tokens)
    if not record.service_tier:
        return Amounts(worst_nusd(price, msgspec.structs.replace(bound, input_tokens=prompt)), tokens)
    usage = Usage(
        input=record.input_tokens,
        cache_read=record.cache_read_tokens,
        cache_write_short=record.cache_write_short_tokens,
        cache_write_long=record.cache_write_long_tokens,
        output=bound.output_tokens,
        web_searches=bound.searches,
    )
    return Amounts(cost_nusd(price, usage, Mode(record.service_tier, record.speed, record.geo)), tokens)
