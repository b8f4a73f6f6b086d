"""The bound of a Responses request."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from seawall.core.target import Target
from seawall.core.worst_case import Bound
from seawall.dialects.bound import openai
from seawall.dialects.bound.media import openai_image
from seawall.dialects.bound.tally import BLOCK, MESSAGE, TOOL, TOOLS, Tally

_CLIENT_TOOLS: Final = {"function": 0, "custom": 0, "local_shell": 700, "apply_patch": 700, "computer": 4_600}
_SEARCHES: Final = "web_search"
_PREVIEW: Final = "web_search_preview"
_REMOTE: Final = "mcp"
_OFFERS: Final = ("additional_tools", "tool_search_output")  # items that bring tools
# Items that stand for more than they say: the provider knows what its tools have found, or made.
_KEPT: Final = (
    "item_reference",
    "image_generation_call",
    "file_search_call",
    "web_search_call",
    "code_interpreter_call",
)
_BREAKPOINT: Final = "prompt_cache_breakpoint"


def responses_bound(fields: Mapping[str, Any], target: Target) -> Bound:  # JSON values of whatever shape
    """Bound what a Responses request can use."""
    tally = Tally(target, 0)
    tally.tokens = BLOCK  # the beginning of the answer
    tally.is_short = True  # prompts are cached without being asked
    for name, value in fields.items():
        if value is not None:
            count = _FIELDS.get(name, _other)
            if count is not None:
                count(tally, name, value)
    if tools := _offered(fields):
        _tools(tally, tools, fields.get("max_tool_calls"))
    return tally.bound(target, openai.ceiling(fields, ("max_output_tokens",), target), openai.mode(fields))


def _offered(fields: Mapping[str, Any]) -> list[Any]:
    """Gather the tools that a request offers, wherever it does."""
    tools, items = fields.get("tools"), fields.get("input")
    found = list(tools) if type(tools) is list else [tools] if tools else []
    for item in items if type(items) is list else ():
        if type(item) is dict and item.get("type") in _OFFERS:
            more = item.get("tools")
            found += more if type(more) is list else [more]
    return found


def _other(tally: Tally, name: str, value: Any) -> None:
    tally.field(name, value)


def _instructions(tally: Tally, _: str, value: Any) -> None:
    tally.tokens += MESSAGE
    tally.text(value)


def _text(tally: Tally, name: str, value: Any) -> None:
    if type(value) is not dict:
        tally.json(value)
    elif value.get("format") is not None:
        openai.form(tally, name, value["format"])


def _state(tally: Tally, name: str, _: Any) -> None:
    tally.store(f"what the provider keeps ({name})")


def _prompt(tally: Tally, _: str, __: Any) -> None:
    tally.refuse(
        "a prompt that the provider keeps can bring tools of its own; send its text and its tools,"
        " or send the call where no budget holds"
    )


def _reasoning(tally: Tally, _: str, value: Any) -> None:
    mode = value.get("mode") if type(value) is dict else None
    if mode not in (None, "standard"):
        tally.refuse(
            "nobody knows what reasoning in another mode than the standard costs;"
            " leave reasoning.mode out, or send the call where no budget holds"
        )


def _compaction(tally: Tally, name: str, value: Any) -> None:
    if value:
        tally.refuse(
            f"the provider may shorten the conversation ({name}), which it bills apart;"
            " leave it out, or send the call where no budget holds"
        )


def _items(tally: Tally, _: str, items: Any) -> None:
    if type(items) is not list:
        tally.tokens += MESSAGE
        tally.text(items)
        return
    for item in items:
        tally.tokens += BLOCK
        if type(item) is not dict:
            tally.text(item)
            continue
        kind = item.get("type")
        if (
            kind in _KEPT
            or (kind == "reasoning" and not item.get("encrypted_content"))
            or (kind is None and "role" not in item)  # a reference, which needs no type
        ):
            tally.store("an item that the provider keeps")
        elif kind == "compaction_trigger":
            _compaction(tally, kind, item)
        for name, value in item.items():
            if name == "role":
                tally.role(value)
            elif name in ("content", "output"):
                _content(tally, value)
            elif name != "type":
                tally.field(name, value)


def _content(tally: Tally, content: Any) -> None:
    if type(content) is str:
        tally.text(content)
        return
    if type(content) is not list:
        # One part instead of a list is what a screenshot is: `{"type": "computer_screenshot", "image_url": ...}`.
        content = [content]
    for part in content:
        tally.tokens += BLOCK
        if type(part) is not dict:
            tally.text(part)
            continue
        if part.get("type") in ("input_image", "computer_screenshot"):
            tally.tokens += openai_image(part.get("image_url"), part.get("detail"), tally.model)
        elif part.get("type") == "input_file":
            openai.document(tally, part.get("file_data"), part.get("filename"))
        elif part.get("type") == "input_audio":
            tally.refuse("audio has prices of its own, which nobody holds; leave it out")
        else:
            _plain(tally, part)
        openai.mark(tally, _BREAKPOINT, part.get(_BREAKPOINT))


def _plain(tally: Tally, part: dict[str, Any]) -> None:
    for name, value in part.items():
        if type(value) is str:
            tally.text(value)
        elif name != _BREAKPOINT:
            tally.field(name, value)


def _tools(tally: Tally, tools: Any, most: Any) -> None:
    tally.json(tools)
    found = tools if type(tools) is list else [tools]
    tally.tokens += TOOLS + TOOL * len(found)
    is_run = False
    for tool in found:
        kind = tool.get("type") if type(tool) is dict else None
        if type(kind) is str and kind in _CLIENT_TOOLS:
            tally.tokens += _CLIENT_TOOLS[kind]
        elif type(kind) is str and kind.startswith(_PREVIEW):
            tally.refuse(f"the tool {kind[:40]} costs more with some models; use web_search and set max_tool_calls")
        elif kind == "namespace" and _is_all_clients(tool.get("tools")):
            tally.tokens += TOOL * len(tool["tools"])
        elif type(kind) is str and kind.startswith((_SEARCHES, _REMOTE)):
            is_run = True
            if type(most) is int and most >= 0:
                tally.searches = most if kind.startswith(_SEARCHES) else tally.searches
            else:
                tally.refuse(f"the tool {kind[:40]} may be used as often as the model likes; set max_tool_calls")
        else:
            shown = str(kind)[:40]
            tally.refuse(f"nobody knows what the tool {shown} can cost; leave it out, or call where no budget holds")
    if is_run and type(most) is int and most >= 0:
        tally.rounds = most + 1


def _is_all_clients(tools: Any) -> bool:
    """Say whether a namespace holds nothing but tools that the client runs."""
    return type(tools) is list and all(
        type(tool) is dict and tool.get("type") in ("function", "custom") for tool in tools
    )


# What each field of the body adds; None steers the call and never stands in the prompt. Other fields count as text.
_FIELDS: Final[dict[str, Callable[[Tally, str, Any], None] | None]] = {
    **dict.fromkeys(("model", "max_output_tokens", "max_tool_calls", "stream", "stream_options", "temperature")),
    **dict.fromkeys(("top_p", "include", "top_logprobs", "store", "metadata", "user", "safety_identifier")),
    **dict.fromkeys(("prompt_cache_key", "service_tier", "parallel_tool_calls", "truncation", "background")),
    "moderation": None,
    "reasoning": _reasoning,
    "tools": None,  # counted last, together with how often they may be called
    "input": _items,
    "instructions": _instructions,
    "text": _text,
    "previous_response_id": _state,
    "conversation": _state,
    "prompt": _prompt,
    "context_management": _compaction,
    "prompt_cache_options": openai.mark,
    "prompt_cache_retention": openai.mark,
}
