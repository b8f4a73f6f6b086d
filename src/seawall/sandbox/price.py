"""What the sandbox would have billed: a price table of its own, which shares nothing with the gateway's.

All amounts are whole nano-dollars a token: a price of $1 for a million tokens is 1,000 nano-dollars for one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from seawall.core.usage import Usage
from seawall.sandbox.reply import Charge

_PER_TOKEN: Final = 1_000  # $1 per million tokens, in nano-dollars per token
_PERMILLE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Nano-dollars a token."""

    input: int
    output: int
    write_short: int = 0
    write_long: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True)
class Tariff:
    """A model's rates, and the dearer ones for a whole call whose prompt has more than `above` tokens."""

    rates: Rates
    above: int = 0
    high: Rates | None = None

    def of(self, prompt_tokens: int) -> Rates:
        """Choose the rates for a prompt of this length."""
        return self.rates if self.high is None or prompt_tokens <= self.above else self.high


def _usd(*per_mtok: str) -> Rates:
    """Read prices in dollars per million tokens: input, output, write short, write long, read."""
    amounts = [Decimal(text) * _PER_TOKEN for text in per_mtok]
    if any(amount != int(amount) for amount in amounts):
        raise ValueError(f"{per_mtok}: expected prices that are whole nano-dollars a token")
    return Rates(*map(int, amounts))


def _flat(*per_mtok: str) -> Tariff:
    return Tariff(_usd(*per_mtok))


def _long(first: tuple[str, ...], high: tuple[str, ...], above: int = 272_000) -> Tariff:
    return Tariff(_usd(*first), above, _usd(*high))


# input, output, write 5 minutes, write 1 hour, read
_CLAUDE: Final = {
    "claude-fable-5-2": _flat("8", "40", "10", "16", "0.20"),
    "claude-fable-5-1": _flat("10", "50", "12.50", "20", "0.25"),
    "claude-fable-5": _flat("10", "50", "12.50", "20", "1"),
    "claude-mythos-5-2": _flat("8", "40", "10", "16", "0.20"),
    "claude-mythos-5-1": _flat("10", "50", "12.50", "20", "0.25"),
    "claude-mythos-5": _flat("10", "50", "12.50", "20", "1"),
    "claude-opus-5-5": _flat("4", "20", "5", "8", "0.20"),
    "claude-opus-5": _flat("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-8": _flat("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-7": _flat("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-6": _flat("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-5": _flat("5", "25", "6.25", "10", "0.50"),
    "claude-sonnet-5-5": _flat("2", "10", "2.50", "4", "0.10"),
    "claude-sonnet-5": _flat("2", "10", "2.50", "4", "0.20"),
    "claude-sonnet-4-6": _flat("3", "15", "3.75", "6", "0.30"),
    "claude-sonnet-4-5": _flat("3", "15", "3.75", "6", "0.30"),
    "claude-haiku-5-5": _long(
        ("0.10", "0.50", "0.125", "0.20", "0.01"),
        ("0.50", "2.50", "0.625", "1", "0.05"),
        above=100_000,
    ),
    "claude-haiku-4-5": _flat("1", "5", "1.25", "2", "0.10"),
    "claude-3-sonnet": _flat("3", "15", "3.75", "6", "0.30"),
    "sandbox-flat": _flat("0", "100", "0", "0", "0"),
    "claude-3-haiku": _flat("0.25", "1.25", "0.30", "0.50", "0.03"),
}  # fmt: skip  # a table, one model a row

# input, output, write 30 minutes, write 12 hours, read; models before 5.6 charge nothing for writes
_OPENAI: Final = {
    "gpt-6-astra": _long(("10", "50", "12.50", "25", "1"), ("20", "75", "25", "50", "2")),
    "gpt-6.1-sol": _long(("2", "10", "2.50", "5", "0.10"), ("4", "15", "5", "10", "0.20")),
    "gpt-6-sol": _long(("2", "10", "2.50", "5", "0.20"), ("4", "15", "5", "10", "0.40")),
    "gpt-6.1-terra": _long(("1", "5", "1.25", "2.50", "0.05"), ("2", "7.50", "2.50", "5", "0.10")),
    "gpt-6-luna": _long(("0.10", "0.50", "0.125", "0.25", "0.01"), ("0.20", "0.75", "0.25", "0.50", "0.02")),
    "gpt-5.6-sol": _long(("4", "20", "5", "10", "0.40"), ("8", "30", "10", "20", "0.80")),
    "gpt-5.6-terra": _long(("2", "12", "2.50", "5", "0.20"), ("4", "18", "5", "10", "0.40")),
    "gpt-5.6-luna": _long(("0.20", "1.20", "0.25", "0.50", "0.02"), ("0.40", "1.80", "0.50", "1", "0.04")),
    "gpt-5.5": _long(("5", "30", "0", "0", "0.50"), ("10", "45", "0", "0", "1")),
    "gpt-5.4": _long(("2.50", "15", "0", "0", "0.25"), ("5", "22.50", "0", "0", "0.50")),
    "gpt-5.4-mini": _flat("0.75", "4.50", "0", "0", "0.075"),
    "gpt-5.4-nano": _flat("0.20", "1.25", "0", "0", "0.02"),
    "gpt-5.2": _flat("1.75", "14", "0", "0", "0.175"),
    "gpt-5.1": _flat("1.25", "10", "0", "0", "0.125"),
    "gpt-5": _flat("1.25", "10", "0", "0", "0.125"),
    "gpt-5-mini": _flat("0.25", "2", "0", "0", "0.025"),
    "o3": _flat("2", "8", "0", "0", "0.50"),
    "gpt-4.1": _flat("2", "8", "0", "0", "0.50"),
    "gpt-4o": _flat("2.50", "10", "0", "0", "1.25"),
    "gpt-4o-mini": _flat("0.15", "0.60", "0", "0", "0.075"),
    "text-embedding-3-small": _flat("0.02", "0"),
    "text-embedding-3-large": _flat("0.13", "0"),
    "text-embedding-ada-002": _flat("0.10", "0"),
}  # fmt: skip  # a table, one model a row

TARIFFS: Final[Mapping[str, Tariff]] = {**_CLAUDE, **_OPENAI}


def bill(charge: Charge) -> int:
    """Say what a call costs in nano-dollars: exact in integers, rounded up once."""
    if charge.is_free:
        return 0
    usage = charge.usage
    long_writes, short_writes = usage.cache_write_long, usage.cache_write_short
    prompt = usage.input + usage.cache_read + short_writes + long_writes
    rates = TARIFFS[charge.model].of(prompt)
    cost = usage.input * rates.input + (usage.output + usage.thinking) * rates.output
    cost += usage.cache_read * rates.read + short_writes * rates.write_short + long_writes * rates.write_long
    return -(-cost * charge.permille // _PERMILLE)


def cut_short(usage: Usage, generated: int) -> Usage:
    """Give the usage of an answer that stopped after so many output tokens; thinking comes first."""
    thinking = min(usage.thinking, generated)
    return Usage(
        input=usage.input,
        cache_read=usage.cache_read,
        cache_write_short=usage.cache_write_short,
        cache_write_long=usage.cache_write_long,
        output=min(usage.output, generated - thinking),
        thinking=thinking,
    )
