"""Which decisions on an unsettled charge can be booked; pure."""

from collections.abc import Mapping, Sequence

from seawall.core.error import Refused


def refuse_misfit(unsettled_id: str, charges: Sequence[tuple[str, int]], actual: Mapping[str, int]) -> None:
    """Raise `Refused` unless `actual` names exactly the accounts charged, each with 0 up to what was charged."""
    charged = dict(charges)
    if charged.keys() != actual.keys():
        missing, foreign = sorted(charged.keys() - actual.keys()), sorted(actual.keys() - charged.keys())
        faults = [f"no actual cost for {', '.join(missing)}"] if missing else []
        faults += [f"never charged to {', '.join(foreign)}"] if foreign else []
        raise Refused(f"{unsettled_id}: {'; '.join(faults)}", code="ledger.misfit")
    for account, amount in charged.items():
        if not 0 <= actual[account] <= amount:
            raise Refused(
                f"{unsettled_id}: expected 0 to {amount} for {account}, got {actual[account]}", code="ledger.misfit"
            )
