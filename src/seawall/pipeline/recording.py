"""The bytes of a stream, kept while they pass, for those who want them too."""

import asyncio


class Recording:
    """Keep pieces up to `largest` bytes; readers follow at their own pace, and wait for what has not come yet.

    One that grows larger is given up: its pieces are forgotten, and `error` says so to its readers.
    """

    __slots__ = ("_largest", "_news", "error", "is_over", "pieces", "size")

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._news = asyncio.Event()
        self.pieces: list[bytes] = []
        self.size = 0
        self.is_over = False
        self.error: BaseException | None = None

    @classmethod
    def of(cls, body: bytes) -> "Recording":
        """Make a recording of a stream that is complete."""
        recording = cls(len(body))
        recording.add(body)
        recording.close(None)
        return recording

    @property
    def is_too_large(self) -> bool:
        """Whether more came than is kept."""
        return self.size > self._largest

    def add(self, piece: bytes) -> None:
        """Keep a piece, unless too much has come."""
        self.size += len(piece)
        if self.is_too_large:
            self.pieces = []
        else:
            self.pieces.append(piece)
        self._tell()

    def close(self, error: BaseException | None) -> None:
        """Say how it ended: None is complete; the first word stands."""
        if not self.is_over:
            self.is_over, self.error = True, error
            self._tell()

    async def news(self) -> None:
        """Wait until something is added, or it is closed."""
        await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news.clear()
