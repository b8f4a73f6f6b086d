"""A streamed answer of Chat Completions, both ways."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

import orjson

from seawall.core.error import UpstreamBroken
from seawall.core.usage import NO_USAGE
from seawall.dialects.chat.finish import finish_of, stop_of
from seawall.dialects.chat.identity import answer_id, call_id
from seawall.dialects.chat.reply import arguments_of, note_extras, text_of, wall_s
from seawall.dialects.chat.usage_writer import usage_of
from seawall.dialects.dialect import Mark
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
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.openai import OPENAI
from seawall.dialects.partial import read_any
from seawall.dialects.sse import event_data

_PING: Final = b": ping"  # a named event would be taken for a chunk
_DONE: Final = b"data: [DONE]"
_CUT: Final = ("length", "paused", "refused")  # the ends that can come in the middle of a call


@dataclass(slots=True)
class _Call:
    """A call that is being streamed; without a name nobody has heard of it yet. `number` is -1 until then."""

    id: str = ""
    name: str = ""
    number: int = -1
    waiting: list[str] = field(default_factory=list)


class ChatDecoder:
    """Read a provider's chunks, liberally: compatible servers leave out and bend what they like.

    Only the first choice is read, and what a model thinks is told as `Waiting`. `Closed` comes once, at the end mark:
    the usage may come after the finish reason.
    """

    __slots__ = (
        "_at_index",
        "_calls",
        "_finish",
        "_is_closed",
        "_is_open",
        "_legacy",
        "_losses",
        "_matched",
        "_numbers",
        "_reader",
        "_refusal",
    )

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._reader = OPENAI.stream_reader()
        self._is_open = False
        self._is_closed = False
        self._calls: list[_Call] = []
        self._at_index: dict[int, _Call] = {}
        self._legacy: _Call | None = None
        self._numbers = 0
        self._refusal: list[str] = []
        self._finish: Any = None  # any JSON values, judged at the end
        self._matched: Any = None

    def feed(self, frame: bytes) -> Sequence[Event]:
        """Take one frame.

        Raises:
            UpstreamBroken: it is no chunk, or the end mark of an answer that has not ended.
            UpstreamError: it is an error.
        """
        if self._is_closed:
            return ()
        mark = self._reader.feed(frame)
        if self._reader.error is not None:
            raise self._reader.error
        if mark is Mark.TERMINAL:
            return (self._closed(),)
        data = event_data(frame)
        return self._chunk(read_any(data)) if data else (Waiting(),)

    def _chunk(self, chunk: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        choices = chunk.get("choices")
        for choice in choices if type(choices) is list else []:
            if type(choice) is not dict or choice.get("index") not in (None, 0):
                continue
            if not self._is_open:
                self._is_open = True
                at_s = wall_s(chunk.get("created"))
                events.append(Opened(text_of(chunk.get("id")), text_of(chunk.get("model")), at_s=at_s))
            delta = choice.get("delta")
            if type(delta) is dict:
                self._delta(delta, events)
            if choice.get("finish_reason"):
                self._finish, self._matched = choice["finish_reason"], choice.get("stop_reason")
        return events

    def _delta(self, delta: dict[str, Any], events: list[Event]) -> None:
        note_extras(delta, self._losses)
        if text := text_of(delta.get("content")):
            events.append(TextPiece(text))
        if refusal := text_of(delta.get("refusal")):
            self._refusal.append(refusal)
            events.append(RefusalPiece(refusal))
        calls = delta.get("tool_calls")
        for fragment in calls if type(calls) is list else []:
            if type(fragment) is dict:
                self._fragment(fragment, events)
        legacy = delta.get("function_call")
        if type(legacy) is dict:
            self._legacy = self._legacy or self._begin("")
            self._piece(self._legacy, legacy, events)
        if delta.get("reasoning_content") or delta.get("reasoning"):
            events.append(Waiting())

    def _fragment(self, fragment: dict[str, Any], events: list[Event]) -> None:
        function = fragment.get("function")
        function = function if type(function) is dict else {}
        call = self._call(text_of(fragment.get("id")), fragment.get("index"), is_named=bool(function.get("name")))
        self._piece(call, function, events)

    def _call(self, found_id: str, index: Any, *, is_named: bool) -> _Call:
        """Find the call that a fragment belongs to, or begin one.

        Some servers give every call the same index, or none, and some repeat id and name in every fragment: a fragment
        with a name and another id begins another call, and so does one with a name that nothing else tells apart.
        """
        if type(index) is int:
            call = self._at_index.get(index)
            if call is None or (is_named and call.id and found_id not in {"", call.id}):
                call = self._at_index[index] = self._begin(found_id)
        else:
            known = [call for call in self._calls if not found_id or call.id == found_id]
            is_other = is_named and not found_id and known and known[-1].number >= 0
            call = self._begin(found_id) if is_other or not known else known[-1]
        call.id = call.id or found_id
        return call

    def _begin(self, found_id: str) -> _Call:
        call = _Call(found_id)
        self._calls.append(call)
        return call

    def _piece(self, call: _Call, function: dict[str, Any], events: list[Event]) -> None:
        """Tell of a call as soon as it has a name, and of its arguments as they come."""
        arguments = arguments_of(function.get("arguments"))
        if call.number < 0:
            call.name = text_of(function.get("name"))
            if arguments:
                call.waiting.append(arguments)
            if call.name:
                call.id = call.id or call_id()
                call.number, self._numbers = self._numbers, self._numbers + 1
                events.append(CallOpened(call.number, call.id, call.name))
                events += [CallPiece(call.number, piece) for piece in call.waiting]
        elif arguments:
            events.append(CallPiece(call.number, arguments))

    def _closed(self) -> Closed:
        if any(call.number < 0 for call in self._calls):
            raise UpstreamBroken("the provider's answer has a tool call without a name")
        stop = stop_of(self._finish, self._matched, has_calls=bool(self._calls), has_refusal=bool(self._refusal))
        self._is_closed = True
        return Closed(
            stop,
            stop_text=self._matched if stop == "stop_sequence" else "",
            explanation="".join(self._refusal) if stop == "refused" else "",
            usage=self._reader.facts.usage or NO_USAGE,
        )


class ChatEncoder:
    """Write events as chunks for a client; calls may come mixed, since every piece names its call's number."""

    __slots__ = ("_after", "_before", "_empty", "_has_refusal", "_tail", "_wants_usage")

    def __init__(self, *, wants_usage: bool) -> None:
        self._wants_usage = wants_usage
        self._tail = b',"usage":null}' if wants_usage else b"}"
        self._after = b',"logprobs":null,"finish_reason":null}]' + self._tail
        self._before = b""  # every chunk's beginning, up to its choices
        self._empty: dict[int, None] = {}  # the calls without arguments by now, in their order
        self._has_refusal = False

    def feed(self, event: Event) -> list[bytes]:
        """Give the frames that an event makes, without their closing blank lines."""
        match event:
            case TextPiece(text=text):
                return [self._delta({"content": text})]
            case CallPiece(number=number, arguments=arguments):
                return self._piece(number, arguments)
            case Waiting():
                return [_PING]
            case CallOpened(number=number):
                self._empty[number] = None
                function = {"name": event.name, "arguments": ""}
                call = {"index": number, "id": event.id, "type": "function", "function": function}
                return [self._delta({"tool_calls": [call]})]
            case RefusalPiece(text=text):
                self._has_refusal = True
                return [self._delta({"refusal": text})]
            case Opened():
                return [self._open(event)]
            case Closed():
                return self._close(event)
            case _:
                assert_never(event)

    def _open(self, event: Opened) -> bytes:
        head = {
            "id": answer_id(event.id),
            "object": "chat.completion.chunk",
            "created": int(event.at_s),
            "model": event.model,
        }
        self._before = b"data: " + orjson.dumps(head)[:-1] + b',"choices":['
        return self._delta({"role": "assistant", "content": ""})

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return self._before + b'{"index":0,"delta":' + orjson.dumps(delta) + self._after

    def _piece(self, number: int, arguments: str) -> list[bytes]:
        if not arguments:
            return []
        self._empty.pop(number, None)
        return [self._delta({"tool_calls": [{"index": number, "function": {"arguments": arguments}}]})]

    def _close(self, event: Closed) -> list[bytes]:
        frames = []
        if event.stop == "refused" and not self._has_refusal:
            frames.append(self._delta({"refusal": event.explanation or REFUSED}))
        if event.stop not in _CUT:  # a call that was cut off must not look like one without arguments
            for number in list(self._empty):
                frames += self._piece(number, "{}")
        choice: dict[str, Any] = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": finish_of(event.stop)}
        if event.stop_text:
            choice["stop_reason"] = event.stop_text  # an extension that vLLM has, too
        frames.append(self._before + orjson.dumps(choice) + b"]" + self._tail)
        if self._wants_usage:
            frames.append(self._before + b'],"usage":' + orjson.dumps(usage_of(event.usage)) + b"}")
        return [*frames, _DONE]
