"""Take a tool out of a request of either provider's dialects; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from seawall.dialects.dialect import COUNT_TOKENS, MESSAGES, Endpoint

_MUST_CALL: Final = frozenset({"any", "required"})
# What makes no sense, or is refused by the provider, where no tool is left to speak of.
_LEANING: Final = {
    "tools": ("tool_choice", "parallel_tool_calls", "max_tool_calls"),
    "functions": ("function_call",),
}
_MODES: Final = frozenset({"auto", "any", "none", "required", "allowed_tools", "tool", "function", "custom"})
_TOOL_BLOCKS: Final = frozenset({"tool_use", "tool_result"})


@dataclass(frozen=True, slots=True)
class Without:
    """What a request is without its killed tools.

    `edits` are the top-level fields to write anew, None for those that go. `needed` names the tool without which
    nothing sensible remains; the request cannot be sent then.
    """

    edits: Mapping[str, Any]  # JSON
    needed: str = ""


def without_tools(fields: Mapping[str, Any], killed: Collection[str], endpoint: Endpoint) -> Without:  # JSON
    """Take the definitions of killed tools out of a request's fields, which stay as they are.

    A tool that the request forces the model to call cannot be left out, and neither can the last one where it must call
    any, or where the conversation holds calls (which Messages refuses without definitions).
    """
    edits: dict[str, Any] = {}
    for field, leaning in _LEANING.items():
        tools = _list(fields.get(field))
        gone = [name for name in map(tool_name, tools) if name in killed]
        if not gone:
            continue
        choice, kept = fields.get(leaning[0]), [tool for tool in tools if tool_name(tool) not in killed]
        if (name := tool_name(choice)) in killed:
            return Without({}, name)
        if not kept:
            if _must_call(choice) or _holds_calls(fields, endpoint):
                return Without({}, gone[0])
            edits |= {name: None for name in (field, *leaning) if name in fields}
            continue
        edits[field] = kept
        allowed = _allowed(choice)
        left = [tool for tool in allowed if tool_name(tool) not in killed]
        if allowed and not left:
            return Without({}, gone[0])
        if len(left) < len(allowed):
            edits[leaning[0]] = _with_allowed(choice, left)
    return Without(edits)


def tool_names(fields: Mapping[str, Any]) -> frozenset[str]:  # JSON
    """Name every tool that a request defines."""
    names: set[str] = set()
    for field in _LEANING:
        names.update(map(tool_name, _list(fields.get(field))))
    return frozenset(names - {""})


def tool_name(tool: Any) -> str:  # what a client sent
    """Name a tool by its definition or by a choice of it, in any dialect; empty for what names none.

    A provider's own tool without a name goes by its type (`web_search`), one of a remote server by the server's name.
    """
    if type(tool) is not dict:
        return ""
    within = next((tool[kind] for kind in ("function", "custom") if type(tool.get(kind)) is dict), tool)
    for name in (tool.get("server_label"), tool.get("mcp_server_name"), within.get("name")):
        if type(name) is str and name:
            return name
    kind = tool.get("type")
    return kind if type(kind) is str and kind not in _MODES else ""


def _must_call(choice: Any) -> bool:  # what a client sent
    if type(choice) is dict:
        return str(choice.get("type")) in _MUST_CALL or bool(_allowed(choice))
    return type(choice) is str and choice in _MUST_CALL


def _holds_calls(fields: Mapping[str, Any], endpoint: Endpoint) -> bool:  # JSON
    if endpoint not in (MESSAGES, COUNT_TOKENS):
        return False
    contents = [message.get("content") for message in _list(fields.get("messages")) if type(message) is dict]
    blocks = [block for content in contents for block in _list(content) if type(block) is dict]
    return any(str(block.get("type")) in _TOOL_BLOCKS for block in blocks)


def _allowed(choice: Any) -> list[Any]:  # what a client sent
    """Give the tools that a choice narrows the model to: Chat says it one level below Responses."""
    if type(choice) is not dict or choice.get("type") != "allowed_tools":
        return []
    within = choice.get("allowed_tools", choice)
    return _list(within.get("tools")) if type(within) is dict else []


def _list(value: Any) -> list[Any]:  # what a client sent
    return value if type(value) is list else []


def _with_allowed(choice: Any, tools: list[Any]) -> dict[str, Any]:  # a choice that allows some
    within = choice.get("allowed_tools")
    if type(within) is dict:
        return {**choice, "allowed_tools": {**within, "tools": tools}}
    return {**choice, "tools": tools}
