"""The Claude models: one row a model, so that what differs between them is in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Claude:
    """What one model can do and what it refuses.

    `thinking` is its default; `can_disable` and `can_budget` say whether it takes `thinking.type` `disabled` and
    `enabled`, `can_think_between_tools` the same for `between_tools`. `disable_up_to` is the highest effort with which
    thinking can be off, where that is bounded. `letters` belongs to its tokenizer, see `seawall.sandbox.token`.
    """

    id: str
    line: str
    least_cached: int
    thinking: Literal["always", "on", "off"]
    can_disable: bool = True
    can_budget: bool = False
    can_think_between_tools: bool = False
    disable_up_to: str = ""
    can_force_tools: bool = True
    can_prefill: bool = False
    can_sample: bool = False
    has_system_messages: bool = True
    has_fast_mode: bool = False
    shows_thinking: bool = False
    letters: int = 4
    context: int = 1_000_000
    max_output: int = 128_000
    most_image_tokens: int = 4_784
    has_geo: bool = True
    created: str = "1970-01-01"  # what the provider says where it does not tell
    retires: str = ""
    dated: str = ""

    @property
    def name(self) -> str:
        """The name for people: `Claude Opus 5.5`."""
        version = (part for part in self.id.split("-") if part not in ("claude", self.line))
        return f"Claude {self.line.title()} {'.'.join(version)}"


def _fable(name: str, line: str, **rest: object) -> Claude:
    return Claude(name, line, 512, "always", can_disable=False, can_force_tools=False, **rest)  # type: ignore[arg-type]  # the rows below are checked by their test


_CLAUDE: Final = (
    _fable("claude-fable-5-2", "fable"),
    _fable("claude-mythos-5-2", "mythos"),
    Claude("claude-haiku-5-5", "haiku", 512, "on", disable_up_to="high", created="2026-10-07"),
    Claude("claude-sonnet-5-5", "sonnet", 512, "on", can_disable=False, can_think_between_tools=True,
           disable_up_to="high", can_force_tools=False, created="2026-09-29"),
    _fable("claude-fable-5-1", "fable", created="2026-09-01"),
    Claude("claude-opus-5-5", "opus", 512, "always", can_disable=False, can_force_tools=False, has_fast_mode=True,
           created="2026-09-22"),
    _fable("claude-mythos-5-1", "mythos", created="2026-09-01"),
    Claude("claude-sonnet-5", "sonnet", 1_024, "on", has_system_messages=False),
    Claude("claude-fable-5", "fable", 512, "always", can_disable=False),
    Claude("claude-mythos-5", "mythos", 512, "always", can_disable=False),
    Claude("claude-opus-5", "opus", 512, "on", disable_up_to="high", has_fast_mode=True),
    Claude("claude-opus-4-8", "opus", 1_024, "off", has_fast_mode=True),
    Claude("claude-opus-4-7", "opus", 2_048, "off", has_system_messages=False),
    Claude("claude-opus-4-6", "opus", 4_096, "off", can_budget=True, can_sample=True, has_system_messages=False,
           shows_thinking=True, letters=8, most_image_tokens=1_568),
    Claude("claude-sonnet-4-6", "sonnet", 1_024, "off", can_budget=True, can_sample=True, has_system_messages=False,
           shows_thinking=True, letters=8, most_image_tokens=1_568),
    Claude("claude-haiku-4-5", "haiku", 4_096, "off", can_budget=True, can_prefill=True, can_sample=True,
           has_system_messages=False, shows_thinking=True, letters=8, context=200_000, max_output=64_000,
           most_image_tokens=1_568, has_geo=False, created="2025-10-01", dated="claude-haiku-4-5-20251001"),
    Claude("claude-opus-4-5", "opus", 4_096, "off", can_budget=True, can_prefill=True, can_sample=True,
           has_system_messages=False, shows_thinking=True, letters=8, context=200_000, max_output=64_000,
           most_image_tokens=1_568, has_geo=False, created="2025-11-01", dated="claude-opus-4-5-20251101"),
    Claude("claude-sonnet-4-5", "sonnet", 1_024, "off", can_budget=True, can_prefill=True, can_sample=True,
           has_system_messages=False, shows_thinking=True, letters=8, context=200_000, max_output=64_000,
           most_image_tokens=1_568, has_geo=False, created="2025-09-29", retires="2026-11-30",
           dated="claude-sonnet-4-5-20250929"),
)  # fmt: skip  # a table, one model a row


def _third(line: str, least_cached: int, created: str, retires: str) -> Claude:
    dated = f"claude-3-{line}-{created.replace('-', '')}"
    return Claude(f"claude-3-{line}", line, least_cached, "off", can_prefill=True, can_sample=True,
                  has_system_messages=False, letters=8, context=200_000, max_output=4_096, most_image_tokens=1_568,
                  has_geo=False, created=created, retires=retires, dated=dated)  # fmt: skip  # as the rows above


# Models that the provider has given up and no longer lists. They answer here all the same, so that a policy of old can
# be tried as it is; `seawall check` is where its owner hears that they are gone.
_RETIRED: Final = (
    _third("sonnet", 1_024, "2024-02-29", "2025-07-21"),
    _third("haiku", 2_048, "2024-03-07", "2026-04-20"),
)

CLAUDE: Final[Mapping[str, Claude]] = {model.id: model for model in _CLAUDE}
# Not one of theirs: its prompt costs nothing and its answer $100 a million tokens, so that tests know a call's price.
FLAT: Final = Claude("sandbox-flat", "flat", 1_024, "off", can_sample=True)
RETIRED: Final[Mapping[str, Claude]] = {model.id: model for model in _RETIRED}
DATED: Final[Mapping[str, Claude]] = {model.dated: model for model in (*_CLAUDE, *_RETIRED) if model.dated}


def find(name: str) -> Claude | None:
    """Find a model by its name or its dated name; retired ones have only the latter."""
    return CLAUDE.get(name) or DATED.get(name) or (FLAT if name == FLAT.id else None)
