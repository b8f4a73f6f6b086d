"""What the simulated model says: a function of the request and the settings, the same in both dialects."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import orjson

from seawall.sandbox import schema
from seawall.sandbox.draw import Draw, digest
from seawall.sandbox.problem import Json
from seawall.sandbox.setting import Settings
from seawall.sandbox.token import count, split
from seawall.sandbox.words import prose

TEXT_TOKENS: Final = (40, 120)
THINKING_TOKENS: Final = (8, 24)
_MOST_CALLS: Final = 4  # made because the prompt says "use tools"


class Stop(Enum):
    """Why an answer ended."""

    END = "end"
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    TOOL_CALL = "tool_call"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool on offer, and the schema of its arguments."""

    name: str
    schema: Any  # a JSON schema, which may be any JSON value


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools of a request and what it says about using them."""

    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    is_parallel: bool = True
    is_answered: bool = False  # the last message is a tool's result


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, as far as it decides the answer.

    `seed` is a hash of the request without what only says how the answer is sent, so that the streamed answer is the
    same as the other. `has_schema` says that the text must be an instance of `schema`.
    """

    seed: bytes
    letters: int
    max_tokens: int
    thinks: bool = False
    stop_sequences: tuple[str, ...] = ()
    calls: tuple[Tool, ...] = ()
    has_schema: bool = False
    schema: Any = None  # a JSON schema, which may be any JSON value


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool; `pieces` is what was generated of its arguments, all of them unless it is cut."""

    name: str
    arguments: Json
    pieces: tuple[str, ...]
    head_tokens: int
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer in tokens."""

    stop: Stop
    thinking: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    stop_sequence: str | None = None

    @property
    def output_tokens(self) -> int:
        """Count what can be read: text and tool calls."""
        return len(self.text) + sum(call.head_tokens + len(call.pieces) for call in self.calls)


def choose(offer: Offer, text: str, settings: Settings) -> tuple[Tool, ...]:
    """Say which tools are called: those that the request or the settings force, or that the last text asks for.

    "use tool" in the last user text makes one call, "use tools" several; a tool named in the text comes first. A text
    is the answer to a tool's result.
    """
    if not offer.tools:
        return ()
    text = text.lower()
    named = [tool for tool in offer.tools if tool.name.lower() in text]
    order = named + [tool for tool in offer.tools if tool not in named]
    if settings.tool_calls is not None:
        wanted = settings.tool_calls
    elif "use tools" in text and not offer.is_answered:
        wanted = min(max(2, len(order)), _MOST_CALLS)
    else:
        wanted = int(offer.must_call or ("use tool" in text and not offer.is_answered))
    if not offer.is_parallel:
        wanted = min(wanted, 1)
    return tuple(order[number % len(order)] for number in range(wanted))


def compose(ask: Ask, settings: Settings) -> Answer:
    """Answer a request within its `max_tokens`, thinking included."""
    if ask.max_tokens == 0:
        return Answer(Stop.MAX_TOKENS)
    if settings.refusal == "before":
        return Answer(Stop.REFUSED)
    draw = Draw(ask.seed)
    thinking = _thinking(ask, settings, draw)
    budget = ask.max_tokens - len(thinking)
    if ask.calls and settings.refusal == "never":
        return _called(ask, thinking, budget)
    text, stop = _text(ask, settings, draw), Stop.END
    if settings.refusal == "midway":
        text, stop = text[: max(1, len(text) // 2)], Stop.REFUSED
    if len(text) > budget:
        text, stop = text[:budget], Stop.MAX_TOKENS
    written = "".join(text)
    found = min((at, sequence) for at, sequence in _occurrences(written, ask.stop_sequences))
    if found[0] < len(written):
        pieces = split(written[: found[0]], ask.letters)
        return Answer(Stop.STOP_SEQUENCE, tuple(thinking), tuple(pieces), stop_sequence=found[1])
    return Answer(stop, tuple(thinking), tuple(text))


def _occurrences(text: str, sequences: Sequence[str]) -> list[tuple[int, str]]:
    found = [(text.find(sequence), sequence) for sequence in sequences]
    return [(at, sequence) for at, sequence in found if at >= 0] + [(len(text), "")]


def _thinking(ask: Ask, settings: Settings, draw: Draw) -> list[str]:
    if not ask.thinks:
        return []
    if settings.thinking_tokens is not None:
        return prose(draw, min(settings.thinking_tokens, ask.max_tokens))
    return prose(draw, min(draw.between(*THINKING_TOKENS), ask.max_tokens // 2))


def _text(ask: Ask, settings: Settings, draw: Draw) -> list[str]:
    if settings.text is not None:
        return split(settings.text, ask.letters)
    if ask.has_schema:
        return split(orjson.dumps(schema.build(ask.schema, ask.seed)).decode(), ask.letters)
    tokens = settings.output_tokens
    return prose(draw, draw.between(*TEXT_TOKENS) if tokens is None else tokens)


def _called(ask: Ask, thinking: list[str], budget: int) -> Answer:
    calls: list[ToolCall] = []
    for number, tool in enumerate(ask.calls):
        arguments = schema.build_object(tool.schema, digest(ask.seed, b"call", b"%d" % number))
        pieces = split(orjson.dumps(arguments).decode(), ask.letters)
        head_tokens = 1 + count(tool.name, ask.letters)
        if budget < head_tokens:
            return Answer(Stop.MAX_TOKENS, tuple(thinking), calls=tuple(calls))
        budget -= head_tokens
        is_cut = len(pieces) > budget
        calls.append(ToolCall(tool.name, arguments, tuple(pieces[:budget]), head_tokens, is_cut))
        if is_cut:
            return Answer(Stop.MAX_TOKENS, tuple(thinking), calls=tuple(calls))
        budget -= len(pieces)
    return Answer(Stop.TOOL_CALL, tuple(thinking), calls=tuple(calls))
