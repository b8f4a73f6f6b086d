"""Deciding by a provider's usage export: which charges it proves, and what it says of the rest."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

import click

from seawall.cli.journal import open_archive, print_troubles
from seawall.cli.output import clean, print_json, print_table
from seawall.cli.spend_decision import Known, actual_amounts, known_from_usage
from seawall.core.record import AttemptRecord, CallRecord
from seawall.ports.books import Charge
from seawall.telemetry.period import DAY_S, Period
from seawall.telemetry.usage_export.line import ExportLine
from seawall.telemetry.usage_export.match import Charge as Provable
from seawall.telemetry.usage_export.match import Matching, Rejected, match
from seawall.telemetry.usage_export.read import read_export

Price = Callable[[ExportLine, str, float], int]

NO_RECORD: Final = "the journal has no record of the attempt"
NO_ANSWER: Final = "the provider never told a request id, so that no export can prove it"
NOT_TAKEN: Final = "its line was not taken"
NO_LINE: Final = "no line has its request id"
LEASES: Final = "the leases of a worker that died are no single request"
_SHOWN: Final = 5


class Proof(NamedTuple):
    """What an export proves: what charges really were, and what it says nothing about.

    `known` goes by the charge's id. `rejected` are lines that prove nothing; `left` names charges that stay, and why.
    """

    known: dict[str, Known]
    lines: dict[str, int]
    rejected: tuple[Rejected, ...]
    others: int
    left: tuple[tuple[str, str], ...]
    total: int


def read_lines(file: Path) -> tuple[ExportLine, ...]:
    """Read an export.

    Raises:
        click.UsageError: the file cannot be read, or is none.
    """
    try:
        return read_export(file.read_bytes())
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{file}: {getattr(error, 'strerror', None) or error}") from None


def prove(lines: tuple[ExportLine, ...], charges: Iterable[Charge], state_dir: Path, price: Price) -> Proof:
    """Say which charges the lines prove something about; the journal knows what the provider called each request."""
    by_id = {charge.unsettled.id: charge for charge in charges}
    attempts = _attempts(by_id.values(), state_dir)
    found = match(lines, [_provable(charge, attempts.get(charge_id)) for charge_id, charge in by_id.items()])
    known, rejected = dict[str, Known](), [*found.rejected]
    for line, provable in found.matches:
        charge = by_id[provable.id]
        try:
            proved = known_from_usage(price(line, charge.unsettled.target, charge.unsettled.at_s), line.usage)
            actual_amounts(charge, proved)
        except ValueError as error:
            rejected.append(Rejected(line, str(error)))
        else:
            known[provable.id] = proved
    matched = {one.charge.id: one.line.number for one in found.matches}
    refused = [(charge_id, NOT_TAKEN) for charge_id in matched if charge_id not in known]
    reasons = dict([*_left(found, by_id, attempts), *refused])
    left = tuple((charge_id, reasons[charge_id]) for charge_id in by_id if charge_id in reasons)
    used = {charge_id: number for charge_id, number in matched.items() if charge_id in known}
    return Proof(known, used, tuple(rejected), found.others, left, len(lines))


def print_proof(proof: Proof) -> None:
    """Say which lines proved something and which did not, the same reason once."""
    click.echo(
        f"{_count(proof.total, 'line')} read: {len(proof.known)} used, {proof.others} about calls that are not "
        f"unsettled, {len(proof.rejected)} that prove nothing{':' if proof.rejected else '.'}"
    )
    by_reason: dict[str, list[int]] = {}
    for line, why in proof.rejected:
        by_reason.setdefault(why, []).append(line.number)
    for why, numbers in by_reason.items():
        more = ", …" if len(numbers) > _SHOWN else ""
        name = "line" if len(numbers) == 1 else "lines"
        click.echo(clean(f"  {name} {', '.join(map(str, numbers[:_SHOWN]))}{more}: {why}"))
    if proof.left:
        click.echo(f"\nNot settled by it: {_count(len(proof.left), 'charge')}.")
        print_table(("ID", "WHY"), proof.left)


def print_proof_json(proof: Proof) -> None:
    """Print each line that proves nothing, and each charge that stays, as one JSON object."""
    for line, why in proof.rejected:
        print_json({"kind": "line", "line": line.number, "request_id": line.request_id, "why": why})
    for charge_id, why in proof.left:
        print_json({"kind": "left", "id": charge_id, "why": why})


def _attempts(charges: Iterable[Charge], state_dir: Path) -> dict[str, AttemptRecord]:
    """Find the records of the attempts that were charged, by the charge's id: `req_…-2` is a call's second attempt."""
    calls: dict[str, list[tuple[str, int]]] = {}
    moments = []
    for charge in charges:
        call_id, _, number = charge.unsettled.id.rpartition("-")
        if charge.unsettled.reason != "crashed" and number.isascii() and number.isdigit():
            calls.setdefault(call_id, []).append((charge.unsettled.id, int(number)))
            moments.append(charge.unsettled.at_s)
    if not calls:
        return {}
    archive = open_archive(state_dir)
    # A call is recorded under the day on which it began, and charged when it ends.
    records = archive.named(calls, Period(min(moments) - DAY_S, max(moments) + DAY_S))
    print_troubles(archive)
    return {
        charge_id: attempt
        for call_id, wanted in calls.items()
        for charge_id, number in wanted
        if (attempt := _attempt(records.get(call_id), number)) is not None
    }


def _attempt(record: CallRecord | None, number: int) -> AttemptRecord | None:
    return record.attempts[number - 1] if record is not None and 0 < number <= len(record.attempts) else None


def _provable(charge: Charge, attempt: AttemptRecord | None) -> Provable:
    """Say what an export can know a charge by; nothing, where the record is of another target than the charge."""
    unsettled = charge.unsettled
    if attempt is None or unsettled.target not in ("", f"{attempt.provider}/{attempt.model}"):
        return Provable(unsettled.id, "", (), unsettled.at_s)
    models = tuple(model for model in (attempt.model, attempt.answered_model) if model)
    return Provable(unsettled.id, attempt.provider_request_id, models, unsettled.at_s)


def _left(found: Matching, by_id: dict[str, Charge], attempts: dict[str, AttemptRecord]) -> Iterable[tuple[str, str]]:
    for provable in found.left:
        if by_id[provable.id].unsettled.reason == "crashed":
            yield provable.id, LEASES
        elif provable.id not in attempts:
            yield provable.id, NO_RECORD
        else:
            yield provable.id, NO_LINE if provable.request_id else NO_ANSWER


def _count(number: int, name: str) -> str:
    return f"1 {name}" if number == 1 else f"{number} {name}s"
