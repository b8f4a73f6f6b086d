"""What the policy may say about idempotency keys."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IdempotencySettings:
    """How long an answer can be asked for again, in seconds, and how large one may be, in bytes, to be kept."""

    keep_s: float = 86_400.0
    largest: int = 16 * 1024 * 1024
