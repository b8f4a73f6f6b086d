"""Make one stream of two: what a client has had of the first, and the rest from another model."""

from typing import Any, Final

import orjson

from seawall.core.error import UpstreamError
from seawall.dialects.dialect import MESSAGES, Endpoint
from seawall.dialects.neutral.event import Event, Opened, TextPiece, Waiting
from seawall.dialects.neutral.form import Encoder, Form
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.partial import read_any
from seawall.dialects.sse import FrameSplitter, event_data, event_name

MAX_TEXT: Final = 4 * 1024 * 1024


class Partial:
    """What a client has been sent of an answer, as far as another model can go on from it; a tap.

    Only plain text can be continued: a tool call's half is of no use to anybody, and a refusal is no outage.
    """

    __slots__ = ("_decoder", "_is_plain", "_is_text_open", "_pieces", "_size", "endpoint", "form", "index", "opened")

    def __init__(self, endpoint: Endpoint, form: Form) -> None:
        self.endpoint = endpoint
        self.form = form
        self.opened = Opened("", "")
        self.index = 0  # of the block that is being written, in dialects that number them
        self._decoder = form.decoder(Losses())  # what is lost was noted where it was translated
        self._pieces: list[str] = []
        self._size = 0
        self._is_plain = True
        self._is_text_open = endpoint is not MESSAGES

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._pieces)

    @property
    def is_open(self) -> bool:
        """Whether the answer ends in the middle of a text, which alone can be continued."""
        return self._is_plain and self._is_text_open and bool(self.text.strip())

    def tap(self, frames: list[bytes]) -> list[bytes]:
        """Listen to frames in the client's dialect; they go on unchanged, whether they are understood here or not."""
        try:
            for frame in frames if self._is_plain else ():
                if self.endpoint is MESSAGES:
                    self._follow(frame)
                elif _is_finished(frame):
                    self._is_text_open = False
                for event in self._decoder.feed(frame):
                    self._hear(event)
        except UpstreamError:
            self._is_plain = False  # the client may do with it what it can; nobody could go on from it
        return frames

    def _follow(self, frame: bytes) -> None:
        name = event_name(frame)
        if name == b"content_block_start":
            start = _object_of(read_any(event_data(frame)))
            index, block = start.get("index"), _object_of(start.get("content_block"))
            self.index = index if type(index) is int else 0
            self._is_text_open = block.get("type") == "text"
        elif name == b"content_block_stop":
            self._is_text_open = False

    def _hear(self, event: Event) -> None:
        if isinstance(event, TextPiece):
            self._size += len(event.text)
            self._pieces.append(event.text)
            self._is_plain = self._is_plain and self._size <= MAX_TEXT
        elif isinstance(event, Opened):
            self.opened = event
        elif not isinstance(event, Waiting):
            self._is_plain = False


def _object_of(value: Any) -> dict[str, Any]:  # any JSON value
    """Give an object; anything else has no fields."""
    return value if type(value) is dict else {}


def _is_finished(frame: bytes) -> bool:
    """Say whether a chunk names a finish reason: nothing is added after it, though the end mark is to come."""
    if b"finish_reason" not in frame or b'"finish_reason":null' in frame:
        return False
    choices = _object_of(read_any(event_data(frame))).get("choices")
    return type(choices) is list and any(type(choice) is dict and choice.get("finish_reason") for choice in choices)


class Splice:
    """Turn the frames of a second answer into the rest of the first; both in the client's dialect."""

    __slots__ = ("_decoder", "_encoder", "_is_first", "_shift", "_splitter")

    def __init__(self, partial: Partial, *, wants_usage: bool) -> None:
        self._splitter = FrameSplitter()
        self._decoder = partial.form.decoder(Losses())
        self._encoder: Encoder = partial.form.encoder(wants_usage=wants_usage)
        # The encoder has written the beginning too, so that it stands where the client's reader does.
        self._encoder.feed(partial.opened)
        self._encoder.feed(TextPiece(partial.text))
        self._shift = partial.index
        self._is_first = partial.text != partial.text.rstrip()

    def feed(self, data: bytes) -> bytes:
        """Give what the client gets for some whole frames of the second answer.

        Raises:
            UpstreamBroken: a frame is none of the dialect.
        """
        written: list[bytes] = []
        for frame in self._splitter.feed(data):
            for event in self._decoder.feed(frame):
                written += self._write(event)
        written.append(b"")
        return b"\n\n".join(written) if len(written) > 1 else b""

    def _write(self, event: Event) -> list[bytes]:
        if isinstance(event, Opened):
            return []
        if self._is_first and isinstance(event, TextPiece):  # the client has the space between the two already
            event = TextPiece(event.text.lstrip())
            self._is_first = not event.text
        frames = self._encoder.feed(event)
        return [_shifted(frame, self._shift) for frame in frames] if self._shift else frames


def _shifted(frame: bytes, shift: int) -> bytes:
    """Number a block as it stands in the client's answer, where blocks came before the text."""
    name = event_name(frame)
    if not name.startswith(b"content_block"):
        return frame
    fields = orjson.loads(event_data(frame))
    fields["index"] += shift
    return b"event: " + name + b"\ndata: " + orjson.dumps(fields)
