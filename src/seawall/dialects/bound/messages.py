"""The bound of a Messages request."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from seawall.core.target import Target
from seawall.core.worst_case import Bound
from seawall.dialects.bound.media import CLAUDE_IMAGE, PAGE_TEXT, claude_image, pdf_pages
from seawall.dialects.bound.tally import BLOCK, CITED, ROUNDS, SCHEMA, TOOL, TOOLS, Tally

# Tools that the client runs, by the beginning of their type, and the tokens of what the provider knows of them.
_CLIENT_TOOLS: Final = {
    "custom": 0,
    "bash_": 325,
    "text_editor_": 700,
    "memory_": 2_500,
    "computer_": 4_600,
    "browser_": 4_600,
}
_OPEN: Final = {
    "mcp_servers": "servers of tools (mcp_servers) are asked as often as the model likes",
    "context_management": "the provider may shorten the conversation (context_management), which it bills apart",
    "compaction": "the provider may shorten the conversation (compaction), which it bills apart",
    "fallbacks": "the provider may answer with another model (fallbacks), whose price is not held",
    "fallback_credit_token": "the provider may answer with another model (fallback_credit_token)",
}
_ENDS: Final = ".!?\n\u3002\uff01\uff1f"  # of sentences, in Chinese, too
_DEFAULT_TIER: Final = "auto"
_MODE: Final = (_DEFAULT_TIER, "", "")


def messages_bound(fields: Mapping[str, Any], target: Target) -> Bound:  # JSON values of whatever shape
    """Bound what a Messages request can use."""
    traits = target.traits
    tally = Tally(target, traits.image_tokens or CLAUDE_IMAGE)
    mode = _MODE
    for name, value in fields.items():
        count = _FIELDS.get(name, _other)
        if count is not None and value is not None:
            if count is _steer:
                mode = _mode(fields)
            else:
                count(tally, name, value)
    asked, most = fields.get("max_tokens"), traits.output_tokens
    if type(asked) is int and asked >= 0 and (most is None or asked < most):
        most = asked
    return tally.bound(target, most, mode)


def _mode(fields: Mapping[str, Any]) -> tuple[str, str, str]:
    tier, speed, geo = fields.get("service_tier"), fields.get("speed"), fields.get("inference_geo")
    return (
        tier if type(tier) is str else _DEFAULT_TIER,
        speed if type(speed) is str else "",
        geo if type(geo) is str else "",
    )


def _other(tally: Tally, name: str, value: Any) -> None:
    tally.field(name, value)


def _steer(_: Tally, __: str, ___: Any) -> None:
    """Stand for the fields that make the mode: they are read together, and never stand in the prompt."""


def _open(tally: Tally, name: str, value: Any) -> None:
    if value:
        tally.refuse(f"{_OPEN[name]}; leave {name} out, or send the call where no budget holds")


def _editing(tally: Tally, name: str, value: Any) -> None:
    edits = value.get("edits") or [] if type(value) is dict and value.keys() <= {"edits"} else None
    # What only clears makes the prompt shorter than it was sent.
    if type(edits) is not list or not all(
        type(edit) is dict and str(edit.get("type")).startswith("clear_") for edit in edits
    ):
        _open(tally, name, value)


def _state(tally: Tally, name: str, _: Any) -> None:
    tally.store(f"what the provider keeps for the {name}")


def _mark(tally: Tally, _: str, mark: Any) -> None:
    ttl = mark.get("ttl") if type(mark) is dict else "?"
    if ttl != "1h":
        tally.is_short = True
    if ttl not in (None, "5m"):
        tally.is_long = True


def _messages(tally: Tally, _: str, messages: Any) -> None:
    tally.turns(messages, _turn)


def _turn(tally: Tally, name: str, value: Any) -> None:
    if name == "content":
        _content(tally, name, value)
    else:
        tally.field(name, value)


def _content(tally: Tally, _: str, content: Any) -> None:
    if type(content) is str:
        tally.text(content)
        return
    pile = [content]
    while pile:
        found = pile.pop()
        if type(found) is list:
            pile.extend(found)
        elif type(found) is dict:
            _block(tally, pile, found)
        else:
            tally.text(found)


def _block(tally: Tally, pile: list[Any], block: dict[str, Any]) -> None:
    """Count a block, and put what stands inside it on the pile."""
    tally.tokens += BLOCK
    for name, value in block.items():
        if name == "content":
            pile.append(value)
        elif name == "source" and type(value) is dict:
            _source(tally, pile, block, value)
        elif name == "cache_control" and value is not None:
            _mark(tally, name, value)
        elif name == "citations" and type(value) is dict and value.get("enabled"):
            _cited(tally, block)
        elif name == "tool" and type(value) is dict and "definition" in value:
            _tools(tally, name, [value["definition"]])
        elif name == "file_id":
            tally.store("a file that the provider keeps")
        elif type(value) is not str:
            tally.field(name, value)
        elif name != "type":
            tally.text(value)


def _cited(tally: Tally, block: dict[str, Any]) -> None:
    """Count what the provider adds so that a document can be cited: a prompt, and a mark at every sentence."""
    tally.tokens += CITED
    source = block.get("source")
    text = source.get("data") if type(source) is dict and source.get("type") == "text" else None
    if type(text) is str:
        tally.tokens += BLOCK * (1 + sum(text.count(end) for end in _ENDS))


def _source(tally: Tally, pile: list[Any], block: dict[str, Any], source: dict[str, Any]) -> None:
    kind, data = source.get("type"), source.get("data")
    if block.get("type") == "image":
        sent = data if kind == "base64" and type(data) is str else ""
        tally.tokens += claude_image(sent, tally.image_tokens)
    elif kind == "base64" and type(data) is str:
        pages = pdf_pages(data)
        if pages is None:
            tally.store("a document whose pages cannot be counted")
        else:
            tally.tokens += pages * (tally.image_tokens + PAGE_TEXT)
    elif kind in ("url", "file"):
        tally.store("a document by its address" if kind == "url" else "a file that the provider keeps")
    else:
        pile.extend(value for name, value in source.items() if name not in ("type", "media_type"))


def _tools(tally: Tally, _: str, tools: Any) -> None:
    if type(tools) is not list:
        tally.json(tools)
        return
    if tools:
        tally.tokens += TOOLS
    for tool in tools:
        tally.tokens += TOOL
        tally.json(tool)
        if type(tool) is not dict:
            continue
        if tool.get("cache_control") is not None:
            _mark(tally, "", tool["cache_control"])
        kind = tool.get("type") or "custom"
        known = [size for name, size in _CLIENT_TOOLS.items() if type(kind) is str and kind.startswith(name)]
        if known:
            tally.tokens += known[0]
        else:
            _server_tool(tally, str(kind), tool)


def _server_tool(tally: Tally, kind: str, tool: dict[str, Any]) -> None:
    """Count a tool that the provider runs: after each use it reads the prompt again, longer than before."""
    if kind.startswith(("web_search_", "web_fetch_")):
        uses = tool.get("max_uses")
        if type(uses) is not int or uses < 0:
            tally.refuse(f"the tool {kind} may be used as often as the model likes; set its max_uses")
            return
        tally.is_short = True  # the provider writes its own breakpoints then
        tally.rounds = min(tally.rounds + uses, ROUNDS + 1)
        if kind.startswith("web_search_"):
            tally.searches += uses
    elif kind.startswith("tool_search_"):
        tally.is_short = True
        tally.rounds = ROUNDS + 1
    else:
        tally.refuse(f"nobody knows what the tool {kind[:40]} can cost; leave it out, or call where no budget holds")


def _output(tally: Tally, _: str, output: Any) -> None:
    form = output.get("format") if type(output) is dict else output
    if form is not None:
        tally.tokens += SCHEMA
    tally.json(output)


# What each field of the body adds; None steers the call and never stands in the prompt. Other fields count as text.
_FIELDS: Final[dict[str, Callable[[Tally, str, Any], None] | None]] = {
    **dict.fromkeys(("model", "max_tokens", "stream", "stop_sequences", "metadata")),
    **dict.fromkeys(("service_tier", "speed", "inference_geo"), _steer),
    **dict.fromkeys(("temperature", "top_p", "top_k", "betas", "diagnostics", "billing_policy")),
    **dict.fromkeys(_OPEN, _open),
    "context_management": _editing,
    "container": _state,
    "thread": _state,
    "messages": _messages,
    "system": _content,
    "tools": _tools,
    "output_config": _output,
    "output_format": _output,
    "cache_control": _mark,
}
