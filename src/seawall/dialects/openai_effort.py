"""Say how hard to think in the words that OpenAI's models take."""

from typing import Final

from seawall.core.traits import Traits
from seawall.dialects.neutral.conversation import Reasoning
from seawall.dialects.neutral.loss import Losses

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
# A budget of tokens has no place here; these are the budgets from which the next level of effort is nearer to it.
_MEDIUM_FROM: Final = 4_096
_HIGH_FROM: Final = 16_384


def effort_of(reasoning: Reasoning, traits: Traits, losses: Losses) -> str:
    """Give the level of effort to ask for, or nothing.

    One word says here how hard to think and whether to think at all: of an effort without thinking the effort is lost.
    """
    if is_off(reasoning):
        if reasoning.effort not in {"", "none"}:
            losses.drop("reasoning.effort")
        return _nearest("none", traits, losses) if traits.efforts else ""
    wanted = reasoning.effort
    if reasoning.budget_tokens is not None:
        losses.change("reasoning")
        wanted = wanted or _of_budget(reasoning.budget_tokens)
    if wanted and not traits.efforts:
        losses.drop("reasoning")
        return ""
    return _nearest(wanted, traits, losses) if wanted else ""


def is_off(reasoning: Reasoning) -> bool:
    """Say whether no thinking is wanted."""
    return reasoning.is_off or reasoning.effort == "none"


def _of_budget(tokens: int) -> str:
    if tokens < _MEDIUM_FROM:
        return "low"
    return "medium" if tokens < _HIGH_FROM else "high"


def _nearest(wanted: str, traits: Traits, losses: Losses) -> str:
    """Give the level itself, or the strongest below it that still thinks, or else the weakest."""
    if wanted in traits.efforts:
        return wanted
    losses.change("reasoning")
    thinking = [effort for effort in traits.efforts if effort != "none"] or list(traits.efforts)
    below = [effort for effort in thinking if EFFORTS.index(effort) < EFFORTS.index(wanted)]
    return below[-1] if below else thinking[0]
