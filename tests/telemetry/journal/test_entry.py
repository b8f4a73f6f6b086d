import json
from collections.abc import Callable
from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.record import MAX_NOTES, MAX_TEXT, AttemptRecord, CallRecord
from seawall.core.secret import Secret
from seawall.telemetry.journal.entry import MAX_ATTEMPTS, Entry, EntryMaker
from seawall.telemetry.journal.schema import COLUMNS
from seawall.telemetry.scrub import Scrubber

CANARY = "c4n4ry0fTheHouse"
FORMED = "sk-ant-api03-" + "Zz9" * 20
CALL_TEXTS = [name for name, kind in get_type_hints(CallRecord).items() if kind is str]
ATTEMPT_TEXTS = [name for name, kind in get_type_hints(AttemptRecord).items() if kind is str]

any_text = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["a\r\nb", "\x1b[2J\x1b]0;x\x07", "\u2028\u2029\x85", "\x00", "\x7f\x9b31m", '"},{"', "\ud800", "\u202e"]
)


def make(record: CallRecord, *secrets: str) -> Entry:
    entry = EntryMaker(Scrubber([Secret(value) for value in secrets])).make(record)
    assert entry is not None
    return entry


def with_text(name: str, text: str) -> CallRecord:
    attempt = AttemptRecord("p", "m", 0.0, 1.0)
    if name in CALL_TEXTS:
        return msgspec.structs.replace(CallRecord("req_1", 0.0, attempts=(attempt,)), **{name: text})
    changed = msgspec.structs.replace(attempt, **{name.removeprefix("attempt."): text})
    return CallRecord("req_1", 0.0, attempts=(changed,))


PLACES = [*CALL_TEXTS, *(f"attempt.{name}" for name in ATTEMPT_TEXTS)]


def test_a_good_record_is_written_as_it_is(record: Callable[..., CallRecord]) -> None:
    whole = record(notes=("sampling.dropped",), trace_id="0af7651916cd43dd8448eb211c80319c")

    entry = make(whole)

    assert entry.day == "20261121"
    assert msgspec.json.decode(entry.line, type=CallRecord) == whole
    row = dict(zip(COLUMNS, entry.row, strict=True))
    assert row["record"] == entry.line
    assert (row["input_tokens"], row["cache_read_tokens"], row["cache_write_tokens"]) == (100, 20, 15)
    assert (row["output_tokens"], row["thinking_tokens"], row["attempts"], row["unpriced"]) == (30, 7, 1, 0)


@given(place=st.sampled_from(PLACES), text=any_text)
def test_any_text_anywhere_becomes_one_line_that_parses(place: str, text: str) -> None:
    entry = make(with_text(place, text))

    assert len(entry.line.splitlines()) == 1
    assert entry.line.isprintable()
    json.loads(entry.line)
    msgspec.json.decode(entry.line, type=CallRecord)
    assert all(value.isprintable() for value in entry.row if isinstance(value, str))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("canary", [CANARY, f"x {CANARY} y", FORMED, f"label/{FORMED}"])
def test_a_canary_passes_nowhere(place: str, canary: str) -> None:
    entry = make(with_text(place, canary), CANARY)

    for written in (entry.line, str(entry.row)):
        assert CANARY not in written
        assert "Zz9Zz9" not in written


@pytest.mark.parametrize("canary", [CANARY, FORMED])
def test_a_canary_does_not_pass_in_the_notes(canary: str) -> None:
    entry = make(CallRecord("req_1", 0.0, notes=("fine", canary)), CANARY)

    assert json.loads(entry.line)["notes"] == ["fine", "[secret]"]


@pytest.mark.parametrize("place", PLACES)
def test_every_text_is_bounded(place: str) -> None:
    entry = make(with_text(place, "word " * 1000))

    assert len(entry.line) < 700
    assert "word word" in entry.line


def test_notes_and_attempts_are_bounded() -> None:
    attempts = (AttemptRecord("p", "m", 0.0, 1.0),) * (MAX_ATTEMPTS + 1)

    entry = make(CallRecord("req_1", 0.0, notes=("n",) * (MAX_NOTES + 1), attempts=attempts))

    written = json.loads(entry.line)
    assert len(written["notes"]) == MAX_NOTES
    assert len(written["attempts"]) == MAX_ATTEMPTS


def test_names_in_any_script_stay_as_they_are() -> None:
    whole = CallRecord("req_1", 0.0, team="équipe", feature="下書き")

    assert msgspec.json.decode(make(whole).line, type=CallRecord) == whole


def test_a_secret_that_is_learned_later_is_looked_for_in_texts_that_were_good_before() -> None:
    scrubber = Scrubber()
    maker = EntryMaker(scrubber)
    whole = CallRecord("req_1", 0.0, feature=CANARY)
    assert CANARY in str(maker.make(whole))

    scrubber.learn([Secret(CANARY)])

    assert CANARY not in str(maker.make(whole))


@pytest.mark.parametrize(
    "request_id", ["550e8400-e29b-41d4-a716-446655440000", "chatcmpl-AbC123", "a b", "", "x" * MAX_TEXT]
)
def test_request_ids_of_all_kinds_stay_as_they_are(request_id: str) -> None:
    entry = make(with_text("attempt.provider_request_id", request_id))

    assert json.loads(entry.line)["attempts"][0].get("provider_request_id", "") == request_id


def test_numbers_beyond_all_sense_are_cut_to_what_fits() -> None:
    attempt = AttemptRecord("p", "m", 0.0, float("inf"), input_tokens=10**30, output_tokens=-(10**30))

    entry = make(CallRecord("req_1", 0.0, cost_nusd=10**30, duration_s=float("nan"), stream=True, attempts=(attempt,)))

    written = json.loads(entry.line)
    assert written["cost_nusd"] == 2**53
    assert written["stream"] is True
    assert all(abs(value) < 2**63 for value in entry.row if isinstance(value, int))


@pytest.mark.parametrize("at_s", [float("nan"), float("inf"), 1e300, -1e300])
def test_a_record_without_a_day_is_unfit(at_s: float) -> None:
    assert EntryMaker(Scrubber()).make(CallRecord("req_1", at_s)) is None


def test_remembering_is_exact_and_not_by_likeness() -> None:
    maker = EntryMaker(Scrubber([Secret(CANARY)]))
    good = CallRecord("req_1", 0.0, team="a", feature="b")

    for _ in range(2):
        assert "[secret]" not in str(maker.make(good))
        assert "[secret]" in str(maker.make(msgspec.structs.replace(good, feature=CANARY)))
