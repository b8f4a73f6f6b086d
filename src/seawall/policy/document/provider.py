"""`providers`: where calls go."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from seawall.policy.document.capacity import ConcurrencyDocument
from seawall.policy.document.section import Day, SecretReference, Section, UsdCap, wrong
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


class ConsoleCapDocument(Section):
    """A spend limit that somebody set in the provider's own console, and says so: the last line behind our budgets."""

    usd_per_day: UsdCap | None = Field(None, description="Dollars a day, as the console has it.")
    usd_per_month: UsdCap | None = Field(None, description="Dollars a month, as the console has it.")
    attested_by: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="Who looked at it in the console.", examples=["finance"]
    )
    on: Day = Field(description="The day on which they did.")
    expires: Day = Field(description="The day from which on they have to look again.")

    @model_validator(mode="after")
    def _is_a_cap(self) -> "ConsoleCapDocument":
        if self.usd_per_day is None and self.usd_per_month is None:
            raise wrong("usd_per_day or usd_per_month")
        if self.expires <= self.on:
            raise wrong("expires to be later than on")
        return self


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
    console_cap: ConsoleCapDocument | None = Field(
        None, description="The spend limit that is set in the provider's own console, and who has seen it."
    )
