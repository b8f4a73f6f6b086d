import json
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from seawall.cli.spend_decision import Known
from seawall.cli.spend_export import (
    LEASES,
    NO_ANSWER,
    NO_LINE,
    NO_RECORD,
    NOT_TAKEN,
    Proof,
    print_proof,
    print_proof_json,
    prove,
    read_lines,
)
from seawall.core.record import AttemptRecord, CallRecord
from seawall.ports.books import Charge
from seawall.ports.ledger import Reason, Unsettled
from seawall.telemetry.usage_export.line import ExportLine
from seawall.telemetry.usage_export.match import NO_ID, Rejected

AT_S = 1_790_899_200.0  # midnight
Capsys = pytest.CaptureFixture[str]


def charge(charge_id: str, reason: Reason = "unknown", target: str = "p/m") -> Charge:
    return Charge(Unsettled(charge_id, AT_S, reason, target, (("all@lifetime", 50),)), "w", None, ())


def attempt(request_id: str, model: str = "m") -> AttemptRecord:
    return AttemptRecord("p", model, 0.0, 1.0, provider_request_id=request_id, answered_model="m-2026-01-01")


def cost(line: ExportLine, target: str, at_s: float) -> int:
    assert (target, at_s) == ("p/m", AT_S)
    return line.cost_nusd or 0


def test_every_charge_is_proved_or_said_why_not(state_dir: Path, journal: Callable[..., None]) -> None:
    attempts = (
        attempt("theirs_1"),
        attempt(""),
        attempt("theirs_3"),
        attempt("theirs_4", "other"),
        attempt("theirs_5"),
    )
    journal(CallRecord("req_1", AT_S - 60, attempts=attempts))
    ids = [f"req_1-{number}" for number in range(1, 6)]
    charges = [*map(charge, ids), charge("req_1-9"), charge("req_2-1"), charge("odd"), charge("crashed:w-1", "crashed")]
    lines = (
        ExportLine(2, "theirs_1", model="m-2026-01-01", cost_nusd=20),
        ExportLine(3, "theirs_4", cost_nusd=20),
        ExportLine(4, "theirs_5", cost_nusd=51),
    )

    proof = prove(lines, charges, state_dir, cost)

    assert (proof.known, proof.lines) == ({"req_1-1": Known(20)}, {"req_1-1": 2})
    assert proof.left == (
        ("req_1-2", NO_ANSWER),
        ("req_1-3", NO_LINE),
        ("req_1-4", NO_ANSWER),
        ("req_1-5", NOT_TAKEN),
        ("req_1-9", NO_RECORD),
        ("req_2-1", NO_RECORD),
        ("odd", NO_RECORD),
        ("crashed:w-1", LEASES),
    )
    assert [rejected.line.number for rejected in proof.rejected] == [4]
    assert (proof.others, proof.total) == (1, 3)


def test_a_call_that_began_the_day_before_is_found(state_dir: Path, journal: Callable[..., None]) -> None:
    journal(CallRecord("req_1", AT_S - 300, attempts=(attempt("theirs_1"),)))

    assert prove((ExportLine(2, "theirs_1", cost_nusd=1),), [charge("req_1-1")], state_dir, cost).known


def test_the_same_reason_is_said_once(capsys: Capsys) -> None:
    rejected = (*(Rejected(ExportLine(number), NO_ID) for number in range(2, 9)), Rejected(ExportLine(9), "\x1b[31m"))

    print_proof(Proof({}, {}, rejected, 3, (), 11))

    assert capsys.readouterr().out.splitlines() == [
        "11 lines read: 0 used, 3 about calls that are not unsettled, 8 that prove nothing:",
        f"  lines 2, 3, 4, 5, 6, …: {NO_ID}",
        "  line 9: �[31m",
    ]


def test_json_names_lines_and_charges(capsys: Capsys) -> None:
    print_proof_json(Proof({}, {}, (Rejected(ExportLine(2, "r"), "x"),), 0, (("req_1-1", NO_LINE),), 1))

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"kind": "line", "line": 2, "request_id": "r", "why": "x"},
        {"kind": "left", "id": "req_1-1", "why": NO_LINE},
    ]


def test_a_file_that_cannot_be_read_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    with pytest.raises(click.UsageError, match="No such file"):
        read_lines(tmp_path / "none")
    with pytest.raises(click.UsageError, match="it is empty"):
        read_lines(tmp_path / "empty")
