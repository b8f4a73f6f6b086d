"""`budgets` and `limits`: how much of what, for whom."""

import re
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from seawall.policy.document.section import Section, Tokens, Usd, wrong

KINDS: Final = ("provider", "route", "model", "team", "project", "user", "feature", "key", "conversation")

_ACCOUNT: Final = rf"all|(?:{'|'.join(KINDS)}):(?:\*|[A-Za-z0-9/][A-Za-z0-9._:@/+-]{{0,199}})"


def _check_account(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(_ACCOUNT, value):
        raise wrong(f'"all", or kind:name or kind:* with a kind of {", ".join(KINDS)}')
    return value


Account: TypeAlias = Annotated[
    str, BeforeValidator(_check_account), WithJsonSchema({"type": "string", "pattern": f"^(?:{_ACCOUNT})$"})
]
Count: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000_000)]


class BudgetDocument(Section):
    """A cap on money or tokens. Not enforced by this version."""

    per_hour_usd: Usd | None = Field(None, description="Dollars an hour.")
    per_day_usd: Usd | None = Field(None, description="Dollars a day.")
    per_month_usd: Usd | None = Field(None, description="Dollars a month.")
    usd: Usd | None = Field(None, description="Dollars over the account's whole life.")
    tokens: Tokens | None = Field(None, description="Tokens over the account's whole life.")

    @model_validator(mode="after")
    def _says_something(self) -> "BudgetDocument":
        if not self.model_fields_set:
            raise wrong(f"at least one of {', '.join(BudgetDocument.model_fields)}")
        return self


class LimitDocument(Section):
    """A cap on the rate of calls. Not enforced by this version."""

    calls_per_day: Count | None = Field(None, description="Calls a day.")
    requests_per_minute: Count | None = Field(None, description="Calls a minute.")
    tokens_per_minute: Count | None = Field(None, description="Tokens a minute.")

    @model_validator(mode="after")
    def _says_something(self) -> "LimitDocument":
        if not self.model_fields_set:
            raise wrong(f"at least one of {', '.join(LimitDocument.model_fields)}")
        return self
