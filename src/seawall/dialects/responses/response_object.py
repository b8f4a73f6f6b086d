"""The response object and its items as a client of the API sees them."""

import uuid
from typing import Any, Final

from seawall.core.usage import Usage
from seawall.dialects.neutral.answer import Stop
from seawall.dialects.responses.usage import usage_object

_PREFIX: Final = "resp_"
_OF_OTHERS: Final = ("msg_", "chatcmpl-")


def response_id(found: str) -> str:
    """Give an answer's id the API's prefix; without one, make one up."""
    if found.startswith(_PREFIX):
        return found
    for prefix in _OF_OTHERS:
        found = found.removeprefix(prefix)
    return _PREFIX + (found or uuid.uuid4().hex)


def item_id(kind: str, response: str, number: int) -> str:
    """Name the item number `number` of a response: `kind` is what such ids begin with."""
    return f"{kind}_{response.removeprefix(_PREFIX)}_{number}"


def message_item(name: str, content: list[dict[str, Any]], status: str = "completed") -> dict[str, Any]:
    """Make a message of the assistant."""
    return {"id": name, "type": "message", "status": status, "content": content, "role": "assistant"}


def call_item(name: str, call_id: str, function: str, arguments: str, status: str = "completed") -> dict[str, Any]:
    """Make a call of a function."""
    return {
        "id": name,
        "type": "function_call",
        "status": status,
        "arguments": arguments,
        "call_id": call_id,
        "name": function,
    }


def text_part(text: str) -> dict[str, Any]:
    """Make the part that holds words."""
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def refusal_part(text: str) -> dict[str, Any]:
    """Make the part that holds a refusal."""
    return {"type": "refusal", "refusal": text}


def head_of(name: str, model: str, at_s: float) -> dict[str, Any]:
    """Begin a response object: what the client asked for is not known here, and stands as nobody having said it."""
    return {
        "id": name,
        "object": "response",
        "created_at": int(at_s),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": {},
    }


def is_cut(stop: Stop) -> bool:
    """Say whether an answer is told as incomplete."""
    return stop in {"length", "paused"}


def ended(head: dict[str, Any], output: list[dict[str, Any]], stop: Stop, usage: Usage) -> dict[str, Any]:
    """Complete a response object."""
    cut = is_cut(stop)
    return {
        **head,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": output,
        "usage": usage_object(usage),
    }
