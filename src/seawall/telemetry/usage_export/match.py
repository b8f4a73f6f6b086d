"""Which line of an export proves what an unsettled charge really was; pure.

Only a request id that both sides have proves anything. The totals of a model and a time do not: they hold other calls
too, ours and those of whoever else uses the account, and which of them was never billed they do not say.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from seawall.telemetry.usage_export.line import ExportLine

NEAR_S: Final = 36 * 3600.0  # a line may say the day only, in another zone

_DATE: Final = re.compile(r"[-@]\d{4}-?\d{2}-?\d{2}|-latest")

NO_ID: Final = "no request id: the totals of a model and a time prove nothing about one call"
SEVERAL: Final = "sums up several requests"
TWICE: Final = "its request id stands in more than one line"
CLAIMED: Final = "more than one charge has its request id"
NOTHING_SAID: Final = "says neither cost nor tokens"


class Charge(NamedTuple):
    """One unsettled charge as the journal knows it.

    `id` is the charge's own, `request_id` what the provider called the request (empty: it never said), `models` the
    names that the model goes by, `at_s` wall time of the charge.
    """

    id: str
    request_id: str
    models: tuple[str, ...]
    at_s: float


class Match(NamedTuple):
    """A line and the one charge that it is about."""

    line: ExportLine
    charge: Charge


class Rejected(NamedTuple):
    """A line that proves nothing, and why."""

    line: ExportLine
    why: str


class Matching(NamedTuple):
    """How lines and charges go together. `others` counts lines with the ids of calls that are not unsettled."""

    matches: tuple[Match, ...]
    rejected: tuple[Rejected, ...]
    others: int
    left: tuple[Charge, ...]


def match(lines: Iterable[ExportLine], charges: Iterable[Charge]) -> Matching:
    """Match every line with the charge that it proves something about, if there is exactly one."""
    by_id: dict[str, list[Charge]] = defaultdict(list)
    all_charges = list(charges)
    for charge in all_charges:
        if charge.request_id:
            by_id[charge.request_id].append(charge)
    lines = list(lines)
    seen: dict[str, int] = defaultdict(int)
    for line in lines:
        seen[line.request_id] += 1
    matches, rejected, others = [], list[Rejected](), 0
    for line in lines:
        claimants = by_id.get(line.request_id, [])
        why = _objection(line, claimants, seen[line.request_id])
        if why:
            rejected.append(Rejected(line, why))
        elif claimants:
            matches.append(Match(line, claimants[0]))
        else:
            others += 1
    matched = {found.charge.id for found in matches}
    left = tuple(charge for charge in all_charges if charge.id not in matched)
    return Matching(tuple(matches), tuple(rejected), others, left)


def _objection(line: ExportLine, claimants: list[Charge], times: int) -> str:
    """Say why a line cannot be used; empty where it can, or is about a call that is settled."""
    if not line.request_id:
        return line.trouble or NO_ID
    if not claimants:
        return ""
    if line.trouble:
        return line.trouble
    if times > 1:
        return TWICE
    if len(claimants) > 1:
        return CLAIMED
    if line.requests != 1:
        return SEVERAL
    if line.cost_nusd is None and line.usage is None:
        return NOTHING_SAID
    charge = claimants[0]
    if line.model and charge.models and not any(_is_same(line.model, model) for model in charge.models):
        return f"says model {line.model[:60]!r}, the call went to {charge.models[0]!r}"
    if line.at_s is not None and abs(line.at_s - charge.at_s) > NEAR_S:
        return "its time is more than a day away from the charge"
    return ""


def _is_same(said: str, known: str) -> bool:
    """Compare names of models, of which one may be dated: `gpt-6-luna` and `gpt-6-luna-2026-08-01`."""
    said, known = said.lower().rpartition("/")[2], known.lower().rpartition("/")[2]
    shorter, longer = sorted((said, known), key=len)
    return said == known or (longer.startswith(shorter) and bool(_DATE.fullmatch(longer[len(shorter) :])))
