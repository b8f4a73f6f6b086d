"""What the policy may say about sampling."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """Values that replace what the client sends; None leaves the client's own."""

    temperature: float | None = None
    top_p: float | None = None
    json_answer: bool = False
