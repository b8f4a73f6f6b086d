"""Read a client's Chat Completions request (platform.openai.com/docs/api-reference/chat/create)."""

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from seawall.dialects.chat.message_reader import read_messages
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
from seawall.dialects.neutral.conversation import Conversation, Format, Reasoning, Tool, ToolChoice
from seawall.dialects.neutral.loss import Losses, refused
from seawall.dialects.openai_effort import EFFORTS
from seawall.dialects.openai_request import Others, read_user
from seawall.dialects.openai_tool import check_choice, read_function

_READ: Final = frozenset(
    {
        "function_call",
        "functions",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    }
)
# Each with the values that ask for nothing, and what to do instead.
_REFUSED: Final[dict[str, tuple[tuple[Any, ...], str]]] = {
    "n": ((None, 1), "several answers are not translated; ask once for each"),
    "logprobs": ((None, False), "no other dialect gives probabilities"),
    "top_logprobs": ((None, 0), "no other dialect gives probabilities"),
    "logit_bias": ((None, {}), "no other dialect takes it"),
    "prediction": ((None,), "no other dialect takes it"),
    "audio": ((None,), "audio is not translated"),
    "modalities": ((None, [], ["text"]), "answers are translated as text only"),
    "web_search_options": ((None,), "a provider's own search is not translated"),
    "moderation": ((None,), "a provider's own moderation is not translated"),
}
_DROPPED: Final[dict[str, tuple[Any, ...]]] = {
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "seed": (None,),
    "verbosity": (None, "medium"),
    "store": (None, False),
    "metadata": (None, {}),
    "prompt_cache_key": (None, ""),
    "prompt_cache_options": (None, {}),
    "prompt_cache_retention": (None, "in_memory"),
    "service_tier": (None, "auto", "default"),
}
_OTHERS: Final = Others(_READ, _REFUSED, _DROPPED)


def read_request(fields: Mapping[str, Any], losses: Losses) -> Conversation:
    """Read a request.

    Raises:
        BadRequest: a field is not what the endpoint takes; `param` is its path.
        Unsupported: it asks for what no other dialect has and what must not be lost.
    """
    _OTHERS.check(fields, losses)
    system, messages = read_messages(fields.get("messages"), losses)
    tools = _tools(fields)
    if fields.get("functions"):
        losses.change("functions")  # the answer asks for them as for tools
    is_stream = as_flag(fields.get("stream"), "stream") or False
    return Conversation(
        messages,
        system,
        tools,
        _tool_choice(fields, tools),
        parallel_tools=as_flag(fields.get("parallel_tool_calls"), "parallel_tool_calls"),
        max_tokens=_max_tokens(fields),
        stop=_stop(fields.get("stop")),
        temperature=as_number(fields.get("temperature"), "temperature"),
        top_p=as_number(fields.get("top_p"), "top_p"),
        reasoning=_reasoning(fields.get("reasoning_effort")),
        format=_format(fields.get("response_format")),
        user=read_user(fields),
        is_stream=is_stream,
        wants_usage=is_stream and _wants_usage(fields.get("stream_options")),
    )


def _tools(fields: Mapping[str, Any]) -> tuple[Tool, ...]:
    tools = []
    if (found := fields.get("tools")) is not None:
        for number, tool in enumerate(as_list(found, "tools")):
            path = f"tools.{number}"
            if as_object(tool, path).get("type") == "custom":
                raise refused(f"{path}.type", "custom tools are not translated; define a function")
            as_choice(tool.get("type"), ("function",), f"{path}.type")
            tools.append(_tool(tool.get("function"), f"{path}.function"))
    if (found := fields.get("functions")) is not None:
        tools += [_tool(tool, f"functions.{number}") for number, tool in enumerate(as_list(found, "functions"))]
    return tuple(tools)


def _tool(value: Any, path: str) -> Tool:  # any JSON value, here and below
    return read_function(as_object(value, path), path)


def _tool_choice(fields: Mapping[str, Any], tools: tuple[Tool, ...]) -> ToolChoice | None:
    if (choice := fields.get("tool_choice")) is not None:
        found = _choice_of(choice, "tool_choice")
    elif (legacy := fields.get("function_call")) is not None:
        found = _legacy_choice(legacy, "function_call")
    else:
        return None
    return check_choice(found, tools, "function_call" if choice is None else "tool_choice")


def _choice_of(choice: Any, path: str) -> ToolChoice:
    if type(choice) is str:
        kind = as_choice(choice, ("none", "auto", "required"), path)
        return ToolChoice(cast("Literal['none', 'auto', 'required']", kind))
    kind = as_choice(as_object(choice, path).get("type"), ("function", "allowed_tools", "custom"), f"{path}.type")
    if kind == "custom":
        raise refused(f"{path}.type", "custom tools are not translated; define a function")
    if kind == "function":
        return ToolChoice("named", _name_of(choice, path))
    at = f"{path}.allowed_tools"
    allowed = as_object(choice.get("allowed_tools"), at)
    mode = as_choice(allowed.get("mode"), ("auto", "required"), f"{at}.mode")
    found = as_list(allowed.get("tools"), f"{at}.tools")
    if not found:
        raise wrong(f"{at}.tools", "at least one tool")
    names = [
        _name_of(as_object(tool, f"{at}.tools.{number}"), f"{at}.tools.{number}") for number, tool in enumerate(found)
    ]
    return ToolChoice(cast("Literal['auto', 'required']", mode), allowed=tuple(names))


def _name_of(holder: dict[str, Any], path: str) -> str:
    return as_name(as_object(holder.get("function"), f"{path}.function").get("name"), f"{path}.function.name")


def _legacy_choice(choice: Any, path: str) -> ToolChoice:
    if type(choice) is str:
        return ToolChoice(cast("Literal['none', 'auto']", as_choice(choice, ("none", "auto"), path)))
    return ToolChoice("named", as_name(as_object(choice, path).get("name"), f"{path}.name"))


def _max_tokens(fields: Mapping[str, Any]) -> int | None:
    """Read the ceiling; of the new name and the old one the lower counts."""
    found = [as_ceiling(fields.get(name), name) for name in ("max_completion_tokens", "max_tokens")]
    return min((count for count in found if count is not None), default=None)


def _stop(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if type(value) is str:
        return (value,)
    return tuple(as_text(text, f"stop.{number}") for number, text in enumerate(as_list(value, "stop")))


def _reasoning(value: Any) -> Reasoning | None:
    if value is None:
        return None
    effort = as_choice(value, EFFORTS, "reasoning_effort")
    return Reasoning(effort, is_off=effort == "none")


def _format(value: Any) -> Format | None:
    if value is None:
        return None
    found = as_object(value, "response_format")
    kind = as_choice(found.get("type"), ("text", "json_object", "json_schema"), "response_format.type")
    if kind != "json_schema":
        return Format(cast("Literal['text', 'json_object']", kind))
    path = "response_format.json_schema"
    inner = as_object(found.get("json_schema"), path)
    description, schema = inner.get("description"), inner.get("schema")
    return Format(
        "json_schema",
        as_name(inner.get("name"), f"{path}.name"),
        "" if description is None else as_text(description, f"{path}.description"),
        {} if schema is None else as_object(schema, f"{path}.schema"),
        as_flag(inner.get("strict"), f"{path}.strict"),
    )


def _wants_usage(options: Any) -> bool:
    if options is None:
        return False
    wish = as_object(options, "stream_options").get("include_usage")
    return as_flag(wish, "stream_options.include_usage") or False
