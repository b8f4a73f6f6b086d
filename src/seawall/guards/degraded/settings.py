"""What the policy may say about answering in spite of a failure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DegradedSettings:
    """What is served when no target answers: the last good answer to the same question, then a fixed message.

    `cached_s` is the greatest age of that answer in seconds, None for none; `message` None leaves the typed error. A
    cheaper model (`degraded: {model: …}`) is the last leg of the fallback chain, and no business of this guard.
    """

    message: str | None = None
    cached_s: float | None = None
