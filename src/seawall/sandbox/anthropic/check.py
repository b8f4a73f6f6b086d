"""What a well-formed request must still not ask: of this API version and of this model.

`body` is always the JSON object of a request that has the shape of `seawall.sandbox.anthropic.shape`, so values are
read without further checks.
"""

from collections.abc import Iterator
from typing import Any, Final

from seawall.sandbox.anthropic.model import Claude
from seawall.sandbox.anthropic.shape import SAMPLING
from seawall.sandbox.problem import BAD_REQUEST, Json, Problem
from seawall.sandbox.schema import children

OLD_VERSION: Final = "2023-06-01"
NEW_VERSION: Final = "2026-10-21"
MOST_BREAKPOINTS: Final = 4
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
_NOT_IN_FORMAT: Final = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems"}
)
_MOST_MIN_ITEMS: Final = 1
_ROLE_OF: Final = {
    "tool_use": "assistant",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "tool_result": "user",
    "image": "user",
}


def refuse(message: str) -> Problem:
    """Make a 400 with this sentence."""
    return Problem(BAD_REQUEST, message)


def blocks(content: Any) -> list[Json]:
    """Give the blocks of a content, a text as one block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def thinks(body: Json, model: Claude) -> bool:
    """Say whether the answer begins with thinking."""
    kind = (body.get("thinking") or {}).get("type")
    if model.thinking == "always" or kind in {"adaptive", "enabled"}:
        return True
    return kind is None and model.thinking == "on"


def check_version(body: Json, version: str) -> None:
    """Refuse what this API version does not know.

    Raises:
        Problem: 400.
    """
    if version != NEW_VERSION:
        return
    for name in SAMPLING:
        if name in body:
            raise refuse(f"{name}: Extra inputs are not permitted")
    for place, message, block in _each_block(body):
        if block["type"] == "document" and message["role"] == "assistant":
            raise refuse(f"{place}: `document` blocks are not permitted in assistant messages")
        if message["role"] == "user" and _has_citations(block):
            raise refuse(f"{place}.citations: Extra inputs are not permitted")


def _has_citations(block: Json) -> bool:
    if block["type"] == "search_result":
        return any(part.get("citations") for part in block["content"])
    return block["type"] == "text" and bool(block.get("citations"))


def check_model(body: Json, model: Claude) -> None:
    """Refuse what this model does not take.

    Raises:
        Problem: 400.
    """
    _check_output(body, model)
    _check_thinking(body, model)
    _check_sampling(body, model)
    choice = (body.get("tool_choice") or {}).get("type")
    if choice in {"any", "tool"}:
        if not model.can_force_tools:
            raise refuse(f"tool_choice: type `{choice}` is not supported by {model.id}; use `auto`")
        if (body.get("thinking") or {}).get("type") == "enabled":
            raise refuse("Thinking may not be enabled when tool_choice forces tool use.")
    if body.get("speed") == "fast" and not model.has_fast_mode:
        raise refuse(f"speed: fast mode is not supported by {model.id}")
    if body.get("inference_geo") is not None and not model.has_geo:
        raise refuse(f"inference_geo: not supported by {model.id}")
    for number, message in enumerate(body["messages"]):
        if message["role"] == "system" and not model.has_system_messages:
            raise refuse(f"messages.{number}.role: system messages are not supported by {model.id}; use `system`")


def _check_output(body: Json, model: Claude) -> None:
    most = body.get("max_tokens", 1)
    if most > model.max_output:
        raise refuse(
            f"max_tokens: {most} > {model.max_output}, which is the maximum allowed number of output tokens "
            f"for {model.id}"
        )
    if most == 0:
        form = (body.get("output_config") or {}).get("format")
        forced = (body.get("tool_choice") or {}).get("type") in {"any", "tool"}
        budget = (body.get("thinking") or {}).get("type") == "enabled"
        if body.get("stream") or form or forced or budget:
            raise refuse("max_tokens: 0 cannot be combined with stream, thinking, output_config.format or forced tools")


def _check_thinking(body: Json, model: Claude) -> None:
    thinking = body.get("thinking") or {}
    kind = thinking.get("type")
    allowed = {
        "disabled": model.can_disable,
        "enabled": model.can_budget,
        "between_tools": model.can_think_between_tools,
    }
    if kind is not None and not allowed.get(kind, True):
        raise refuse(f"thinking.type: `{kind}` is not supported by {model.id}")
    if kind == "enabled" and thinking["budget_tokens"] >= body.get("max_tokens", model.max_output):
        raise refuse("`max_tokens` must be greater than `thinking.budget_tokens`")
    effort = (body.get("output_config") or {}).get("effort")
    if kind in {"disabled", "between_tools"} and effort and model.disable_up_to:
        is_too_high = _EFFORTS.index(effort) > _EFFORTS.index(model.disable_up_to)
        if is_too_high:
            raise refuse(f"thinking.type: `{kind}` needs an effort of at most {model.disable_up_to} on {model.id}")


def _check_sampling(body: Json, model: Claude) -> None:
    given = [name for name in SAMPLING if body.get(name) is not None]
    if not model.can_sample:
        for name in given:
            if name == "top_k" or body[name] != 1:
                raise refuse(f"{name}: only the default value is supported by {model.id}")
    elif given and thinks(body, model) and body.get("temperature", 1) != 1:
        raise refuse("`temperature` may only be set to 1 when thinking is enabled")


def check_messages(body: Json, model: Claude) -> None:
    """Refuse a conversation that cannot be continued.

    Raises:
        Problem: 400.
    """
    messages = body["messages"]
    last = len(messages) - 1
    for number, message in enumerate(messages):
        if not message["content"] and not (number == last and message["role"] == "assistant"):
            raise refuse(f"messages.{number}: all messages must have non-empty content")
        for at, block in enumerate(blocks(message["content"])):
            kind = block["type"]
            if kind == "text" and not block["text"] and message["content"]:
                raise refuse(f"messages.{number}.content.{at}: text content blocks must be non-empty")
            if kind in _ROLE_OF and message["role"] != _ROLE_OF[kind]:
                raise refuse(
                    f"messages.{number}.content.{at}: `{kind}` blocks can only be in {_ROLE_OF[kind]} messages"
                )
            if message["role"] == "system" and kind != "text":
                raise refuse(f"messages.{number}.content.{at}: system messages can only have text blocks")
    if messages[last]["role"] == "assistant" and not model.can_prefill:
        raise refuse(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    if messages[0]["role"] == "assistant":
        raise refuse("messages: first message must use the user role")
    _check_tool_results(messages)


def _check_tool_results(messages: list[Json]) -> None:
    waiting: list[str] = []
    for number, message in enumerate(messages):
        results = [block for block in blocks(message["content"]) if block["type"] == "tool_result"]
        for block in results:
            if block["tool_use_id"] not in waiting:
                raise refuse(
                    f"messages.{number}.content: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block['tool_use_id']}. Each `tool_result` block must have a corresponding `tool_use` block "
                    "in the previous message."
                )
        answered = {block["tool_use_id"] for block in results}
        missing = [name for name in waiting if name not in answered]
        if missing:
            raise refuse(
                f"messages.{number - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )
        first = blocks(message["content"])[: len(results)]
        if any(block["type"] != "tool_result" for block in first):
            raise refuse(f"messages.{number}.content: `tool_result` blocks must come first")
        waiting = [block["id"] for block in blocks(message["content"]) if block["type"] == "tool_use"]


def check_breakpoints(body: Json) -> None:
    """Refuse breakpoints that the prompt cache cannot honour.

    Raises:
        Problem: 400.
    """
    marks = list(_marks(body))
    if body.get("cache_control"):
        automatic = body["cache_control"].get("ttl", "5m")
        last = blocks(body["messages"][-1]["content"])[-1:]
        own = (last[0].get("cache_control") if last else None) or None
        if own is None:
            marks.append(("cache_control", automatic))
        elif own.get("ttl", "5m") != automatic:
            raise refuse("cache_control: the last block already has a breakpoint with another ttl")
    if len(marks) > MOST_BREAKPOINTS:
        raise refuse(f"A maximum of 4 blocks with cache_control may be provided. Found {len(marks)}.")
    seen_short = False
    for place, ttl in marks:
        if ttl == "1h" and seen_short:
            raise refuse(f"{place}.cache_control.ttl: a ttl='1h' block must not come after a ttl='5m' block")
        seen_short = seen_short or ttl == "5m"


def _marks(body: Json) -> Iterator[tuple[str, str]]:
    """Give place and lifetime of every explicit breakpoint, in the order in which the prompt is cached."""
    parts = [(f"tools.{at}", tool) for at, tool in enumerate(body.get("tools") or ())]
    parts += [(f"system.{at}", block) for at, block in enumerate(blocks(body.get("system") or []))]
    parts += [(place, block) for place, _, block in _each_block(body)]
    for place, block in parts:
        if block.get("cache_control"):
            if block.get("type") in {"thinking", "redacted_thinking"}:
                raise refuse(f"{place}.cache_control: thinking blocks cannot have a breakpoint")
            if block.get("type") == "text" and not block["text"]:
                raise refuse(f"{place}: cache_control cannot be set for empty text blocks")
            yield place, block["cache_control"].get("ttl", "5m")


def _each_block(body: Json) -> Iterator[tuple[str, Json, Json]]:
    for number, message in enumerate(body["messages"]):
        for at, block in enumerate(blocks(message["content"])):
            yield f"messages.{number}.content.{at}", message, block


def check_format(schema: Any, place: str = "output_config.format.schema") -> None:
    """Refuse a schema with what structured outputs do not support.

    Raises:
        Problem: 400.
    """
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise refuse(f"{place}: For 'object' type, 'additionalProperties' must be explicitly set to false")
    if found := _NOT_IN_FORMAT & schema.keys():
        raise refuse(f"{place}: property '{min(found)}' is not supported")
    if isinstance(schema.get("minItems"), int) and schema["minItems"] > _MOST_MIN_ITEMS:
        raise refuse(f"{place}: For 'array' type, 'minItems' values other than 0 or 1 are not supported")
    if isinstance(schema.get("$ref"), str) and not schema["$ref"].startswith("#"):
        raise refuse(f"{place}.$ref: external references are not supported")
    for name, part in children(schema):
        check_format(part, f"{place}.{name}")
