import pytest

from seawall.core.traits import Traits
from seawall.dialects.neutral.conversation import Reasoning
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.openai_effort import effort_of

FULL = ("none", "low", "medium", "high", "xhigh", "max")


@pytest.mark.parametrize(
    ("efforts", "reasoning", "effort", "codes"),
    [
        pytest.param(FULL, Reasoning("high"), "high", [], id="taken"),
        pytest.param(FULL, Reasoning("minimal"), "low", ["changed.reasoning"], id="weaker than the weakest"),
        pytest.param(("low", "high"), Reasoning("max"), "high", ["changed.reasoning"], id="the strongest below"),
        pytest.param(FULL, Reasoning("none"), "none", [], id="none"),
        pytest.param(FULL, Reasoning("none", is_off=True), "none", [], id="off"),
        pytest.param(
            FULL, Reasoning("high", is_off=True), "none", ["dropped.reasoning.effort"], id="off, at an effort"
        ),
        pytest.param((), Reasoning("low", is_off=True), "", ["dropped.reasoning.effort"], id="never on, at an effort"),
        pytest.param(("low", "high"), Reasoning(is_off=True), "low", ["changed.reasoning"], id="never off"),
        pytest.param((), Reasoning(is_off=True), "", [], id="off, and it never thinks"),
        pytest.param((), Reasoning("high"), "", ["dropped.reasoning"], id="it takes no effort"),
        pytest.param(FULL, Reasoning(), "", [], id="nothing said"),
        pytest.param(FULL, Reasoning(budget_tokens=2_000), "low", ["changed.reasoning"], id="a small budget"),
        pytest.param(FULL, Reasoning(budget_tokens=8_000), "medium", ["changed.reasoning"], id="a budget"),
        pytest.param(FULL, Reasoning(budget_tokens=32_000), "high", ["changed.reasoning"], id="a large budget"),
        pytest.param(FULL, Reasoning("max", budget_tokens=1), "max", ["changed.reasoning"], id="both"),
        pytest.param(("none",), Reasoning("high"), "none", ["changed.reasoning"], id="it knows nothing else"),
    ],
)
def test_the_nearest_effort_is_asked_for(
    efforts: tuple[str, ...], reasoning: Reasoning, effort: str, codes: list[str]
) -> None:
    losses = Losses()

    assert effort_of(reasoning, Traits(efforts=efforts), losses) == effort
    assert losses.codes == codes
