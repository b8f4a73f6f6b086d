"""Write a Chat Completions request for a provider's model."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from seawall.core.traits import Traits
from seawall.dialects.chat.message_writer import write_messages
from seawall.dialects.json_instruction import JSON_INSTRUCTION, says_json
from seawall.dialects.neutral.conversation import Conversation, Format, Text, Tool, ToolChoice
from seawall.dialects.neutral.loss import Losses, refused
from seawall.dialects.openai_effort import effort_of, is_off
from seawall.dialects.openai_request import put_ceiling, write_user
from seawall.dialects.openai_schema import takes_strict
from seawall.dialects.openai_tool import NO_ARGUMENTS, check_forced, check_name

_MAX_STOPS: Final = 4


def write_request(asked: Conversation, model: str, traits: Traits, losses: Losses) -> dict[str, Any]:
    """Write a request; the ceiling is always `max_completion_tokens`.

    Raises:
        Unsupported: the model or the endpoint cannot carry it.
    """
    if asked.format is not None and asked.format.kind == "json_object" and not says_json(_texts(asked)):
        losses.change("format")  # the endpoint wants to read the word
        asked = replace(asked, system=(*asked.system, Text(JSON_INSTRUCTION)))
    body: dict[str, Any] = {"model": model, "messages": write_messages(asked, traits, losses)}
    _put_tools(body, asked, traits, losses)
    put_ceiling(body, "max_completion_tokens", asked, traits, losses)
    if asked.stop:
        body["stop"] = _stop(asked.stop, traits)
    if asked.temperature is not None:
        body["temperature"] = asked.temperature
    if asked.top_p is not None:
        body["top_p"] = asked.top_p
    if effort := _effort(asked, traits, losses):
        body["reasoning_effort"] = effort
    if asked.format is not None:
        body["response_format"] = _format(asked.format, losses)
    if asked.user:
        body["safety_identifier"] = write_user(asked.user)
    if asked.is_stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return body


def _texts(asked: Conversation) -> Iterator[str]:
    """Give what is said in the conversation; what calls gave back is nobody's wish."""
    for parts in (asked.system, *(message.parts for message in asked.messages)):
        yield from (part.text for part in parts if isinstance(part, Text))


def _put_tools(body: dict[str, Any], asked: Conversation, traits: Traits, losses: Losses) -> None:
    check_forced(asked.tool_choice, asked.tools, traits)
    if not asked.tools:
        return
    if traits.chat_tools == "responses":
        raise refused("tools", "the model takes tools on the Responses endpoint only")
    body["tools"] = [_tool(tool, f"tools.{number}", losses) for number, tool in enumerate(asked.tools)]
    if asked.tool_choice is not None:
        body["tool_choice"] = _choice(asked.tool_choice)
    if asked.parallel_tools is not None:
        body["parallel_tool_calls"] = asked.parallel_tools


def _tool(tool: Tool, path: str, losses: Losses) -> dict[str, Any]:
    function: dict[str, Any] = {"name": check_name(tool.name, f"{path}.name")}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.schema or NO_ARGUMENTS
    if tool.strict is False or (tool.strict and takes_strict(function["parameters"])):
        function["strict"] = tool.strict
    elif tool.strict:
        losses.drop("tools.strict")
    if tool.cached:
        losses.drop("cache_control")
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.kind == "named":
        return {"type": "function", "function": {"name": choice.name}}
    if choice.kind == "none" or not choice.allowed:
        return choice.kind
    names = [{"type": "function", "function": {"name": name}} for name in choice.allowed]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.kind, "tools": names}}


def _stop(texts: tuple[str, ...], traits: Traits) -> list[str]:
    if not traits.takes_stop:
        raise refused("stop", "the model takes none")
    if len(texts) > _MAX_STOPS:
        raise refused("stop", f"expected at most {_MAX_STOPS}, got {len(texts)}")
    return list(texts)


def _effort(asked: Conversation, traits: Traits, losses: Losses) -> str:
    """Give the level of effort to ask for, or nothing."""
    needs_none = bool(asked.tools) and traits.chat_tools == "effort_none"
    if needs_none and (asked.reasoning is None or not is_off(asked.reasoning)):
        if asked.reasoning is not None:
            losses.change("reasoning")
        return "none"
    return "" if asked.reasoning is None else effort_of(asked.reasoning, traits, losses)


def _format(wanted: Format, losses: Losses) -> dict[str, Any]:
    """Write how the answer is to be shaped; a schema that strict mode does not take is sent without it, and noted."""
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    inner: dict[str, Any] = {"name": check_name(wanted.name or "output", "response_format.json_schema.name")}
    if wanted.description:
        inner["description"] = wanted.description
    inner["schema"] = wanted.schema
    if wanted.strict is False or (wanted.strict and takes_strict(wanted.schema)):
        inner["strict"] = wanted.strict
    elif wanted.strict:
        losses.drop("format.strict")
    return {"type": "json_schema", "json_schema": inner}
