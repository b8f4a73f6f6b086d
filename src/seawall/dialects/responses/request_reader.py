"""Read a client's Responses request (platform.openai.com/docs/api-reference/responses/create)."""

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from seawall.dialects.field import (
    as_ceiling,
    as_choice,
    as_flag,
    as_list,
    as_name,
    as_number,
    as_object,
    as_text,
    wrong,
)
from seawall.dialects.neutral.conversation import Conversation, Format, Reasoning, Text, Tool, ToolChoice
from seawall.dialects.neutral.loss import Losses, refused
from seawall.dialects.openai_effort import EFFORTS
from seawall.dialects.openai_request import Others, field_word, read_user
from seawall.dialects.openai_tool import check_choice, read_function
from seawall.dialects.responses.item_reader import read_items

_READ: Final = frozenset(
    {
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "model",
        "parallel_tool_calls",
        "reasoning",
        "safety_identifier",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    }
)
_HELD: Final = "only the provider that holds it can go on with it; send the whole conversation as items"
# Each with the values that ask for nothing, and what to do instead.
_REFUSED: Final[dict[str, tuple[tuple[Any, ...], str]]] = {
    "previous_response_id": ((None,), _HELD),
    "conversation": ((None,), _HELD),
    "prompt": ((None,), "only the provider holds the template; send the prompt itself"),
    "background": ((None, False), "no other dialect answers in the background; leave it out"),
    "store": ((None, False), "no other dialect keeps answers; leave it out, or say false"),
    "moderation": ((None,), "a provider's own moderation is not translated"),
    "top_logprobs": ((None, 0), "no other dialect gives probabilities"),
}
_DROPPED: Final[dict[str, tuple[Any, ...]]] = {
    "context_management": (None, []),
    "max_tool_calls": (None,),  # counts the calls of built-in tools alone
    "metadata": (None, {}),
    "prompt_cache_key": (None, ""),
    "prompt_cache_options": (None, {}),
    "prompt_cache_retention": (None, "in_memory"),
    "service_tier": (None, "auto", "default"),
    "truncation": (None, "disabled"),
}
_KEPT_REASONING: Final = "reasoning.encrypted_content"
_LOGPROBS: Final = "message.output_text.logprobs"
_TOOL_EXTRAS: Final = ("defer_loading", "output_schema", "async")
_OTHERS: Final = Others(_READ, _REFUSED, _DROPPED)


def read_request(fields: Mapping[str, Any], losses: Losses) -> Conversation:
    """Read a request; a stream of this API always tells its usage.

    Raises:
        BadRequest: a field is not what the endpoint takes; `param` is its path.
        Unsupported: it asks for what no other dialect has and what must not be lost.
    """
    _refuse_warming(fields.get("prompt_cache_options"))
    _OTHERS.check(fields, losses)
    _check_include(fields.get("include"), losses)
    system, messages = read_items(fields.get("input"), losses)
    instructions = fields.get("instructions")
    if instructions is not None and as_text(instructions, "instructions"):
        system = (Text(instructions), *system)
    if not messages:
        raise wrong("input", "at least one turn beside the instructions")
    tools = _tools(fields.get("tools"), losses)
    is_stream = as_flag(fields.get("stream"), "stream") or False
    return Conversation(
        messages,
        system,
        tools,
        _tool_choice(fields.get("tool_choice"), tools),
        parallel_tools=as_flag(fields.get("parallel_tool_calls"), "parallel_tool_calls"),
        max_tokens=as_ceiling(fields.get("max_output_tokens"), "max_output_tokens"),
        temperature=as_number(fields.get("temperature"), "temperature"),
        top_p=as_number(fields.get("top_p"), "top_p"),
        reasoning=_reasoning(fields.get("reasoning"), losses),
        format=_format(fields.get("text"), losses),
        user=read_user(fields),
        is_stream=is_stream,
        wants_usage=is_stream,
    )


def _refuse_warming(options: Any) -> None:  # any JSON value
    if type(options) is dict and options.get("prewarm"):
        raise refused("prompt_cache_options.prewarm", "no other dialect warms a cache without an answer")


def _check_include(value: Any, losses: Losses) -> None:  # any JSON value, here and below
    for number, wish in enumerate(as_list(value, "include") if value is not None else ()):
        path = f"include.{number}"
        if as_text(wish, path) == _LOGPROBS:
            raise refused(path, "no other dialect gives probabilities")
        if wish != _KEPT_REASONING:
            losses.drop("include")


def _tools(value: Any, losses: Losses) -> tuple[Tool, ...]:
    if value is None:
        return ()
    return tuple(_tool(tool, f"tools.{number}", losses) for number, tool in enumerate(as_list(value, "tools")))


def _tool(value: Any, path: str, losses: Losses) -> Tool:
    tool = as_object(value, path)
    if as_name(tool.get("type"), f"{path}.type") != "function":
        raise refused(f"{path}.type", "built-in and custom tools are not translated; define a function")
    callers = tool.get("allowed_callers")
    if callers and "direct" not in as_list(callers, f"{path}.allowed_callers"):
        raise refused(f"{path}.allowed_callers", "calls by a provider's own programs are not translated")
    for name in _TOOL_EXTRAS:
        if tool.get(name):
            losses.drop(f"tools.{name}")
    return read_function(tool, path)


def _tool_choice(value: Any, tools: tuple[Tool, ...]) -> ToolChoice | None:
    if value is None:
        return None
    path = "tool_choice"
    found = _choice_of(value, path)
    return check_choice(found, tools, path)


def _choice_of(choice: Any, path: str) -> ToolChoice:
    if type(choice) is str:
        kind = as_choice(choice, ("none", "auto", "required"), path)
        return ToolChoice(cast("Literal['none', 'auto', 'required']", kind))
    kind = as_name(as_object(choice, path).get("type"), f"{path}.type")
    if kind == "function":
        return ToolChoice("named", as_name(choice.get("name"), f"{path}.name"))
    if kind != "allowed_tools":
        raise refused(f"{path}.type", "built-in and custom tools are not translated; define a function")
    mode = as_choice(choice.get("mode"), ("auto", "required"), f"{path}.mode")
    names = []
    for number, tool in enumerate(as_list(choice.get("tools"), f"{path}.tools")):
        at = f"{path}.tools.{number}"
        as_choice(as_object(tool, at).get("type"), ("function",), f"{at}.type")
        names.append(as_name(tool.get("name"), f"{at}.name"))
    if not names:
        raise wrong(f"{path}.tools", "at least one tool")
    return ToolChoice(cast("Literal['auto', 'required']", mode), allowed=tuple(names))


def _reasoning(value: Any, losses: Losses) -> Reasoning | None:
    """Read how hard to think; how thoughts are shown has no place in another dialect."""
    if value is None:
        return None
    found = as_object(value, "reasoning")
    for name, wish in found.items():
        if name != "effort" and wish not in (None, "auto", "standard"):
            losses.drop(f"reasoning.{field_word(name)}")
    if found.get("effort") is None:
        return None
    effort = as_choice(found["effort"], EFFORTS, "reasoning.effort")
    return Reasoning(effort, is_off=effort == "none")


def _format(value: Any, losses: Losses) -> Format | None:
    if value is None:
        return None
    text = as_object(value, "text")
    if text.get("verbosity") not in (None, "medium"):
        losses.drop("text.verbosity")
    if text.get("format") is None:
        return None
    path = "text.format"
    found = as_object(text["format"], path)
    kind = as_choice(found.get("type"), ("text", "json_object", "json_schema"), f"{path}.type")
    if kind != "json_schema":
        return Format(cast("Literal['text', 'json_object']", kind))
    description = found.get("description")
    return Format(
        "json_schema",
        as_name(found.get("name"), f"{path}.name"),
        "" if description is None else as_text(description, f"{path}.description"),
        as_object(found.get("schema"), f"{path}.schema"),
        as_flag(found.get("strict"), f"{path}.strict"),
    )
