"""From a model's name to its target."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from seawall.core.error import NotFound, Unsupported
from seawall.core.price import Price
from seawall.core.record import MAX_TEXT, bounded
from seawall.core.target import Provider, Target
from seawall.policy.price_schedule import price_on
from seawall.policy.prices import PriceBook
from seawall.policy.roster import Entry, Found, Roster, Unclear

MAX_RESOLVED: Final = 1024
MAX_MODEL_NAME: Final = 200


class Resolver:
    """Find the target of a model that a client asked for; what was found once is kept, up to a bound."""

    def __init__(self, usable: Mapping[str, tuple[Entry, Provider]], book: PriceBook, today: date) -> None:
        self._roster = Roster({name: entry for name, (entry, _) in usable.items()})
        self._providers = {name: provider for name, (_, provider) in usable.items()}
        self._book = book
        self._today = today
        self._resolved: dict[str, Target] = {}

    def __call__(self, model: str) -> Target:
        """Name the target.

        Raises:
            NotFound: no provider has a model of this name, or more than one may have it.
            Unsupported: nobody knows its price.
        """
        target = self._resolved.get(model)
        if target is None:
            target = self._look_up(model)
            if len(self._resolved) >= MAX_RESOLVED:
                self._resolved.clear()  # simplest bound: whoever asks for a thousand models can wait for a look-up
            self._resolved[model] = target
        return target

    def _look_up(self, model: str) -> Target:
        # Not cut where it is longer: half a credential in the wrong place would no longer be known for one.
        shown = repr(bounded(model)) if len(model) <= MAX_TEXT else f"of {len(model)} characters"
        found = self._roster.find(model) if 0 < len(model) <= MAX_MODEL_NAME else None
        if found is None or isinstance(found, Unclear):
            names = ", ".join(self._roster.entries) or "none"
            raise NotFound(
                f"found the model {shown}, expected one of a provider that is set up ({names}), as provider/model"
                " or bare where only one provider can be meant",
                code="model.not_found",
                param="model",
            )
        price = price_on(self._book.schedule(found), self._today)
        if price is None:
            raise Unsupported(
                f"found the model {shown}, expected one whose price is known; `prices:` in the policy can state it",
                code="price.unknown",
                param="model",
            )
        return make_target(self._providers[found.entry.name], found, price)


def make_target(provider: Provider, found: Found, price: Price) -> Target:
    """Join a provider, a model and its price with what else is known of the model."""
    facts = found.facts
    return Target(
        provider=provider,
        model=found.model,
        price=price,
        drops_sampling=facts.drops_sampling,
        max_tokens_field="max_completion_tokens" if facts.wants_completion_tokens else "max_tokens",
        traits=facts.traits,
    )
