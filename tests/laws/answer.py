"""What the simulated providers say, in every dialect; every word names the attempt that it belongs to."""

from dataclasses import dataclass
from typing import Any

import orjson

from seawall.core.usage import Usage
from seawall.dialects.neutral.answer import Answer as Whole
from seawall.dialects.neutral.conversation import Text
from seawall.dialects.neutral.event import Closed, Event, Opened, TextPiece
from seawall.dialects.responses.form import RESPONSES_FORM


@dataclass(frozen=True, slots=True)
class Answer:
    """One model's answer. `tool` holds the arguments of a call that ends it, as JSON; empty for none."""

    tag: str
    words: tuple[str, ...]
    tool: str = ""
    thinks: bool = False
    counts: bool = True

    @property
    def text(self) -> str:
        """All that a reader is told."""
        return "".join(self.words)

    def body(self, dialect: str) -> bytes:
        """Write it in one piece."""
        if dialect == "responses":
            said = (Text(self.text),)
            return RESPONSES_FORM.write_reply(Whole(f"resp_{self.tag}", "gpt-sim", said, "complete", usage=_USED))
        return orjson.dumps(self._message() if dialect == "anthropic" else self._completion())

    def frames(self, dialect: str, *, wants_usage: bool) -> list[bytes]:
        """Write it as the frames of a stream, each with its blank line."""
        if dialect == "responses":
            return self._items()
        return self._events() if dialect == "anthropic" else self._chunks(wants_usage=wants_usage)

    def _items(self) -> list[bytes]:
        encoder = RESPONSES_FORM.encoder(wants_usage=True)
        events: list[Event] = [Opened(f"resp_{self.tag}", "gpt-sim")]
        events += [TextPiece(word) for word in self.words]
        events.append(Closed("complete", usage=_USED))
        return [frame + b"\n\n" for event in events for frame in encoder.feed(event)]

    def _message(self) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        if self.thinks:
            content.append({"type": "thinking", "thinking": "hm", "signature": "c2ln"})
        content.append({"type": "text", "text": self.text})
        if self.tool:
            content.append({"type": "tool_use", "id": f"toolu_{self.tag}", "name": "look", "input": self._input()})
        message = {
            "id": f"msg_{self.tag}",
            "type": "message",
            "role": "assistant",
            "model": "claude-sim",
            "content": content,
            "stop_reason": "tool_use" if self.tool else "end_turn",
            "stop_sequence": None,
        }
        return {**message, "usage": {"input_tokens": 20, "output_tokens": 10}} if self.counts else message

    def _completion(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.tool:
            message["tool_calls"] = [{**self._call(self.tool), "type": "function"}]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if self.tool else "stop"}
        completion = {
            "id": f"chatcmpl-{self.tag}",
            "object": "chat.completion",
            "created": 1_795_219_200,
            "model": "gpt-sim",
            "choices": [choice],
        }
        return {**completion, "usage": _COUNT} if self.counts else completion

    def _events(self) -> list[bytes]:
        start = {**self._message(), "content": [], "stop_reason": None}
        if self.counts:
            start["usage"] = {"input_tokens": 20, "output_tokens": 1}
        frames, index = [_event("message_start", message=start), _event("ping")], 0
        if self.thinks:
            said = [{"type": "thinking_delta", "thinking": "hm"}, {"type": "signature_delta", "signature": "c2ln"}]
            frames += _block(index, {"type": "thinking", "thinking": "", "signature": ""}, said)
            index += 1
        frames += _block(
            index, {"type": "text", "text": ""}, [{"type": "text_delta", "text": word} for word in self.words]
        )
        if self.tool:
            called = {"type": "tool_use", "id": f"toolu_{self.tag}", "name": "look", "input": {}}
            halves = [self.tool[:5], self.tool[5:]]
            said = [{"type": "input_json_delta", "partial_json": half} for half in halves]
            frames += _block(index + 1, called, said)
        stop = {"stop_reason": "tool_use" if self.tool else "end_turn", "stop_sequence": None}
        count = {"usage": {"output_tokens": 10}} if self.counts else {}
        return [*frames, _event("message_delta", delta=stop, **count), _event("message_stop")]

    def _chunks(self, *, wants_usage: bool) -> list[bytes]:
        deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
        if self.thinks:
            deltas.append(({"reasoning_content": "hm"}, None))
        deltas += [({"content": word}, None) for word in self.words]
        if self.tool:
            deltas.append(({"tool_calls": [{**self._call(self.tool[:5]), "index": 0, "type": "function"}]}, None))
            deltas.append(({"tool_calls": [{"index": 0, "function": {"arguments": self.tool[5:]}}]}, None))
        deltas.append(({}, "tool_calls" if self.tool else "stop"))
        frames = [self._chunk([{"index": 0, "delta": delta, "finish_reason": why}]) for delta, why in deltas]
        if wants_usage and self.counts:
            frames.append(self._chunk([], usage=_COUNT))
        return [*frames, b"data: [DONE]\n\n"]

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:  # JSON
        chunk = {
            "id": f"chatcmpl-{self.tag}",
            "object": "chat.completion.chunk",
            "created": 1_795_219_200,
            "model": "gpt-sim",
            "choices": choices,
        }
        return b"data: " + orjson.dumps({**chunk, **more}) + b"\n\n"

    def _call(self, arguments: str) -> dict[str, Any]:
        return {"id": f"call_{self.tag}", "function": {"name": "look", "arguments": arguments}}

    def _input(self) -> Any:  # JSON
        return orjson.loads(self.tool)


_USED = Usage(20, 0, 0, 0, 10, 0)
_COUNT = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}


def _event(name: str, **fields: Any) -> bytes:  # JSON
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps({"type": name, **fields}) + b"\n\n"


def _block(index: int, begun: dict[str, Any], deltas: list[dict[str, Any]]) -> list[bytes]:
    frames = [_event("content_block_start", index=index, content_block=begun)]
    frames += [_event("content_block_delta", index=index, delta=delta) for delta in deltas]
    return [*frames, _event("content_block_stop", index=index)]
