"""Sets that keep their order: what goes through a plain set of objects comes out as their addresses happen to be."""

from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")


class OrderedSet(set[T]):
    """A set whose members come out in the order in which they came in."""

    def __init__(self) -> None:
        super().__init__()
        self._order: dict[object, T] = {}

    def add(self, element: T) -> None:
        """Put a member in."""
        super().add(element)
        self._order[element] = element

    def discard(self, element: object) -> None:
        """Take a member out, if it is one."""
        super().discard(element)
        self._order.pop(element, None)

    def __iter__(self) -> Iterator[T]:
        return iter(self._order.values())
