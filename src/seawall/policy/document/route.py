"""`routes` and `profiles`: what a call may be like."""

import re
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from seawall.guards.budget.settings import OnExhausted, OnHangUp
from seawall.guards.retry.settings import MAX_ATTEMPTS
from seawall.policy.document.failure import BreakerDocument, Degraded, Fallback, Retries, Temperature, TopP
from seawall.policy.document.section import Milliseconds, ModelName, Name, Section, Tokens, UsdCap, wrong

RESERVED: Final = frozenset({"v1", "healthz", "readyz", "metrics", "admin", "dashboard"})
MAX_ROUTE: Final = 128

_ROUTE: Final = re.compile(r"(?:/[A-Za-z0-9._-]+)+")


def _check_route(value: object) -> object:
    if not isinstance(value, str) or not _ROUTE.fullmatch(value) or len(value) > MAX_ROUTE:
        raise wrong("a path such as /ai/chat: letters, digits, dots, dashes and underscores, no slash at the end")
    segments = value[1:].split("/")
    if {".", ".."} & set(segments):
        raise wrong("a path without . and .. in it")
    # `v1` is refused anywhere: /ai/v1/messages must mean the route /ai and its endpoint, and nothing else.
    if segments[0] in RESERVED or "v1" in segments:
        raise wrong(f"a path that the gateway does not use itself (it uses {', '.join(sorted(RESERVED))})")
    return value


_ROUTE_SCHEMA: Final = {"type": "string", "pattern": r"^(/[A-Za-z0-9._-]+)+$", "maxLength": MAX_ROUTE}

RoutePath: TypeAlias = Annotated[str, BeforeValidator(_check_route), WithJsonSchema(_ROUTE_SCHEMA)]
TrafficClass: TypeAlias = Literal["interactive", "automation", "analysis"]
OnBrokenStream: TypeAlias = Literal["error", "continue"]
Above: TypeAlias = Literal["clamp", "refuse"]


class SharedSettings(Section):
    """What a route and a profile can both say. What a route leaves out comes from its profile, then from defaults."""

    traffic_class: TrafficClass | None = Field(
        None, alias="class", description="What kind of traffic it is; under overload the least important goes first."
    )
    temperature: Temperature | None = Field(
        None, description="Replaces what the client sends. Dropped, with a note, where a model refuses it."
    )
    top_p: TopP | None = Field(
        None, description="Replaces what the client sends. Dropped, with a note, where a model refuses it."
    )
    max_tokens: Tokens | None = Field(
        None, description="Filled in where a request has none, and the ceiling of those that have (thinking included)."
    )
    max_tokens_above: Above | None = Field(None, description="What happens to a request above `max_tokens`.")
    max_input_tokens: Tokens | None = Field(
        None, description="The longest prompt that is let through. Default: the provider's own limit."
    )
    enforce_json: bool | None = Field(None, description="Ask the model for strict JSON.")
    retries: Retries | None = Field(None, description="How often a transient failure is tried again at one target.")
    max_attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = Field(
        None, description="The most attempts of a call, over all its targets."
    )
    timeout_ms: Milliseconds | None = Field(
        None, description="The total deadline of a call: queue, every attempt and the whole answer."
    )
    connect_timeout_ms: Milliseconds | None = Field(None, description="The longest wait for a connection.")
    first_token_timeout_ms: Milliseconds | None = Field(None, description="The longest wait for the first token.")
    idle_timeout_ms: Milliseconds | None = Field(None, description="The longest silence within an answer.")
    answer_timeout_ms: Milliseconds | None = Field(
        None,
        description="The longest wait for an answer that does not stream. Default: what the deadline leaves, or a share"
        " of that while another target could still be asked.",
    )
    streaming: bool | None = Field(None, description="Whether clients may ask for streams.")
    hold_back_ms: Annotated[int, Field(ge=0, le=60_000)] | None = Field(
        None, description="How long a stream's first bytes may be held until its first content is there."
    )
    on_broken_stream: OnBrokenStream | None = Field(
        None,
        description="What a client gets when a stream breaks after its beginning was given out: a typed `error`, or the"
        " rest from the next target that can `continue` it.",
    )
    strict_translation: bool | None = Field(
        None, description="Refuse what a translation between dialects would otherwise leave out or change."
    )
    breaker: BreakerDocument | None = Field(None, description="When a target is left alone, and for how long.")
    degraded: Degraded | None = Field(
        None, description="What is served when no target answers: `error`, or what the mapping says."
    )
    on_exhausted: OnExhausted | None = Field(
        None,
        description="What happens to a call that does not fit into a budget: `refuse` it, `clamp` its answer to what"
        " fits, or `degrade` it to a cheaper model or what `degraded` says.",
    )
    on_hang_up: OnHangUp | None = Field(
        None,
        description="What happens to a stream whose client is gone: `abort` it, or `drain` it to its end, so that its"
        " true cost is known.",
    )


class ProfileDocument(SharedSettings):
    """Settings under a name. One called interactive, automation or analysis changes the built-in profile of that name.

    Another name makes a new profile, which may build on one with `extends`.
    """

    extends: Name | None = Field(None, description="The profile that says what this one leaves out.")


class RouteDocument(SharedSettings):
    """A named place for calls. Without a model the client's own model decides."""

    model: ModelName | None = Field(
        None, description="The model, as provider/model, or bare where only one provider can be meant."
    )
    fallback: Annotated[
        tuple[Fallback, ...],
        Field(strict=False, max_length=8),
        BeforeValidator(lambda value: value if isinstance(value, list | tuple) else _refuse_list()),
    ] = Field((), description="The models to try after it, in order: names, or mappings with settings of their own.")
    profile: Name | None = Field(None, description="The profile that says what the route leaves out.")
    budget_per_day_usd: UsdCap | None = Field(
        None, description="The most that the route may spend in a day (UTC), in dollars; never exceeded."
    )


def _refuse_list() -> None:
    raise wrong("a list of models, such as [claude-haiku-5-5]")
