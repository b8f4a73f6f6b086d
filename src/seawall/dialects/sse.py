"""Server-sent events as bytes (WHATWG HTML §9.2), cut into frames without being decoded."""

import re
from typing import Final

from seawall.core.error import UpstreamBroken

MAX_FRAME: Final = 16 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(rb"\r\n|\r")


class FrameSplitter:
    """Cut a byte stream into frames at blank lines; the result does not depend on how the bytes were chunked."""

    __slots__ = ("_begun", "_tail")

    def __init__(self) -> None:
        self._tail = b""
        self._begun = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the frames that this chunk completes, each without its blank line and with LF line ends.

        Raises:
            UpstreamBroken: one frame is longer than 16 MB.
        """
        data = self._tail + chunk if self._tail else chunk
        if not self._begun:
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._tail = data
                return []
            self._begun = True
            data = data.removeprefix(_BOM)
        if b"\r" in data:
            # A CR at the very end may be half of a CRLF: it waits for the next chunk.
            held = b"\r" if data.endswith(b"\r") else b""
            data = _LINE_END.sub(b"\n", data[: len(data) - len(held)]) + held
        *frames, self._tail = data.split(b"\n\n")
        if len(self._tail) > MAX_FRAME:
            raise UpstreamBroken(f"a stream event is longer than {MAX_FRAME} bytes")
        if frames and (data.startswith(b"\n") or b"\n\n\n" in data):
            return [bare for frame in frames if (bare := frame.strip(b"\n"))]
        return frames

    @property
    def tail(self) -> bytes:
        """What has come of a frame that is not complete yet."""
        return self._tail.strip(b"\r\n")


def event_name(frame: bytes) -> bytes:
    """Give the frame's `event:` value, or nothing."""
    for line in frame.split(b"\n"):
        if line.startswith(b"event:"):
            return line[6:].removeprefix(b" ")
    return b""


def event_data(frame: bytes) -> bytes:
    """Give the frame's `data:` lines, joined by line feeds."""
    if frame.startswith(b"data: ") and b"\n" not in frame:
        return frame[6:]
    return b"\n".join(line[5:].removeprefix(b" ") for line in frame.split(b"\n") if line.startswith(b"data:"))
