"""Decide about sampling settings; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from seawall.guards.sampling.settings import SamplingSettings

FIELDS: Final = ("temperature", "top_p", "top_k")
# Under this API version the three are refused for every model (platform.claude.com/docs/en/api/versioning).
VERSION_WITHOUT_SAMPLING: Final = b"2026-10-21"


@dataclass(frozen=True, slots=True)
class SamplingChange:
    """What to put into the body and what to take out of it, with a note for the record ("" for none)."""

    put: Mapping[str, Any]
    drop: tuple[str, ...]
    note: str


NO_CHANGE: Final = SamplingChange({}, (), "")


def decide(settings: SamplingSettings, fields: Mapping[str, Any], *, refused: bool) -> SamplingChange:
    """Say how a request's sampling settings change; `refused` says that its model or API version takes none.

    Where thinking is on, providers refuse any temperature but their own, so the policy's is left out.
    """
    wanted = {"temperature": settings.temperature, "top_p": settings.top_p}
    wishes = {name: value for name, value in wanted.items() if value is not None}
    if refused:
        found = tuple(name for name in FIELDS if name in fields)
        return SamplingChange({}, found, "sampling.dropped") if found or wishes else NO_CHANGE
    if not wishes:
        return NO_CHANGE
    thinking = fields.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") != "disabled":
        return SamplingChange({}, (), "sampling.left_to_thinking")
    put = {name: value for name, value in wishes.items() if fields.get(name) != value}
    return SamplingChange(put, (), "sampling.set") if put else NO_CHANGE


def wants_json_object(settings: SamplingSettings, fields: Mapping[str, Any]) -> bool:
    """Say whether to ask an OpenAI-dialect provider for a JSON object.

    It refuses that wish unless the word JSON stands somewhere in the messages, and a format that the client asked for
    is the client's own.
    """
    return settings.json_answer and "response_format" not in fields and _says_json(fields.get("messages"))


def wants_json_text(settings: SamplingSettings, fields: Mapping[str, Any]) -> bool:
    """Say whether to ask a provider's Responses API for a JSON object.

    It looks for the word JSON in its `input` alone. A format that the client asked for is the client's own, and a
    `text` that is no object is the provider's to refuse.
    """
    text = fields.get("text")
    if not settings.json_answer or not (text is None or (type(text) is dict and "format" not in text)):
        return False
    return _says_json(fields.get("input"))


def _says_json(asked: Any) -> bool:  # any JSON value
    """Look for the word in any text, however deep; the letters of a picture's data are no words."""
    pile = [asked]
    while pile:
        value = pile.pop()
        if type(value) is str:
            if not value.startswith("data:") and "json" in value.lower():
                return True
        elif type(value) is list or type(value) is dict:
            pile.extend(value.values() if type(value) is dict else value)
    return False
