"""Whatever is sent is read, or refused with the error that says so."""

import contextlib
import json
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import BadRequest, UpstreamBroken
from seawall.core.traits import Traits
from seawall.dialects.messages.form import MESSAGES_FORM
from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import Conversation, Format, Tool
from seawall.dialects.neutral.event import CallOpened, CallPiece, Closed, Event, Opened, TextPiece
from seawall.dialects.neutral.loss import Losses
from tests.dialects.messages.conftest import answers, check_grammar, conversations, json_values, stops

ABLE = Traits(mid_system=True, efforts=("low", "medium", "high", "xhigh", "max"))
FRAMES = (
    {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {"input_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "a", "name": "f"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # any JSON value, keys and indices
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        found += _places(each, (*path, key))
    return found


def _changed(draw: st.DrawFn, value: Any) -> Any:  # any JSON value
    """Put something else into one place of a value, or take the place away."""
    value = deepcopy(value)
    *above, last = draw(st.sampled_from(_places(value)))
    holder = value
    for key in above:
        holder = holder[key]
    if draw(st.booleans()):
        holder[last] = draw(json_values)
    else:
        del holder[last]
    return value


@given(data=st.data(), asked=conversations())
def test_a_request_with_something_wrong_is_read_or_refused(data: st.DataObject, asked: Conversation) -> None:
    fields = data.draw(st.composite(_changed)(MESSAGES_FORM.write_request(asked, "m", ABLE, Losses())))

    with contextlib.suppress(BadRequest):
        found = MESSAGES_FORM.read_request(fields, Losses())
        json.dumps(MESSAGES_FORM.write_request(found, "m", Traits(), Losses()))


@given(data=st.data(), answer=answers())
def test_an_answer_with_something_wrong_is_read_or_broken(data: st.DataObject, answer: Answer) -> None:
    body = data.draw(st.composite(_changed)(json.loads(MESSAGES_FORM.write_reply(answer))))

    with contextlib.suppress(UpstreamBroken):
        MESSAGES_FORM.write_reply(MESSAGES_FORM.read_reply(json.dumps(body).encode(), Losses()))


@given(data=st.data())
def test_a_stream_with_something_wrong_is_read_or_broken(data: st.DataObject) -> None:
    frames = data.draw(st.composite(_changed)(list(FRAMES)))
    decoder = MESSAGES_FORM.decoder(Losses())

    with contextlib.suppress(UpstreamBroken):
        for frame in frames:
            name = frame.get("type") if isinstance(frame, dict) else "message_delta"
            decoder.feed(f"event: {name}\ndata: {json.dumps(frame)}".encode())


events = st.one_of(
    st.builds(Opened, st.text(max_size=3), st.text(max_size=3)),
    st.builds(TextPiece, st.text(max_size=3)),
    st.builds(CallOpened, st.integers(0, 2), st.text(max_size=3), st.text(max_size=3)),
    st.builds(CallPiece, st.integers(0, 2), st.sampled_from(["", "{", "}", "{}", '"', "\\", " "])),
)


@given(said=st.lists(events, max_size=12), stop=st.sampled_from(stops))
def test_events_in_any_order_make_a_stream_in_order_or_none(said: list[Event], stop: Any) -> None:  # one of the stops
    encoder = MESSAGES_FORM.encoder(wants_usage=True)

    with contextlib.suppress(UpstreamBroken):
        check_grammar([frame for event in (*said, Closed(stop)) for frame in encoder.feed(event)])


@given(schema=st.dictionaries(st.sampled_from(["type", "properties", "items", "anyOf", "$ref", "$defs"]), json_values))
def test_a_schema_of_any_kind_is_written_or_refused(schema: dict[str, Any]) -> None:
    asked = MESSAGES_FORM.read_request({"max_tokens": 1, "messages": [{"role": "user", "content": "hello"}]}, Losses())
    wishes = (
        Conversation(asked.messages, format=Format("json_schema", schema=schema)),
        Conversation(asked.messages, tools=(Tool("f", schema=schema, strict=True),)),
    )

    for wish in wishes:
        with contextlib.suppress(BadRequest):
            json.dumps(MESSAGES_FORM.write_request(wish, "m", ABLE, Losses()))
