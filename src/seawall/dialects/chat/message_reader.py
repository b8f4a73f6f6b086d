"""Read a client's messages into turns (table of docs/rooms/dialects.md, Chat form)."""

from typing import Any, Final

from seawall.core.error import BadRequest
from seawall.dialects.call_arguments import is_object
from seawall.dialects.chat.part_reader import read_assistant_parts, read_texts, read_user_parts
from seawall.dialects.field import as_choice, as_list, as_name, as_object, as_text, wrong
from seawall.dialects.neutral.conversation import Message, Part, Refusal, Text, ToolCall, ToolResult
from seawall.dialects.neutral.loss import Losses, refused

_ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
_READ: Final = frozenset({"role", "content", "name", "refusal", "audio", "tool_calls", "tool_call_id", "function_call"})
_DROPPED: Final = frozenset({"annotations", "reasoning", "reasoning_content"})  # said by their name, all else is not
_LEGACY_ID: Final = "call_function_"  # the old calls had none, and every other dialect needs one


def read_messages(value: Any, losses: Losses) -> tuple[tuple[Text, ...], tuple[Message, ...]]:  # any JSON value
    """Read the instructions before the first turn, and the turns.

    Raises:
        BadRequest: a message is not what the endpoint takes, or a call and its result do not belong together.
        Unsupported: a message holds what cannot be translated.
    """
    found = as_list(value, "messages")
    if not found:
        raise wrong("messages", "at least one message")
    turns = _Turns(losses)
    for number, message in enumerate(found):
        path = f"messages.{number}"
        turns.take(as_object(message, path), path)
    turns.end(f"messages.{len(found) - 1}")
    return tuple(turns.system), tuple(turns.messages)


class _Turns:
    """The turns so far: `_waiting` are the calls without a result, `_results` what no user's turn has taken yet."""

    def __init__(self, losses: Losses) -> None:
        self.system: list[Text] = []
        self.messages: list[Message] = []
        self._losses = losses
        self._waiting: dict[str, str] = {}  # id to name
        self._results: list[ToolResult] = []
        self._legacy_calls = 0

    def take(self, message: dict[str, Any], path: str) -> None:
        """Take the next message."""
        role = as_choice(message.get("role"), _ROLES, f"{path}.role")
        for name, value in message.items():
            if value and name not in _READ:
                self._losses.drop(f"messages.{name if name in _DROPPED else 'unknown_field'}")
        content, at = message.get("content"), f"{path}.content"
        if role in {"tool", "function"}:
            self._result(message, path)
            return
        self._refuse_waiting(path)
        if message.get("name") is not None:
            self._losses.drop("messages.name")
        if role == "user":
            parts = read_user_parts(content, at)
            self._say(Message("user", (*self._results, *parts)))
            self._results.clear()
            return
        self._flush()
        if role == "assistant":
            self._say(Message("assistant", self._assistant_parts(message, path)))
        elif self.messages:
            self._say(Message("system", tuple(read_texts(content, at))))
        else:
            self.system += read_texts(content, at)

    def end(self, path: str) -> None:
        """Close the last turn.

        Raises:
            BadRequest: a call has no result.
        """
        self._refuse_waiting(path)
        self._flush()

    def _flush(self) -> None:
        if self._results:
            self.messages.append(Message("user", tuple(self._results)))
            self._results.clear()

    def _say(self, message: Message) -> None:
        if message.parts:
            self.messages.append(message)
        else:  # the others refuse a message without content
            self._losses.drop("empty_message")

    def _refuse_waiting(self, path: str) -> None:
        if self._waiting:
            raise BadRequest(
                f"{path}: expected a result for each of the calls before it; {len(self._waiting)} have none", param=path
            )

    def _assistant_parts(self, message: dict[str, Any], path: str) -> tuple[Part, ...]:
        if message.get("audio") is not None:
            raise refused(f"{path}.audio", "only the provider that spoke it can read it; send its transcript")
        parts: list[Part] = [*read_assistant_parts(message.get("content"), f"{path}.content")]
        if refusal := message.get("refusal"):
            parts.append(Refusal(as_text(refusal, f"{path}.refusal")))
        if (calls := message.get("tool_calls")) is not None:
            for number, call in enumerate(as_list(calls, f"{path}.tool_calls")):
                at = f"{path}.tool_calls.{number}"
                parts.append(self._call(as_object(call, at), at))
        if (call := message.get("function_call")) is not None:
            at = f"{path}.function_call"
            parts.append(_call_of(f"{_LEGACY_ID}{self._legacy_calls}", as_object(call, at), at))
            self._legacy_calls += 1
        self._waiting = {part.id: part.name for part in parts if isinstance(part, ToolCall)}
        return tuple(parts)

    def _call(self, call: dict[str, Any], path: str) -> ToolCall:
        if call.get("type") == "custom":
            raise refused(f"{path}.type", "custom tools are not translated; define a function")
        as_choice(call.get("type"), ("function",), f"{path}.type")
        function = as_object(call.get("function"), f"{path}.function")
        return _call_of(as_name(call.get("id"), f"{path}.id"), function, f"{path}.function")

    def _result(self, message: dict[str, Any], path: str) -> None:
        if message["role"] == "function":
            call_id, at = self._legacy_call(message, path), f"{path}.name"
        else:
            call_id, at = as_name(message.get("tool_call_id"), f"{path}.tool_call_id"), f"{path}.tool_call_id"
        if self._waiting.pop(call_id, None) is None:
            raise wrong(at, "the id of a call in the assistant's message before it, each once")
        self._results.append(ToolResult(call_id, tuple(read_texts(message.get("content"), f"{path}.content"))))

    def _legacy_call(self, message: dict[str, Any], path: str) -> str:
        """Find the old call by its name, which is all that its result says."""
        name = as_name(message.get("name"), f"{path}.name")
        return next((call_id for call_id, called in self._waiting.items() if called == name), "")


def _call_of(call_id: str, function: dict[str, Any], path: str) -> ToolCall:
    name = as_name(function.get("name"), f"{path}.name")
    arguments = as_text(function.get("arguments", ""), f"{path}.arguments")
    if not arguments.strip():
        return ToolCall(call_id, name, "{}")
    if not is_object(arguments):
        raise refused(f"{path}.arguments", "the call's arguments are not the JSON of an object")
    return ToolCall(call_id, name, arguments)
