"""Decide about tokens; pure."""

from typing import Any, Final

from seawall.core.verdict import ALLOW, Allow, Degrade, Refuse, Verdict
from seawall.dialects.estimate import estimate_tokens
from seawall.guards.tokens.settings import TokenSettings

_LEAST_BUDGET: Final = 1024


def decide_output(settings: TokenSettings, asked: object) -> Verdict:
    """Say what becomes of the `max_tokens` that a request asks for.

    `Allow` keeps it, `Degrade` puts the route's ceiling in its place (its code says why), `Refuse` ends the call.
    """
    if asked is None:
        return Degrade("tokens.filled")
    if type(asked) is not int or asked < 0:
        return Refuse("request.invalid", "expected a whole number of tokens, 0 or more")
    if asked <= settings.max_tokens:
        return ALLOW
    if settings.refuse_above:
        return Refuse("tokens.above_ceiling", f"found {asked}; expected at most the route's {settings.max_tokens}")
    return Degrade("tokens.clamped")


def fitted_thinking(settings: TokenSettings, asked: object) -> dict[str, Any] | None:
    """Say what a wish for thinking becomes under the ceiling; None where it fits.

    A budget for thinking is part of the answer's tokens, and the provider refuses one that leaves none for words. Below
    the smallest budget that it takes there is no thinking.
    """
    if not isinstance(asked, dict):
        return None
    budget = asked.get("budget_tokens")
    if type(budget) is not int or budget < settings.max_tokens:
        return None
    if settings.max_tokens <= _LEAST_BUDGET:
        return {"type": "disabled"}
    return {**asked, "budget_tokens": settings.max_tokens - 1}


def decide_input(settings: TokenSettings, fields: dict[str, Any]) -> Allow | Refuse:
    """Say whether the prompt is short enough, by estimate, for a route that caps what goes in."""
    if settings.max_input_tokens is None:
        return ALLOW
    estimate = estimate_tokens(fields)
    if estimate <= settings.max_input_tokens:
        return ALLOW
    return Refuse(
        "tokens.input_above_ceiling",
        f"the prompt has about {estimate} tokens; expected at most the route's {settings.max_input_tokens}",
    )
