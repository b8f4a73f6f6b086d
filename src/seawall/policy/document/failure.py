"""What a route says of failures: when a target is left alone, who answers instead, and what is said when nobody can."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from seawall.policy.document.provider import Switch
from seawall.policy.document.section import Milliseconds, ModelName, Section, Tokens, check_model, wrong

Ratio: TypeAlias = Annotated[float, Field(gt=0, le=1)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400)]
Temperature: TypeAlias = Annotated[float, Field(ge=0, le=2)]
TopP: TypeAlias = Annotated[float, Field(gt=0, le=1)]
Retries: TypeAlias = Annotated[int, Field(ge=0, le=3)]


class BreakerDocument(Section):
    """When a target is left alone, and for how long. What is left out comes from the profile, then from defaults."""

    failure_ratio: Ratio | None = Field(None, description="The share of failed calls that opens it.")
    slow_ratio: Ratio | None = Field(None, description="The share of slow calls that opens it.")
    slow_ms: Milliseconds | None = Field(
        None,
        description="A first token, or a whole answer without a stream, later than this is slow. Default: none is.",
    )
    min_calls: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="Fewer calls than this within the window prove nothing."
    )
    window_s: Annotated[float, Field(ge=1, le=3_600)] | None = Field(
        None, description="How far back calls are counted, in seconds."
    )
    open_s: Seconds | None = Field(
        None, description="How long it stays open, in seconds; twice as long each time that the probes fail."
    )
    longest_open_s: Seconds | None = Field(None, description="The most that this can grow to, in seconds.")
    probes: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        None, description="How many calls at once may try whether the target is back."
    )

    @model_validator(mode="after")
    def _grows(self) -> "BreakerDocument":
        if self.open_s is not None and self.longest_open_s is not None and self.open_s > self.longest_open_s:
            raise wrong("open_s to be at most longest_open_s")
        return self


class DegradedDocument(Section):
    """What is served when no target answers: a cheaper model, then the last good answer, then a fixed message."""

    message: Annotated[str, Field(min_length=1, max_length=4_000)] | None = Field(
        None, description="A fixed answer, in the client's own dialect, streamed too."
    )
    cached_s: Seconds | None = Field(
        None, description="The last good answer to the same question, if it is no older than this many seconds."
    )
    model: ModelName | None = Field(None, description="A cheaper model, tried after every fallback.")

    @property
    def is_error(self) -> bool:
        """Say whether the typed error is all that is left."""
        return self.message is None and self.cached_s is None and self.model is None


AS_ERROR = DegradedDocument.model_validate({})


def _read_degraded(value: object) -> object:
    if value == "error":
        return AS_ERROR
    if isinstance(value, DegradedDocument) or (isinstance(value, dict) and value):
        return value
    raise wrong("error, or a mapping with message, cached_s or model")


Degraded: TypeAlias = Annotated[
    DegradedDocument,
    BeforeValidator(_read_degraded, json_schema_input_type=DegradedDocument | Literal["error"]),
]


class FallbackDocument(Section):
    """One model to try after the others. What it leaves out is as the route has it."""

    model: ModelName = Field(description="The model, as provider/model, or bare where only one provider can be meant.")
    enabled: Switch = Field(
        default=True,
        description="Whether it is there; env:NAME asks the environment (1, true, yes or on) at load time.",
        examples=[True, "env:OPENAI_FALLBACK"],
    )
    temperature: Temperature | None = Field(None, description="Instead of the route's.")
    top_p: TopP | None = Field(None, description="Instead of the route's.")
    max_tokens: Tokens | None = Field(None, description="Instead of the route's.")
    retries: Retries | None = Field(None, description="Instead of the route's.")
    connect_timeout_ms: Milliseconds | None = Field(None, description="Instead of the route's.")
    first_token_timeout_ms: Milliseconds | None = Field(None, description="Instead of the route's.")
    idle_timeout_ms: Milliseconds | None = Field(None, description="Instead of the route's.")
    answer_timeout_ms: Milliseconds | None = Field(None, description="Instead of the route's.")


def _read_fallback(value: object) -> object:
    if isinstance(value, dict | FallbackDocument):
        return value
    return {"model": check_model(value)}


Fallback: TypeAlias = Annotated[
    FallbackDocument, BeforeValidator(_read_fallback, json_schema_input_type=ModelName | FallbackDocument)
]
