"""Write events as a Messages stream's frames, whose blocks come one after the other and never mixed."""

import re
from collections import deque
from typing import Any, Final

import orjson

from seawall.core.error import UpstreamBroken
from seawall.core.usage import NO_USAGE
from seawall.dialects.anthropic_usage import usage_fields
from seawall.dialects.messages.reply import check_arguments, new_id, stop_fields
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

MAX_WAITING: Final = 16 * 1024 * 1024  # characters of blocks that wait for their turn, and of one call's arguments
_COST: Final = 256  # what an empty block counts, so that their number is bounded too
_TOKEN: Final = re.compile(r'["\\{}\[\]]')
_PING: Final = b'event: ping\ndata: {"type":"ping"}'
_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}'


class _ObjectEnd:
    """Watch for the end of a JSON object that comes in pieces, reading each character once."""

    __slots__ = ("_depth", "_is_escaped", "_is_text", "is_reached")

    def __init__(self) -> None:
        self.is_reached = False
        self._depth = 0
        self._is_text = False
        self._is_escaped = False

    def feed(self, piece: str) -> None:
        """Take the next piece."""
        escaped_at = -1
        if self._is_escaped and piece:
            self._is_escaped, escaped_at = False, 0
        for token in _TOKEN.finditer(piece):
            at, sign = token.start(), token[0]
            if at == escaped_at:
                continue
            if sign == "\\":
                escaped_at = at + 1
            elif sign == '"':
                self._is_text = not self._is_text
            elif not self._is_text:
                self._depth += 1 if sign in "{[" else -1
                self.is_reached |= self._depth <= 0
        self._is_escaped |= 0 < escaped_at == len(piece)


class _Block:
    """One block of the answer: a text, or a call. `pieces` wait for the block's turn, `said` is what was sent."""

    __slots__ = ("call", "end", "is_text", "pieces", "said")

    def __init__(self, call: CallOpened | None) -> None:
        self.call = call
        self.is_text = call is None
        self.pieces: list[str] = []
        self.said: list[str] = []
        self.end = _ObjectEnd()

    def opening(self) -> dict[str, Any]:
        """Give the block as its start event has it."""
        if self.call is None:
            return {"type": "text", "text": ""}
        return {"type": "tool_use", "id": self.call.id, "name": self.call.name, "input": {}}

    def delta(self, piece: str) -> dict[str, Any]:
        """Give a piece of the block as its delta event has it."""
        if self.is_text:
            return {"type": "text_delta", "text": piece}
        return {"type": "input_json_delta", "partial_json": piece}


class MessagesEncoder:
    """Write one stream's events, in order, as frames.

    The first block that is not complete is sent as it comes; what belongs to later ones waits for it. A text is
    complete when something else follows, a call when the JSON object of its arguments is.
    """

    __slots__ = ("_blocks", "_calls", "_has_calls", "_index", "_is_closed", "_is_opened", "_is_started", "_size")

    def __init__(self) -> None:
        self._is_opened = False
        self._is_closed = False
        self._has_calls = False
        self._index = 0  # of the first block of those below
        self._is_started = False  # whether its start was sent
        self._blocks: deque[_Block] = deque()
        self._calls: dict[int, _Block] = {}
        self._size = 0

    def feed(self, event: Event) -> list[bytes]:
        """Give the frames that an event makes, without their closing blank lines; often none, sometimes several.

        Raises:
            UpstreamBroken: a call is not opened, opened twice, goes on after its end, or is no JSON object at its
                end; or more than 16 MB wait for their turn.
        """
        if self._is_closed:
            return []
        if isinstance(event, Waiting):
            return [_PING]
        frames = [] if self._is_opened else [self._start(event)]
        match event:
            case TextPiece(text=text) | RefusalPiece(text=text):
                if text:
                    self._add_text(text)
            case CallOpened():
                self._add_call(event)
            case CallPiece():
                self._add_piece(event)
            case Closed():
                return frames + self._close(event)
            case Opened():
                pass
        return frames + self._advance()

    def _start(self, event: Event) -> bytes:
        opened = event if isinstance(event, Opened) else Opened("", "")
        self._is_opened = True
        usage = usage_fields(opened.usage)
        if opened.usage == NO_USAGE:
            usage["cache_creation"] = None  # clients keep this split to the end, where they learn the sum of it
        message: dict[str, Any] = {
            "id": opened.id or new_id(),
            "type": "message",
            "role": "assistant",
            "model": opened.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": usage,
        }
        return _frame("message_start", message=message)

    def _add_text(self, text: str) -> None:
        if not self._blocks or not self._blocks[-1].is_text:
            self._blocks.append(_Block(None))
        self._hold(self._blocks[-1], text)

    def _add_call(self, call: CallOpened) -> None:
        if call.number in self._calls:
            raise UpstreamBroken("the provider's stream opens a tool call twice")
        self._has_calls = True
        self._size += _COST + len(call.id) + len(call.name)
        block = _Block(call)
        self._calls[call.number] = block
        self._blocks.append(block)

    def _add_piece(self, piece: CallPiece) -> None:
        block = self._calls.get(piece.number)
        if block is None:
            raise UpstreamBroken("the provider's stream goes on with a tool call that it did not open")
        if block.end.is_reached:
            if piece.arguments.strip():
                raise UpstreamBroken("the provider's stream goes on with a tool call that was complete")
            return
        if piece.arguments:
            block.end.feed(piece.arguments)
            self._hold(block, piece.arguments)

    def _hold(self, block: _Block, piece: str) -> None:
        self._size += len(piece)
        if self._size > MAX_WAITING:
            raise UpstreamBroken(f"more than {MAX_WAITING} characters of a stream wait for a tool call to end")
        block.pieces.append(piece)

    def _advance(self) -> list[bytes]:
        """Send what may be sent of the first block, and of the next ones if it is complete."""
        frames: list[bytes] = []
        while self._blocks:
            block = self._blocks[0]
            frames += self._flush(block)
            if len(self._blocks) == 1 or not (block.is_text or block.end.is_reached):
                return frames
            frames.append(self._finish(block, may_be_cut=False))
        return frames

    def _flush(self, block: _Block) -> list[bytes]:
        frames = []
        if not self._is_started:
            self._is_started = True
            frames.append(_frame("content_block_start", index=self._index, content_block=block.opening()))
        frames += [_frame("content_block_delta", index=self._index, delta=block.delta(piece)) for piece in block.pieces]
        if block.is_text:
            self._size -= sum(len(piece) for piece in block.pieces)
        else:
            block.said += block.pieces  # to be read as a whole at the end
        block.pieces.clear()
        return frames

    def _finish(self, block: _Block, *, may_be_cut: bool) -> bytes:
        """Close the first block.

        Raises:
            UpstreamBroken: it is a call whose arguments are no object, and neither a bound nor a refusal has cut them.
        """
        if not block.is_text:
            if not may_be_cut or block.end.is_reached:
                check_arguments("".join(block.said))
            self._size -= sum(len(piece) for piece in block.said)
            block.said.clear()
        frame = _frame("content_block_stop", index=self._index)
        self._blocks.popleft()
        self._index += 1
        self._is_started = False
        return frame

    def _close(self, event: Closed) -> list[bytes]:
        frames: list[bytes] = []
        is_cut = event.stop in ("length", "refused")
        while self._blocks:
            block = self._blocks[0]
            if not block.is_text and not block.pieces and not block.said and not is_cut:
                block.pieces.append("{}")  # a call without arguments
            frames += self._flush(block)
            frames.append(self._finish(block, may_be_cut=is_cut))
        self._is_closed = True
        ending = stop_fields(event.stop, event.stop_text, event.explanation, has_calls=self._has_calls)
        frames.append(_frame("message_delta", delta=ending, usage=usage_fields(event.usage)))
        frames.append(_STOP)
        return frames


def _frame(name: str, **fields: Any) -> bytes:  # JSON values
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps({"type": name, **fields})
