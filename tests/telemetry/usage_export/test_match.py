import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.usage import Usage
from seawall.telemetry.usage_export.line import ExportLine
from seawall.telemetry.usage_export.match import (
    CLAIMED,
    NO_ID,
    NOTHING_SAID,
    SEVERAL,
    TWICE,
    Charge,
    Match,
    Rejected,
    match,
)

CHARGE = Charge("a_1", "req_1", ("anthropic/claude-opus-5-5", "claude-opus-5-5"), 1000.0)
LINE = ExportLine(2, "req_1", 900.0, "claude-opus-5-5", 5)


def test_a_line_proves_the_charge_with_its_request_id() -> None:
    found = match([LINE, LINE._replace(number=3, request_id="req_of_a_settled_call")], [CHARGE])

    assert found.matches == (Match(LINE, CHARGE),)
    assert (found.rejected, found.others, found.left) == ((), 1, ())


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(LINE._replace(request_id=""), NO_ID, id="no id"),
        pytest.param(LINE._replace(request_id="", trouble="what"), "what", id="neither id nor sense"),
        pytest.param(LINE._replace(trouble="what"), "what", id="unreadable"),
        pytest.param(LINE._replace(requests=2), SEVERAL, id="a sum"),
        pytest.param(LINE._replace(cost_nusd=None), NOTHING_SAID, id="nothing to go by"),
        pytest.param(
            LINE._replace(model="other"), "says model 'other', the call went to 'anthropic/claude-opus-5-5'", id="model"
        ),
        pytest.param(LINE._replace(model="claude-opus-5"), "says model 'claude-opus-5'", id="a model's older brother"),
        pytest.param(
            LINE._replace(at_s=500_000.0), "its time is more than a day away from the charge", id="another day"
        ),
    ],
)
def test_a_line_that_proves_nothing_says_why(line: ExportLine, why: str) -> None:
    found = match([line], [CHARGE])

    assert found.matches == ()
    assert [rejected.why[: len(why)] for rejected in found.rejected] == [why]
    assert found.left == (CHARGE,)


@pytest.mark.parametrize(
    "line",
    [
        LINE._replace(model=""),
        LINE._replace(model="claude-opus-5-5-20260801"),
        LINE._replace(model="Anthropic/Claude-Opus-5-5-2026-08-01"),
        LINE._replace(at_s=None),
        LINE._replace(cost_nusd=None, usage=Usage(1)),
    ],
)
def test_a_line_may_say_less_or_more_than_the_journal(line: ExportLine) -> None:
    assert len(match([line], [CHARGE]).matches) == 1


def test_two_lines_with_one_id_prove_nothing() -> None:
    found = match([LINE, LINE._replace(number=3)], [CHARGE])

    assert [rejected.why for rejected in found.rejected] == [TWICE, TWICE]


def test_two_charges_with_one_id_are_not_told_apart() -> None:
    found = match([LINE], [CHARGE, CHARGE._replace(id="a_2")])

    assert found.rejected == (Rejected(LINE, CLAIMED),)
    assert len(found.left) == 2


@given(
    lines=st.lists(st.builds(ExportLine, st.integers(), st.sampled_from(["", "r1", "r2"]), cost_nusd=st.integers(0))),
    charges=st.lists(
        st.builds(Charge, st.uuids().map(str), st.sampled_from(["", "r1", "r2"]), st.just(()), st.just(0))
    ),
)
def test_every_line_and_every_charge_ends_in_one_place(lines: list[ExportLine], charges: list[Charge]) -> None:
    found = match(lines, charges)

    assert len(found.matches) + len(found.rejected) + found.others == len(lines)
    assert len(found.matches) + len(found.left) == len(charges)
    assert len({one.charge.request_id for one in found.matches}) == len(found.matches)
