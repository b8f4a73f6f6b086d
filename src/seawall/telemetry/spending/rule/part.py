"""How much of a shared account one user has spent; pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from seawall.core.account import Unit
from seawall.core.spending import SpendAlert, Standing
from seawall.telemetry.spending.settings import PartSettings
from seawall.telemetry.spending.wording import amount_text, window_text


def under_all(holder: str) -> Sequence[str]:
    """Name the shared holders that a user spends from, as far as a user's own name says: everybody's."""
    del holder
    return ("all",)


def largest_parts(
    settings: PartSettings, standings: Iterable[Standing], shared_by: Callable[[str], Sequence[str]]
) -> Iterator[tuple[Standing, Standing]]:
    """Give each user with too large a part of a shared account, and that account, for the same window of both.

    A user without an account of its own in that window cannot be seen.
    """
    shared: dict[tuple[str, str], Standing] = {}
    members: dict[tuple[str, str], list[Standing]] = {}
    for seen in standings:
        if seen.unit is not Unit.NUSD or not seen.spent:
            continue
        if seen.kind == "user":
            for holder in shared_by(seen.holder):
                members.setdefault((holder, seen.window.name), []).append(seen)
        else:
            shared[seen.holder, seen.window.name] = seen
    for account, users in members.items():
        whole = shared.get(account)
        if whole is not None and len(users) >= settings.fewest_users:
            least = max(settings.least_nusd, settings.fraction * whole.spent)
            yield from ((user, whole) for user in users if user.spent >= least)


def part_alert(settings: PartSettings, user: Standing, whole: Standing, at_s: float) -> SpendAlert:
    """Tell that one user has spent most of a shared account. It is told once, and ends with the window."""
    spent, total = amount_text(Unit.NUSD, user.spent), amount_text(Unit.NUSD, whole.spent)
    key = f"part {user.holder} {whole.account}"
    return SpendAlert(
        id=key,
        key=key,
        rule="part",
        severity=settings.severity,
        account=whole.account,
        at_s=at_s,
        message=(
            f"{user.holder} has spent {spent} of the {total} ({user.spent / whole.spent * 100:.0f} %) "
            f"that {whole.holder} has spent {window_text(whole)}"
        ),
        figures={"fraction": settings.fraction, "spent": user.spent, "total": whole.spent},
        ended_at_s=None if whole.window.ends_s == float("inf") else whole.window.ends_s,
    )
