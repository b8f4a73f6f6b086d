"""Answers in the Chat Completions dialect: as one body, or as the chunks of a stream."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from seawall.core.usage import Usage
from seawall.sandbox.answer import Answer, Stop
from seawall.sandbox.draw import digest
from seawall.sandbox.openai.model import LETTERS
from seawall.sandbox.problem import Json
from seawall.sandbox.reply import Event
from seawall.sandbox.token import split

REFUSAL: Final = tuple(split("I'm sorry, but the simulated model was told to refuse this request.", LETTERS))
DONE: Final = Event(b"data: [DONE]\n\n", is_terminal=True)
_REASONS: Final = {
    Stop.END: "stop",
    Stop.STOP_SEQUENCE: "stop",
    Stop.MAX_TOKENS: "length",
    Stop.TOOL_CALL: "tool_calls",
    Stop.REFUSED: "content_filter",
}


@dataclass(frozen=True, slots=True)
class Telling:
    """How answers are told; `usage` None leaves the usage out, `created` is in whole seconds since 1970."""

    model: str
    request_id: str
    created: int
    usage: Usage | None
    service_tier: str
    tokens_per_event: int
    includes_usage: bool = False
    has_obfuscation: bool = True

    def head(self, kind: str) -> Json:
        """Give what every object of this answer begins with."""
        return {
            "id": "chatcmpl-" + digest(self.request_id.encode(), size=12).hex(),
            "object": kind,
            "created": self.created,
            "model": self.model,
            "service_tier": self.service_tier,
            "system_fingerprint": "fp_" + digest(self.model.encode(), size=5).hex(),
        }

    def call_id(self, choice: int, number: int) -> str:
        """Name the tool call number `number` of one choice."""
        return "call_" + digest(self.request_id.encode(), b"%d" % choice, b"%d" % number, size=12).hex()


def is_refusal(answer: Answer) -> bool:
    """Say whether the answer is a refusal and nothing else; it is then told as `refusal` with reason `stop`."""
    return answer.stop is Stop.REFUSED and not answer.text


def output_tokens(answer: Answer) -> int:
    """Count what can be read of an answer; here a refusal has words of its own."""
    return len(REFUSAL) if is_refusal(answer) else answer.output_tokens


def _reason(answer: Answer) -> str:
    return "stop" if is_refusal(answer) else _REASONS[answer.stop]


def usage_json(usage: Usage) -> Json:
    """Write a usage the way this dialect does: cached tokens inside the prompt's, reasoning inside the completion's."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.billed_output,
        "total_tokens": usage.prompt + usage.billed_output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_short + usage.cache_write_long,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.thinking,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def body(answers: Sequence[Answer], telling: Telling) -> bytes:
    """Tell the answers as one JSON body."""
    choices = [
        {
            "index": index,
            "message": _message(answer, index, telling),
            "logprobs": None,
            "finish_reason": _reason(answer),
        }
        for index, answer in enumerate(answers)
    ]
    told = {**telling.head("chat.completion"), "choices": choices}
    if telling.usage is not None:
        told["usage"] = usage_json(telling.usage)
    return orjson.dumps(told)


def _message(answer: Answer, index: int, telling: Telling) -> Json:
    message: Json = {"role": "assistant", "content": "".join(answer.text), "refusal": None, "annotations": []}
    if is_refusal(answer):
        message |= {"content": None, "refusal": "".join(REFUSAL)}
    if answer.calls:
        message["content"] = None
        message["tool_calls"] = [
            _call(telling.call_id(index, number), call.name, "".join(call.pieces))
            for number, call in enumerate(answer.calls)
        ]
    return message


def _call(name: str, function: str, arguments: str) -> Json:
    return {"id": name, "type": "function", "function": {"name": function, "arguments": arguments}}


def events(answers: Sequence[Answer], telling: Telling) -> Iterator[Event]:
    """Tell the answers as a stream of chunks, one choice after the other."""
    head = telling.head("chat.completion.chunk")
    for index, answer in enumerate(answers):
        yield _chunk(head, telling, index, {"role": "assistant", "content": "", "refusal": None})
        hidden = len(answer.thinking)  # generated before the first content, and never shown
        for delta, tokens in _deltas(answer, index, telling):
            yield _chunk(head, telling, index, delta, tokens=tokens + hidden)
            hidden = 0
        yield _chunk(head, telling, index, {}, tokens=hidden, reason=_reason(answer))
    if telling.includes_usage and telling.usage is not None:
        last = {**head, "choices": [], "usage": usage_json(telling.usage)}
        yield Event(b"data: %b\n\n" % orjson.dumps(last), is_terminal=True)
    yield DONE


def _deltas(answer: Answer, index: int, telling: Telling) -> Iterator[tuple[Json, int]]:
    size = telling.tokens_per_event
    name = "refusal" if is_refusal(answer) else "content"
    pieces = REFUSAL if is_refusal(answer) else answer.text
    for some in _groups(pieces, size):
        yield {name: "".join(some)}, len(some)
    for number, call in enumerate(answer.calls):
        start = {"index": number, **_call(telling.call_id(index, number), call.name, "")}
        yield {"tool_calls": [start]}, call.head_tokens
        for some in _groups(call.pieces, size):
            yield {"tool_calls": [{"index": number, "function": {"arguments": "".join(some)}}]}, len(some)


def _chunk(
    head: Json, telling: Telling, index: int, delta: Json, *, tokens: int = 0, reason: str | None = None
) -> Event:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
    chunk: dict[str, Any] = {**head, "choices": [choice]}
    if telling.includes_usage:
        chunk["usage"] = None
    if telling.has_obfuscation and tokens:
        data = orjson.dumps(delta)
        chunk["obfuscation"] = digest(data).hex()[: 1 + len(data) % 16]
    return Event(b"data: %b\n\n" % orjson.dumps(chunk), tokens, is_terminal=reason is not None)


def _groups(pieces: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(pieces), size):
        yield pieces[start : start + size]
