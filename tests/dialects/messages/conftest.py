"""Everything that the Messages form carries, as strategies, and a stream as the official client reads it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageStreamEvent
from hypothesis import strategies as st
from pydantic import TypeAdapter

from seawall.core.usage import Usage
from seawall.dialects.messages.request_reader import EFFORTS
from seawall.dialects.neutral.answer import Answer, Stop
from seawall.dialects.neutral.conversation import (
    Conversation,
    Document,
    Format,
    Image,
    Message,
    Part,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from seawall.dialects.sse import event_data, event_name

SIGNED: Final = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
REDACTED: Final = {"type": "redacted_thinking", "data": "AAAA"}

# Printable, since an answer's words have to be more than white space to be carried.
words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
names = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
lifetimes = st.sampled_from([None, None, None, "short"])
counts = st.integers(0, 2**31 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
arguments = st.dictionaries(st.text(max_size=6), json_values, max_size=3).map(
    lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
)
texts = st.builds(Text, words)
images = st.builds(Image, media_type=st.sampled_from(["image/png", "image/webp"]), data=st.just("AAAA")) | st.builds(
    Image, url=st.just("https://example.com/a.png")
)
documents = st.one_of(
    st.builds(Document, media_type=st.just("application/pdf"), data=st.just("JVBE"), title=words),
    st.builds(Document, media_type=st.just("text/plain"), text=words, context=words, cited=st.booleans()),
    st.builds(Document, url=st.just("https://example.com/a.pdf")),
)
shown = texts | images | documents
thoughts = st.sampled_from([Thinking("messages", SIGNED), Thinking("messages", REDACTED)])
tools = st.builds(
    Tool,
    name=names,
    description=st.just("") | words,
    schema=st.just({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}),
    strict=st.sampled_from([None, True, False]),
)
formats = st.just(
    Format(
        "json_schema",
        schema={"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
        strict=True,
    )
)
usages = st.builds(Usage, *[st.integers(0, 2**28)] * 7)
stops: Final[tuple[Stop, ...]] = ("complete", "stop_sequence", "tools", "length", "refused", "paused")


@st.composite
def turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """Make an exchange of turns, with calls and their results, which ends with the user's."""
    found: list[Message] = []
    ids = iter(range(1000))
    for _ in range(draw(st.integers(0, 3))):
        found.append(Message("user", tuple(draw(st.lists(shown, min_size=1, max_size=3)))))
        if draw(st.booleans()):
            found.append(Message("system", (draw(texts),)))
        said: list[Part] = list(draw(st.lists(texts | thoughts, min_size=1, max_size=2)))
        calls = [ToolCall(f"toolu_{next(ids)}", draw(names), draw(arguments)) for _ in range(draw(st.integers(0, 2)))]
        found.append(Message("assistant", (*said, *calls)))
        if calls:
            results = [
                ToolResult(call.id, tuple(draw(st.lists(shown, max_size=2))), is_error=draw(st.booleans()))
                for call in draw(st.permutations(calls))
            ]
            found.append(Message("user", (*results, *draw(st.lists(shown, max_size=1)))))
    marked = draw(st.builds(Text, words, lifetimes))
    return (*found, Message("user", (*draw(st.lists(shown, max_size=1)), marked)))


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Make a conversation of everything that the form carries, said as its reader would say it."""
    messages = draw(turns())
    offered = tuple(draw(st.lists(tools, max_size=3, unique_by=lambda tool: tool.name)))
    if offered:
        marked = replace(offered[-1], cached=draw(st.sampled_from([None, "short", "long"])))
        offered = (*offered[:-1], marked)
    choice = None
    if offered:
        kinds = [ToolChoice(), ToolChoice("none"), ToolChoice("required"), ToolChoice("named", offered[0].name)]
        choice = draw(st.none() | st.sampled_from(kinds))
    has_parallel = choice is not None and choice.kind != "none"
    is_cited = any(
        isinstance(each, Document) and each.cited
        for message in messages
        for part in message.parts
        for each in (part.parts if isinstance(part, ToolResult) else (part,))
    )
    is_stream = draw(st.booleans())
    return Conversation(
        messages=messages,
        system=tuple(draw(st.lists(st.builds(Text, words, lifetimes), max_size=2))),
        tools=offered,
        tool_choice=choice,
        parallel_tools=draw(st.sampled_from([None, True, False])) if has_parallel else None,
        max_tokens=draw(st.integers(1, 100_000)),
        stop=tuple(draw(st.lists(words, max_size=2))),
        temperature=draw(st.none() | st.floats(0, 1)),
        top_p=draw(st.none() | st.floats(0, 1)),
        reasoning=draw(
            st.none()
            | st.builds(Reasoning, st.sampled_from(EFFORTS))
            | st.builds(Reasoning, st.sampled_from(["", "low", "high"]), is_off=st.just(True))
        ),
        format=None if is_cited else draw(st.none() | formats),
        user=draw(st.just("") | names),
        is_stream=is_stream,
        wants_usage=is_stream,
    )


calls = st.builds(ToolCall, names, names, arguments)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Make an answer whose reason to stop goes with what it holds."""
    parts = tuple(draw(st.lists(texts | calls | thoughts, max_size=4)))
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    stop = draw(st.sampled_from([each for each in stops if each != ("complete" if has_calls else "tools")]))
    return Answer(
        id=draw(words),
        model=draw(words),
        parts=parts,
        stop=stop,
        stop_text=draw(words) if stop == "stop_sequence" else "",
        explanation=draw(st.just("") | words) if stop == "refused" else "",
        usage=draw(usages),
    )


_sdk_event: Final = TypeAdapter[RawMessageStreamEvent](RawMessageStreamEvent)


def read_by_sdk(frames: Sequence[bytes]) -> SdkMessage:
    """Let the official client's own accumulator read a stream, after its grammar was checked."""
    check_grammar(frames)
    message: Any = None  # the client types it by the format of its answers
    pieces: dict[int, bytes] = {}
    for frame in frames:
        if event_name(frame) != b"ping":
            event = _sdk_event.validate_json(event_data(frame))
            message = accumulate_event(event=event, current_snapshot=message, json_bufs=pieces)
    assert isinstance(message, SdkMessage)
    return message


def check_grammar(frames: Sequence[bytes]) -> None:
    """Check the order of a whole stream's frames, and that each calls its event what its data does."""
    found = [json.loads(event_data(frame)) for frame in frames]
    assert [event["type"].encode() for event in found] == [event_name(frame) for frame in frames]
    assert not any(b"\n\n" in frame or frame.endswith(b"\n") for frame in frames)
    kinds = [event["type"] for event in found if event["type"] != "ping"]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert "output_tokens" in found[-2]["usage"]
    index = -1
    is_open = False
    for event in found:
        match event["type"]:
            case "content_block_start":
                assert not is_open
                index, is_open = index + 1, True
                assert event["index"] == index
            case "content_block_delta":
                assert is_open
                assert event["index"] == index
            case "content_block_stop":
                assert is_open
                assert event["index"] == index
                is_open = False
            case "message_delta":
                assert not is_open
    assert kinds.count("message_start") == kinds.count("message_stop") == 1
