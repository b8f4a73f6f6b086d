"""What the policy may say about tokens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """The route's ceilings on tokens per call.

    `max_tokens` is filled in where a request has none; above it a request is clamped, or refused when
    `refuse_above` is set. `max_input_tokens` None leaves the prompt to the provider's own limit.
    """

    max_tokens: int
    refuse_above: bool = False
    max_input_tokens: int | None = None
