"""How many calls at the same time, and what becomes of the others."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from seawall.policy.document.section import Section, wrong

Calls: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000)]
Share: TypeAlias = Annotated[float, Field(gt=0, le=1)]


class SharesDocument(Section):
    """The part of every limit that a class may fill; what is left over is for the classes above it."""

    automation: Share = Field(0.85, description="The share of calls of the class automation.")
    analysis: Share = Field(0.7, description="The share of calls of the class analysis, which goes first.")

    @model_validator(mode="after")
    def _least_goes_first(self) -> "SharesDocument":
        if self.analysis > self.automation:
            raise wrong("analysis to be at most automation: the least important goes first")
        return self


class OverloadDocument(Section):
    """What one worker carries at the same time."""

    max_in_flight: Calls = Field(2000, description="The most calls at the same time, over all targets; others get 503.")
    shares: SharesDocument = Field(
        SharesDocument.model_validate({}),
        description="The part of every limit that a class may fill. Interactive calls may fill all of it.",
    )


class ConcurrencyDocument(Section):
    """How many calls each target of a provider gets at the same time from one worker."""

    first: Calls | None = Field(None, description="The limit at the start. Default: 100.")
    least: Calls | None = Field(None, description="The limit falls no lower. Default: 8.")
    most: Calls | None = Field(None, description="The limit grows no higher. Default: 1,000.")
    adaptive: bool = Field(
        default=True, description="Whether the limit follows the target's latency; without that it is always `most`."
    )

    @model_validator(mode="after")
    def _is_in_order(self) -> "ConcurrencyDocument":
        stated = [limit for limit in (self.least, self.first, self.most) if limit is not None]
        if stated != sorted(stated):
            raise wrong("least to be at most first, and first at most most")
        return self


class KillDocument(Section):
    """What happens when something is switched off."""

    in_flight: Literal["finish", "cut"] = Field(
        "finish", description="Whether calls that run then may finish, or are cut with a typed error."
    )


class IdempotencyDocument(Section):
    """How long an answer can be asked for again with its idempotency key."""

    keep_hours: Annotated[float, Field(gt=0, le=8_760)] = Field(24, description="For this many hours.")
    max_answer_mb: Annotated[int, Field(ge=1, le=256)] = Field(
        16, description="A larger answer is not kept, in units of 1,048,576 bytes."
    )
