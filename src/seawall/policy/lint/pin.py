"""What is wrong about pins; what is wrong about a pinned model, the rules for models say."""

from collections.abc import Iterator
from typing import Final

from seawall.policy.lint.judged import Draft, Judged, Rule
from seawall.policy.validate import did_you_mean


def _unknown_route(judged: Judged) -> Iterator[Draft]:
    routes = judged.document.routes
    for route, pin in judged.pins.pins.items():
        if route not in routes:
            mend = did_you_mean(route, routes) or "remove the pin, or write the route"
            yield Draft(("pins", route), f"{pin.model} is pinned for a route that the policy does not have", mend)


RULES: Final = (Rule("error", "pin.unknown_route", "a pin of no route", _unknown_route),)
