"""`budgets` and `limits`: how much of what, for whom."""

import re
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from seawall.core import holder
from seawall.policy.document.section import Section, UsdCap, wrong
from seawall.policy.document.zone import TimeZone

Said = TypeVar("Said", bound=Section)

KINDS: Final = tuple(kind for kind in holder.KINDS if kind != "all")

_ACCOUNT: Final = rf"all|(?:{'|'.join(KINDS)}):(?:\*|[A-Za-z0-9/][A-Za-z0-9._:@/+-]{{0,199}})"
_ZONE: Final = "The time zone whose midnight ends a day and a month. Default: UTC."


def _check_account(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(_ACCOUNT, value):
        raise wrong(f'"all", or kind:name or kind:* with a kind of {", ".join(KINDS)}')
    return value


Account: TypeAlias = Annotated[
    str, BeforeValidator(_check_account), WithJsonSchema({"type": "string", "pattern": f"^(?:{_ACCOUNT})$"})
]
Count: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000_000)]
Rate: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000_000)]
TokenCap: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000_000_000)]


class BudgetDocument(Section):
    """The most money or tokens, never exceeded. Every cap that is stated holds."""

    per_minute_usd: UsdCap | None = Field(None, description="Dollars a minute.")
    per_hour_usd: UsdCap | None = Field(None, description="Dollars an hour.")
    per_day_usd: UsdCap | None = Field(None, description="Dollars a day.")
    per_month_usd: UsdCap | None = Field(None, description="Dollars a month.")
    usd: UsdCap | None = Field(None, description="Dollars over the account's whole life.")
    per_hour_tokens: TokenCap | None = Field(None, description="Tokens an hour, in and out.")
    per_day_tokens: TokenCap | None = Field(None, description="Tokens a day, in and out.")
    per_month_tokens: TokenCap | None = Field(None, description="Tokens a month, in and out.")
    tokens: TokenCap | None = Field(None, description="Tokens over the account's whole life, in and out.")
    time_zone: TimeZone = Field("UTC", description=_ZONE)

    @model_validator(mode="after")
    def _says_something(self) -> "BudgetDocument":
        return _with_one_of(self, "time_zone")


class LimitDocument(Section):
    """How fast calls and tokens may come."""

    calls_per_day: Count | None = Field(None, description="Calls a day.")
    requests_per_minute: Rate | None = Field(None, description="Calls a minute, evenly.")
    burst: Rate | None = Field(
        None, description="How many calls may come at once. Default: a minute's worth, which is `requests_per_minute`."
    )
    tokens_per_minute: Rate | None = Field(None, description="Tokens a minute, in and out, evenly.")
    burst_tokens: Rate | None = Field(
        None, description="How many tokens may come at once. Default: a minute's worth, which is `tokens_per_minute`."
    )
    time_zone: TimeZone = Field("UTC", description=_ZONE)

    @model_validator(mode="after")
    def _says_something(self) -> "LimitDocument":
        return _with_one_of(self, "burst", "burst_tokens", "time_zone")

    @model_validator(mode="after")
    def _bursts_have_rates(self) -> "LimitDocument":
        if self.burst is not None and self.requests_per_minute is None:
            raise wrong("requests_per_minute beside burst")
        if self.burst_tokens is not None and self.tokens_per_minute is None:
            raise wrong("tokens_per_minute beside burst_tokens")
        return self


def _with_one_of(said: Said, *manners: str) -> Said:
    caps = [key for key in type(said).model_fields if key not in manners]
    if not said.model_fields_set & set(caps):
        raise wrong(f"at least one of {', '.join(caps)}")
    return said
