import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import UpstreamBroken
from seawall.core.usage import Usage
from seawall.dialects.messages import stream_encoder
from seawall.dialects.messages.stream_decoder import MessagesDecoder
from seawall.dialects.messages.stream_encoder import MessagesEncoder
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
from seawall.dialects.sse import event_data
from tests.dialects.messages.conftest import arguments, check_grammar, names, read_by_sdk, stops, usages, words

OPENED: Final = Opened("chatcmpl-1", "gpt-6")
DONE: Final = Closed("complete", usage=Usage(7, output=5))


def _encoded(*events: Event) -> list[bytes]:
    encoder = MessagesEncoder()
    return [frame for event in events for frame in encoder.feed(event)]


def _data(frames: list[bytes]) -> list[dict[str, Any]]:  # JSON objects
    return [json.loads(event_data(frame)) for frame in frames]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(
            TextPiece("hello"),
            [
                (
                    b"event: content_block_start\n"
                    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
                ),
                (
                    b"event: content_block_delta\n"
                    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello"}}'
                ),
            ],
            id="a text",
        ),
        pytest.param(
            CallOpened(0, "call_1", "f"),
            [
                (
                    b"event: content_block_start\n"
                    b'data: {"type":"content_block_start","index":0,'
                    b'"content_block":{"type":"tool_use","id":"call_1","name":"f","input":{}}}'
                ),
            ],
            id="a call",
        ),
        pytest.param(Waiting(), [b'event: ping\ndata: {"type":"ping"}'], id="waiting"),
        pytest.param(TextPiece(""), [], id="an empty piece opens nothing"),
        pytest.param(OPENED, [], id="a second opening"),
        pytest.param(
            DONE,
            [
                (
                    b"event: message_delta\n"
                    b'data: {"type":"message_delta",'
                    b'"delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null},'
                    b'"usage":{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,'
                    b'"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},'
                    b'"output_tokens":5,"output_tokens_details":{"thinking_tokens":0},'
                    b'"server_tool_use":{"web_search_requests":0,"web_fetch_requests":0}}}'
                ),
                b'event: message_stop\ndata: {"type":"message_stop"}',
            ],
            id="the end of nothing",
        ),
    ],
)
def test_each_event_has_its_frames(event: Event, expected: list[bytes]) -> None:
    encoder = MessagesEncoder()
    encoder.feed(OPENED)

    assert encoder.feed(event) == expected


def test_the_opening_is_a_message_without_content() -> None:
    assert _data(_encoded(Opened("", "gpt-6", Usage(3))))[0]["message"] | {"id": ""} == {
        "id": "",
        "type": "message",
        "role": "assistant",
        "model": "gpt-6",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 3,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"thinking_tokens": 0},
            "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        },
    }


def test_the_official_client_sees_counts_that_add_up() -> None:
    usage = read_by_sdk(_encoded(Opened("", "gpt-6"), Closed("complete", usage=Usage(7, 2, 3, 4, 5)))).usage

    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (7, 2, 7)
    split = usage.cache_creation  # which a client takes from the opening, where nobody knows it yet
    assert split is None or split.ephemeral_5m_input_tokens + split.ephemeral_1h_input_tokens == 7


def test_an_answer_without_an_id_gets_one() -> None:
    frames = _encoded(Opened("", "gpt-6"))

    assert _data(frames)[0]["message"]["id"].startswith("msg_")


def test_an_answer_that_begins_in_the_middle_is_opened_all_the_same() -> None:
    message = read_by_sdk(_encoded(TextPiece("so"), DONE))

    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "so"}]


def test_a_piece_goes_out_when_it_comes() -> None:
    encoder = MessagesEncoder()
    for event in (OPENED, TextPiece("look"), CallOpened(0, "a", "f")):
        encoder.feed(event)

    sent = [_data(encoder.feed(CallPiece(0, piece))) for piece in ('{"x"', ":1}")]

    assert [[data["delta"]["partial_json"] for data in each] for each in sent] == [['{"x"'], [":1}"]]


def test_a_call_is_closed_when_its_object_ends_and_another_block_begins() -> None:
    encoder = MessagesEncoder()
    for event in (OPENED, CallOpened(0, "a", "f"), CallPiece(0, '{"x":"}\\"{"}')):
        encoder.feed(event)

    kinds = [data["type"] for data in _data(encoder.feed(CallOpened(1, "b", "g")))]

    assert kinds == ["content_block_stop", "content_block_start"]


@pytest.mark.parametrize("at", range(18))
def test_the_end_of_an_object_is_found_however_it_is_cut(at: int) -> None:
    text = r'{"a\"}":"\\","b":[]}'
    pieces = [CallPiece(0, text[:at]), CallPiece(0, text[at:])]

    frames = _encoded(OPENED, CallOpened(0, "a", "f"), *pieces, CallOpened(1, "b", "g"))

    assert [data["type"] for data in _data(frames)].count("content_block_stop") == 1


def test_a_later_call_waits_until_the_earlier_one_is_complete() -> None:
    encoder = MessagesEncoder()
    for event in (OPENED, CallOpened(0, "a", "f"), CallPiece(0, '{"x":')):
        encoder.feed(event)

    waiting = encoder.feed(CallOpened(1, "b", "g")) + encoder.feed(CallPiece(1, "{}"))
    ending = encoder.feed(CallPiece(0, "1}"))

    assert waiting == []
    assert [data["type"].removeprefix("content_block_") for data in _data(ending)] == [
        "delta",
        "stop",
        "start",
        "delta",
    ]


def test_a_call_without_pieces_gets_an_empty_object() -> None:
    message = read_by_sdk(_encoded(OPENED, CallOpened(0, "a", "f"), CallOpened(1, "b", "g"), CallPiece(1, "{}"), DONE))

    assert [block.to_dict()["input"] for block in message.content] == [{}, {}]
    assert message.stop_reason == "tool_use"


def test_a_refusal_is_a_text_with_its_own_reason_to_stop() -> None:
    message = read_by_sdk(_encoded(OPENED, RefusalPiece("I won't."), Closed("refused", explanation="harm")))

    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "I won't."}]
    assert message.stop_reason == "refusal"
    assert message.stop_details is not None
    assert message.stop_details.explanation == "harm"


@pytest.mark.parametrize(("stop", "reason"), [("length", "max_tokens"), ("refused", "refusal")])
def test_arguments_that_were_cut_are_passed_on_with_the_reason(stop: Stop, reason: str) -> None:
    frames = _encoded(OPENED, CallOpened(0, "a", "f"), CallPiece(0, '{"x":"lo'), CallOpened(1, "b", "g"), Closed(stop))

    assert read_by_sdk(frames).stop_reason == reason


def test_white_space_after_a_call_is_nothing() -> None:
    message = read_by_sdk(_encoded(OPENED, CallOpened(0, "a", "f"), CallPiece(0, "{}"), CallPiece(0, " \n"), DONE))

    assert [block.to_dict()["input"] for block in message.content] == [{}]


def test_after_the_end_nothing_is_written() -> None:
    encoder = MessagesEncoder()
    for event in (OPENED, DONE):
        encoder.feed(event)

    assert encoder.feed(TextPiece("more")) == encoder.feed(Waiting()) == []


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([CallPiece(0, "{}")], id="a piece of a call that nobody opened"),
        pytest.param([CallOpened(0, "a", "f")] * 2, id="a call opened twice"),
        pytest.param([CallOpened(0, "a", "f"), CallPiece(0, "{}"), CallPiece(0, "{}")], id="a second object"),
        pytest.param([CallOpened(0, "a", "f"), CallPiece(0, '{"x":'), DONE], id="cut without a reason"),
        pytest.param([CallOpened(0, "a", "f"), CallPiece(0, "[1]"), DONE], id="a list"),
        pytest.param([CallOpened(0, "a", "f"), CallPiece(0, "{nul}"), TextPiece("x")], id="no JSON"),
        pytest.param([CallOpened(0, "a", "f"), CallPiece(0, "{}x"), Closed("length")], id="no JSON, and a bound"),
    ],
)
def test_calls_that_no_client_could_read_break_the_stream(events: list[Event]) -> None:
    with pytest.raises(UpstreamBroken):
        _encoded(OPENED, *events)


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_encoder, "MAX_WAITING", 2000)
    pieces = [CallPiece(1, " " * 10)] * 200

    with pytest.raises(UpstreamBroken):
        _encoded(OPENED, CallOpened(0, "a", "f"), CallOpened(1, "b", "g"), *pieces)


def test_what_was_sent_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_encoder, "MAX_WAITING", 2000)
    frames = _encoded(OPENED, *[TextPiece("ten chars.")] * 1000, DONE)

    assert len(frames) == 1005


def _cut(draw: st.DrawFn, text: str) -> list[str]:
    """Cut a text into pieces, empty ones among them."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def mixed_streams(draw: st.DrawFn) -> tuple[list[Event], list[str], list[tuple[str, str, str]]]:
    """Make a stream whose calls come mixed in any way, with the texts and the calls that are in it."""
    texts = draw(st.lists(words, max_size=3))
    calls = draw(st.lists(st.tuples(names, names, st.just("") | arguments), max_size=4))
    waiting: list[list[Event]] = [[TextPiece(piece) for text in texts for piece in _cut(draw, text)]]
    for number, (call_id, name, text) in enumerate(calls):
        pieces = [CallPiece(number, piece) for piece in _cut(draw, text)]
        waiting.append([CallOpened(number, call_id, name), *pieces])
    opened = 0  # numbers count in the order of the openings
    events: list[Event] = [Opened("id", "m", draw(usages))]
    while ready := [lane for at, lane in enumerate(waiting) if lane and at <= opened + 1]:
        lane = draw(st.sampled_from(ready))
        event = lane.pop(0)
        opened += isinstance(event, CallOpened)
        events.append(event)
        if draw(st.integers(0, 9)) == 0:
            events.append(Waiting())
    stop = draw(st.sampled_from(stops))
    explanation = draw(st.just("") | words) if stop == "refused" else ""
    stop_text = draw(words) if stop == "stop_sequence" else ""
    events.append(Closed(stop, stop_text, explanation, draw(usages)))
    return events, texts, calls


@given(stream=mixed_streams())
def test_the_official_client_reads_every_mixture(
    stream: tuple[list[Event], list[str], list[tuple[str, str, str]]],
) -> None:
    events, texts, calls = stream

    blocks = [block.to_dict() for block in read_by_sdk(_encoded(*events)).content]

    assert "".join(str(block["text"]) for block in blocks if block["type"] == "text") == "".join(texts)
    assert [(b["id"], b["name"], b["input"]) for b in blocks if b["type"] == "tool_use"] == [
        (call_id, name, json.loads(text or "{}")) for call_id, name, text in calls
    ]
    assert all(block.get("text") != "" for block in blocks)


@given(stream=mixed_streams())
def test_a_stream_read_again_says_what_was_said(
    stream: tuple[list[Event], list[str], list[tuple[str, str, str]]],
) -> None:
    events, texts, calls = stream
    frames = _encoded(*events)
    decoder = MessagesDecoder(Losses())

    found = [event for frame in frames for event in decoder.feed(frame)]

    check_grammar(frames)
    assert found[0] == events[0]
    assert "".join(event.text for event in found if isinstance(event, TextPiece)) == "".join(texts)
    assert [event for event in found if isinstance(event, CallOpened)] == [
        event for event in events if isinstance(event, CallOpened)
    ]
    before, after = events[-1], found[-1]
    assert isinstance(before, Closed)
    assert isinstance(after, Closed)
    nothing = "" if before.stop in ("length", "refused") else "{}"  # who was cut off may have been about to say more
    for number, (_, _, text) in enumerate(calls):
        pieces = [event.arguments for event in found if isinstance(event, CallPiece) and event.number == number]
        assert "".join(pieces) == (text or nothing)
    if before.stop in ("complete", "tools"):  # what is in the answer decides between these two
        assert after.stop == ("tools" if calls else "complete")
    else:
        assert after.stop == before.stop
    assert (after.stop_text, after.explanation) == (before.stop_text, before.explanation)
    assert after.usage == before.usage
