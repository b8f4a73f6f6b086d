from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from seawall.core.error import UpstreamBroken, UpstreamError, UpstreamRefused
from seawall.core.usage import Usage
from seawall.dialects.chat.stream import ChatDecoder, ChatEncoder
from seawall.dialects.neutral.answer import Stop
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
from seawall.dialects.sse import FrameSplitter
from tests.dialects.conftest import FIXTURES

GOLDEN = Path(__file__).with_name("fixtures")
OPENED = Opened("chatcmpl-1", "gpt-5.4", at_s=1795219200.0)


def _decoded(frames: Sequence[bytes]) -> list[Event]:
    decoder = ChatDecoder(Losses())
    return [event for frame in frames for event in decoder.feed(frame)]


def _encoded(events: Sequence[Event], *, wants_usage: bool = True) -> list[bytes]:
    encoder = ChatEncoder(wants_usage=wants_usage)
    return [frame for event in events for frame in encoder.feed(event)]


def _file(path: Path) -> list[bytes]:
    return FrameSplitter().feed(path.read_bytes())


def _chunk(delta: Any, **more: Any) -> bytes:  # any JSON values, here and below
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
    chunk = {"id": "chatcmpl-1", "created": 1795219200, "model": "gpt-5.4", "choices": [choice]}
    return b"data: " + orjson.dumps(chunk)


def _calls(*fragments: Any) -> bytes:
    return _chunk({"tool_calls": list(fragments)})


def _end(finish: Any = "tool_calls") -> tuple[bytes, bytes]:
    return _chunk({}, finish_reason=finish), b"data: [DONE]"


@pytest.mark.parametrize(
    ("name", "events"),
    [
        pytest.param("text", [OPENED, TextPiece("Hel"), TextPiece("lo 😀"), Closed("complete")], id="text"),
        pytest.param(
            "tool_calls",
            [
                OPENED,
                CallOpened(0, "call_1", "get_weather"),
                CallPiece(0, '{"city":'),
                CallOpened(1, "call_2", "get_time"),
                CallPiece(1, "{}"),
                CallPiece(0, '"Paris"}'),
                Closed("tools"),
            ],
            id="calls that come mixed",
        ),
        pytest.param(
            "refusal",
            [
                OPENED,
                RefusalPiece("I cannot"),
                RefusalPiece(" help"),
                Closed("refused", explanation="I cannot help"),
            ],
            id="a refusal",
        ),
        pytest.param(
            "reasoning",
            [OPENED, Waiting(), Waiting(), TextPiece("42"), Closed("complete")],
            id="thoughts are nothing but waiting",
        ),
        pytest.param(
            "usage",
            [OPENED, TextPiece("Hi"), Closed("complete", usage=Usage(10, 4, 6, 0, 4, 5))],
            id="usage in a chunk of its own",
        ),
        pytest.param(
            "usage_in_last_content",
            [OPENED, TextPiece("Hi"), Closed("complete", usage=Usage(7, output=2))],
            id="usage beside the finish reason",
        ),
        pytest.param("odd_types", [OPENED, TextPiece("Hi"), Closed("complete")], id="a usage of another type"),
        pytest.param("azure", [OPENED, TextPiece("Hi"), Closed("complete")], id="an opening without a choice"),
        pytest.param(
            "comments",
            [Waiting(), OPENED, Waiting(), TextPiece("Hi"), Closed("complete")],
            id="comments are waiting",
        ),
        pytest.param("obfuscation", [OPENED, TextPiece("Hi"), Closed("complete")], id="obfuscation"),
        pytest.param("done_with_space", [OPENED, TextPiece("Hi"), Closed("complete")], id="an untidy end mark"),
        pytest.param("several_choices", [OPENED, Closed("length")], id="the first of several choices"),
        pytest.param("finished_but_cut", [OPENED, TextPiece("Hi")], id="no end mark, no end"),
        pytest.param("cut", [OPENED, TextPiece("half an ans")], id="cut off"),
    ],
)
def test_streams_are_read(name: str, events: list[Event]) -> None:
    assert _decoded(_file(FIXTURES / "openai" / f"{name}.sse")) == events


@pytest.mark.parametrize(
    ("frames", "events"),
    [
        pytest.param(
            [_calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x":1}'}})],
            [CallOpened(0, "a", "f"), CallPiece(0, '{"x":1}')],
            id="a whole call in one chunk",
        ),
        pytest.param(
            [
                _calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x"'}}),
                _calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": ":1}"}}),
            ],
            [CallOpened(0, "a", "f"), CallPiece(0, '{"x"'), CallPiece(0, ":1}")],
            id="id and name again and again",
        ),
        pytest.param(
            [
                _calls({"index": 3, "id": "a", "function": {"name": "f"}}),
                _calls({"index": 7, "id": "b", "function": {"name": "g"}}),
            ],
            [CallOpened(0, "a", "f"), CallOpened(1, "b", "g")],
            id="numbers run however the server counts",
        ),
        pytest.param(
            [
                _calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}),
                _calls({"index": 0, "id": "b", "function": {"name": "f", "arguments": "{}"}}),
            ],
            [CallOpened(0, "a", "f"), CallPiece(0, "{}"), CallOpened(1, "b", "f"), CallPiece(1, "{}")],
            id="one index for all calls",
        ),
        pytest.param(
            [
                _calls({"id": "a", "function": {"name": "f", "arguments": "{"}}),
                _calls({"id": "b", "function": {"name": "f", "arguments": "{}"}}, {"function": {"arguments": ""}}),
                _calls({"id": "a", "function": {"arguments": "}"}}),
            ],
            [
                CallOpened(0, "a", "f"),
                CallPiece(0, "{"),
                CallOpened(1, "b", "f"),
                CallPiece(1, "{}"),
                CallPiece(0, "}"),
            ],
            id="no index",
        ),
        pytest.param(
            [
                _calls({"index": 0, "id": "a", "function": {"arguments": "{"}}),
                _calls({"index": 0, "function": {"arguments": "}"}}),
                _calls({"index": 0, "function": {"name": "f"}}),
            ],
            [CallOpened(0, "a", "f"), CallPiece(0, "{"), CallPiece(0, "}")],
            id="a name that comes late",
        ),
        pytest.param(
            [_calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}})],
            [CallOpened(0, "a", "f"), CallPiece(0, '{"x":1}')],
            id="arguments that are no text",
        ),
        pytest.param(
            [_chunk({"tool_calls": [7, {"index": 0, "id": "a", "function": {"name": "f"}}], "function_call": 7})],
            [CallOpened(0, "a", "f")],
            id="fragments that are none",
        ),
        pytest.param(
            [
                _calls({"index": 0, "id": "a", "function": {"name": "f"}}),
                _chunk(None),
                b'data: {"choices":[7]}',
                b'data: {"choices":null}',
            ],
            [CallOpened(0, "a", "f")],
            id="chunks without a delta",
        ),
    ],
)
def test_calls_are_read_liberally(frames: list[bytes], events: list[Event]) -> None:
    assert _decoded([*frames, *_end("stop")]) == [OPENED, *events, Closed("tools")]


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([_calls({"index": 0, "id": None, "function": {"name": "f", "arguments": "{}"}})], id="id null"),
        pytest.param(
            [
                _chunk({"function_call": {"name": "f", "arguments": "{"}}),
                _chunk({"function_call": {"arguments": "}"}}),
            ],
            id="an old call",
        ),
    ],
)
def test_a_call_without_an_id_gets_one(frames: list[bytes]) -> None:
    _, call, *pieces, closed = _decoded([*frames, *_end("function_call")])

    assert isinstance(call, CallOpened)
    assert call.id.startswith("call_")
    assert "".join(piece.arguments for piece in pieces if isinstance(piece, CallPiece)) == "{}"
    assert closed == Closed("tools")


def test_two_calls_that_nothing_tells_apart_but_their_names_are_two() -> None:
    fragments = [{"function": {"name": name, "arguments": "{}"}} for name in "fg"]

    calls = [event for event in _decoded([_calls(*fragments), *_end()]) if isinstance(event, CallOpened)]

    assert [(call.number, call.name) for call in calls] == [(0, "f"), (1, "g")]
    assert calls[0].id != calls[1].id


def test_a_stop_text_is_told_where_the_server_tells_it() -> None:
    end = _chunk({}, finish_reason="stop", stop_reason="END")

    assert _decoded([end, b"data: [DONE]"]) == [OPENED, Closed("stop_sequence", stop_text="END")]


def test_an_empty_finish_reason_is_none() -> None:
    assert _decoded([_chunk({"content": "a"}, finish_reason=""), *_end("stop")]) == [
        OPENED,
        TextPiece("a"),
        Closed("complete"),
    ]


def test_nothing_is_read_after_the_end_mark() -> None:
    assert _decoded([*_end("stop"), b"data: [DONE]", _chunk({"content": "more"})]) == [OPENED, Closed("complete")]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        pytest.param([b"data: [1]"], "not a JSON object", id="no chunk"),
        pytest.param([b"data: {"], "not a JSON object", id="no JSON"),
        pytest.param([b'data: {"choices":"\xff"}'], "not UTF-8", id="no UTF-8"),
        pytest.param([b"data: [DONE]"], "has no finish_reason", id="an end without a beginning"),
        pytest.param([_chunk({"content": "Hi"}), b"data: [DONE]"], "has no finish_reason", id="no finish reason"),
        pytest.param(_end("error"), "nobody knows: 'error'", id="an unknown finish reason"),
        pytest.param(_end("tool_calls"), "and has none", id="calls that never came"),
        pytest.param([_calls({"index": 0, "id": "a"}), *_end()], "without a name", id="a call without a name"),
    ],
)
def test_what_is_no_whole_answer_is_broken(frames: Sequence[bytes], message: str) -> None:
    with pytest.raises(UpstreamBroken, match=message):
        _decoded(frames)


def test_an_error_frame_is_an_error() -> None:
    with pytest.raises(UpstreamError) as caught:
        _decoded(_file(FIXTURES / "openai" / "error.sse"))

    assert isinstance(caught.value, UpstreamRefused)
    assert caught.value.status == 500


EVENTS: dict[str, list[Event]] = {
    "text": [Opened("msg_1", "claude", Usage(3), 1795219200.7), TextPiece("Hel"), Waiting(), TextPiece("lo 😀"),
             Closed("complete", usage=Usage(10, 4, 6, 0, 4, 5))],
    "calls": [Opened("msg_1", "claude"), TextPiece("Two:"), CallOpened(0, "a", "f"), CallPiece(0, '{"x":'),
              CallOpened(1, "b", "g"), CallPiece(0, "1}"), CallPiece(1, ""), Closed("tools")],
    "refusal": [Opened("msg_1", "claude"), RefusalPiece("I can"), RefusalPiece("not."),
                Closed("refused", explanation="unsafe")],
    "filtered": [Opened("msg_1", "claude"), TextPiece("half"), Closed("refused", explanation="Unsafe.")],
    "declined": [Opened("msg_1", "claude"), Closed("refused")],
    "stop_sequence": [Opened("msg_1", "claude"), TextPiece("a"), Closed("stop_sequence", stop_text="END")],
    "length": [Opened("msg_1", "claude"), CallOpened(0, "a", "f"), Closed("length")],
}  # fmt: skip  # one line a piece would hide the stories


@pytest.mark.parametrize("wants_usage", [pytest.param(True, id="usage"), pytest.param(False, id="no usage")])
@pytest.mark.parametrize("name", EVENTS)
def test_streams_are_written(name: str, wants_usage: bool) -> None:
    golden = GOLDEN / f"{name}{'' if wants_usage else '_without_usage'}.sse"

    frames = _encoded(EVENTS[name], wants_usage=wants_usage)

    assert b"".join(frame + b"\n\n" for frame in frames) == golden.read_bytes()


@pytest.mark.parametrize("stop", ["length", "paused", "refused"])
def test_a_call_that_was_cut_off_does_not_look_like_one_without_arguments(stop: Stop) -> None:
    frames = _encoded([Opened("msg_1", "claude"), CallOpened(0, "a", "f"), Closed(stop)])

    assert b"{}" not in b"".join(frames).replace(b'"delta":{}', b"")


def test_losses_are_noted_as_they_happen() -> None:
    losses = Losses()
    decoder = ChatDecoder(losses)

    decoder.feed(_chunk({"content": "a"}))
    assert losses.codes == []
    decoder.feed(_chunk({"annotations": [{"type": "url_citation"}]}))
    assert losses.codes == ["dropped.answer.citations"]
