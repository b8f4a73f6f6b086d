"""What is missing about the spend limits in the providers' own consoles, the last line behind our budgets."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from seawall.policy.document import ConsoleCapDocument
from seawall.policy.fault import Path
from seawall.policy.lint.judged import Draft, Judged, Rule
from seawall.policy.roster import declared_entries

EXPIRES_SOON: Final = timedelta(days=14)

_LOOK: Final = "look into the console again, and write the new days"


def _missing(judged: Judged) -> Iterator[Draft]:
    used = {model.found.entry.name for route in judged.routes for model in route.models if model.is_on}
    is_open = any(route.said.model is None for route in judged.routes)
    for entry in declared_entries(judged.roster):
        # What is called without a key sends nobody a bill.
        has_bill = entry.key is not None and entry.is_enabled and not entry.address.is_loopback
        if has_bill and (is_open or entry.name in used) and judged.document.providers[entry.name].console_cap is None:
            message = f"nobody attests a spend limit in {entry.name}'s own console: nothing else caps a leaked key"
            mend = "set one there, and add console_cap: {usd_per_day: 250, attested_by: ..., on: ..., expires: ...}"
            yield Draft(entry.path, message, mend)


def _expired(judged: Judged) -> Iterator[Draft]:
    for path, cap in _caps(judged):
        if cap.expires <= judged.today:
            yield Draft(path, f"the attestation of {cap.attested_by} expired on {cap.expires}", _LOOK)


def _expiring(judged: Judged) -> Iterator[Draft]:
    for path, cap in _caps(judged):
        if judged.today < cap.expires <= judged.today + EXPIRES_SOON:
            days = (cap.expires - judged.today).days
            yield Draft(path, f"the attestation of {cap.attested_by} expires on {cap.expires}, in {days} days", _LOOK)


def _caps(judged: Judged) -> Iterator[tuple[Path, ConsoleCapDocument]]:
    for name, provider in judged.document.providers.items():
        if provider.console_cap is not None:
            yield ("providers", name, "console_cap", "expires"), provider.console_cap


RULES: Final = (
    Rule("warning", "console_cap.missing", "a provider without an attested limit in its console", _missing),
    Rule("warning", "console_cap.expired", "an attestation that is out of date", _expired),
    Rule("note", "console_cap.expiring", "an attestation that is out of date within 14 days", _expiring),
)
