"""Read a client's input items into turns (table of docs/rooms/dialects.md, Responses form)."""

from typing import Any, Final

from seawall.core.error import BadRequest
from seawall.dialects.call_arguments import is_object
from seawall.dialects.field import as_choice, as_list, as_name, as_object, as_text, wrong
from seawall.dialects.neutral.conversation import Message, Part, Role, Text, Thinking, ToolCall, ToolResult
from seawall.dialects.neutral.loss import Losses, refused
from seawall.dialects.responses.part_reader import read_said, read_seen, read_texts

FORM: Final = "responses"
_ROLES: Final = ("user", "assistant", "system", "developer")


def read_items(value: Any, losses: Losses) -> tuple[tuple[Text, ...], tuple[Message, ...]]:  # any JSON value
    """Read the instructions before the first turn, and the turns; a string is one turn of the user.

    Raises:
        BadRequest: an item is not what the API takes, or a call and its output do not belong together.
        Unsupported: an item is of a built-in tool, or a reference to what only the provider holds.
    """
    if type(value) is str:
        return (), (Message("user", (Text(as_name(value, "input")),)),)
    found = as_list(value, "input")
    if not found:
        raise wrong("input", "a text or at least one item")
    turns = _Turns(losses)
    for number, item in enumerate(found):
        turns.take(as_object(item, f"input.{number}"), f"input.{number}")
    turns.check()
    return tuple(turns.system), tuple(Message(role, tuple(parts)) for role, parts in turns.all)


class _Turns:
    """The turns so far; `_callers` are the turns of the calls that have no output yet."""

    def __init__(self, losses: Losses) -> None:
        self.system: list[Text] = []
        self.all: list[tuple[Role, list[Part]]] = []
        self._losses = losses
        self._callers: dict[str, list[Part]] = {}

    def take(self, item: dict[str, Any], path: str) -> None:
        """Take the next item."""
        kind = item.get("type", "message" if "role" in item else None)
        match kind:
            case "message":
                self._message(item, path)
            case "function_call":
                call = read_call(item, path)
                if call.id in self._callers:
                    raise wrong(f"{path}.call_id", "an id that no other call has")
                self._callers[call.id] = self._assistant([call])
            case "function_call_output":
                self._output(item, path)
            case "reasoning":
                self._assistant([Thinking(FORM, item)])
            case "item_reference":
                raise refused(f"{path}.type", "only the provider holds the item; send the item itself")
            case _:
                kind = as_name(kind, f"{path}.type")
                raise refused(f"{path}.type", "items of built-in tools are not translated; use function tools")

    def check(self) -> None:
        """See that nothing is missing.

        Raises:
            BadRequest: a call has no output.
        """
        if self._callers:
            raise BadRequest(f"input: expected an output for each call; {len(self._callers)} have none", param="input")

    def _message(self, item: dict[str, Any], path: str) -> None:
        role, content, at = as_choice(item.get("role"), _ROLES, f"{path}.role"), item.get("content"), f"{path}.content"
        parts: list[Part]
        if role == "assistant":
            if item.get("phase") is not None:
                self._losses.drop("input.phase")
            parts = [*read_said(content, at, self._losses)]
        else:
            parts = [*(read_seen(content, at) if role == "user" else read_texts(content, at))]
        if not parts:  # the others refuse a message without content
            self._losses.drop("input.empty")
        elif role == "assistant":
            self._assistant(parts)
        elif role == "user":
            self._user(parts)
        elif self.all:
            self.all.append(("system", parts))
        else:
            self.system += [part for part in parts if isinstance(part, Text)]

    def _assistant(self, parts: list[Part]) -> list[Part]:
        """Add to the assistant's turn, or begin one, and give it."""
        if self.all and self.all[-1][0] == "assistant":
            self.all[-1][1].extend(parts)
        else:
            self.all.append(("assistant", parts))
        return self.all[-1][1]

    def _user(self, parts: list[Part]) -> None:
        """Begin a turn of the user, or complete the one that brings the outputs."""
        if self.all and self.all[-1][0] == "user" and all(type(part) is ToolResult for part in self.all[-1][1]):
            self.all[-1][1].extend(parts)
        else:
            self.all.append(("user", parts))

    def _output(self, item: dict[str, Any], path: str) -> None:
        """Put an output in front of the user's turn that follows its call, whatever the client put between them."""
        call_id = as_name(item.get("call_id"), f"{path}.call_id")
        caller = self._callers.pop(call_id, None)
        if caller is None:
            raise wrong(f"{path}.call_id", "the id of a call before it, each once")
        result = ToolResult(call_id, tuple(read_seen(item.get("output"), f"{path}.output")))
        after = next(number for number, (_, parts) in enumerate(self.all) if parts is caller) + 1
        if after == len(self.all) or self.all[after][0] != "user":
            self.all.insert(after, ("user", [result]))
            return
        parts = self.all[after][1]
        parts.insert(sum(type(part) is ToolResult for part in parts), result)


def read_call(item: dict[str, Any], path: str) -> ToolCall:
    """Read a call of a function.

    Raises:
        BadRequest: it has no id or no name.
        Unsupported: its arguments are no object, or a program of the provider's made it.
    """
    for name in ("namespace", "caller"):
        if item.get(name) not in (None, {"type": "direct"}):
            raise refused(f"{path}.{name}", "calls of built-in tools are not translated; use function tools")
    call_id, name = as_name(item.get("call_id"), f"{path}.call_id"), as_name(item.get("name"), f"{path}.name")
    arguments = as_text(item.get("arguments"), f"{path}.arguments")
    if not arguments.strip():
        return ToolCall(call_id, name, "{}")
    if not is_object(arguments):
        raise refused(f"{path}.arguments", "the call's arguments are not the JSON of an object")
    return ToolCall(call_id, name, arguments)
