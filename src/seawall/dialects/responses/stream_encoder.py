"""Write events as a Responses stream for a client."""

from typing import Any, Final, assert_never

import orjson

from seawall.dialects.call_arguments import is_object
from seawall.dialects.neutral.answer import REFUSED
from seawall.dialects.neutral.event import (
    CallOpened,
    CallPiece,
    Closed,
    Event,
    Opened,
    RefusalPiece,
    TextPiece,
    Waiting,
)
from seawall.dialects.responses.response_object import (
    call_item,
    ended,
    head_of,
    is_cut,
    item_id,
    message_item,
    refusal_part,
    response_id,
    text_part,
)

_PING: Final = b": ping"  # a named event that the API does not have would be taken for one of it


class _Message:
    """The message that is being written; its last part is the one that pieces go to."""

    def __init__(self, name: str, index: int) -> None:
        self.name = name
        self.index = index
        self.is_refusal = False
        self.pieces: list[str] | None = None  # None between two parts
        self.content: list[dict[str, Any]] = []  # the parts that are complete


class _Call:
    """A call that is being written."""

    def __init__(self, name: str, index: int, event: CallOpened) -> None:
        self.name = name
        self.index = index
        self.event = event
        self.pieces: list[str] = []


class ResponsesEncoder:
    """Write every item from its beginning to its end, and the whole answer with its usage into the last event.

    Calls may come mixed, since every event names its item. A call is complete when its arguments are an object and
    something else begins, else at the end.
    """

    def __init__(self) -> None:
        self._sequence = 0
        self._head: dict[str, Any] = {}
        self._items: dict[int, dict[str, Any]] = {}  # complete ones, by their place in the output
        self._places = 0
        self._message: _Message | None = None
        self._calls: dict[int, _Call] = {}  # open ones, by number
        self._has_refusal = False

    def feed(self, event: Event) -> list[bytes]:
        """Give the frames that an event makes, without their closing blank lines."""
        match event:
            case TextPiece(text=text):
                return self._say(text, is_refusal=False) if text else []
            case CallPiece(number=number, arguments=arguments):
                return self._argue(number, arguments)
            case Waiting():
                return [_PING]
            case CallOpened():
                return self._call(event)
            case RefusalPiece(text=text):
                return self._say(text, is_refusal=True) if text else []
            case Opened():
                return self._open(event)
            case Closed():
                return self._close(event)
            case _:
                assert_never(event)

    def _frame(self, kind: str, **fields: Any) -> bytes:  # any JSON values
        data = orjson.dumps({"type": kind, **fields, "sequence_number": self._sequence})
        self._sequence += 1
        return b"event: " + kind.encode() + b"\ndata: " + data

    def _open(self, event: Opened) -> list[bytes]:
        self._head = head_of(response_id(event.id), event.model, event.at_s)
        return [self._frame(kind, response=self._head) for kind in ("response.created", "response.in_progress")]

    def _next(self, kind: str) -> tuple[str, int]:
        """Give the next item's id and place."""
        index, self._places = self._places, self._places + 1
        return item_id(kind, self._head["id"], index), index

    def _begin(self, item: dict[str, Any], index: int) -> bytes:
        return self._frame("response.output_item.added", output_index=index, item=item)

    def _end(self, item: dict[str, Any], index: int) -> bytes:
        self._items[index] = item
        return self._frame("response.output_item.done", output_index=index, item=item)

    def _say(self, text: str, *, is_refusal: bool) -> list[bytes]:
        frames: list[bytes] = []
        message = self._message
        if message is None:
            frames += self._end_calls()
            message = self._message = _Message(*self._next("msg"))
            frames.append(self._begin(message_item(message.name, [], "in_progress"), message.index))
        elif message.is_refusal is not is_refusal:
            frames += self._end_part(message)
        kind, make = ("refusal", refusal_part) if is_refusal else ("output_text", text_part)
        place: dict[str, Any] = _place(message)
        if message.pieces is None:
            message.pieces, message.is_refusal = [], is_refusal
            frames.append(self._frame("response.content_part.added", **place, part=make("")))
        message.pieces.append(text)
        self._has_refusal = self._has_refusal or is_refusal
        if not is_refusal:
            place["logprobs"] = []
        frames.append(self._frame(f"response.{kind}.delta", **place, delta=text))
        return frames

    def _end_part(self, message: _Message) -> list[bytes]:
        whole, place = "".join(message.pieces or ()), _place(message)
        if message.is_refusal:
            part = refusal_part(whole)
            done = self._frame("response.refusal.done", **place, refusal=whole)
        else:
            part = text_part(whole)
            done = self._frame("response.output_text.done", **place, text=whole, logprobs=[])
        message.content.append(part)
        message.pieces = None
        return [done, self._frame("response.content_part.done", **place, part=part)]

    def _end_message(self, status: str = "completed") -> list[bytes]:
        message, self._message = self._message, None
        if message is None:
            return []
        frames = self._end_part(message)
        return [*frames, self._end(message_item(message.name, message.content, status), message.index)]

    def _call(self, event: CallOpened) -> list[bytes]:
        frames = self._end_message() + self._end_calls()
        call = self._calls[event.number] = _Call(*self._next("fc"), event)
        return [*frames, self._begin(call_item(call.name, event.id, event.name, "", "in_progress"), call.index)]

    def _argue(self, number: int, arguments: str) -> list[bytes]:
        call = self._calls.get(number)
        if call is None or not arguments:
            return []  # nothing but white space can follow an object
        call.pieces.append(arguments)
        return [
            self._frame(
                "response.function_call_arguments.delta", item_id=call.name, output_index=call.index, delta=arguments
            )
        ]

    def _end_calls(self) -> list[bytes]:
        """End the calls whose arguments cannot go on."""
        done = [number for number, call in self._calls.items() if is_object("".join(call.pieces))]
        return [frame for number in done for frame in self._end_call(number, "completed")]

    def _end_call(self, number: int, status: str) -> list[bytes]:
        frames = []
        call = self._calls[number]
        if not "".join(call.pieces).strip() and status == "completed":
            frames += self._argue(number, "{}")
        del self._calls[number]
        whole = "".join(call.pieces)
        frames.append(
            self._frame(
                "response.function_call_arguments.done",
                item_id=call.name,
                output_index=call.index,
                arguments=whole,
            )
        )
        item = call_item(call.name, call.event.id, call.event.name, whole, status)
        return [*frames, self._end(item, call.index)]

    def _close(self, event: Closed) -> list[bytes]:
        frames: list[bytes] = []
        if event.stop == "refused" and not self._has_refusal:
            frames += self._say(event.explanation or REFUSED, is_refusal=True)
        cut, refused = is_cut(event.stop), event.stop == "refused"
        frames += self._end_message("incomplete" if cut else "completed")
        for number, call in list(self._calls.items()):
            is_whole = not (cut or refused) or is_object("".join(call.pieces))
            frames += self._end_call(number, "completed" if is_whole else "incomplete")
        output = [item for _, item in sorted(self._items.items()) if not refused or item["type"] == "message"]
        response = ended(self._head, output, event.stop, event.usage)
        frames.append(self._frame("response.incomplete" if cut else "response.completed", response=response))
        return frames


def _place(message: _Message) -> dict[str, Any]:
    return {"item_id": message.name, "output_index": message.index, "content_index": len(message.content)}
