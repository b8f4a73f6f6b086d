"""A whole answer of the Responses API, both ways."""

from typing import Any, Final

import orjson

from seawall.core.error import UpstreamBroken
from seawall.core.usage import NO_USAGE
from seawall.dialects.call_arguments import is_object
from seawall.dialects.dialect import RESPONSES
from seawall.dialects.neutral.answer import CITATIONS, REFUSED, SERVER_TOOLS, Answer, Stop
from seawall.dialects.neutral.conversation import Refusal, Text, Thinking, ToolCall
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.partial import read_any
from seawall.dialects.responses.dialect import RESPONSES_DIALECT
from seawall.dialects.responses.item_reader import FORM
from seawall.dialects.responses.response_object import (
    call_item,
    ended,
    head_of,
    is_cut,
    item_id,
    message_item,
    refusal_part,
    response_id,
    text_part,
)

_READ: Final = frozenset({"message", "reasoning", "function_call"})
_ENDED: Final = ("completed", "incomplete")

_Part = Text | ToolCall | Thinking | Refusal


def read_reply(body: bytes, losses: Losses) -> Answer:
    """Read a provider's whole answer; items of built-in tools, which nobody asked for, are noted and left out.

    Raises:
        UpstreamBroken: it is no answer, it has not ended, or a call's arguments are not the JSON of an object.
        UpstreamRefused: it is an error in spite of its good status.
    """
    facts = RESPONSES_DIALECT.read_reply(RESPONSES, body)
    found = read_any(body)
    if type(found) is not dict or found.get("status") not in _ENDED or type(found.get("output")) is not list:
        raise UpstreamBroken("the provider's answer has no output, or has not ended")
    was_cut = found["status"] == "incomplete"
    parts = [part for item in found["output"] for part in parts_of(item, losses, was_cut=was_cut)]
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    stop = stop_of(found, has_calls=any(isinstance(part, ToolCall) for part in parts), has_refusal=bool(refusal))
    return Answer(
        text_of(found.get("id")),
        text_of(found.get("model")),
        tuple(parts),
        stop,
        explanation=refusal if stop == "refused" else "",
        usage=facts.usage or NO_USAGE,
        at_s=wall_s(found.get("created_at")),
    )


def text_of(value: Any) -> str:  # any JSON value, here and below
    """Give a text; anything else is none."""
    return value if type(value) is str else ""


def wall_s(created: Any) -> float:
    """Give the wall time of an answer; 0 where it is not told."""
    return float(created) if type(created) is int or type(created) is float else 0.0


def stop_of(response: dict[str, Any], *, has_calls: bool, has_refusal: bool) -> Stop:
    """Say why an answer that has ended did so; the API has no finish reason, what is in the output decides."""
    if response.get("status") == "incomplete":
        details = response.get("incomplete_details")
        reason = details.get("reason") if type(details) is dict else None
        return "refused" if reason == "content_filter" else "length"
    if has_calls:
        return "tools"
    return "refused" if has_refusal else "complete"


def note_item(item: dict[str, Any], losses: Losses) -> None:
    """Note what an item has that no other dialect does."""
    kind = text_of(item.get("type"))
    if kind not in _READ:
        losses.drop(SERVER_TOOLS)
    content = item.get("content") if kind == "message" else None
    for part in content if type(content) is list else []:
        if type(part) is dict and part.get("annotations"):
            losses.drop(CITATIONS)


def parts_of(item: Any, losses: Losses, *, was_cut: bool) -> list[_Part]:
    """Read an item of the output; a call that was cut off in the middle of it is left out.

    Raises:
        UpstreamBroken: it is no item, or its arguments are not the JSON of an object.
    """
    if type(item) is not dict:
        raise UpstreamBroken("the provider's answer has an item that is none")
    note_item(item, losses)
    match item.get("type"):
        case "message":
            content = item.get("content")
            read = [_said(part) for part in (content if type(content) is list else [])]
            return [part for part in read if part.text]
        case "reasoning":
            return [Thinking(FORM, item)]
        case "function_call":
            call = call_of(item)
            arguments = text_of(item.get("arguments"))
            if not arguments.strip() and not was_cut:
                arguments = "{}"
            if is_object(arguments):
                return [ToolCall(call[0], call[1], arguments)]
            if was_cut:
                return []
            raise UpstreamBroken("the provider's answer has a tool call whose arguments are not the JSON of an object")
        case _:
            return []


def _said(part: Any) -> Text | Refusal:
    found = part if type(part) is dict else {}
    if found.get("type") == "refusal":
        return Refusal(text_of(found.get("refusal")))
    return Text(text_of(found.get("text")))


def call_of(item: dict[str, Any]) -> tuple[str, str]:
    """Give a call's id and its function's name.

    Raises:
        UpstreamBroken: it has none.
    """
    call_id, name = text_of(item.get("call_id")) or text_of(item.get("id")), text_of(item.get("name"))
    if not call_id or not name:
        raise UpstreamBroken("the provider's answer has a tool call without an id or a name")
    return call_id, name


def write_reply(answer: Answer) -> bytes:
    """Write a whole answer for a client.

    Thoughts of other forms are left out, and of a refused answer everything but the refusal.
    """
    name = response_id(answer.id)
    parts: list[_Part] = list(answer.parts)
    if answer.stop == "refused":
        parts = [part for part in parts if isinstance(part, Refusal)] or [Refusal(answer.explanation or REFUSED)]
    output: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case Text(text=text):
                _say(output, text_part(text), name)
            case Refusal(text=text):
                _say(output, refusal_part(text), name)
            case ToolCall():
                output.append(call_item(item_id("fc", name, len(output)), part.id, part.name, part.arguments))
            case Thinking(form=form, raw=raw):
                if form == FORM:
                    output.append(raw)
    if is_cut(answer.stop) and output and "status" in output[-1]:
        output[-1] = {**output[-1], "status": "incomplete"}
    response = ended(head_of(name, answer.model, answer.at_s), output, answer.stop, answer.usage)
    return orjson.dumps(response)


def _say(output: list[dict[str, Any]], part: dict[str, Any], name: str) -> None:
    """Add a part to the last message, or begin one."""
    if output and output[-1]["type"] == "message":
        output[-1]["content"].append(part)
    else:
        output.append(message_item(item_id("msg", name, len(output)), [part]))
