"""Numbers that look drawn but are a function of a seed, so that the same request always gets the same answer."""

from hashlib import blake2b, shake_256
from typing import Final

_BLOCK: Final = 256


class Draw:
    """Deal numbers from an endless reel that the seed alone decides."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._reel = b""
        self._at = 0
        self._blocks = 0

    def below(self, limit: int) -> int:
        """Give the next number from 0 up to, not including, `limit`."""
        if self._at + 4 > len(self._reel):
            self._reel = shake_256(self._seed + self._blocks.to_bytes(4, "big")).digest(_BLOCK)
            self._blocks += 1
            self._at = 0
        number = int.from_bytes(self._reel[self._at : self._at + 4], "big")
        self._at += 4
        return number % limit

    def between(self, low: int, high: int) -> int:
        """Give the next number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)


def digest(*parts: bytes, size: int = 16) -> bytes:
    """Hash parts so that no two different lists of parts give the same bytes to the hash."""
    state = blake2b(digest_size=size)
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.digest()


def fraction(seed: int, number: int) -> float:
    """Give the `number`-th value in [0, 1) of the series that `seed` decides."""
    return int.from_bytes(digest(b"%d" % seed, b"%d" % number, size=7), "big") / 2**56
