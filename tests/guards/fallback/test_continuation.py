"""Streams that break after their beginning was given out, through whole routes with real forms."""

from typing import Any

import anthropic
import orjson
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from pydantic import TypeAdapter

from seawall.core.error import UpstreamBroken, UpstreamError, UpstreamTimeout
from seawall.core.traits import Traits
from seawall.dialects.dialect import CHAT, MESSAGES, RESPONSES, Endpoint
from seawall.guards.fallback.rule import GO_ON
from seawall.pipeline.stream import StreamState
from seawall.testing.scripted_upstream import STREAM_HEADERS, Break, Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.assembly.conftest import Home, enter, plan, policy
from tests.scene import Call, Ended, target

READ_EVENT: TypeAdapter[Any] = TypeAdapter(anthropic.types.RawMessageStreamEvent)
CLAUDE, GPT = target("anthropic", "claude", traits=Traits(prefills=False)), target("openai", "gpt")
ASKED = {"role": "user", "content": "Tell me a story."}
BEGINNING, REST = "Once upon a time ", " there was a wall."

START: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-answered",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 1},
}
THOUGHT = {"type": "thinking", "thinking": "", "signature": ""}
TOOL = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
CALL = {"type": "content_block_start", "index": 1, "content_block": TOOL}


def _event(fields: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (fields["type"].encode(), orjson.dumps(fields))


def _claude(*pieces: str, thinks: bool = False, ends: bool = True) -> list[bytes]:
    frames: list[dict[str, Any]] = [
        {"type": "message_start", "message": START},
    ]
    index = 0
    if thinks:
        frames += [
            {"type": "content_block_start", "index": 0, "content_block": THOUGHT},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}},
            {"type": "content_block_stop", "index": 0},
        ]
        index = 1
    frames.append({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}})
    frames += [
        {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": piece}}
        for piece in pieces
    ]
    if ends:
        frames += [
            {"type": "content_block_stop", "index": index},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
            {"type": "message_stop"},
        ]
    return [_event(frame) for frame in frames]


def _gpt(*pieces: str, ends: bool = True) -> list[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-answered",
            "choices": [choice],
        }
        return b"data: " + orjson.dumps(body) + b"\n\n"

    frames = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": piece}) for piece in pieces)]
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":7,"total_tokens":27}}\n\n'
    return [*frames, chunk({}, "stop"), usage, b"data: [DONE]\n\n"] if ends else frames


def _script(frames: list[bytes], *after: Any) -> Script:
    return Script((*frames, *after), headers=STREAM_HEADERS)


def _go(endpoint: Endpoint, *answers: Script, continues: bool = True) -> tuple[Ended, ScriptedUpstream]:
    home = Home(ScriptedUpstream(*answers))
    legs = (CLAUDE, GPT) if endpoint is MESSAGES else (GPT, CLAUDE)
    entry = home.entry(policy(plan("/ai/chat", *legs, continues=continues)))
    body = {"messages": [ASKED], "max_tokens": 50, "stream": True}
    return run_virtual(enter(entry, Call(endpoint, body))), home.upstream


def _message(written: list[bytes]) -> anthropic.types.Message:
    """Read a stream as the official client does."""
    snapshot: Any = None
    bufs: dict[int, bytes] = {}
    for frame in b"".join(written).split(b"\n\n"):
        if frame:
            event: Any = READ_EVENT.validate_json(frame.split(b"data: ")[1])
            snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=bufs)
    assert isinstance(snapshot, anthropic.types.Message)
    return snapshot


def _text(written: list[bytes]) -> str:
    """Read a stream of chunks."""
    data = [frame.removeprefix(b"data: ") for frame in b"".join(written).split(b"\n\n") if frame.startswith(b"data")]
    assert data[-1] == b"[DONE]"
    return "".join(
        choice["delta"].get("content") or "" for line in data[:-1] for choice in orjson.loads(line)["choices"]
    )


@pytest.mark.parametrize("thinks", [False, True])
@pytest.mark.parametrize("fault", [Break(), Pause(20.0), None], ids=["cut", "silence", "early end"])
def test_a_claude_client_gets_one_whole_answer_from_two_models(*, thinks: bool, fault: Any) -> None:
    first = _script(_claude(BEGINNING, thinks=thinks, ends=False), *([fault] if fault else []))
    ended, upstream = _go(MESSAGES, first, _script(_gpt(REST[:6], REST[6:])))

    message = _message(ended.written)
    assert message.content[-1].type == "text"
    assert message.content[-1].text == BEGINNING + REST.lstrip()
    assert len(message.content) == 1 + thinks
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 7)
    assert b"".join(ended.written).count(b"event: message_start") == 1
    asked = orjson.loads(upstream.requests[1].body)["messages"]
    assert [turn["content"] for turn in asked[-2:]] == [BEGINNING.rstrip(), GO_ON]
    assert "stream.continued" in ended.exchange.notes
    assert [attempt.error for attempt in ended.exchange.attempts][1] == ""


def test_a_gpt_client_gets_one_whole_answer_from_two_models() -> None:
    ended, _ = _go(CHAT, _script(_gpt(BEGINNING, ends=False), Break()), _script(_claude(REST, thinks=True)))

    assert _text(ended.written) == BEGINNING + REST.lstrip()
    assert ended.reply is not None
    assert ended.reply.stream is not None
    assert ended.reply.stream.state is StreamState.ENDED
    assert ended.reply.stream.terminal_seen
    assert ended.reply.stream.facts.model == "claude-answered"
    assert ended.reply.stream.first_content_s is not None


def test_without_the_policys_word_a_broken_stream_stays_broken() -> None:
    ended, upstream = _go(MESSAGES, _script(_claude(BEGINNING, ends=False), Break()), continues=False)

    assert isinstance(ended.error, UpstreamBroken)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(_claude(ends=False), id="no text yet"),
        pytest.param(_claude(BEGINNING)[:-2], id="the text was complete"),
        pytest.param(
            [*_claude(BEGINNING)[:-2], _event(CALL)],
            id="a tool call",
        ),
    ],
)
def test_what_is_no_open_text_is_not_continued(first: list[bytes]) -> None:
    ended, upstream = _go(MESSAGES, _script(first, Break()))

    assert isinstance(ended.error, UpstreamBroken)
    assert len(upstream.requests) == 1


def test_when_the_rest_fails_too_the_client_hears_of_it_once() -> None:
    second = _script([], Break("no luck"))
    ended, upstream = _go(MESSAGES, _script(_claude(BEGINNING, ends=False), Break()), second)

    assert isinstance(ended.error, UpstreamError)
    assert len(upstream.requests) == 2
    assert len(ended.exchange.attempts) == 2


def test_a_rest_that_breaks_is_not_continued_again() -> None:
    second = _script(_gpt("there", ends=False), Pause(30.0))
    ended, _ = _go(MESSAGES, _script(_claude(BEGINNING, ends=False), Break()), second)

    assert isinstance(ended.error, UpstreamTimeout)


def test_a_dialect_whose_end_repeats_everything_is_not_continued() -> None:
    home = Home(ScriptedUpstream(_script([], Break())))
    entry = home.entry(policy(plan("/ai/chat", GPT, continues=True)))

    ended = run_virtual(enter(entry, Call(RESPONSES, {"input": "hello", "stream": True})))

    assert ended.reply is None
