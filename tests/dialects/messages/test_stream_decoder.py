import json
from pathlib import Path
from typing import Any, Final

import pytest

from seawall.core.error import UpstreamBroken
from seawall.core.usage import Usage
from seawall.dialects.messages.stream_decoder import MessagesDecoder
from seawall.dialects.neutral.answer import Stop
from seawall.dialects.neutral.event import CallOpened, CallPiece, Closed, Event, Opened, TextPiece, Waiting
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.sse import FrameSplitter

FIXTURES: Final = Path(__file__).parents[1] / "fixtures" / "anthropic"
START: Final = {"message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}}
OPENED: Final = Opened("msg_1", "m", Usage(3, output=1))
TOOL: Final = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}


def _frame(name: str, **data: Any) -> bytes:  # any JSON values
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}".encode()


def _decoded(*frames: bytes) -> list[Event]:
    decoder = MessagesDecoder(Losses())
    return [event for frame in frames for event in decoder.feed(frame)]


def _of_file(name: str) -> list[Event]:
    return _decoded(*FrameSplitter().feed((FIXTURES / f"{name}.sse").read_bytes()))


def _delta(index: int, **delta: Any) -> bytes:  # any JSON values
    return _frame("content_block_delta", index=index, delta=delta)


def _merged(events: list[Event]) -> list[Event]:
    """Join the pieces of a text or a call, and leave out the waiting."""
    found: list[Event] = []
    for event in events:
        match found[-1:], event:
            case [TextPiece(text=before)], TextPiece(text=text):
                found[-1] = TextPiece(before + text)
            case [CallPiece(number=number, arguments=before)], CallPiece(number=same, arguments=more) if number == same:
                found[-1] = CallPiece(number, before + more)
            case _:
                if not isinstance(event, Waiting):
                    found.append(event)
    return found


def _shape(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_text_comes_in_pieces_between_its_opening_and_its_end() -> None:
    events = _of_file("text")

    assert isinstance(events[0], Opened)
    assert _shape(_merged(events)) == ["Opened", "TextPiece", "Closed"]
    assert events[-1] == Closed("complete", usage=Usage(25, output=15))


def test_a_call_gets_its_own_number_and_not_that_of_its_block() -> None:
    events = _merged(_of_file("tool_use"))

    opened = [event for event in events if isinstance(event, CallOpened)]
    pieces = [event for event in events if isinstance(event, CallPiece)]
    assert [call.number for call in opened] == list(range(len(opened)))
    assert [piece.number for piece in pieces] == [call.number for call in opened]
    assert all(isinstance(json.loads(piece.arguments), dict) for piece in pieces)
    assert isinstance(events[-1], Closed)
    assert events[-1].stop == "tools"


@pytest.mark.parametrize("name", ["thinking", "redacted_thinking", "ping"])
def test_thoughts_and_pings_say_only_that_the_provider_is_there(name: str) -> None:
    events = _of_file(name)

    assert Waiting() in events
    assert set(_shape(_merged(events))) <= {"Opened", "TextPiece", "Closed"}


def test_the_lifetimes_of_cache_writes_are_kept_from_the_opening() -> None:
    assert _of_file("cache")[-1] == Closed("complete", usage=Usage(10, 5000, 100, 200, 4))


def test_the_last_of_several_counts_stands() -> None:
    closed = _of_file("several_deltas")[-1]

    assert isinstance(closed, Closed)
    assert closed.usage.billed_output > 0


def test_what_a_servers_tool_does_is_no_call_of_the_clients() -> None:
    events = _merged(_of_file("server_tool"))

    assert "CallOpened" not in _shape(events)
    assert isinstance(events[-1], Closed)
    assert events[-1].usage.web_searches == 2


def test_what_nobody_knows_yet_makes_no_event() -> None:
    assert set(_shape(_of_file("unknown"))) <= {"Opened", "TextPiece", "Closed", "Waiting"}


def test_a_frame_without_a_name_is_for_nobody() -> None:
    assert _decoded(b'data: {"type":"message_start"}') == []


def test_a_refusal_comes_with_its_explanation() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "no"}

    events = _decoded(
        _frame("message_start", **START),
        _frame("message_delta", delta={"stop_reason": "refusal", "stop_details": details}, usage={"output_tokens": 2}),
        _frame("message_stop"),
    )

    assert events == [OPENED, Closed("refused", explanation="no", usage=Usage(3, output=2))]


def test_a_stop_sequence_comes_with_its_text() -> None:
    events = _decoded(
        _frame("message_start", **START),
        _frame("message_delta", delta={"stop_reason": "stop_sequence", "stop_sequence": "END"}),
        _frame("message_stop"),
    )

    assert events[-1] == Closed("stop_sequence", "END", usage=Usage(3, output=1))


def test_a_start_without_counts_is_completed_by_the_end() -> None:
    events = _decoded(
        _frame("message_start", message={"id": "msg_1", "model": "m"}),
        _frame("message_delta", delta={"stop_reason": "end_turn"}, usage={"input_tokens": 4, "output_tokens": 2}),
        _frame("message_delta", usage={"output_tokens": 5}),
        _frame("message_stop"),
    )

    assert events == [Opened("msg_1", "m"), Closed("complete", usage=Usage(4, output=5))]


@pytest.mark.parametrize(
    ("started", "pieces", "arguments"),
    [
        pytest.param({"a": 1}, [], '{"a": 1}', id="complete in its opening"),
        pytest.param({}, ['{"a"', ":1}"], '{"a":1}', id="in pieces"),
    ],
)
def test_a_call_has_the_text_of_an_object(started: dict[str, int], pieces: list[str], arguments: str) -> None:
    events = _decoded(
        _frame("message_start", **START),
        _frame("content_block_start", index=4, content_block=TOOL | {"input": started}),
        *[_delta(4, type="input_json_delta", partial_json=piece) for piece in pieces],
        _frame("content_block_stop", index=4),
    )

    assert _merged(events) == [OPENED, CallOpened(0, "toolu_1", "f"), CallPiece(0, arguments)]


@pytest.mark.parametrize("pieces", [[], [""]], ids=["without any", "with an empty piece"])
@pytest.mark.parametrize(
    ("reason", "stop", "arguments"),
    [
        ("tool_use", "tools", [CallPiece(0, "{}")]),
        ("max_tokens", "length", []),
        ("refusal", "refused", []),
    ],
)
def test_a_call_without_arguments_was_cut_or_has_none(
    pieces: list[str], reason: str, stop: Stop, arguments: list[Event]
) -> None:
    events = _decoded(
        _frame("message_start", **START),
        _frame("content_block_start", index=0, content_block=TOOL),
        *[_delta(0, type="input_json_delta", partial_json=piece) for piece in pieces],
        _frame("content_block_stop", index=0),
        _frame("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 2}),
        _frame("message_stop"),
    )

    assert events == [OPENED, CallOpened(0, "toolu_1", "f"), *arguments, Closed(stop, usage=Usage(3, output=2))]


def test_a_text_that_stands_in_its_opening_is_not_lost() -> None:
    events = _decoded(
        _frame("message_start", **START),
        _frame("content_block_start", index=0, content_block={"type": "text", "text": "so "}),
        _delta(0, type="text_delta", text=""),
        _delta(0, type="text_delta", text="it is"),
        _delta(0, type="citations_delta", citation={}),
        _frame("content_block_stop", index=0),
    )

    assert events == [OPENED, TextPiece("so "), TextPiece("it is")]


def test_after_the_end_nothing_is_read() -> None:
    ending = (_frame("message_delta", delta={"stop_reason": "end_turn"}), _frame("message_stop"))

    events = _decoded(_frame("message_start", **START), *ending, *ending)

    assert _shape(events) == ["Opened", "Closed"]


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([_frame("message_start", **START)] * 2, id="two starts"),
        pytest.param([_frame("content_block_stop", index=0)], id="content first"),
        pytest.param([_frame("message_stop")], id="the end first"),
        pytest.param([_frame("message_start", **START), _frame("message_stop")], id="an end without a reason"),
        pytest.param([_frame("message_start", message=3)], id="a start of another type"),
        pytest.param([_frame("message_start", **START), _delta(0, type="text_delta", text=3)], id="a text as number"),
        pytest.param([b"event: message_start\ndata: {"], id="no JSON"),
        pytest.param([b'event: message_start\ndata: {"message":{"id":"\xff"}}'], id="no UTF-8"),
        pytest.param([_frame("error", error={"type": "overloaded_error", "message": "busy"})], id="an error"),
        pytest.param(
            [
                _frame("message_start", **START),
                _frame("content_block_start", index=0, content_block=TOOL | {"input": [1]}),
                _frame("content_block_stop", index=0),
            ],
            id="a call with a list",
        ),
        pytest.param(
            [
                _frame("message_start", **START),
                b'event: content_block_start\ndata: {"index":0,"content_block":{"type":"tool_use","input":"\xff"}}',
            ],
            id="a call that is no UTF-8",
        ),
    ],
)
def test_a_stream_out_of_order_is_broken(frames: list[bytes]) -> None:
    with pytest.raises(UpstreamBroken):
        _decoded(*frames)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("text", []),
        ("thinking", []),
        ("tool_use", []),
        ("server_tool", ["dropped.answer.server_tools", "dropped.answer.citations"]),
    ],
)
def test_losses_are_noted_as_they_happen(name: str, codes: list[str]) -> None:
    losses = Losses()
    decoder = MessagesDecoder(losses)

    for frame in FrameSplitter().feed((FIXTURES / f"{name}.sse").read_bytes()):
        decoder.feed(frame)

    assert losses.codes == codes


def test_a_piece_that_nobody_knows_is_noted() -> None:
    losses = Losses()
    decoder = MessagesDecoder(losses)

    decoder.feed(_frame("message_start", **START))
    decoder.feed(_delta(0, type="hologram_delta", light="x"))

    assert losses.codes == ["dropped.answer.unknown_part"]
