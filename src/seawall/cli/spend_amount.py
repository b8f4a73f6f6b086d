"""How commands write accounts, amounts and lengths of time for people."""

import re
from typing import Final

from seawall.core.account import Unit
from seawall.core.money import NUSD_PER_USD, usd_text

_FINEST_NUSD: Final = 100_000  # a hundredth of a cent; the whole amount is in --json
_HASH: Final = re.compile(r"[0-9a-f]{32}|(?<=key_)[0-9a-f]{16}")
_SHOWN: Final = 8
_LENGTHS: Final = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def amount_text(unit: Unit, amount: int) -> str:
    """Write an amount for a column: dollars rounded up to a hundredth of a cent, other units as they are."""
    if unit is not Unit.NUSD:
        return str(amount)
    whole, rest = divmod(-(-amount // _FINEST_NUSD), NUSD_PER_USD // _FINEST_NUSD)
    return f"${whole}.{rest:04d}" if amount else "$0"


def whole_text(unit: Unit, amount: int) -> str:
    """Write an amount to the last nano-dollar, with its unit: `$0.0123`, `4100 tokens`."""
    if unit is Unit.NUSD:
        return f"${usd_text(amount)}"
    return f"{amount} {unit_text(unit)}"


def unit_text(unit: Unit) -> str:
    """Name a unit: `usd`, `tokens`, `calls`."""
    return unit.value.removeprefix("#") or "usd"


def short_name(name: str) -> str:
    """Shorten keyed hashes and the ids of keys, which nobody reads to their end; `--holder` takes them so."""
    return _HASH.sub(lambda found: f"{found[0][:_SHOWN]}…", name)


def length_text(seconds: float) -> str:
    """Write a length in its two largest units, rounded down: `9h 12m`, `3d 4h`, `45s`."""
    left = int(seconds)
    parts = []
    for size, name in _LENGTHS:
        count, left = divmod(left, size)
        parts.append((count, name))
    while len(parts) > 1 and not parts[0][0]:
        del parts[0]
    shown = parts[:2] if len(parts) > 1 and parts[1][0] else parts[:1]
    return " ".join(f"{count}{name}" for count, name in shown)
