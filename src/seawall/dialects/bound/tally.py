"""One request's bound while it is being counted."""

from collections.abc import Callable
from typing import Any, Final

from seawall.core.target import Target
from seawall.core.worst_case import Bound
from seawall.dialects.bound.text import json_bound, text_bound

MESSAGE: Final = 8  # the template's tokens around a message; measured are 3 to 5
BLOCK: Final = 16  # around a block of content
TOOL: Final = 16  # around a tool
TOOLS: Final = 900  # the prompt that explains tools: 264 to 804 by model
SCHEMA: Final = 900  # the prompt that explains a schema for the answer; nobody tells, so as much as for tools
CITED: Final = 900  # the prompt that explains citations; nobody tells, so as much as for tools
ROUNDS: Final = 10  # of a provider's own loop with its tools, after which it pauses
_ROLES: Final = frozenset({"user", "assistant", "system", "developer", "tool"})


class Tally:
    """Add up what a prompt can be; owned by one count.

    `tokens` is the sum so far. `stored` says that the provider adds what only it knows, so that the model's context is
    the bound; `rounds` is how many times it may read the prompt, `why` what makes the call unbounded.
    """

    __slots__ = ("image_tokens", "is_long", "is_short", "model", "rounds", "searches", "stored", "tokens", "why")

    def __init__(self, target: Target, image_tokens: int) -> None:
        self.model = target.model
        self.image_tokens = image_tokens
        self.tokens = 0
        self.stored = ""
        self.rounds = 1
        self.searches = 0
        self.is_short = False
        self.is_long = False
        self.why = ""

    def text(self, value: Any) -> None:  # a text, or what was sent in place of one
        """Count a text."""
        if type(value) is str:
            self.tokens += len(value) if value.isascii() else text_bound(value)
        elif value is not None:
            self.tokens += json_bound(value)

    def json(self, value: Any) -> None:  # a JSON value
        """Count a value that stands in the prompt as JSON."""
        self.tokens += json_bound(value)

    def field(self, name: str, value: Any) -> None:  # a JSON value
        """Count a field of which nothing is known but that it was sent."""
        if value is not None:
            self.tokens += text_bound(name) + json_bound(value) + 4

    def role(self, value: Any) -> None:  # a name, or what was sent in place of one
        """Count a message's own tokens; a name that no provider knows counts as text."""
        self.tokens += MESSAGE
        if type(value) is not str or value not in _ROLES:
            self.text(value)

    def turns(self, messages: Any, count: Callable[["Tally", str, Any], None]) -> None:  # messages, or what was sent
        """Count messages; `count` is given each field of theirs that is neither a role nor a plain text."""
        if type(messages) is not list:
            self.json(messages)
            return
        tokens = 0
        for message in messages:
            if type(message) is not dict:
                self.json(message)
                continue
            for name, value in message.items():
                if type(value) is not str:
                    count(self, name, value)
                elif name == "content":
                    tokens += len(value) if value.isascii() else text_bound(value)
                elif name != "role" or value not in _ROLES:
                    self.field(name, value)
            tokens += MESSAGE
        self.tokens += tokens

    def store(self, what: str) -> None:
        """Note that the prompt has a part that only the provider can count."""
        self.stored = self.stored or what

    def refuse(self, why: str) -> None:
        """Note why there is no bound; the first reason stands."""
        self.why = self.why or why

    def bound(self, target: Target, output_tokens: int | None, mode: tuple[str, str, str]) -> Bound:
        """Give the bound of everything counted; `mode` is tier, speed and region as asked for."""
        context = target.traits.input_tokens
        why = self.why
        found: int | None = self.tokens
        if self.stored or self.rounds > 1:
            found = context
            if context is None:
                what = self.stored or "a tool that the provider runs"
                why = why or (
                    f"{what}: only the provider knows how long the prompt becomes, and nobody knows how long a prompt"
                    f" {self.model} takes; send the content itself, or choose a model whose context is known"
                )
        elif context is not None and context < self.tokens:
            found = context
        if output_tokens is None:
            why = why or f"the request names no ceiling on the answer, and that of {self.model} is unknown; set one"
        tier, speed, geo = mode
        return Bound(  # by place, which takes half the time
            None if why or found is None else found * self.rounds,
            (output_tokens or 0) * self.rounds,
            self.searches,
            self.is_short,
            self.is_long,
            tier,
            speed,
            geo,
            why,
            self.rounds,
        )
