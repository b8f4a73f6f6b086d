"""All chance of a simulated run, from one seed: each part of the world has a stream of numbers of its own."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Numbers of one part of the world; what one part draws does not change what another one gets."""

    def __init__(self, seed: int, part: str) -> None:
        self._random = random.Random(f"{seed}/{part}")  # noqa: S311 - repeated by its seed, and no secret
        self.draw = self._random.random

    def happens(self, share: float) -> bool:
        """Say yes in this share of the cases."""
        return self.draw() < share

    def pick(self, items: Sequence[T]) -> T:
        """Choose one of them."""
        return items[int(self.draw() * len(items))]

    def weighed(self, weights: dict[str, float]) -> str:
        """Choose a name by its weight."""
        left = self.draw() * sum(weights.values())
        for name, weight in weights.items():
            left -= weight
            if left < 0:
                return name
        return next(iter(weights))

    def between(self, low: float, high: float) -> float:
        """Draw evenly from a span."""
        return low + (high - low) * self.draw()

    def count(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        return low + int(self.draw() * (high - low + 1))

    def latency_s(self, typical_s: float) -> float:
        """Draw a latency with a long tail, as networks and models have."""
        return min(self._random.lognormvariate(0.0, 0.7) * typical_s, 20 * typical_s)
