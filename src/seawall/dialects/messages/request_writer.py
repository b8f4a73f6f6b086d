"""Write a Messages request for a provider's model."""

import re
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from seawall.core.traits import Traits
from seawall.dialects.json_instruction import JSON_INSTRUCTION
from seawall.dialects.messages.block_writer import BlockWriter, CacheMarks, marks_wanted, write_text, write_tool_name
from seawall.dialects.messages.effort import budget_wanted, forbids_thinking, write_effort
from seawall.dialects.messages.pairing import pairing_fault, with_leading_results
from seawall.dialects.messages.schema import MAX_OPTIONAL, MAX_STRICT_TOOLS, MAX_UNIONS, fitted
from seawall.dialects.neutral.conversation import Conversation, Document, Message, Text, Tool, ToolChoice, ToolResult
from seawall.dialects.neutral.loss import Losses, refused

DEFAULT_MAX_TOKENS: Final = 4096

_USER: Final = re.compile(r"[A-Za-z0-9_.:-]{1,256}")
_FORCED: Final = ("required", "named")
_BESIDE_TYPE: Final = ("anyOf", "oneOf", "allOf")


def write_request(asked: Conversation, model: str, traits: Traits, losses: Losses) -> dict[str, Any]:
    """Write a request; what arrives changed or not at all is noted in `losses`.

    Raises:
        Unsupported: the model or the endpoint cannot carry it.
    """
    tools, choice = _narrowed(asked, losses)
    system, turns = _hoisted(asked, traits, losses)
    turns = with_leading_results(turns, losses)
    if fault := pairing_fault(turns):
        raise refused("messages", fault)
    if asked.format is not None and asked.format.kind == "json_object":
        losses.change("format")
        system = (*system, Text(JSON_INSTRUCTION))
    max_tokens = _max_tokens(asked, traits, losses)
    marks = CacheMarks(marks_wanted(replace(asked, system=system), tools, turns), losses)
    written_tools = _write_tools(tools, marks, losses)
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": max_tokens,
        "system": [write_text(text, marks) for text in system if text.text.strip()],
        "messages": _write_turns(turns, traits, BlockWriter(marks, losses), losses),
        "tools": written_tools,
        "tool_choice": _write_choice(choice, tools, traits, parallel=asked.parallel_tools),
        "stop_sequences": _write_stop(asked, traits),
        "metadata": _write_user(asked.user, losses),
    }
    may_think = not forbids_thinking(turns) and (choice is None or choice.kind not in _FORCED)
    effort = write_effort(asked.reasoning, traits, max_tokens, may_think=may_think, losses=losses)
    body["thinking"] = effort.thinking
    body["output_config"] = ({"effort": effort.effort} if effort.effort else {}) | _write_format(asked, turns, losses)
    body |= _write_sampling(asked, losses)
    if asked.is_stream:
        body["stream"] = True
    return {name: value for name, value in body.items() if value is not None and value not in ([], {})}


def _narrowed(asked: Conversation, losses: Losses) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Leave out the tools that the choice does not allow, and the choice where it has nothing to choose from.

    Raises:
        Unsupported: a call is demanded of a tool that is not there.
    """
    choice, tools = asked.tool_choice, asked.tools
    if choice is None:
        return tools, None
    if choice.allowed:
        tools = tuple(tool for tool in tools if tool.name in choice.allowed)
        losses.change("tool_choice.allowed")
    if choice.kind == "named" and choice.name not in {tool.name for tool in tools}:
        raise refused("tool_choice.name", "no tool has this name; offer it, or choose another")
    if not tools and choice.kind == "required":
        raise refused("tool_choice", "a call is demanded, and there is no tool to be called")
    return tools, choice if tools else None


def _hoisted(asked: Conversation, traits: Traits, losses: Losses) -> tuple[tuple[Text, ...], list[Message]]:
    """Put instructions that come later among the first ones, where the model takes them nowhere else.

    Raises:
        Unsupported: an instruction is no text.
    """
    system = list(asked.system)
    turns: list[Message] = []
    for number, message in enumerate(asked.messages):
        if message.role != "system":
            turns.append(message)
            continue
        texts = [part for part in message.parts if isinstance(part, Text)]
        if len(texts) < len(message.parts):
            raise refused(f"messages.{number}.content", "the target takes instructions as text only")
        if turns and traits.mid_system:
            turns.append(message)
            continue
        if turns:
            losses.change("system")
        system += texts
    return tuple(system), turns


def _max_tokens(asked: Conversation, traits: Traits, losses: Losses) -> int:
    """Give the bound of the answer, which the endpoint wants said."""
    most = traits.output_tokens
    wanted = asked.max_tokens
    if wanted is None:
        wanted = DEFAULT_MAX_TOKENS + budget_wanted(asked.reasoning, traits)
        return wanted if most is None else min(wanted, most)
    if wanted < 1:
        raise refused("max_tokens", "the target takes no bound below 1 token")
    if most is not None and wanted > most:
        losses.change("max_tokens")
        return most
    return wanted


def _write_tools(tools: tuple[Tool, ...], marks: CacheMarks, losses: Losses) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    names: set[str] = set()
    strict = optional = unions = 0
    for number, tool in enumerate(tools):
        path = f"tools.{number}"
        name = write_tool_name(tool.name, f"{path}.name")
        if name in names:
            raise refused(f"{path}.name", "another tool has this name already; rename one")
        names.add(name)
        fields: dict[str, Any] = {"name": name, "input_schema": _object_schema(tool.schema, path)}
        if tool.description:
            fields["description"] = tool.description
        if tool.strict is not None:
            fields["strict"] = tool.strict
        if tool.strict:
            fit = fitted(fields["input_schema"])
            strict, optional, unions = strict + 1, optional + fit.optional, unions + fit.unions
            if (
                fit.fault
                or fit.is_changed
                or (strict > MAX_STRICT_TOOLS or optional > MAX_OPTIONAL or unions > MAX_UNIONS)
            ):
                del fields["strict"]  # the whole schema, followed mostly, is worth more than a part of it for sure
                losses.change("tools.strict")
        written.append(marks.put(fields, tool.cached))
    return written


def _object_schema(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """Take a tool's whole schema, which has to be that of an object."""
    if schema.get("type", "object") != "object" or any(name in schema for name in _BESIDE_TYPE):
        raise refused(f"{path}.schema", "the target takes arguments whose schema has the type object at its top only")
    return schema if "type" in schema else {"type": "object", **schema}


def _write_choice(
    choice: ToolChoice | None, tools: tuple[Tool, ...], traits: Traits, *, parallel: bool | None
) -> dict[str, Any] | None:
    if choice is None:
        choice = ToolChoice("auto")
        if not tools or parallel is not False:
            return None
    if choice.kind in _FORCED and not traits.forces_tools:
        raise refused(
            "tool_choice", "the target's model cannot be made to call a tool; let it choose, or choose another model"
        )
    kinds = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}
    written: dict[str, Any] = {"type": kinds[choice.kind]}
    if choice.kind == "named":
        written["name"] = choice.name
    if parallel is not None and choice.kind != "none":
        written["disable_parallel_tool_use"] = not parallel
    return written


def _write_turns(turns: list[Message], traits: Traits, writer: BlockWriter, losses: Losses) -> list[dict[str, Any]]:
    """Write the turns, without those of which nothing is left.

    Raises:
        Unsupported: nothing is left, or the model is asked to continue a turn and cannot.
    """
    written: list[dict[str, Any]] = []
    for number, turn in enumerate(turns):
        blocks = writer.write(turn, f"messages.{number}")
        if blocks:
            written.append({"role": turn.role, "content": blocks})
        else:
            losses.drop("empty_message")
    if not written:
        raise refused("messages", "the target wants one turn at least that is not empty")
    last = written[-1]
    if last["role"] == "assistant":
        if not traits.prefills:
            raise refused(
                "messages", "the target's model cannot continue a turn of the assistant's; end with one of the user's"
            )
        _trim(last["content"][-1], losses)
    return written


def _trim(block: dict[str, Any], losses: Losses) -> None:
    """Take the white space off the end of the turn to be continued, which the endpoint does not take there."""
    if block["type"] == "text" and block["text"] != (trimmed := block["text"].rstrip()):
        losses.change("prefill")
        block["text"] = trimmed


def _write_stop(asked: Conversation, traits: Traits) -> list[str]:
    if asked.stop and not traits.takes_stop:
        raise refused("stop", "the target's model takes no texts to stop at; leave them out")
    for text in asked.stop:
        if not text.strip():
            raise refused("stop", "the target takes no text of white space alone to stop at; leave it out")
    return list(asked.stop)


def _write_user(user: str, losses: Losses) -> dict[str, str] | None:
    """Name the end user, by a hash where the id could be a name, an address or a number that somebody knows."""
    if not user:
        return None
    if not _USER.fullmatch(user):
        losses.change("user")
        user = sha256(user.encode()).hexdigest()
    return {"user_id": user}


def _write_format(asked: Conversation, turns: list[Message], losses: Losses) -> dict[str, Any]:
    if asked.format is None or asked.format.kind != "json_schema":
        return {}
    if asked.format.name:
        losses.mention("dropped.format.name")  # a label that only the other endpoint wants
    if not asked.format.strict:
        losses.mention("changed.format.strict")  # the endpoint holds every answer to its schema
    if asked.format.description:
        losses.drop("format.description")
    if any(_is_cited(message) for message in turns):
        raise refused("format", "the target gives no citations in an answer with a schema; ask for one of the two")
    fit = fitted(asked.format.schema)
    if fit.fault:
        raise refused("format.schema", fit.fault)
    if fit.is_changed:
        losses.change("format.schema")
    return {"format": {"type": "json_schema", "schema": fit.schema}}


def _is_cited(message: Message) -> bool:
    for part in message.parts:
        parts = part.parts if isinstance(part, ToolResult) else (part,)
        if any(isinstance(each, Document) and each.cited for each in parts):
            return True
    return False


def _write_sampling(asked: Conversation, losses: Losses) -> dict[str, float]:
    """Keep what was said; what the model or the API version refuses, the sampling room takes out."""
    sampling = {}
    if asked.temperature is not None:
        sampling["temperature"] = min(max(asked.temperature, 0.0), 1.0)
        if sampling["temperature"] != asked.temperature:
            losses.change("temperature")
    if asked.top_p is not None:
        sampling["top_p"] = asked.top_p
    return sampling
