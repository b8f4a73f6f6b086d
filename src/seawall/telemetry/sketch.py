"""Percentiles in small memory that can be merged."""

import math
from typing import Final

SCALE: Final = 5
RELATIVE_ERROR: Final = 2.0 ** (2.0 ** -(SCALE + 1)) - 1  # 1.09 %: half a bucket, as a ratio
_PER_DOUBLING: Final = 2**SCALE
_LOWEST: Final = -30 * _PER_DOUBLING  # below a billionth everything is the same to us, above 2 ** 40 too
_HIGHEST: Final = 40 * _PER_DOUBLING


class Sketch:
    """Count values in buckets whose bounds grow by the 32nd root of two, as OpenTelemetry's exponential histogram does.

    Bucket i holds values above `2 ** (i / 32)` and up to `2 ** ((i + 1) / 32)`, so that every percentile is right to
    within 1.1 %, however values are spread; two sketches are merged by adding their counts. At most 2,241 buckets.
    Not safe for several threads.
    """

    __slots__ = ("_buckets", "_zeros", "count", "maximum", "minimum", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.minimum = math.inf
        self.maximum = -math.inf
        self._zeros = 0
        self._buckets: dict[int, int] = {}

    def add(self, value: float) -> None:
        """Count one value.

        Raises:
            ValueError: the value is negative, infinite or not a number.
        """
        if not 0.0 <= value < math.inf:
            raise ValueError(f"cannot count {value}: expected a finite number of zero or more")
        self.count += 1
        self.total += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)
        if value == 0.0:
            self._zeros += 1
            return
        bucket = min(max(math.ceil(math.log2(value) * _PER_DOUBLING) - 1, _LOWEST), _HIGHEST)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def merge(self, other: "Sketch") -> None:
        """Count everything that another sketch has counted."""
        self.count += other.count
        self.total += other.total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self._zeros += other._zeros  # noqa: SLF001  # of the same class
        for bucket, count in other._buckets.items():  # noqa: SLF001  # of the same class
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count

    def quantile(self, share: float) -> float | None:
        """Give the value that `share` of all values do not exceed (nearest rank), or None when nothing was counted.

        The smallest and the largest value are exact.

        Raises:
            ValueError: `share` is not between 0 and 1.
        """
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"quantile {share}: expected a share between 0 and 1")
        if not self.count:
            return None
        rank = max(math.ceil(share * self.count), 1)
        if rank == self.count:
            return self.maximum
        seen = self._zeros
        if rank == 1 or rank <= seen:
            return self.minimum
        ranks = ((bucket, seen := seen + self._buckets[bucket]) for bucket in sorted(self._buckets))
        bucket = next(bucket for bucket, last in ranks if rank <= last)
        return min(max(math.exp2((bucket + 0.5) / _PER_DOUBLING), self.minimum), self.maximum)
