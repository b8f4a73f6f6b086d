"""Say how hard to think in the words that a model of the Messages endpoint takes."""

from dataclasses import dataclass, replace
from typing import Any, Final

from seawall.core.traits import Traits
from seawall.dialects.messages.request_reader import EFFORTS, LEAST_BUDGET
from seawall.dialects.neutral.conversation import Message, Reasoning, Thinking, ToolCall, ToolResult
from seawall.dialects.neutral.loss import Losses

FIELD: Final = "reasoning"
# Where a model takes budgets and no efforts, or the other way round.
_BUDGET_OF: Final = {"low": 1024, "medium": 4096, "high": 16_384, "xhigh": 32_768, "max": 32_768}
_HARDEST_WHEN_OFF: Final = "high"


@dataclass(frozen=True, slots=True)
class Effort:
    """What goes into `thinking` and into `output_config.effort`; None and empty for nothing."""

    thinking: dict[str, Any] | None = None
    effort: str = ""


def budget_wanted(reasoning: Reasoning | None, traits: Traits) -> int:
    """Give the tokens of thinking that would be asked for if the answer had room for them; 0 for none."""
    if reasoning is None or not traits.budgeted_thinking or reasoning.is_off or reasoning.effort == "none":
        return 0
    if reasoning.budget_tokens is not None:
        return max(reasoning.budget_tokens, LEAST_BUDGET)
    return 0 if traits.efforts else _BUDGET_OF.get(_known(reasoning.effort), 0)


def write_effort(
    reasoning: Reasoning | None, traits: Traits, max_tokens: int, *, may_think: bool, losses: Losses
) -> Effort:
    """Write the wish for thinking; `may_think` is false where the rest of the request forbids to switch it on."""
    if reasoning is None:
        return Effort()
    traits = replace(traits, efforts=tuple(effort for effort in traits.efforts if effort in EFFORTS))
    if reasoning.is_off or reasoning.effort == "none":
        return _off(reasoning, traits, losses)
    effort = _nearest(reasoning.effort, traits.efforts, losses)
    if traits.budgeted_thinking:
        return Effort(_budgeted(reasoning, traits, max_tokens, may_think=may_think, losses=losses), effort)
    if reasoning.budget_tokens is not None:
        losses.change(f"{FIELD}.budget_tokens")
        effort = effort or _nearest(_effort_of(reasoning.budget_tokens), traits.efforts, losses)
    if reasoning.effort and not traits.efforts:
        losses.drop(f"{FIELD}.effort")
    is_adaptive = bool(traits.efforts) and may_think
    return Effort({"type": "adaptive"} if is_adaptive else None, effort)


def _off(reasoning: Reasoning, traits: Traits, losses: Losses) -> Effort:
    """Switch thinking off as far as the model lets it be."""
    if traits.thinking_off == "never":
        losses.change(FIELD)
        return Effort(effort=traits.efforts[0] if traits.efforts else "")
    kind = "disabled"
    if traits.thinking_off == "between_tools":
        kind = "between_tools"
        losses.change(FIELD)
    effort = "" if reasoning.effort == "none" else _nearest(reasoning.effort, traits.efforts, losses)
    if effort and EFFORTS.index(effort) > EFFORTS.index(_HARDEST_WHEN_OFF):
        losses.change(f"{FIELD}.effort")
        effort = _HARDEST_WHEN_OFF
    return Effort({"type": kind}, effort)


def _known(effort: str) -> str:
    return "low" if effort == "minimal" else effort


def _nearest(effort: str, taken: tuple[str, ...], losses: Losses) -> str:
    """Give the effort itself where the model takes it, else the next one below, else the weakest."""
    if not effort or not taken or effort in taken:
        return effort if taken else ""
    losses.change(f"{FIELD}.effort")
    wanted = EFFORTS.index(_known(effort))
    below = [each for each in taken if EFFORTS.index(each) <= wanted]
    return below[-1] if below else taken[0]


def _effort_of(budget: int) -> str:
    fitting = [effort for effort, tokens in _BUDGET_OF.items() if tokens <= budget and effort != "max"]
    return fitting[-1] if fitting else "low"


def _budgeted(
    reasoning: Reasoning, traits: Traits, max_tokens: int, *, may_think: bool, losses: Losses
) -> dict[str, Any] | None:
    """Ask for thinking with a budget, which has to leave room for an answer."""
    budget = budget_wanted(reasoning, traits)
    if not budget:
        return None
    if not may_think or max_tokens <= LEAST_BUDGET:
        losses.drop(FIELD)
        return None
    if reasoning.budget_tokens is None:
        losses.change(f"{FIELD}.effort")
        fitting = min(budget, max(max_tokens // 2, LEAST_BUDGET))
    else:
        fitting = min(budget, max_tokens - 1)
        if fitting != reasoning.budget_tokens:
            losses.change(f"{FIELD}.budget_tokens")
    return {"type": "enabled", "budget_tokens": fitting}


def forbids_thinking(messages: list[Message]) -> bool:
    """Say whether the turns forbid to switch thinking on: a turn to be continued, or one whose thoughts are lost.

    Within a loop of tool calls the assistant's turn has to begin with the thoughts that it began with.
    """
    if messages[-1].role == "assistant":
        return True
    if not any(isinstance(part, ToolResult) for part in messages[-1].parts):
        return False
    turns = [message for message in messages if message.role == "assistant"]
    parts = turns[-1].parts if turns else ()
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    return has_calls and not isinstance(parts[0], Thinking)
