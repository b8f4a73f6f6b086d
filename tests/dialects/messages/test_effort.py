from typing import Any, Final

import pytest

from seawall.core.traits import ThinkingOff, Traits
from seawall.dialects.messages.effort import Effort, budget_wanted, forbids_thinking, write_effort
from seawall.dialects.neutral.conversation import Message, Reasoning, Text, Thinking, ToolCall, ToolResult
from seawall.dialects.neutral.loss import Losses

LEVELS: Final = ("low", "medium", "high", "max")
NEW: Final = Traits(efforts=LEVELS)
OLD: Final = Traits(budgeted_thinking=True)
BOTH: Final = Traits(budgeted_thinking=True, efforts=("low", "medium", "high"))
PLAIN: Final = Traits()
ADAPTIVE: Final = {"type": "adaptive"}


def _enabled(budget: int) -> dict[str, Any]:  # JSON values
    return {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize(
    ("reasoning", "traits", "expected", "codes"),
    [
        pytest.param(None, NEW, Effort(), [], id="nothing said"),
        pytest.param(Reasoning(), NEW, Effort(ADAPTIVE), [], id="think, without a word how hard"),
        pytest.param(Reasoning(), PLAIN, Effort(), [], id="a model that cannot be told"),
        pytest.param(Reasoning("high"), NEW, Effort(ADAPTIVE, "high"), [], id="a level by its name"),
        pytest.param(Reasoning("minimal"), NEW, Effort(ADAPTIVE, "low"), ["changed.reasoning.effort"], id="minimal"),
        pytest.param(Reasoning("xhigh"), NEW, Effort(ADAPTIVE, "high"), ["changed.reasoning.effort"], id="next below"),
        pytest.param(
            Reasoning("low"),
            Traits(efforts=("medium", "high")),
            Effort(ADAPTIVE, "medium"),
            ["changed.reasoning.effort"],
            id="the weakest",
        ),
        pytest.param(
            Reasoning("minimal"),
            Traits(efforts=("none", "minimal", "low")),
            Effort(ADAPTIVE, "low"),
            ["changed.reasoning.effort"],
            id="levels that the endpoint does not know",
        ),
        pytest.param(Reasoning("high"), PLAIN, Effort(), ["dropped.reasoning.effort"], id="a model without levels"),
        pytest.param(
            Reasoning(budget_tokens=5000), NEW, Effort(ADAPTIVE, "medium"), ["changed.reasoning.budget_tokens"], id="b"
        ),
        pytest.param(
            Reasoning(budget_tokens=100),
            NEW,
            Effort(ADAPTIVE, "low"),
            ["changed.reasoning.budget_tokens"],
            id="small b",
        ),
        pytest.param(
            Reasoning("max", budget_tokens=100),
            NEW,
            Effort(ADAPTIVE, "max"),
            ["changed.reasoning.budget_tokens"],
            id="a level beside a budget",
        ),
        pytest.param(Reasoning(budget_tokens=5000), OLD, Effort(_enabled(5000)), [], id="a budget"),
        pytest.param(
            Reasoning(budget_tokens=100),
            OLD,
            Effort(_enabled(1024)),
            ["changed.reasoning.budget_tokens"],
            id="the least budget",
        ),
        pytest.param(
            Reasoning(budget_tokens=9_000_000),
            OLD,
            Effort(_enabled(9999)),
            ["changed.reasoning.budget_tokens"],
            id="a budget beyond the answer",
        ),
        pytest.param(
            Reasoning("medium"), OLD, Effort(_enabled(4096)), ["changed.reasoning.effort"], id="a level as a budget"
        ),
        pytest.param(
            Reasoning("max"), OLD, Effort(_enabled(5000)), ["changed.reasoning.effort"], id="room for an answer"
        ),
        pytest.param(Reasoning(), OLD, Effort(), [], id="no level to make a budget of"),
        pytest.param(Reasoning("high"), BOTH, Effort(None, "high"), [], id="a level where there are both"),
    ],
)
def test_a_wish_is_written_as_the_model_takes_it(
    reasoning: Reasoning | None, traits: Traits, expected: Effort, codes: list[str]
) -> None:
    losses = Losses()

    assert write_effort(reasoning, traits, 10_000, may_think=True, losses=losses) == expected
    assert losses.codes == codes


@pytest.mark.parametrize("reasoning", [Reasoning(is_off=True), Reasoning("none")], ids=["off", "none"])
@pytest.mark.parametrize(
    ("off", "expected", "codes"),
    [
        pytest.param("off", Effort({"type": "disabled"}), [], id="off"),
        pytest.param("between_tools", Effort({"type": "between_tools"}), ["changed.reasoning"], id="between tools"),
        pytest.param("never", Effort(None, "low"), ["changed.reasoning"], id="never"),
    ],
)
def test_thinking_goes_off_as_far_as_it_can(
    reasoning: Reasoning, off: ThinkingOff, expected: Effort, codes: list[str]
) -> None:
    losses = Losses()

    found = write_effort(reasoning, Traits(thinking_off=off, efforts=LEVELS), 10_000, may_think=True, losses=losses)

    assert (found, losses.codes) == (expected, codes)


def test_a_level_above_high_does_not_go_with_thinking_off() -> None:
    losses = Losses()

    found = write_effort(Reasoning("max", is_off=True), NEW, 10_000, may_think=True, losses=losses)

    assert (found, losses.codes) == (Effort({"type": "disabled"}, "high"), ["changed.reasoning.effort"])


def test_a_model_that_always_thinks_and_has_no_levels_is_left_alone() -> None:
    found = write_effort(Reasoning(is_off=True), Traits(thinking_off="never"), 10_000, may_think=True, losses=Losses())

    assert found == Effort()


@pytest.mark.parametrize(
    ("max_tokens", "may_think"),
    [pytest.param(1024, True, id="no room"), pytest.param(10_000, False, id="forbidden by the rest")],
)
def test_a_budget_that_cannot_be_is_dropped(max_tokens: int, may_think: bool) -> None:
    losses = Losses()

    found = write_effort(Reasoning(budget_tokens=2000), OLD, max_tokens, may_think=may_think, losses=losses)

    assert (found, losses.codes) == (Effort(), ["dropped.reasoning"])


def test_a_level_stays_where_thinking_must_not_be_switched_on() -> None:
    assert write_effort(Reasoning("high"), NEW, 10_000, may_think=False, losses=Losses()) == Effort(None, "high")


@pytest.mark.parametrize(
    ("reasoning", "traits", "budget"),
    [
        pytest.param(None, OLD, 0, id="nothing said"),
        pytest.param(Reasoning("high"), NEW, 0, id="a model of levels"),
        pytest.param(Reasoning("high"), BOTH, 0, id="a level where there are both"),
        pytest.param(Reasoning("high"), OLD, 16_384, id="a level"),
        pytest.param(Reasoning("none"), OLD, 0, id="none"),
        pytest.param(Reasoning(budget_tokens=2000), OLD, 2000, id="a budget"),
    ],
)
def test_an_answer_gets_room_for_its_thoughts(reasoning: Reasoning | None, traits: Traits, budget: int) -> None:
    assert budget_wanted(reasoning, traits) == budget


QUESTION: Final = Message("user", (Text("q"),))
CALL: Final = ToolCall("a", "f", "{}")
RESULT: Final = Message("user", (ToolResult("a", ()),))


@pytest.mark.parametrize(
    ("messages", "is_forbidden"),
    [
        pytest.param([QUESTION], False, id="a question"),
        pytest.param([QUESTION, Message("assistant", (Text("so"),))], True, id="a turn to be continued"),
        pytest.param([QUESTION, Message("assistant", (CALL,)), RESULT], True, id="calls without their thoughts"),
        pytest.param(
            [QUESTION, Message("assistant", (Thinking("messages", {}), CALL)), RESULT], False, id="calls with thoughts"
        ),
        pytest.param([RESULT], False, id="a result alone"),
    ],
)
def test_lost_thoughts_forbid_new_ones(messages: list[Message], is_forbidden: bool) -> None:
    assert forbids_thinking(messages) is is_forbidden
