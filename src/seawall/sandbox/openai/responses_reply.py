"""Answers of the Responses API: as one body, or as the events of a stream."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from seawall.core.usage import Usage
from seawall.sandbox.answer import Answer, Stop, ToolCall
from seawall.sandbox.draw import digest
from seawall.sandbox.openai.reply import REFUSAL, is_refusal
from seawall.sandbox.problem import Json
from seawall.sandbox.reply import Event


@dataclass(frozen=True, slots=True)
class Telling:
    """How an answer is told: `body` is the request, which it repeats in part; `usage` None leaves the usage out."""

    body: Json
    request_id: str
    created: int
    usage: Usage | None
    service_tier: str
    effort: str | None
    tokens_per_event: int

    def name(self, kind: str, number: int = 0) -> str:
        """Name the response, or an item of it."""
        return f"{kind}_" + digest(self.request_id.encode(), kind.encode(), b"%d" % number, size=12).hex()

    def response(self, status: str, output: list[Json], *, reason: str | None = None) -> Json:
        """Give the whole object."""
        body, is_over = self.body, status != "in_progress"
        return {
            "id": self.name("resp"),
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "completed_at": self.created if status == "completed" else None,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "max_tool_calls": None,
            "metadata": body.get("metadata") or {},
            "model": body["model"],
            "output": output,
            "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
            "previous_response_id": None,
            "prompt_cache_key": body.get("prompt_cache_key"),
            "reasoning": {"effort": self.effort, "summary": None},
            "safety_identifier": body.get("safety_identifier"),
            "service_tier": self.service_tier if is_over else body.get("service_tier") or "auto",
            "store": body.get("store") is not False,
            "temperature": body.get("temperature", 1.0),
            "text": body.get("text") or {"format": {"type": "text"}},
            "tool_choice": body.get("tool_choice") or "auto",
            "tools": body.get("tools") or [],
            "top_p": body.get("top_p", 1.0),
            "truncation": body.get("truncation") or "disabled",
            "usage": usage_json(self.usage) if is_over and self.usage is not None else None,
            "user": body.get("user"),
        }


def usage_json(usage: Usage) -> Json:
    """Write a usage the way this API does: cached tokens inside the input's, reasoning inside the output's."""
    short, long = usage.cache_write_short, usage.cache_write_long
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": short + long,
            "cache_write_tokens_details": {"ttl_30m_tokens": short, "ttl_12h_tokens": long},
        },
        "output_tokens": usage.billed_output,
        "output_tokens_details": {"reasoning_tokens": usage.thinking},
        "total_tokens": usage.prompt + usage.billed_output,
    }


def body(answer: Answer, telling: Telling) -> bytes:
    """Tell the answer as one JSON body."""
    return orjson.dumps(_ended(answer, telling, [item for item, _ in _items(answer, telling)]))


def _ended(answer: Answer, telling: Telling, output: list[Json]) -> Json:
    reason = None
    if answer.stop is Stop.MAX_TOKENS:
        reason = "max_output_tokens"
    elif answer.stop is Stop.REFUSED and not is_refusal(answer):
        reason = "content_filter"
    return telling.response("incomplete" if reason else "completed", output, reason=reason)


def _items(answer: Answer, telling: Telling) -> list[tuple[Json, Sequence[str]]]:
    """Give the items as they are in the end, each with the pieces in which it is generated."""
    found: list[tuple[Json, Sequence[str]]] = []
    if answer.thinking:
        found.append((_reasoning(answer, telling), ()))
    was_cut = answer.stop is Stop.MAX_TOKENS or (answer.stop is Stop.REFUSED and not is_refusal(answer))
    status = "incomplete" if was_cut else "completed"
    if is_refusal(answer):
        found.append((_message({"type": "refusal", "refusal": "".join(REFUSAL)}, "completed", telling), REFUSAL))
    elif answer.text:
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": "".join(answer.text)}
        found.append((_message(part, status, telling), answer.text))
    found += [(_call(call, number, telling), call.pieces) for number, call in enumerate(answer.calls)]
    return found


def _reasoning(answer: Answer, telling: Telling) -> Json:
    """Give the thoughts: nothing that can be read, and on request what only the model itself can."""
    item: Json = {"id": telling.name("rs"), "type": "reasoning", "summary": []}
    if "reasoning.encrypted_content" in (telling.body.get("include") or ()):
        item["encrypted_content"] = digest("".join(answer.thinking).encode(), size=48).hex()
    return item


def _message(part: Json, status: str, telling: Telling) -> Json:
    return {"id": telling.name("msg"), "type": "message", "status": status, "content": [part], "role": "assistant"}


def _call(call: ToolCall, number: int, telling: Telling) -> Json:
    return {
        "id": telling.name("fc", number),
        "type": "function_call",
        "status": "incomplete" if call.is_cut else "completed",
        "arguments": "".join(call.pieces),
        "call_id": telling.name("call", number),
        "name": call.name,
    }


class _Teller:
    """Number the events, and charge what is generated before the first content to the first content."""

    def __init__(self, answer: Answer, telling: Telling) -> None:
        self.hidden = len(answer.thinking)
        self._telling = telling
        self._sequence = 0

    def event(self, kind: str, tokens: int = 0, *, is_terminal: bool = False, **fields: Any) -> Event:
        """Write one event."""
        if tokens or is_terminal:
            tokens, self.hidden = tokens + self.hidden, 0
        data = orjson.dumps({"type": f"response.{kind}", **fields, "sequence_number": self._sequence})
        self._sequence += 1
        return Event(b"event: response.%b\ndata: %b\n\n" % (kind.encode(), data), tokens, is_terminal=is_terminal)

    def item(self, item: Json, index: int, pieces: Sequence[str], head_tokens: int) -> Iterator[Event]:
        """Tell an item from its beginning to its end."""
        match item["type"]:
            case "message":
                begun = {**item, "status": "in_progress", "content": []}
                inside = self._part(item, index, pieces)
            case "function_call":
                begun = {**item, "status": "in_progress", "arguments": ""}
                inside = self._arguments(item, index, pieces)
            case _:
                begun, inside = item, iter(())
        yield self.event("output_item.added", head_tokens, output_index=index, item=begun)
        yield from inside
        yield self.event("output_item.done", output_index=index, item=item)

    def _part(self, item: Json, index: int, pieces: Sequence[str]) -> Iterator[Event]:
        (part,) = item["content"]
        place: Json = {"item_id": item["id"], "output_index": index, "content_index": 0}
        field = "refusal" if part["type"] == "refusal" else "text"
        kind = "refusal" if field == "refusal" else "output_text"
        extra: Json = {} if field == "refusal" else {"logprobs": []}
        yield self.event("content_part.added", **place, part={**part, field: ""})
        for some in _groups(pieces, self._telling.tokens_per_event):
            yield self.event(f"{kind}.delta", len(some), **place, **extra, delta="".join(some))
        yield self.event(f"{kind}.done", **place, **extra, **{field: part[field]})
        yield self.event("content_part.done", **place, part=part)

    def _arguments(self, item: Json, index: int, pieces: Sequence[str]) -> Iterator[Event]:
        place: Json = {"item_id": item["id"], "output_index": index}
        for some in _groups(pieces, self._telling.tokens_per_event):
            yield self.event("function_call_arguments.delta", len(some), **place, delta="".join(some))
        yield self.event("function_call_arguments.done", **place, arguments=item["arguments"])


def events(answer: Answer, telling: Telling) -> Iterator[Event]:
    """Tell the answer as a stream: every item from its beginning to its end, and the whole of it at the last."""
    teller = _Teller(answer, telling)
    opening = telling.response("in_progress", [])
    yield teller.event("created", response=opening)
    yield teller.event("in_progress", response=opening)
    items = _items(answer, telling)
    heads = iter(answer.calls)
    for index, (item, pieces) in enumerate(items):
        head_tokens = next(heads).head_tokens if item["type"] == "function_call" else 0
        yield from teller.item(item, index, pieces, head_tokens)
    ended = _ended(answer, telling, [item for item, _ in items])
    yield teller.event(ended["status"], is_terminal=True, response=ended)


def _groups(pieces: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(pieces), size):
        yield pieces[start : start + size]
