"""A whole answer of Chat Completions, both ways."""

from typing import Any

import orjson

from seawall.core.error import UpstreamBroken
from seawall.core.usage import NO_USAGE
from seawall.dialects.call_arguments import is_object
from seawall.dialects.chat.finish import finish_of, stop_of
from seawall.dialects.chat.identity import answer_id, call_id
from seawall.dialects.chat.usage_writer import usage_of
from seawall.dialects.dialect import CHAT
from seawall.dialects.neutral.answer import CITATIONS, REFUSED, Answer
from seawall.dialects.neutral.conversation import Refusal, Text, ToolCall
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.openai import OPENAI
from seawall.dialects.partial import read_any


def read_reply(body: bytes, losses: Losses) -> Answer:
    """Read a provider's whole answer, liberally: compatible servers leave out and bend what they like.

    What a model thought is left out. So is the last call of an answer that was cut off in the middle of it.

    Raises:
        UpstreamBroken: it is no answer, it has not ended, or a call's arguments are not the JSON of an object.
        UpstreamRefused: it is an error in spite of its good status.
    """
    facts = OPENAI.read_reply(CHAT, body)
    found = read_any(body)
    choice = _first(found.get("choices") if type(found) is dict else None)
    message = choice.get("message")
    if type(message) is not dict:
        raise UpstreamBroken("the provider's answer has no message")
    note_extras(message, losses)
    refusal = text_of(message.get("refusal"))
    words: list[Text | Refusal] = [Text(text)] if (text := text_of(message.get("content"))) else []
    if refusal:
        words.append(Refusal(refusal))
    was_cut = choice.get("finish_reason") in ("length", "content_filter")
    calls = _calls(message, was_cut=was_cut)
    stop = stop_of(
        choice.get("finish_reason"), choice.get("stop_reason"), has_calls=bool(calls), has_refusal=bool(refusal)
    )
    return Answer(
        text_of(found.get("id")),
        text_of(found.get("model")),
        (*words, *calls),
        stop,
        stop_text=choice["stop_reason"] if stop == "stop_sequence" else "",
        explanation=refusal if stop == "refused" else "",
        usage=facts.usage or NO_USAGE,
        at_s=wall_s(found.get("created")),
    )


def _first(choices: Any) -> dict[str, Any]:  # any JSON value, here and below
    if type(choices) is not list or not choices or type(choices[0]) is not dict:
        raise UpstreamBroken("the provider's answer has no choice")
    return choices[0]


def note_extras(message: dict[str, Any], losses: Losses) -> None:
    """Note what a message, or a piece of one, has that no other dialect does."""
    if message.get("annotations"):
        losses.drop(CITATIONS)
    if message.get("audio"):
        losses.drop("answer.audio")


def wall_s(created: Any) -> float:
    """Give the wall time of an answer; 0 where it is not told."""
    return float(created) if type(created) is int or type(created) is float else 0.0


def text_of(content: Any) -> str:
    """Give the text of a content: a string, or the texts of a list of parts; anything else has none."""
    if type(content) is str:
        return content
    if type(content) is not list:
        return ""
    texts = [part.get("text") for part in content if type(part) is dict and part.get("type") == "text"]
    return "".join(text for text in texts if type(text) is str)


def arguments_of(found: Any) -> str:
    """Give a call's arguments as text; some servers send the object itself."""
    if type(found) is str:
        return found
    return orjson.dumps(found).decode() if type(found) is dict else ""


def _calls(message: dict[str, Any], *, was_cut: bool) -> list[ToolCall]:
    found = message.get("tool_calls")
    calls = []
    for call in found if type(found) is list else []:
        if type(call) is not dict or type(call.get("function")) is not dict:
            raise UpstreamBroken("the provider's answer has a tool call that is not one of a function")
        calls.append((text_of(call.get("id")), call["function"]))
    if not calls and type(message.get("function_call")) is dict:
        calls.append(("", message["function_call"]))
    read = [_call(name, function) for name, function in calls]
    if was_cut and read and not is_object(read[-1].arguments):
        read.pop()
    if not all(is_object(call.arguments) for call in read):
        raise UpstreamBroken("the provider's answer has a tool call whose arguments are not the JSON of an object")
    return read


def _call(found_id: str, function: dict[str, Any]) -> ToolCall:
    name = text_of(function.get("name"))
    if not name:
        raise UpstreamBroken("the provider's answer has a tool call without a name")
    arguments = arguments_of(function.get("arguments"))
    return ToolCall(found_id or call_id(), name, arguments if arguments.strip() else "{}")


def write_reply(answer: Answer) -> bytes:
    """Write a whole answer for a client; thoughts are left out, and of a refused answer everything but the refusal."""
    is_refused = answer.stop == "refused"
    text = "" if is_refused else "".join(part.text for part in answer.parts if isinstance(part, Text))
    refusal = "".join(part.text for part in answer.parts if isinstance(part, Refusal))
    calls = [] if is_refused else [part for part in answer.parts if isinstance(part, ToolCall)]
    if is_refused:
        refusal = refusal or answer.explanation or REFUSED
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (refusal or calls) else None,
        "refusal": refusal or None,
    }
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_of(answer.stop)}
    if answer.stop_text:
        choice["stop_reason"] = answer.stop_text  # an extension that vLLM has, too
    body = {
        "id": answer_id(answer.id),
        "object": "chat.completion",
        "created": int(answer.at_s),
        "model": answer.model,
        "choices": [choice],
        "usage": usage_of(answer.usage),
    }
    return orjson.dumps(body)
