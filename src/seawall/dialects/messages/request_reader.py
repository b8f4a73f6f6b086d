"""Read a Messages request, of either API version."""

import re
from collections.abc import Mapping
from typing import Any, Final

from seawall.core.error import BadRequest
from seawall.dialects.field import (
    as_choice,
    as_count,
    as_flag,
    as_list,
    as_name,
    as_number,
    as_object,
    as_text,
    wrong,
)
from seawall.dialects.messages.block_reader import read_content, read_lifetime, read_texts
from seawall.dialects.messages.pairing import pairing_fault
from seawall.dialects.neutral.conversation import (
    Conversation,
    Format,
    Message,
    Reasoning,
    Role,
    Text,
    Tool,
    ToolChoice,
)
from seawall.dialects.neutral.loss import Losses, refused

EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
LEAST_BUDGET: Final = 1024

_READ: Final = frozenset(
    {
        "model",
        "messages",
        "system",
        "max_tokens",
        "tools",
        "tool_choice",
        "stop_sequences",
        "temperature",
        "top_p",
        "thinking",
        "output_config",
        "metadata",
        "stream",
    }
)
_REFUSED: Final = {
    "inference_geo": "where the call is computed is a promise that another provider does not give; leave it out, or "
    "send the call to a route that leads to Anthropic",
    "container": "only Anthropic's servers have it; leave it out",
    "mcp_servers": "only Anthropic's servers call them; offer their tools as functions",
    "thread": "only Anthropic's servers know what was said before in it; send the whole conversation",
}
# What asks for no more than every provider gives.
_ORDINARY: Final = {"service_tier": "auto", "speed": "standard"}
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


def read_request(fields: Mapping[str, Any], losses: Losses) -> Conversation:  # JSON values
    """Read a client's request; what no other dialect has is noted in `losses`.

    Raises:
        BadRequest: a field is not what the endpoint takes; `param` is its path.
        Unsupported: it asks for what no other dialect has and what must not be lost.
    """
    _sort_out(fields, losses)
    opening, messages = _read_messages(fields.get("messages"), losses)
    system = fields.get("system")
    choice = fields.get("tool_choice")
    is_stream = bool(as_flag(fields.get("stream"), "stream"))
    return Conversation(
        messages=messages,
        system=(() if system is None else read_texts(system, "system", losses)) + opening,
        tools=_read_tools(fields.get("tools"), losses),
        tool_choice=None if choice is None else _read_choice(as_object(choice, "tool_choice")),
        parallel_tools=None if choice is None else _read_parallel(choice),
        max_tokens=_read_max_tokens(fields.get("max_tokens")),
        stop=_read_stop(fields.get("stop_sequences")),
        temperature=as_number(fields.get("temperature"), "temperature"),
        top_p=as_number(fields.get("top_p"), "top_p"),
        reasoning=_read_reasoning(fields, losses),
        format=_read_format(fields, losses),
        user=_read_user(fields.get("metadata"), losses),
        is_stream=is_stream,
        wants_usage=is_stream,  # every client of this endpoint is told
    )


def _sort_out(fields: Mapping[str, Any], losses: Losses) -> None:
    """Refuse what must not be lost, and note what is."""
    for name, value in fields.items():
        if name in _READ or value is None or value in ([], {}) or _ORDINARY.get(name) == value:
            continue
        if name in _REFUSED:
            raise refused(name, _REFUSED[name])
        # The code goes into a header and into records: a client's own invention does not.
        losses.drop(name if _FIELD_NAME.fullmatch(name) else "unknown_field")


def _read_messages(value: Any, losses: Losses) -> tuple[tuple[Text, ...], tuple[Message, ...]]:  # any JSON value
    """Read the turns, and the instructions before the first one."""
    messages: list[Message] = []
    opening: tuple[Text, ...] = ()
    turns = as_list(value, "messages")
    for number, turn in enumerate(turns):
        path = f"messages.{number}"
        role: Role
        match as_choice(as_object(turn, path).get("role"), ("user", "assistant", "system"), f"{path}.role"):
            case "user":
                role = "user"
            case "assistant":
                role = "assistant"
            case _:
                role = "system"
        parts = read_content(turn.get("content"), role, f"{path}.content", losses)
        if not parts:
            if role == "assistant" and number == len(turns) - 1:
                continue  # the endpoint lets the last one be empty
            raise wrong(f"{path}.content", "a text that is not empty, or one block at least")
        if role == "system" and not messages:
            opening += tuple(part for part in parts if isinstance(part, Text))
        else:
            messages.append(Message(role, parts))
    if not messages:
        raise wrong("messages", "one turn at least")
    if fault := pairing_fault(messages):
        raise BadRequest(f"messages: {fault}", param="messages")
    return opening, tuple(messages)


def _read_tools(value: Any, losses: Losses) -> tuple[Tool, ...]:  # any JSON value
    if value is None:
        return ()
    tools = []
    for number, found in enumerate(as_list(value, "tools")):
        path = f"tools.{number}"
        tools.append(_read_tool(as_object(found, path), path, losses))
    return tuple(tools)


def _read_tool(tool: dict[str, Any], path: str, losses: Losses) -> Tool:
    kind = tool.get("type")
    if kind is not None and as_text(kind, f"{path}.type") != "custom":
        raise refused(
            f"{path}.type", "only Anthropic's models or servers know this tool; offer it as a function of your own"
        )
    callers = tool.get("allowed_callers")
    if callers is not None and "direct" not in as_list(callers, f"{path}.allowed_callers"):
        raise refused(f"{path}.allowed_callers", "only Anthropic's servers call tools from code; allow direct calls")
    for name in ("defer_loading", "eager_input_streaming", "input_examples"):
        if tool.get(name):
            losses.drop(f"tools.{name}")
    return Tool(
        name=as_name(tool.get("name"), f"{path}.name"),
        description=as_text(tool.get("description") or "", f"{path}.description"),
        schema=as_object(tool.get("input_schema"), f"{path}.input_schema"),
        strict=as_flag(tool.get("strict"), f"{path}.strict"),
        cached=read_lifetime(tool, path),
    )


def _read_choice(choice: dict[str, Any]) -> ToolChoice:
    match as_choice(choice.get("type"), ("auto", "any", "none", "tool"), "tool_choice.type"):
        case "auto":
            return ToolChoice("auto")
        case "any":
            return ToolChoice("required")
        case "none":
            return ToolChoice("none")
    return ToolChoice("named", as_name(choice.get("name"), "tool_choice.name"))


def _read_parallel(choice: dict[str, Any]) -> bool | None:
    name = "disable_parallel_tool_use"
    is_disabled = as_flag(choice.get(name), f"tool_choice.{name}")
    return None if is_disabled is None else not is_disabled


def _read_max_tokens(value: Any) -> int | None:  # any JSON value
    if value is None:
        return None  # the endpoint wants one, but the route has a ceiling to fill in, whoever the target is
    limit = as_count(value, "max_tokens")
    if limit == 0:
        raise refused("max_tokens", "0 only warms Anthropic's prompt cache; ask for 1 token at least")
    return limit


def _read_stop(value: Any) -> tuple[str, ...]:  # any JSON value
    if value is None:
        return ()
    found = enumerate(as_list(value, "stop_sequences"))
    return tuple(as_name(text, f"stop_sequences.{number}") for number, text in found)


def _read_reasoning(fields: Mapping[str, Any], losses: Losses) -> Reasoning | None:
    config, thinking = fields.get("output_config"), fields.get("thinking")
    effort = "" if config is None else as_object(config, "output_config").get("effort") or ""
    if effort:
        as_choice(effort, EFFORTS, "output_config.effort")
    if thinking is None:
        return Reasoning(effort=effort) if effort else None
    kinds = ("adaptive", "enabled", "disabled", "between_tools")
    kind = as_choice(as_object(thinking, "thinking").get("type"), kinds, "thinking.type")
    if thinking.get("display") not in (None, "omitted"):
        losses.drop("thinking.display")
    if kind == "enabled":
        budget = as_count(thinking.get("budget_tokens"), "thinking.budget_tokens", LEAST_BUDGET)
        return Reasoning(effort=effort, budget_tokens=budget)
    return Reasoning(effort=effort, is_off=kind != "adaptive")


def _read_format(fields: Mapping[str, Any], losses: Losses) -> Format | None:
    config = fields.get("output_config")
    if config is None:
        return None
    for name in sorted(as_object(config, "output_config").keys() - {"effort", "format"}):
        losses.drop(f"output_config.{name}" if _FIELD_NAME.fullmatch(name) else "unknown_field")
    wish, path = config.get("format"), "output_config.format"
    if wish is None:
        return None
    as_choice(as_object(wish, path).get("type"), ("json_schema",), f"{path}.type")
    # The endpoint holds every answer to its schema; others only where they are told to.
    return Format("json_schema", schema=as_object(wish.get("schema"), f"{path}.schema"), strict=True)


def _read_user(value: Any, losses: Losses) -> str:  # any JSON value
    if value is None:
        return ""
    metadata = as_object(value, "metadata")
    if metadata.keys() - {"user_id"}:
        losses.drop("metadata")
    return as_text(metadata.get("user_id") or "", "metadata.user_id")
