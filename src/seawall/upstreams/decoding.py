"""Bodies that a provider compressed although we asked it not to."""

import zlib
from typing import Final

PIECE: Final = 64 * 1024  # bytes given out at once
OUTPUT_LIMIT: Final = 64 * 1024 * 1024
RATIO_LIMIT: Final = 200  # honest JSON and event streams stay below 30; DEFLATE can reach 1032
FREE_OUTPUT: Final = 1024 * 1024  # small bodies of one repeated letter are nobody's attack

_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_LONGEST_SHOWN: Final = 16  # of an unknown coding; what is longer could be anything, a credential too
_RAW: Final = -zlib.MAX_WBITS  # some servers mean this by "deflate" (RFC 9110 §8.4.1.2, note)


class UndecodableError(Exception):
    """The body cannot be decoded, or should not be; the message says why."""


class Inflater:
    """Decode one gzip or deflate body in pieces, never holding more than one piece beyond the input.

    Raises:
        UndecodableError: from `__init__`, for a coding that is neither.
    """

    __slots__ = ("_eaten", "_first", "_given", "_holds_more", "_pending", "_stream", "_wbits")

    def __init__(self, coding: bytes) -> None:
        match coding.strip().lower():
            case b"gzip" | b"x-gzip":
                self._wbits = _GZIP
            case b"deflate":
                self._wbits = _ZLIB
            case _:
                shown = f"content-encoding {coding!r}" if len(coding) <= _LONGEST_SHOWN else "an odd content-encoding"
                raise UndecodableError(f"{shown}: expected identity, gzip or deflate")
        self._stream = zlib.decompressobj(self._wbits)
        self._pending = b""
        self._first = True
        self._holds_more = False  # the last piece was full, so zlib may keep output that needs no more input
        self._eaten = 0
        self._given = 0

    @property
    def is_complete(self) -> bool:
        """Whether the coded body has come to its own end and everything has been given out."""
        return (self._stream.eof or self._first) and not self._pending and not self._holds_more

    def feed(self, coded: bytes) -> None:
        """Take bytes from the wire."""
        self._eaten += len(coded)
        self._pending += coded

    def take(self) -> bytes:
        """Give up to `PIECE` decoded bytes; `b""` asks for more input.

        Raises:
            UndecodableError: the data are broken, or grow beyond the limits.
        """
        if self._first and len(self._pending) < 2:  # noqa: PLR2004  # the header of both formats
            return b""
        while self._pending or self._holds_more:
            if self._stream.eof:
                if self._wbits != _GZIP:
                    raise UndecodableError("bytes after the end of the deflate stream")
                self._stream = zlib.decompressobj(_GZIP)  # RFC 1952 §2.2: members follow one another
            if piece := self._inflate():
                self._given += len(piece)
                if self._given > OUTPUT_LIMIT or self._given > FREE_OUTPUT + RATIO_LIMIT * self._eaten:
                    raise UndecodableError(f"{self._eaten} compressed bytes grew to more than {self._given}: refused")
                return piece
        return b""

    def _inflate(self) -> bytes:
        try:
            piece = self._stream.decompress(self._pending, PIECE)
        except zlib.error as error:
            if not (self._first and self._wbits == _ZLIB):
                raise UndecodableError(f"broken compressed body: {error}") from error
            self._wbits = _RAW
            self._stream = zlib.decompressobj(_RAW)
            return self._inflate()
        self._first = False
        self._holds_more = len(piece) == PIECE and not self._stream.eof
        self._pending = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return piece
