"""What a model answered, whole."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from seawall.core.usage import NO_USAGE, Usage
from seawall.dialects.neutral.conversation import Refusal, Text, Thinking, ToolCall

# `complete` the model was done, `stop_sequence` a text of `stop` came, `tools` it asks for calls, `length` it was cut
# off, `refused` it would not or was not let, `paused` the provider wants to be called again.
Stop: TypeAlias = Literal["complete", "stop_sequence", "tools", "length", "refused", "paused"]

# What an answer may have that no other dialect does, as its loss is called.
CITATIONS: Final = "answer.citations"
SERVER_TOOLS: Final = "answer.server_tools"  # what the provider's own tools did
UNKNOWN: Final = "answer.unknown_part"

REFUSED: Final = "The model declined to answer."


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer. `explanation` goes with `refused`, `stop_text` with `stop_sequence`; `at_s` is wall time."""

    id: str
    model: str
    parts: tuple[Text | ToolCall | Thinking | Refusal, ...]
    stop: Stop
    stop_text: str = ""
    explanation: str = ""
    usage: Usage = NO_USAGE
    at_s: float = 0.0
