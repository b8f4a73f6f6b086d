"""What the official client makes of the streams that we write."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseFunctionToolCall, ResponseOutputMessage

from seawall.core.usage import Usage
from seawall.dialects.dialect import Mark
from seawall.dialects.neutral.answer import REFUSED
from seawall.dialects.neutral.event import (
    CallOpened,
    CallPiece,
    Closed,
    Event,
    Opened,
    RefusalPiece,
    TextPiece,
    Waiting,
)
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.responses.dialect import RESPONSES_DIALECT
from seawall.dialects.responses.stream_decoder import ResponsesDecoder
from seawall.dialects.responses.stream_encoder import ResponsesEncoder
from tests.dialects.responses.conftest import USAGES, WORDS, client

OPENED = Opened("msg_01", "claude-opus-5-5", at_s=1_795_000_000.0)
USAGE = Usage(30, 40, 20, 10, 9, 5)


def _frames(events: Sequence[Event]) -> list[bytes]:
    encoder = ResponsesEncoder()
    return [frame for event in events for frame in encoder.feed(event)]


def _told(events: Sequence[Event]) -> list[dict[str, Any]]:
    frames = [frame for frame in _frames(events) if not frame.startswith(b":")]
    found = []
    for frame in frames:
        name, _, data = frame.partition(b"\ndata: ")
        found.append(orjson.loads(data))
        assert name == b"event: " + found[-1]["type"].encode()
    return found


def _final(events: Sequence[Event]) -> Response:
    """Read the stream with the official client, which checks the life of every item."""
    body = b"".join(frame + b"\n\n" for frame in _frames(events))
    with client(body).responses.stream(model="m", input="hi") as stream:
        seen = list(stream)
    assert [event.sequence_number for event in seen] == list(range(len(seen)))
    last = seen[-1]
    assert last.type in {"response.completed", "response.incomplete"}
    return last.response


def test_every_event_of_a_text_comes_in_its_order() -> None:
    told = _told([OPENED, TextPiece("Fo"), TextPiece("ur"), Waiting(), Closed("complete", usage=USAGE)])

    assert [event["type"].removeprefix("response.") for event in told] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in told] == list(range(10))
    assert told[-1]["response"]["output"] == [told[-2]["item"]]
    assert told[-1]["response"]["id"] == "resp_01"


def test_the_official_client_reads_text_and_calls() -> None:
    final = _final(
        [
            OPENED,
            TextPiece("I look."),
            CallOpened(0, "toolu_a", "get_weather"),
            CallPiece(0, '{"city":'),
            CallPiece(0, '"Bonn"}'),
            CallOpened(1, "toolu_b", "get_time"),
            Closed("tools", usage=USAGE),
        ]
    )

    message, first, second = final.output
    assert isinstance(message, ResponseOutputMessage)
    assert isinstance(first, ResponseFunctionToolCall)
    assert isinstance(second, ResponseFunctionToolCall)
    assert final.output_text == "I look."
    assert (first.call_id, first.name, first.arguments) == ("toolu_a", "get_weather", '{"city":"Bonn"}')
    assert (second.call_id, second.arguments, second.status) == ("toolu_b", "{}", "completed")
    assert final.usage is not None
    assert final.usage.input_tokens_details.cached_tokens == 40
    assert (final.usage.input_tokens, final.usage.output_tokens) == (100, 14)


def test_calls_may_come_mixed() -> None:
    final = _final(
        [
            OPENED,
            CallOpened(0, "a", "f"),
            CallOpened(1, "b", "g"),
            CallPiece(0, '{"x"'),
            CallPiece(1, "{}"),
            CallPiece(0, ":1}"),
            TextPiece("Done."),
            CallPiece(0, " "),
            Closed("tools"),
        ]
    )

    assert [item.arguments for item in final.output if item.type == "function_call"] == ['{"x":1}', "{}"]
    assert final.output_text == "Done."


def test_an_answer_that_was_cut_is_incomplete_and_so_is_its_last_item() -> None:
    text = _final([OPENED, TextPiece("Once"), Closed("length")])
    call = _final([OPENED, CallOpened(0, "a", "f"), CallPiece(0, '{"x"'), Closed("length")])
    whole = _final([OPENED, CallOpened(0, "a", "f"), CallPiece(0, "{}"), Closed("paused")])

    assert (text.status, text.output[0].status) == ("incomplete", "incomplete")  # type: ignore[union-attr]
    assert text.incomplete_details is not None
    assert text.incomplete_details.reason == "max_output_tokens"
    assert call.output[0].status == "incomplete"  # type: ignore[union-attr]
    assert whole.output[0].status == "completed"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("events", "refusal"),
    [
        pytest.param([RefusalPiece("No"), RefusalPiece("."), Closed("refused", explanation="No.")], "No.", id="words"),
        pytest.param([Closed("refused", explanation="Unsafe.")], "Unsafe.", id="an explanation"),
        pytest.param([TextPiece("Fo"), Closed("refused")], REFUSED, id="in the middle, without a word"),
    ],
)
def test_a_refusal_is_told_in_its_own_part(events: list[Event], refusal: str) -> None:
    message = _final([OPENED, *events]).output[-1]

    assert isinstance(message, ResponseOutputMessage)
    assert message.content[-1].type == "refusal"
    assert message.content[-1].refusal == refusal


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        pytest.param([], "incomplete", id="before its arguments"),
        pytest.param(['{"x"'], "incomplete", id="in its arguments"),
        pytest.param(['{"x":1}'], "completed", id="after them"),
    ],
)
def test_a_call_of_a_refused_answer_is_not_there_to_be_made(pieces: list[str], status: str) -> None:
    events: list[Event] = [OPENED, CallOpened(0, "a", "f")]
    events += [*[CallPiece(0, piece) for piece in pieces], Closed("refused")]

    assert [item.type for item in _final(events).output] == ["message"]
    ended = [event["item"] for event in _told(events) if event["type"] == "response.output_item.done"]
    (call,) = [item for item in ended if item["type"] == "function_call"]
    assert (call["arguments"], call["status"]) == ("".join(pieces), status)


def test_waiting_is_a_comment_and_an_empty_piece_is_nothing() -> None:
    encoder = ResponsesEncoder()
    encoder.feed(OPENED)

    assert encoder.feed(Waiting()) == [b": ping"]
    assert encoder.feed(TextPiece("")) == encoder.feed(RefusalPiece("")) == encoder.feed(CallPiece(0, "{}")) == []


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Draw an answer in pieces, its calls one after the other."""
    events: list[Event] = [Opened("resp_1", "m", at_s=float(draw(st.integers(0, 2**31))))]
    calls = draw(st.integers(0, 3))
    events += [TextPiece(text) for text in draw(st.lists(WORDS, max_size=3))]
    for number in range(calls):
        arguments = draw(st.sampled_from(['{"a":1}', '{"a":{"b":[1,2]}}', "{}"]))
        cut = draw(st.integers(1, len(arguments)))
        events.append(CallOpened(number, f"call_{number}", "f"))
        events += [CallPiece(number, piece) for piece in (arguments[:cut], arguments[cut:]) if piece]
    events.append(Closed("tools" if calls else "complete", usage=draw(USAGES)))
    return events


@settings(max_examples=60)
@given(streams())
def test_what_is_written_is_read_back(events: list[Event]) -> None:
    decoder = ResponsesDecoder(Losses())
    read = [event for frame in _frames(events) for event in decoder.feed(frame)]

    assert [event for event in read if not isinstance(event, Waiting)] == events


@settings(max_examples=30)
@given(streams())
def test_the_official_client_reads_every_stream(events: list[Event]) -> None:
    final = _final(events)

    assert final.output_text == "".join(event.text for event in events if isinstance(event, TextPiece))
    assert Response.model_validate(orjson.loads(final.model_dump_json())).id == "resp_1"


def test_our_own_dialect_reads_the_stream_as_whole() -> None:
    reader = RESPONSES_DIALECT.stream_reader()
    marks = [reader.feed(frame) for frame in _frames([OPENED, TextPiece("Four"), Closed("complete", usage=USAGE)])]

    assert marks[-1] is Mark.TERMINAL
    assert Mark.ERROR not in marks
    assert (reader.facts.usage, reader.facts.usage_state) == (USAGE, "reported")
