"""Read and write whole Messages answers."""

from secrets import token_hex
from typing import Any, Final

import msgspec
import orjson

from seawall.core.error import UpstreamBroken
from seawall.core.usage import NO_USAGE
from seawall.dialects.anthropic_usage import UsageObject, sorted_usage, usage_fields
from seawall.dialects.call_arguments import is_object
from seawall.dialects.messages.block_reader import FORM, OF_SERVERS
from seawall.dialects.neutral.answer import CITATIONS, SERVER_TOOLS, UNKNOWN, Answer, Stop
from seawall.dialects.neutral.conversation import Refusal, Text, Thinking, ToolCall
from seawall.dialects.neutral.loss import Losses

_STOP_OF: Final[dict[str, Stop]] = {
    "end_turn": "complete",
    "stop_sequence": "stop_sequence",
    "tool_use": "tools",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
    "pause_turn": "paused",
}
_READ: Final = frozenset({"text", "tool_use", "thinking", "redacted_thinking"})
_NO_CITATIONS: Final = (b"null", b"[]")
_REASON_OF: Final[dict[Stop, str]] = {
    "complete": "end_turn",
    "stop_sequence": "stop_sequence",
    "tools": "tool_use",
    "length": "max_tokens",
    "refused": "refusal",
    "paused": "pause_turn",
}


class StopDetails(msgspec.Struct):
    """Why a model declined."""

    explanation: str | None = None


class Block(msgspec.Struct):
    """A content block, of which only what a text or a call has is read; `input` and `citations` keep their bytes."""

    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")
    citations: msgspec.Raw = msgspec.Raw(b"null")


class _Message(msgspec.Struct):
    type: str
    content: list[msgspec.Raw]
    stop_reason: str
    id: str = ""
    model: str = ""
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: UsageObject | None = None


_read_message: Final = msgspec.json.Decoder(_Message).decode
_read_block: Final = msgspec.json.Decoder(Block).decode


def read_stop(reason: str, losses: Losses) -> Stop:
    """Read a stop reason; one that nobody knows counts as a cut, so that nobody takes the answer for whole."""
    if reason not in _STOP_OF:
        losses.change("answer.stop_reason")
    return _STOP_OF.get(reason, "length")


def note_block(block: Block, losses: Losses) -> None:
    """Note what a block has that no other dialect does."""
    if bytes(block.citations) not in _NO_CITATIONS:
        losses.drop(CITATIONS)
    if block.type not in _READ:
        losses.drop(SERVER_TOOLS if block.type in OF_SERVERS else UNKNOWN)


def stop_fields(stop: Stop, stop_text: str, explanation: str, *, has_calls: bool) -> dict[str, Any]:
    """Write why an answer ended; clients take calls only where the reason names them, and wait for them then."""
    if stop in ("complete", "tools"):
        stop = "tools" if has_calls else "complete"
    details = {"type": "refusal", "category": None, "explanation": explanation or None}
    return {
        "stop_reason": _REASON_OF[stop],
        "stop_sequence": stop_text if stop == "stop_sequence" else None,
        "stop_details": details if stop == "refused" else None,
    }


def new_id() -> str:
    """Make an id for an answer whose provider gave it none."""
    return "msg_" + token_hex(12)


def check_arguments(arguments: str) -> None:
    """Let the JSON text of an object pass.

    Raises:
        UpstreamBroken: it is none; no client of this endpoint could read the answer.
    """
    if not is_object(arguments):
        raise UpstreamBroken("the provider's answer has a tool call whose arguments are not a JSON object")


def read_reply(body: bytes, losses: Losses) -> Answer:
    """Read a provider's whole answer; citations and what servers' tools did have no place in it, and are noted.

    Raises:
        UpstreamBroken: it is none.
    """
    try:
        message = _read_message(body)
        parts = [part for raw in message.content if (part := _read_part(bytes(raw), losses)) is not None]
    except (msgspec.MsgspecError, orjson.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamBroken("the provider's answer is not a message") from None
    if message.type != "message":
        raise UpstreamBroken("the provider's answer is not a message")
    stop = read_stop(message.stop_reason, losses)
    details = message.stop_details
    return Answer(
        id=message.id,
        model=message.model,
        parts=tuple(parts),
        stop=stop,
        stop_text=message.stop_sequence or "",
        explanation=(details.explanation or "") if details is not None else "",
        usage=NO_USAGE if message.usage is None else sorted_usage(message.usage)[0],
    )


def _read_part(raw: bytes, losses: Losses) -> Text | ToolCall | Thinking | None:
    block = _read_block(raw)
    note_block(block, losses)
    match block.type:
        case "text":
            return Text(block.text) if block.text else None
        case "tool_use":
            arguments = bytes(block.input).decode()
            check_arguments(arguments)
            return ToolCall(block.id, block.name, arguments)
        case "thinking" | "redacted_thinking":
            return Thinking(FORM, orjson.loads(raw))
    return None


def write_reply(answer: Answer) -> bytes:
    """Write a whole answer; a call that the bound of the answer cut in two is left out.

    Raises:
        UpstreamBroken: a call's arguments are not the JSON text of an object.
    """
    content = [block for part in answer.parts if (block := _write_part(part, answer.stop)) is not None]
    has_calls = any(block["type"] == "tool_use" for block in content)
    message = {
        "id": answer.id or new_id(),
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        **stop_fields(answer.stop, answer.stop_text, answer.explanation, has_calls=has_calls),
        "usage": usage_fields(answer.usage),
    }
    return orjson.dumps(message)


def _write_part(part: Text | ToolCall | Thinking | Refusal, stop: Stop) -> dict[str, Any] | None:
    match part:
        case Text(text=text) | Refusal(text=text):
            return {"type": "text", "text": text} if text else None
        case ToolCall():
            arguments = part.arguments or "{}"
            try:
                check_arguments(arguments)
            except UpstreamBroken:
                if stop == "length":
                    return None
                raise
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": orjson.Fragment(arguments)}
        case Thinking(form=form, raw=raw):
            return dict(raw) if form == FORM else None
