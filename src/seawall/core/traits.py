"""What a model can and cannot take, beside its price: data of `policy/models.toml`, looked up once at compile time."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

# How thinking can be switched off: `off` by saying so, `between_tools` as far as that goes, `never` not at all.
ThinkingOff: TypeAlias = Literal["off", "between_tools", "never"]
# Under which condition OpenAI's Chat Completions take function tools: always, only with `reasoning_effort: "none"`
# said out loud, or never (the Responses API takes them).
ChatTools: TypeAlias = Literal["any", "effort_none", "responses"]


@dataclass(frozen=True, slots=True)
class Traits:
    """One model's traits; the defaults are what a model has of which nobody told us anything.

    `efforts` lists the levels of reasoning effort that it takes, weakest first; empty means that it takes none.
    `budgeted_thinking` says whether thinking with a budget of tokens is taken, `output_tokens` bounds an answer and
    `input_tokens` a prompt, None where nobody knows.
    """

    forces_tools: bool = True  # tool_choice may demand a call
    prefills: bool = True  # the last message may be the assistant's, to be continued
    mid_system: bool = False  # system messages between the turns
    thinking_off: ThinkingOff = "off"
    budgeted_thinking: bool = False
    efforts: tuple[str, ...] = ()
    chat_tools: ChatTools = "any"
    takes_stop: bool = True
    cache_marks: bool = False  # prompt_cache_breakpoint of OpenAI's dialect, which other models refuse
    output_tokens: int | None = None
    input_tokens: int | None = None
    image_tokens: int | None = None


UNKNOWN_TRAITS: Final = Traits()
