"""Write a Responses request for a provider's model."""

from collections.abc import Iterator
from typing import Any

from seawall.core.traits import Traits
from seawall.dialects.json_instruction import JSON_INSTRUCTION, says_json
from seawall.dialects.neutral.conversation import Conversation, Format, Tool, ToolChoice
from seawall.dialects.neutral.loss import Losses, refused
from seawall.dialects.openai_effort import effort_of
from seawall.dialects.openai_request import put_ceiling, write_user
from seawall.dialects.openai_schema import takes_strict
from seawall.dialects.openai_tool import NO_ARGUMENTS, check_forced, check_name
from seawall.dialects.responses.item_writer import write_items


def write_request(asked: Conversation, model: str, traits: Traits, losses: Losses) -> dict[str, Any]:
    """Write a request that leaves nothing behind at the provider.

    Raises:
        Unsupported: the model or the endpoint cannot carry it.
    """
    instructions, items = write_items(asked, traits, losses)
    body: dict[str, Any] = {"model": model, "input": items, "store": False}
    if instructions:
        body["instructions"] = instructions
    if asked.stop:
        raise refused("stop", "the Responses API takes no stop sequences")
    _put_tools(body, asked, traits, losses)
    put_ceiling(body, "max_output_tokens", asked, traits, losses)
    if asked.temperature is not None:
        body["temperature"] = asked.temperature
    if asked.top_p is not None:
        body["top_p"] = asked.top_p
    if asked.reasoning is not None and (effort := effort_of(asked.reasoning, traits, losses)):
        body["reasoning"] = {"effort": effort}
    if traits.efforts:  # where nothing is stored, thoughts can only be sent again as they came
        body["include"] = ["reasoning.encrypted_content"]
    if asked.format is not None:
        body["text"] = {"format": _format(asked.format, items, losses)}
    if asked.user:
        body["safety_identifier"] = write_user(asked.user)
    if asked.is_stream:
        body["stream"] = True
    return body


def _put_tools(body: dict[str, Any], asked: Conversation, traits: Traits, losses: Losses) -> None:
    check_forced(asked.tool_choice, asked.tools, traits)
    if not asked.tools:
        return
    body["tools"] = [_tool(tool, f"tools.{number}", losses) for number, tool in enumerate(asked.tools)]
    choice = asked.tool_choice
    if choice is not None:
        body["tool_choice"] = _choice(choice)
    if asked.parallel_tools is not None:
        body["parallel_tool_calls"] = asked.parallel_tools


def _tool(tool: Tool, path: str, losses: Losses) -> dict[str, Any]:
    """Write a tool; strict mode, which this API takes for granted, is on only where somebody asked for it."""
    written: dict[str, Any] = {"type": "function", "name": check_name(tool.name, f"{path}.name")}
    if tool.description:
        written["description"] = tool.description
    written["parameters"] = tool.schema or NO_ARGUMENTS
    written["strict"] = bool(tool.strict) and takes_strict(written["parameters"])
    if tool.strict and not written["strict"]:
        losses.drop("tools.strict")
    if tool.cached:
        losses.drop("cache_control")
    return written


def _choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.kind == "named":
        return {"type": "function", "name": choice.name}
    if choice.kind == "none" or not choice.allowed:
        return choice.kind
    names = [{"type": "function", "name": name} for name in choice.allowed]
    return {"type": "allowed_tools", "mode": choice.kind, "tools": names}


def _format(wanted: Format, items: list[dict[str, Any]], losses: Losses) -> dict[str, Any]:
    """Write how the answer is to be shaped, and ask for JSON where no message does: the API wants to read the word.

    Strict mode is asked for wherever the schema lets it and nobody said no: elsewhere a schema is kept as it is.
    """
    if wanted.kind == "json_object" and not says_json(_texts(items)):
        losses.change("format")
        content = [{"type": "input_text", "text": JSON_INSTRUCTION}]
        items.insert(0, {"type": "message", "role": "system", "content": content})
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    written: dict[str, Any] = {"type": "json_schema", "name": check_name(wanted.name or "output", "text.format.name")}
    if wanted.description:
        written["description"] = wanted.description
    written["schema"] = wanted.schema
    written["strict"] = wanted.strict is not False and takes_strict(wanted.schema)
    if wanted.strict is not False and not written["strict"]:
        losses.change("response_format")
    return written


def _texts(items: list[dict[str, Any]]) -> Iterator[str]:
    """Give what the messages say; the API does not look for it in the instructions beside them."""
    for item in items:
        if item["type"] == "message":
            yield from (part["text"] for part in item["content"] if "text" in part)
