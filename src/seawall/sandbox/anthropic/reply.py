"""An answer in the Messages dialect: as one body, or as the events of a stream."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from seawall.core.usage import Usage
from seawall.sandbox.answer import Answer, Stop, ToolCall
from seawall.sandbox.draw import digest
from seawall.sandbox.problem import Json
from seawall.sandbox.reply import Event

_REASONS: Final = {
    Stop.END: "end_turn",
    Stop.MAX_TOKENS: "max_tokens",
    Stop.STOP_SEQUENCE: "stop_sequence",
    Stop.TOOL_CALL: "tool_use",
    Stop.REFUSED: "refusal",
}
_REFUSAL: Final = {
    "type": "refusal",
    "category": "general_harms",
    "explanation": "The simulated model was told to refuse this request.",
}


@dataclass(frozen=True, slots=True)
class Telling:
    """How an answer is told; `usage` None leaves the usage out."""

    model: str
    request_id: str
    usage: Usage | None
    is_fast: bool
    geo: str
    shows_thinking: bool
    tokens_per_event: int

    @property
    def message_id(self) -> str:
        """The message's own id, as unique as the request's."""
        return "msg_" + digest(self.request_id.encode(), size=12).hex()


def signature(pieces: Sequence[str]) -> str:
    """Sign a thinking, so that a client has something that it must hand back unchanged."""
    return "EsandboxSig" + digest("".join(pieces).encode(), size=24).hex()


def tool_id(telling: Telling, number: int) -> str:
    """Name the answer's tool call number `number`."""
    return "toolu_" + digest(telling.request_id.encode(), b"%d" % number, size=12).hex()


def body(answer: Answer, telling: Telling) -> bytes:
    """Tell the answer as one JSON body."""
    content: list[Json] = []
    if answer.thinking:
        text = "".join(answer.thinking) if telling.shows_thinking else ""
        content.append({"type": "thinking", "thinking": text, "signature": signature(answer.thinking)})
    if answer.text:
        content.append({"type": "text", "text": "".join(answer.text)})
    for number, call in enumerate(answer.calls):
        arguments = {} if call.is_cut else call.arguments
        content.append({"type": "tool_use", "id": tool_id(telling, number), "name": call.name, "input": arguments})
    usage = telling.usage
    message = _message(answer, telling, content)
    if usage is not None:
        message["usage"] = _start_usage(telling, usage, usage.output + usage.thinking) | _thinking_details(usage)
    return orjson.dumps(message)


def _message(answer: Answer | None, telling: Telling, content: list[Json]) -> Json:
    return {
        "id": telling.message_id,
        "type": "message",
        "role": "assistant",
        "model": telling.model,
        "content": content,
        "stop_reason": _REASONS[answer.stop] if answer else None,
        "stop_sequence": answer.stop_sequence if answer else None,
        "stop_details": _REFUSAL if answer and answer.stop is Stop.REFUSED else None,
    }


def _cache_usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write_short + usage.cache_write_long,
        "cache_read_input_tokens": usage.cache_read,
    }


def _start_usage(telling: Telling, usage: Usage, output_tokens: int) -> Json:
    return {
        **_cache_usage(usage),
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_short,
            "ephemeral_1h_input_tokens": usage.cache_write_long,
        },
        "output_tokens": output_tokens,
        "service_tier": "standard",
        "speed": "fast" if telling.is_fast else "standard",
        "inference_geo": telling.geo,
    }


def _thinking_details(usage: Usage) -> Json:
    return {"output_tokens_details": {"thinking_tokens": usage.thinking}} if usage.thinking else {}


def events(answer: Answer, telling: Telling) -> Iterator[Event]:
    """Tell the answer as a stream, one event a frame."""
    usage = telling.usage
    start = _message(None, telling, [])
    if usage is not None:
        start["usage"] = _start_usage(telling, usage, min(1, usage.output + usage.thinking))
    yield _event("message_start", message=start)
    for index, (first, *deltas) in enumerate(_blocks(answer, telling)):
        yield _event("content_block_start", index=index, content_block=first.delta, tokens=first.tokens)
        if index == 0:
            yield _event("ping")
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta.delta, tokens=delta.tokens)
        yield _event("content_block_stop", index=index)
    ending = {name: _message(answer, telling, [])[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    if usage is None:
        yield _event("message_delta", delta=ending, is_terminal=True)
    else:
        total = {**_cache_usage(usage), "output_tokens": usage.output + usage.thinking, **_thinking_details(usage)}
        yield _event("message_delta", delta=ending, usage=total, is_terminal=True)
    yield _event("message_stop", is_terminal=True)


@dataclass(frozen=True, slots=True)
class _Delta:
    """What a content event carries; the first of a block is the block as it starts."""

    delta: Json
    tokens: int = 0


def _event(kind: str, *, tokens: int = 0, is_terminal: bool = False, **fields: Any) -> Event:
    # `fields` are the event's own, in the order in which the provider writes them.
    data = orjson.dumps({"type": kind, **fields})
    return Event(b"event: %b\ndata: %b\n\n" % (kind.encode(), data), tokens, is_terminal)


def _blocks(answer: Answer, telling: Telling) -> Iterator[list[_Delta]]:
    size = telling.tokens_per_event
    if answer.thinking:
        yield _thinking_block(answer.thinking, telling)
    if answer.text:
        deltas = [
            _Delta({"type": "text_delta", "text": "".join(some)}, len(some)) for some in _groups(answer.text, size)
        ]
        yield [_Delta({"type": "text", "text": ""}), *deltas]
    for number, call in enumerate(answer.calls):
        yield _call_block(call, tool_id(telling, number), size)


def _thinking_block(pieces: Sequence[str], telling: Telling) -> list[_Delta]:
    start = _Delta({"type": "thinking", "thinking": "", "signature": ""})
    sign = {"type": "signature_delta", "signature": signature(pieces)}
    if not telling.shows_thinking:
        return [start, _Delta(sign, len(pieces))]
    shown = [
        _Delta({"type": "thinking_delta", "thinking": "".join(some)}, len(some))
        for some in _groups(pieces, telling.tokens_per_event)
    ]
    return [start, *shown, _Delta(sign)]


def _call_block(call: ToolCall, name: str, size: int) -> list[_Delta]:
    start = {"type": "tool_use", "id": name, "name": call.name, "input": {}}
    pieces = [_Delta(_json_delta("".join(some)), len(some)) for some in _groups(call.pieces, size)]
    return [_Delta(start, call.head_tokens), _Delta(_json_delta("")), *pieces]


def _json_delta(text: str) -> Json:
    return {"type": "input_json_delta", "partial_json": text}


def _groups(pieces: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(pieces), size):
        yield pieces[start : start + size]
