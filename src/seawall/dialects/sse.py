"""Server-sent events as bytes (WHATWG HTML §9.2), cut into frames without being decoded."""

import re
from typing import Final

from seawall.core.error import UpstreamBroken

MAX_FRAME: Final = 16 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(rb"\r\n|\r")


class FrameSplitter:
    """Cut a byte stream into frames at blank lines; the result does not depend on how the bytes were chunked."""

    __slots__ = ("_begun", "_ended_in_cr", "_tail", "_waiting", "_waiting_size")

    def __init__(self) -> None:
        self._tail = b""
        self._waiting: list[bytes] = []  # pieces of one long line, joined when its end comes
        self._waiting_size = 0
        self._begun = False
        self._ended_in_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the frames that this chunk completes, each without its blank line and with LF line ends.

        Raises:
            UpstreamBroken: one frame is longer than 16 MB.
        """
        if self._ended_in_cr or b"\r" in chunk:
            chunk = self._with_line_feeds(chunk)
        if self._begun and self._tail and b"\n" not in chunk:
            self._wait(chunk)
            return []
        data = self._joined(chunk) if self._tail else chunk
        if not self._begun:
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._tail = data
                return []
            self._begun = True
            data = data.removeprefix(_BOM)
        *frames, self._tail = data.split(b"\n\n")
        if len(self._tail) > MAX_FRAME:
            raise _too_long()
        if frames and (data.startswith(b"\n") or b"\n\n\n" in data):
            return [bare for frame in frames if (bare := frame.strip(b"\n"))]
        return frames

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        """Turn every line end into LF; a CR ends its line at once, and an LF right after it belongs to it."""
        if self._ended_in_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._ended_in_cr = False
        if chunk.endswith(b"\r"):
            self._ended_in_cr = True
        return _LINE_END.sub(b"\n", chunk)

    def _wait(self, piece: bytes) -> None:
        """Keep a piece that ends no line, without copying what came before it again and again."""
        self._waiting.append(piece)
        self._waiting_size += len(piece)
        if len(self._tail) + self._waiting_size > MAX_FRAME:
            raise _too_long()

    def _joined(self, chunk: bytes) -> bytes:
        if not self._waiting:
            return self._tail + chunk
        whole = b"".join((self._tail, *self._waiting, chunk))
        self._waiting.clear()
        self._waiting_size = 0
        return whole


def _too_long() -> UpstreamBroken:
    return UpstreamBroken(f"a stream event is longer than {MAX_FRAME} bytes")


def event_name(frame: bytes) -> bytes:
    """Give the frame's `event:` value, the last one where there are more, or nothing."""
    name = b""
    for line in frame.split(b"\n"):
        if line.startswith(b"event:"):
            name = line[6:].removeprefix(b" ")
        elif line == b"event":
            name = b""
    return name


def event_data(frame: bytes) -> bytes:
    """Give the frame's `data:` lines, joined by line feeds."""
    if frame.startswith(b"data: ") and b"\n" not in frame:
        return frame[6:]
    lines = frame.split(b"\n")
    return b"\n".join([b"" if line == b"data" else line[5:].removeprefix(b" ") for line in lines if _is_data(line)])


def _is_data(line: bytes) -> bool:
    return line.startswith(b"data:") or line == b"data"
