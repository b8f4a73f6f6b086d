"""What a decision on an unsettled charge means for each of its accounts; pure."""

from typing import NamedTuple

from seawall.cli.spend_amount import whole_text
from seawall.core.account import Unit, unit_of
from seawall.core.usage import Usage
from seawall.ports.books import Charge


class Known(NamedTuple):
    """What a charge really came to, in each unit; None leaves what was charged."""

    nusd: int | None = None
    tokens: int | None = None
    calls: int | None = None


NOTHING = Known(0, 0, 0)
AS_CHARGED = Known()


def known_from_usage(nusd: int, usage: Usage | None) -> Known:
    """Say what is known of a call by its cost, and by its counts where there are any."""
    return Known(nusd, None if usage is None else usage.prompt + usage.billed_output)


def actual_amounts(charge: Charge, known: Known) -> dict[str, int]:
    """Give what each account of a charge is to have settled.

    Of a dead worker's leases each account gets all that is known, up to what was charged there: which of the calls
    counted against which account nobody knows, and none can have more than the whole.

    Raises:
        ValueError: more is said than was charged. What was charged is the worst case, so one of the two is wrong.
    """
    amounts = {Unit.NUSD: known.nusd, Unit.TOKENS: known.tokens, Unit.CALLS: known.calls}
    actual = {}
    for account, charged in charge.unsettled.charges:
        said = amounts[unit_of(account)]
        actual[account] = charged if said is None else min(said, charged)
    for unit, said in amounts.items():
        most = max((amount for account, amount in charge.unsettled.charges if unit_of(account) is unit), default=None)
        if said is not None and most is not None and said > most:
            raise ValueError(
                f"{charge.unsettled.id} was charged {whole_text(unit, most)}, its worst case, and cannot have been "
                f"{whole_text(unit, said)}: is this the right charge? --all-charged accepts what was charged"
            )
    return actual
