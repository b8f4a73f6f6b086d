"""What the policy may say about trying again."""

from dataclasses import dataclass
from typing import Final

MAX_ATTEMPTS: Final = 4


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How often and how patiently the same target is tried again.

    `retries` bounds the further attempts at one target, `max_attempts` those of the whole call, fallbacks included.
    The n-th wait is drawn evenly from 0 to `base_s` (429: `throttle_base_s`) times 2 to the n, and at most `longest_s`.
    """

    retries: int = 2
    max_attempts: int = MAX_ATTEMPTS
    base_s: float = 0.05
    throttle_base_s: float = 1.0
    longest_s: float = 8.0
