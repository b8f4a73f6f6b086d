"""Money is a whole number of nano-dollars (`_nusd`); nobody adds floats of dollars."""

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_CEILING, Context, Decimal, InvalidOperation
from typing import Final

NUSD_PER_USD: Final = 1_000_000_000
TOKENS_PER_MTOK: Final = 1_000_000

# The usual context keeps 28 digits and rounds the rest to even, which would round a longer amount down.
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, rounding=ROUND_CEILING)
_MAX_DIGITS: Final = 15  # before the point; more is a slip, and a number such as 1e999999 would fill the memory


def nusd_from_usd(usd: Decimal | float | str) -> int:
    """Convert dollars to nano-dollars, rounding up.

    Floats go through their shortest decimal form, so that `0.1` means ten cents and not 0.1000000000000000055.

    Raises:
        ValueError: `usd` is not a finite decimal number, or has more than 15 digits before the point.
    """
    try:
        amount = usd if isinstance(usd, Decimal) else Decimal(str(usd))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount.adjusted() >= _MAX_DIGITS:
        raise ValueError(
            f"{usd!r} is not an amount of dollars; expected a finite decimal number below 10^{_MAX_DIGITS}"
        )
    return int(_EXACT.to_integral_value(_EXACT.multiply(amount, Decimal(NUSD_PER_USD))))


def usd_from_nusd(nusd: int) -> Decimal:
    """Convert nano-dollars to an exact decimal number of dollars."""
    return Decimal(nusd).scaleb(-9)


def usd_text(nusd: int) -> str:
    """Write nano-dollars as plain dollars without exponent and without needless zeros: `0.0042`, `12.5`, `0`."""
    sign, nusd = ("-", -nusd) if nusd < 0 else ("", nusd)
    whole, rest = divmod(nusd, NUSD_PER_USD)
    return f"{sign}{whole}.{rest:09d}".rstrip("0").rstrip(".") if rest else f"{sign}{whole}"
