"""A board in memory."""


class MemoryBoard:
    """Implement `Board` for workers in one process: `beside` makes another worker's side of the same board."""

    def __init__(self) -> None:
        self._notices: dict[MemoryBoard, bytes] = {}

    def beside(self) -> "MemoryBoard":
        """Make the side of another worker."""
        other = MemoryBoard()
        other._notices = self._notices  # both are sides of one board
        return other

    def publish(self, notice: bytes) -> None:
        """Leave this worker's note."""
        self._notices[self] = notice

    def read_others(self) -> list[bytes]:
        """Give the notes of the other sides."""
        return [notice for side, notice in self._notices.items() if side is not self]
