import pytest

from seawall.dialects.messages.pairing import pairing_fault, with_leading_results
from seawall.dialects.neutral.conversation import Message, Part, Text, ToolCall, ToolResult
from seawall.dialects.neutral.loss import Losses

CALL_A, CALL_B = ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")
RESULT_A, RESULT_B = ToolResult("a", ()), ToolResult("b", ())
WORDS = Text("words")


def _user(*parts: Part) -> Message:
    return Message("user", parts)


def _assistant(*parts: Part) -> Message:
    return Message("assistant", parts)


SYSTEM = Message("system", (WORDS,))


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([], id="nothing"),
        pytest.param([_user(WORDS), _assistant(WORDS)], id="no calls"),
        pytest.param([_assistant(CALL_A), _user(RESULT_A, WORDS)], id="a result and words"),
        pytest.param([_assistant(CALL_A, CALL_B), _user(RESULT_B, RESULT_A)], id="another order"),
        pytest.param([_assistant(CALL_A), _assistant(CALL_B), _user(RESULT_A), _user(RESULT_B)], id="turns cut in two"),
        pytest.param([_assistant(CALL_A), _user(), _user(RESULT_A)], id="an empty turn between"),
    ],
)
def test_calls_with_their_results_are_in_order(messages: list[Message]) -> None:
    assert pairing_fault(messages) == ""


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        pytest.param([_assistant(CALL_A)], "'a' is missing", id="at the end"),
        pytest.param([_assistant(CALL_A, CALL_B), _user(RESULT_B)], "'a' is missing", id="one of two"),
        pytest.param([_assistant(CALL_A, CALL_B), _user(RESULT_B), _assistant(WORDS)], "'a' is missing", id="answered"),
        pytest.param([_assistant(CALL_A), _user(WORDS, RESULT_A)], "'a' is missing", id="words first"),
        pytest.param([_assistant(CALL_A), SYSTEM, _user(RESULT_A)], "'a' is missing", id="instructions first"),
        pytest.param([_user(RESULT_A)], "no open call", id="a result of nothing"),
        pytest.param([_assistant(CALL_A), _user(RESULT_A, RESULT_A)], "no open call", id="two results"),
        pytest.param([_assistant(CALL_A, CALL_A)], "the call 'a' is there twice", id="two calls of one id"),
        pytest.param([_assistant(ToolCall("x" * 500, "f", ""))], "500 characters", id="a very long id"),
    ],
)
def test_a_fault_names_the_call(messages: list[Message], fault: str) -> None:
    assert fault in pairing_fault(messages)


@pytest.mark.parametrize(
    ("messages", "arranged", "codes"),
    [
        pytest.param([_user(WORDS), SYSTEM], [_user(WORDS), SYSTEM], [], id="no results"),
        pytest.param(
            [_assistant(CALL_A, CALL_B), _user(RESULT_A), _user(RESULT_B), _user(WORDS)],
            [_assistant(CALL_A, CALL_B), _user(RESULT_A, RESULT_B), _user(WORDS)],
            [],
            id="a message for each",
        ),
        pytest.param(
            [_assistant(CALL_A, CALL_B), _user(RESULT_A), SYSTEM, _user(RESULT_B)],
            [_assistant(CALL_A, CALL_B), _user(RESULT_A, RESULT_B), SYSTEM],
            ["changed.messages.order"],
            id="instructions between",
        ),
        pytest.param(
            [_assistant(CALL_A), SYSTEM, _user(RESULT_A, WORDS)],
            [_assistant(CALL_A), _user(RESULT_A), SYSTEM, _user(WORDS)],
            ["changed.messages.order"],
            id="instructions first",
        ),
        pytest.param(
            [_assistant(CALL_A), _user(WORDS, RESULT_A)],
            [_assistant(CALL_A), _user(RESULT_A, WORDS)],
            ["changed.messages.order"],
            id="words first",
        ),
    ],
)
def test_results_lead_the_turn_after_their_calls(
    messages: list[Message], arranged: list[Message], codes: list[str]
) -> None:
    losses = Losses()

    assert with_leading_results(messages, losses) == arranged
    assert losses.codes == codes
    assert pairing_fault(arranged) == ""
