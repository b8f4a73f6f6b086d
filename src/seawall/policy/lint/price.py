"""What is unsafe about prices."""

from collections.abc import Iterator
from typing import Final

from seawall.policy.lint.judged import Draft, Judged, Rule
from seawall.policy.price_table import provider_behind


def _regional(judged: Judged) -> Iterator[Draft]:
    for entry in judged.roster.entries.values():
        host = entry.address.origin.host
        if host.endswith(".api.openai.com") and provider_behind(entry.address.url) is None:
            message = f"{host} is a region of OpenAI, which charges 1.1 times as much there for newer models"
            yield Draft((*entry.path, "base_url"), message, "state what you pay under prices:")


def _unused_price(judged: Judged) -> Iterator[Draft]:
    if any(route.said.model is None for route in judged.routes):
        return
    found = [model.found for route in judged.routes for model in route.models]
    used = {each.model for each in found} | {f"{each.entry.name}/{each.model}" for each in found}
    for name in judged.document.prices:
        if name not in used:
            yield Draft(("prices", name), f"no route uses the model {name}")


RULES: Final = (
    Rule("warning", "price.regional", "a region with prices of its own", _regional),
    Rule("note", "price.unused", "a price of a model that no route uses", _unused_price),
)
