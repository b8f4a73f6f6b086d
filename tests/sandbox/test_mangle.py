import pytest

from seawall.sandbox.anthropic.error import ANTHROPIC
from seawall.sandbox.fault import parse
from seawall.sandbox.mangle import html_error, mangled, retry_headers, status_problem
from seawall.sandbox.openai.error import OPENAI
from seawall.sandbox.reply import Event, Reply

STREAM = Reply(
    200,
    (),
    (
        Event(b"start"),
        Event(b"one", 2),
        Event(b"two", 3),
        Event(b"delta", is_terminal=True),
        Event(b"stop", is_terminal=True),
    ),
    is_stream=True,
)
BODY = Reply(200, (), (Event(b'{"a":1}', 9),))


def _data(reply: Reply, fault: str) -> list[bytes]:
    return [event.data for event in mangled(reply, parse(fault), ANTHROPIC, "req_1").events]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param("", [b"start", b"one", b"two", b"delta", b"stop"], id="no fault"),
        pytest.param("duplicate_event", [b"start", b"one", b"one", b"two", b"delta", b"stop"], id="the first content"),
        pytest.param(
            "duplicate_event=0", [b"start", b"start", b"one", b"two", b"delta", b"stop"], id="the first event"
        ),
        pytest.param("duplicate_event=99", [b"start", b"one", b"two", b"delta", b"stop", b"stop"], id="the last event"),
        pytest.param("no_terminal", [b"start", b"one", b"two"], id="nothing terminal"),
        pytest.param("no_terminal=1", [b"start", b"one", b"two", b"delta"], id="without the last event"),
        pytest.param("no_terminal=99", [], id="without any event"),
    ],
)
def test_a_stream_is_changed_like_this(fault: str, expected: list[bytes]) -> None:
    assert _data(STREAM, fault) == expected


def test_an_event_that_comes_twice_is_generated_once() -> None:
    assert sum(event.tokens for event in mangled(STREAM, parse("duplicate_event"), ANTHROPIC, "r").events) == 5


def test_garbage_replaces_a_stream_after_two_events_and_still_counts() -> None:
    events = mangled(STREAM, parse("garbage"), ANTHROPIC, "r").events

    assert [event.data for event in events] == [b"start", b"one", *[ANTHROPIC.garbage] * 3]
    assert sum(event.tokens for event in events) == 5


def test_garbage_replaces_a_body() -> None:
    (event,) = mangled(BODY, parse("garbage"), OPENAI, "r").events

    assert not event.data.startswith(b"{")
    assert event.tokens == 9


@pytest.mark.parametrize("number", [0, 1, 3])
def test_an_error_ends_the_stream_at_its_event(number: int) -> None:
    *before, last = _data(STREAM, f"error_in_stream=api_error@{number}")

    assert before == [b"start", b"one", b"two"][:number]
    assert last.startswith(b"event: error\ndata: ")
    assert b'"type":"api_error"' in last


def test_an_error_never_comes_after_the_stream_was_complete() -> None:
    assert b"Overloaded" in _data(STREAM, "error_in_stream=overloaded_error@99")[3]


def test_each_dialect_has_its_own_error_event() -> None:
    reply = mangled(STREAM, parse("error_in_stream=server_error@1"), OPENAI, "r")

    assert reply.events[1].data.startswith(b'data: {"error":{"message":')


def test_a_body_has_no_events_to_change() -> None:
    assert _data(BODY, "duplicate_event,no_terminal,error_in_stream") == [b'{"a":1}']


def test_a_proxy_answers_in_html() -> None:
    assert html_error().status == 502
    assert b"<html>" in html_error().events[0].data


def test_a_status_comes_with_its_code() -> None:
    problem = status_problem(429, parse("error_code=enforced_spend_limit_reached"))

    assert (problem.status, problem.code) == (429, "enforced_spend_limit_reached")


def test_when_to_come_back_is_told_in_the_form_asked_for() -> None:
    faults = parse("retry_after=1.5,retry_after_ms=20,retry_after_date=10")

    assert retry_headers(faults, 1_795_219_200) == (
        ("retry-after", "1.5"),
        ("retry-after-ms", "20"),
        ("retry-after", "Sat, 21 Nov 2026 00:00:10 GMT"),
    )
    assert retry_headers(parse(""), 0) == ()
