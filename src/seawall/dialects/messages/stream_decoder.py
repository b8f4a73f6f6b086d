"""Read a Messages stream's frames into events."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec
import orjson

from seawall.core.error import UpstreamBroken
from seawall.core.usage import NO_USAGE, Usage
from seawall.dialects.anthropic_usage import UsageObject, sorted_usage
from seawall.dialects.messages.reply import Block, StopDetails, check_arguments, note_block, read_stop
from seawall.dialects.neutral.answer import CITATIONS, UNKNOWN
from seawall.dialects.neutral.event import CallOpened, CallPiece, Closed, Event, Opened, TextPiece, Waiting
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.sse import event_data, event_name

T = TypeVar("T")

_WAITING: Final = (Waiting(),)
_CUT: Final = ("length", "refused")  # the ends that can come in the middle of a call


class _Message(msgspec.Struct):
    id: str = ""
    model: str = ""
    usage: UsageObject | None = None


class _Start(msgspec.Struct):
    message: _Message


class _BlockStart(msgspec.Struct):
    index: int
    content_block: Block


class _Piece(msgspec.Struct):
    type: str
    text: str = ""
    partial_json: str = ""


class _BlockDelta(msgspec.Struct):
    index: int
    delta: _Piece


class _BlockStop(msgspec.Struct):
    index: int


class _Ending(msgspec.Struct):
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class _Delta(msgspec.Struct):
    delta: _Ending | None = None
    usage: UsageObject | None = None


_read_start: Final = msgspec.json.Decoder(_Start).decode
_read_block_start: Final = msgspec.json.Decoder(_BlockStart).decode
_read_block_delta: Final = msgspec.json.Decoder(_BlockDelta).decode
_read_block_stop: Final = msgspec.json.Decoder(_BlockStop).decode
_read_delta: Final = msgspec.json.Decoder(_Delta).decode


class _OpenCall:
    """A call whose block is open; `whole` are arguments that came complete with its opening."""

    __slots__ = ("has_pieces", "number", "whole")

    def __init__(self, number: int, whole: str) -> None:
        self.number = number
        self.whole = whole
        self.has_pieces = False


class MessagesDecoder:
    """Read one stream's frames, in order, into events.

    Thoughts become `Waiting`: nobody else can read them, and their client still hears that something happens.
    Citations, what servers' tools do and whatever nobody knows yet make no event, and are noted.
    """

    __slots__ = ("_bare", "_calls", "_ending", "_is_closed", "_is_opened", "_losses", "_number", "_usage")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._is_opened = False
        self._is_closed = False
        self._number = 0
        self._calls: dict[int, _OpenCall] = {}  # by the index of their block
        self._bare: list[int] = []  # calls without arguments by now: whether they have none the end tells
        self._usage: UsageObject | None = None
        self._ending = _Ending()

    def feed(self, frame: bytes) -> Sequence[Event]:
        """Take one frame, without its closing blank line; a frame without a name is for nobody.

        Raises:
            UpstreamBroken: the frame is not one of the dialect, not in its place, or an error of the provider's.
        """
        if self._is_closed:
            return ()
        match event_name(frame):
            case b"content_block_delta":
                return self._block_delta(frame)
            case b"content_block_start":
                return self._block_start(frame)
            case b"content_block_stop":
                return self._block_stop(frame)
            case b"ping":
                return _WAITING
            case b"message_start":
                return self._start(frame)
            case b"message_delta":
                return self._delta(frame)
            case b"message_stop":
                return self._stop()
            case b"error":
                raise UpstreamBroken("the provider's stream ends with an error")
        return ()

    def _start(self, frame: bytes) -> Sequence[Event]:
        if self._is_opened:
            raise UpstreamBroken("the provider's stream begins twice")
        message = _decoded(_read_start, frame).message
        self._is_opened = True
        self._usage = message.usage
        return (Opened(message.id, message.model, self._used()),)

    def _used(self) -> Usage:
        return NO_USAGE if self._usage is None else sorted_usage(self._usage)[0]

    def _check_opened(self) -> None:
        if not self._is_opened:
            raise UpstreamBroken("the provider's stream has content before its message_start")

    def _block_start(self, frame: bytes) -> Sequence[Event]:
        self._check_opened()
        start = _decoded(_read_block_start, frame)
        block = start.content_block
        note_block(block, self._losses)
        match block.type:
            case "text":
                return (TextPiece(block.text),) if block.text else ()
            case "tool_use":
                number, self._number = self._number, self._number + 1
                self._calls[start.index] = _OpenCall(number, _text_of(block.input))
                return (CallOpened(number, block.id, block.name),)
            case "thinking" | "redacted_thinking":
                return _WAITING
        return ()

    def _block_delta(self, frame: bytes) -> Sequence[Event]:
        self._check_opened()
        found = _decoded(_read_block_delta, frame)
        piece = found.delta
        match piece.type:
            case "text_delta":
                return (TextPiece(piece.text),) if piece.text else ()
            case "input_json_delta":
                call = self._calls.get(found.index)
                if call is None or not piece.partial_json:
                    return ()
                call.has_pieces = True
                return (CallPiece(call.number, piece.partial_json),)
            case "thinking_delta" | "signature_delta":
                return _WAITING
            case "citations_delta":
                self._losses.drop(CITATIONS)
            case _:
                self._losses.drop(UNKNOWN)
        return ()

    def _block_stop(self, frame: bytes) -> Sequence[Event]:
        self._check_opened()
        call = self._calls.pop(_decoded(_read_block_stop, frame).index, None)
        if call is None or call.has_pieces:
            return ()
        check_arguments(call.whole)
        if not orjson.loads(call.whole):
            self._bare.append(call.number)
            return ()
        return (CallPiece(call.number, call.whole),)

    def _delta(self, frame: bytes) -> Sequence[Event]:
        self._check_opened()
        found = _decoded(_read_delta, frame)
        if found.delta is not None and found.delta.stop_reason is not None:
            self._ending = found.delta
        if found.usage is not None and self._usage is not None:
            self._usage.overlay(found.usage)
        else:
            self._usage = found.usage or self._usage
        return ()

    def _stop(self) -> Sequence[Event]:
        self._check_opened()
        reason, details = self._ending.stop_reason, self._ending.stop_details
        if reason is None:
            raise UpstreamBroken("the provider's stream ends without a reason")
        self._is_closed = True
        explanation = (details.explanation or "") if details is not None else ""
        stop = read_stop(reason, self._losses)
        bare = [] if stop in _CUT else [CallPiece(number, "{}") for number in self._bare]
        return (*bare, Closed(stop, self._ending.stop_sequence or "", explanation, self._used()))


def _text_of(raw: msgspec.Raw) -> str:
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError:
        raise UpstreamBroken("the provider's stream is not UTF-8") from None


def _decoded(decode: Callable[[bytes], T], frame: bytes) -> T:
    try:
        return decode(event_data(frame))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UpstreamBroken("the provider's stream has an event that is not one of the dialect") from None
