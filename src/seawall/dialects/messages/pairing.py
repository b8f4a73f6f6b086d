"""Which tool results belong to which calls: a provider answers 400 where one is missing, late or unasked for."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from seawall.core.record import MAX_TEXT
from seawall.dialects.neutral.conversation import Message, Part, ToolCall, ToolResult
from seawall.dialects.neutral.loss import Losses

_MISSING: Final = "the result of {} is missing; expected it before anything else in the turn after the call"
_UNASKED: Final = "there is a result of {}, which is no open call of the turn before"
_TWICE: Final = "{} is there twice; expected ids that differ"


def pairing_fault(messages: Sequence[Message]) -> str:
    """Say what is wrong with the calls and results of a conversation; empty where nothing is.

    Turns of one role that follow each other are one turn, and its results come before its other parts.
    """
    made: set[str] = set()
    waiting: dict[str, None] = {}  # in order, so that the message names the first
    for is_assistant, turns in groupby(messages, lambda message: message.role == "assistant"):
        parts = [part for turn in turns for part in turn.parts]
        if is_assistant and waiting and parts:
            return _MISSING.format(_shown(next(iter(waiting))))
        for part in parts:
            if isinstance(part, ToolCall):
                if part.id in made:
                    return _TWICE.format(_shown(part.id))
                made.add(part.id)
                waiting[part.id] = None
            elif isinstance(part, ToolResult):
                if part.call_id not in waiting:
                    return _UNASKED.format(_shown(part.call_id))
                del waiting[part.call_id]
            elif waiting and not is_assistant:
                return _MISSING.format(_shown(next(iter(waiting))))
    return _MISSING.format(_shown(next(iter(waiting)))) if waiting else ""


def _shown(call_id: str) -> str:
    return f"the call {call_id!r}" if len(call_id) <= MAX_TEXT else f"a call whose id has {len(call_id)} characters"


def with_leading_results(messages: Sequence[Message], losses: Losses) -> list[Message]:
    """Collect the results that follow the assistant's calls into one user's turn, which they lead.

    Other dialects have a message for each result, and let instructions stand between them.
    """
    arranged: list[Message] = []
    for is_assistant, turns in groupby(messages, lambda message: message.role == "assistant"):
        run = list(turns)
        arranged += run if is_assistant else _collected(run, losses)
    return arranged


def _collected(run: list[Message], losses: Losses) -> list[Message]:
    results = [part for message in run for part in message.parts if isinstance(part, ToolResult)]
    if not results:
        return run
    others = [
        replace(message, parts=tuple(part for part in message.parts if not isinstance(part, ToolResult)))
        for message in run
    ]
    first = others.pop(0).parts if run[0].role == "user" else ()
    collected = [Message("user", (*results, *first)), *(message for message in others if message.parts)]
    if _flat(collected) != _flat(run):
        losses.change("messages.order")
    return collected


def _flat(messages: Sequence[Message]) -> list[Part]:
    return [part for message in messages for part in message.parts]
