"""`providers`: where calls go."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from seawall.policy.document.capacity import ConcurrencyDocument
from seawall.policy.document.section import SecretReference, Section, wrong
from seawall.policy.reference import EnvReference, parse_reference

Dialect: TypeAlias = Literal["anthropic", "openai"]


def _check_switch(value: object) -> object:
    if isinstance(value, bool):
        return value
    try:
        if isinstance(value, str) and isinstance(parse_reference(value), EnvReference):
            return value
    except ValueError:
        pass
    raise wrong("true, false or env:NAME")


Switch: TypeAlias = Annotated[bool | str, BeforeValidator(_check_switch)]


class ProviderDocument(Section):
    """One provider: its language, its address, its key."""

    dialect: Dialect | None = Field(
        None, description="The API that it speaks. May be left out where the provider is called anthropic or openai."
    )
    base_url: str | None = Field(
        None,
        description="Its address as the official SDKs have it. Default: that of the dialect's own provider.",
        examples=["https://api.anthropic.com", "https://api.openai.com/v1"],
    )
    api_key: SecretReference | None = Field(
        None,
        description="Its key, by reference: env:NAME or file:/path; `none` sends none. Default for the official"
        " addresses: env:ANTHROPIC_API_KEY and env:OPENAI_API_KEY; for others: none.",
        examples=["env:ANTHROPIC_API_KEY", "file:/run/secrets/anthropic"],
    )
    enabled: Switch = Field(
        default=True,
        description="Whether calls may go there; env:NAME asks the environment (1, true, yes or on) at load time.",
        examples=[True, "env:OPENAI_FALLBACK"],
    )
    concurrency: ConcurrencyDocument | None = Field(
        None, description="How many calls each of its models gets at the same time from one worker."
    )
