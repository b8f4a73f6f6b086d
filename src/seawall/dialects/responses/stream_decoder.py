"""Read a provider's Responses stream into events."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from seawall.core.error import UpstreamBroken
from seawall.core.usage import NO_USAGE
from seawall.dialects.neutral.answer import CITATIONS
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
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.partial import read_any
from seawall.dialects.responses.dialect import RESPONSES_DIALECT
from seawall.dialects.responses.reply import call_of, note_item, stop_of, text_of, wall_s
from seawall.dialects.sse import event_data, event_name


class _Call:
    """A call that is being streamed: its number, and how long its arguments are by now."""

    __slots__ = ("length", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.length = 0


class ResponsesDecoder:
    """Read a provider's events, liberally: what came in no piece is taken from the whole that follows it.

    What a model thinks, and what its provider's own tools do, is told as `Waiting`; the latter, and citations, are
    noted.
    """

    __slots__ = ("_calls", "_is_closed", "_is_open", "_losses", "_reader", "_refusal", "_seen")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._reader = RESPONSES_DIALECT.stream_reader()
        self._is_open = False
        self._is_closed = False
        self._calls: dict[int, _Call] = {}  # by the item's place in the output
        self._seen: set[tuple[int, int]] = set()  # parts of which pieces came, by item and part
        self._refusal: list[str] = []

    def feed(self, frame: bytes) -> Sequence[Event]:
        """Take one frame.

        Raises:
            UpstreamBroken: it is no event, or one of an item that never began.
            UpstreamError: it is an error.
        """
        if self._is_closed:
            return ()
        self._reader.feed(frame)
        if self._reader.error is not None:
            raise self._reader.error
        data = event_data(frame)
        if not data or data.startswith(b"[DONE]"):
            return (Waiting(),) if self._is_open else ()
        event = read_any(data)
        events: list[Event] = []
        read = _READ.get(text_of(event.get("type")) or event_name(frame).decode())
        if read is not None:
            read(self, event, events)
        elif self._is_open:
            events.append(Waiting())
        return events

    def opening(self, event: dict[str, Any], events: list[Event]) -> None:
        """Begin the answer, or go on waiting for it."""
        if self._is_open:
            events.append(Waiting())
        else:
            self._open(_response_of(event), events)

    def _open(self, response: dict[str, Any], events: list[Event]) -> None:
        self._is_open = True
        at_s = wall_s(response.get("created_at"))
        events.append(Opened(text_of(response.get("id")), text_of(response.get("model")), at_s=at_s))

    def text(self, event: dict[str, Any], events: list[Event]) -> None:
        """Take a piece of text."""
        self._piece(event, "output_text", event.get("delta"), events)

    def refusal(self, event: dict[str, Any], events: list[Event]) -> None:
        """Take a piece of a refusal."""
        self._piece(event, "refusal", event.get("delta"), events)

    def text_done(self, event: dict[str, Any], events: list[Event]) -> None:
        """Take a text that is complete."""
        self._whole(event, "output_text", event.get("text"), events)

    def refusal_done(self, event: dict[str, Any], events: list[Event]) -> None:
        """Take a refusal that is complete."""
        self._whole(event, "refusal", event.get("refusal"), events)

    def item(self, event: dict[str, Any], events: list[Event]) -> None:
        """Take an item that begins."""
        item = event.get("item")
        if type(item) is dict and item.get("type") == "function_call":
            self._called(_place(event, "output_index"), item, events)
            return
        if type(item) is dict:
            note_item(item, self._losses)
        if self._is_open:
            events.append(Waiting())

    def annotation(self, event: dict[str, Any], events: list[Event]) -> None:
        """Note that the words before it are a citation."""
        del event
        self._losses.drop(CITATIONS)
        if self._is_open:
            events.append(Waiting())

    def item_done(self, event: dict[str, Any], events: list[Event]) -> None:
        """Take an item that is complete."""
        self._whole_item(_place(event, "output_index"), event.get("item"), events)

    def arguments(self, event: dict[str, Any], events: list[Event]) -> None:
        """Take a piece of a call's arguments."""
        self._argue(self._call(event), text_of(event.get("delta")), events)

    def arguments_done(self, event: dict[str, Any], events: list[Event]) -> None:
        """Take a call's arguments that are complete."""
        self._complete(self._call(event), text_of(event.get("arguments")), events)

    def end(self, event: dict[str, Any], events: list[Event]) -> None:
        """End the answer."""
        response = _response_of(event)
        if not self._is_open:
            self._open(response, events)
        output = response.get("output")
        if not self._seen and not self._calls and type(output) is list:
            for index, item in enumerate(output):
                self._whole_item(index, item, events)
        stop = stop_of(response, has_calls=bool(self._calls), has_refusal=bool(self._refusal))
        self._is_closed = True
        explanation = "".join(self._refusal) if stop == "refused" else ""
        events.append(Closed(stop, explanation=explanation, usage=self._reader.facts.usage or NO_USAGE))

    def _piece(self, event: dict[str, Any], kind: str, piece: Any, events: list[Event]) -> None:  # any JSON value
        self._seen.add(_part_of(event))
        if not (text := text_of(piece)):
            return
        self._begin(events)
        if kind == "refusal":
            self._refusal.append(text)
            events.append(RefusalPiece(text))
        else:
            events.append(TextPiece(text))

    def _whole(self, event: dict[str, Any], kind: str, whole: Any, events: list[Event]) -> None:  # any JSON value
        if _part_of(event) not in self._seen:
            self._piece(event, kind, whole, events)

    def _begin(self, events: list[Event]) -> None:
        """Open an answer that its server did not."""
        if not self._is_open:
            self._open({}, events)

    def _whole_item(self, index: int, item: Any, events: list[Event]) -> None:  # any JSON value
        if type(item) is not dict:
            raise UpstreamBroken("the provider's answer has an item that is none")
        note_item(item, self._losses)
        if item.get("type") == "function_call":
            if index not in self._calls:
                self._called(index, item, events)
            self._complete(self._calls[index], text_of(item.get("arguments")), events)
            return
        content = item.get("content") if item.get("type") == "message" else None
        for number, part in enumerate(content if type(content) is list else []):
            if type(part) is dict:
                kind = "refusal" if part.get("type") == "refusal" else "output_text"
                place = {"output_index": index, "content_index": number}
                self._whole(place, kind, part.get("refusal" if kind == "refusal" else "text"), events)

    def _called(self, index: int, item: dict[str, Any], events: list[Event]) -> None:
        self._begin(events)
        call_id, name = call_of(item)
        call = self._calls[index] = _Call(len(self._calls))
        events.append(CallOpened(call.number, call_id, name))
        self._argue(call, text_of(item.get("arguments")), events)

    def _call(self, event: dict[str, Any]) -> _Call:
        call = self._calls.get(_place(event, "output_index"))
        if call is None:
            raise UpstreamBroken("the provider's answer has arguments of a tool call that never began")
        return call

    def _argue(self, call: _Call, piece: str, events: list[Event]) -> None:
        if piece:
            call.length += len(piece)
            events.append(CallPiece(call.number, piece))

    def _complete(self, call: _Call, whole: str, events: list[Event]) -> None:
        """Tell what of a call's arguments did not come in pieces."""
        self._argue(call, whole[call.length :], events)


def _place(event: dict[str, Any], name: str) -> int:
    """Give a place that an event names; a server that tells none has only one."""
    place = event.get(name)
    return place if type(place) is int else 0


def _part_of(event: dict[str, Any]) -> tuple[int, int]:
    return _place(event, "output_index"), _place(event, "content_index")


def _response_of(event: dict[str, Any]) -> dict[str, Any]:
    response = event.get("response")
    if type(response) is not dict:
        raise UpstreamBroken("the provider's event has no response")
    return response


_Read = Callable[[ResponsesDecoder, dict[str, Any], list[Event]], None]
_READ: Final[Mapping[str, _Read]] = {
    "response.created": ResponsesDecoder.opening,
    "response.queued": ResponsesDecoder.opening,
    "response.in_progress": ResponsesDecoder.opening,
    "response.output_item.added": ResponsesDecoder.item,
    "response.output_text.delta": ResponsesDecoder.text,
    "response.output_text.done": ResponsesDecoder.text_done,
    "response.refusal.delta": ResponsesDecoder.refusal,
    "response.refusal.done": ResponsesDecoder.refusal_done,
    "response.output_text.annotation.added": ResponsesDecoder.annotation,
    "response.function_call_arguments.delta": ResponsesDecoder.arguments,
    "response.function_call_arguments.done": ResponsesDecoder.arguments_done,
    "response.output_item.done": ResponsesDecoder.item_done,
    "response.completed": ResponsesDecoder.end,
    "response.incomplete": ResponsesDecoder.end,
}
