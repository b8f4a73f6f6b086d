"""Money is a whole number of nano-dollars (`_nusd`); nobody adds floats of dollars."""

from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Final

NUSD_PER_USD: Final = 1_000_000_000
TOKENS_PER_MTOK: Final = 1_000_000


def nusd_from_usd(usd: Decimal | float | str) -> int:
    """Convert dollars to nano-dollars, rounding up.

    Floats go through their shortest decimal form, so that `0.1` means ten cents and not 0.1000000000000000055.

    Raises:
        ValueError: `usd` is not a finite decimal number.
    """
    try:
        amount = usd if isinstance(usd, Decimal) else Decimal(str(usd))
        return int((amount * NUSD_PER_USD).to_integral_value(rounding=ROUND_CEILING))
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise ValueError(f"{usd!r} is not an amount of dollars; expected a finite decimal number") from error


def usd_from_nusd(nusd: int) -> Decimal:
    """Convert nano-dollars to an exact decimal number of dollars."""
    return Decimal(nusd).scaleb(-9)


def usd_text(nusd: int) -> str:
    """Write nano-dollars as plain dollars without exponent and without needless zeros: `0.0042`, `12.5`, `0`."""
    sign, nusd = ("-", -nusd) if nusd < 0 else ("", nusd)
    whole, rest = divmod(nusd, NUSD_PER_USD)
    return f"{sign}{whole}.{rest:09d}".rstrip("0").rstrip(".") if rest else f"{sign}{whole}"
