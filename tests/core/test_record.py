from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.record import MAX_TEXT, SCHEMA_VERSION, AttemptRecord, CallRecord, bounded, whole_us

ATTEMPT = AttemptRecord(provider="anthropic", model="claude", started_s=0.001, duration_s=0.5)
CALL = CallRecord(id="01J", at_s=1_795_000_000.0, cost_nusd=42, attempts=(ATTEMPT,))


def test_what_is_not_known_is_not_written() -> None:
    written = msgspec.json.decode(msgspec.json.encode(CALL))

    assert written == {
        "id": "01J",
        "at_s": 1_795_000_000.0,
        "cost_nusd": 42,
        "attempts": [{"provider": "anthropic", "model": "claude", "started_s": 0.001, "duration_s": 0.5}],
    }


def test_a_record_reads_back_as_it_was_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(CALL), type=CallRecord) == CALL
    assert CALL.schema == SCHEMA_VERSION


@pytest.mark.parametrize("kind", [CallRecord, AttemptRecord])
def test_a_fact_without_a_field_cannot_be_recorded(kind: type[Any]) -> None:  # msgspec's classes are called by name
    facts: dict[str, Any] = {"id": "1", "at_s": 0.0, "provider": "p", "model": "m", "started_s": 0.0, "duration_s": 0.0}

    known = {name: value for name, value in facts.items() if name in kind.__struct_fields__}
    with pytest.raises(TypeError):
        kind(**known, prompt="what the user wrote")


def test_a_record_is_never_changed() -> None:
    with pytest.raises(AttributeError):
        CALL.status = 500  # type: ignore[misc]  # that it cannot be done is the point


@pytest.mark.parametrize("kind", [CallRecord, AttemptRecord])
def test_no_field_is_a_place_for_a_body(kind: type[Any]) -> None:  # msgspec's classes have no closer type
    names = set(kind.__struct_fields__)

    assert not names & {"prompt", "body", "messages", "request", "reply", "response", "text", "content", "headers"}


@given(text=st.text(max_size=4 * MAX_TEXT))
def test_bounded_text_is_short_and_printable(text: str) -> None:
    kept = bounded(text)

    assert len(kept) <= MAX_TEXT
    assert kept.isprintable()


@given(text=st.text(max_size=4 * MAX_TEXT))
def test_bounding_twice_changes_nothing_more(text: str) -> None:
    assert bounded(bounded(text)) == bounded(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("team-a", "team-a", id="plain"),
        pytest.param("Grüße", "Grüße", id="letters beyond ASCII stay"),
        pytest.param("a\x1b[2Jb", "a�[2Jb", id="an escape sequence"),
        pytest.param("a\r\nb", "a��b", id="a line break"),
        pytest.param("é\u2028b\u202e", "é�b�", id="separators and direction marks"),
        pytest.param("x" * 200, "x" * 128, id="too long"),
    ],
)
def test_what_a_terminal_or_log_could_trip_over_is_replaced(text: str, kept: str) -> None:
    assert bounded(text) == kept


@given(length=st.floats(0, 1e6))
def test_a_length_is_kept_to_the_microsecond(length: float) -> None:
    assert abs(whole_us(length) - length) <= 0.5e-6 + 1e-9
