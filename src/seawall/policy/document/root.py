"""The document's own keys."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from seawall.policy.document.account import Account, BudgetDocument, LimitDocument
from seawall.policy.document.capacity import IdempotencyDocument, KillDocument, OverloadDocument
from seawall.policy.document.price import PriceList
from seawall.policy.document.provider import ProviderDocument
from seawall.policy.document.route import ProfileDocument, RouteDocument, RoutePath
from seawall.policy.document.section import ModelName, Name, Section, wrong

Days = Annotated[int, Field(ge=0, le=36_500)]


def _check_routes(routes: dict[str, RouteDocument]) -> dict[str, RouteDocument]:
    if not routes:
        raise wrong("at least one route, such as /ai/chat: {model: claude-haiku-5-5}")
    return routes


class JournalDocument(Section):
    """How long records are kept."""

    keep_metadata_days: Days = Field(
        90, description="What happened: who, when, which model, how many tokens, what cost."
    )
    keep_bodies_days: Days = Field(0, description="The texts of calls. This version records none.")

    @model_validator(mode="after")
    def _texts_age_first(self) -> "JournalDocument":
        if self.keep_bodies_days > self.keep_metadata_days:
            raise wrong("keep_bodies_days to be at most keep_metadata_days: texts age out first")
        return self


class PolicyDocument(Section):
    """A Seawall policy."""

    version: Literal[1] = Field(1, description="The version of this format.")
    providers: dict[Name, ProviderDocument] = Field(
        {}, description="Where calls go. Where it says nothing, bare Claude and OpenAI models go to their makers."
    )
    profiles: dict[Name, ProfileDocument] = Field({}, description="Settings that routes share.")
    routes: Annotated[dict[RoutePath, RouteDocument], AfterValidator(_check_routes)] = Field(
        {}, description="The named places for calls; at least one.", validate_default=True
    )
    prices: dict[ModelName, PriceList] = Field(
        {}, description="Prices, by model or provider/model, that replace or complete the built-in table."
    )
    budgets: dict[Account, BudgetDocument] = Field(
        {}, description="The most that may be spent: for all, for one (`team:a`), or for each of a kind (`team:*`)."
    )
    limits: dict[Account, LimitDocument] = Field(
        {},
        description="How fast calls may come: for all, for one (`route:/ai/chat`), or for each of a kind (`user:*`).",
    )
    overload: OverloadDocument = Field(
        OverloadDocument.model_validate({}), description="What one worker carries at the same time."
    )
    killswitch: KillDocument = Field(
        KillDocument.model_validate({}), description="What happens when something is switched off."
    )
    idempotency: IdempotencyDocument = Field(
        IdempotencyDocument.model_validate({}), description="How long an answer can be asked for again by its key."
    )
    journal: JournalDocument = Field(JournalDocument.model_validate({}), description="How long records are kept.")
    max_body_mb: Annotated[int, Field(ge=1, le=256)] = Field(
        32, description="The largest request body, in units of 1,048,576 bytes."
    )
