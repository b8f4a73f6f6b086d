"""Carry the sampling rules out."""

from collections.abc import Awaitable
from typing import Final

from seawall.dialects.dialect import CHAT, GENERATING, MESSAGES, RESPONSES
from seawall.dialects.json_object import JsonObject
from seawall.guards.sampling.rule import FIELDS, VERSION_WITHOUT_SAMPLING, decide, wants_json_object, wants_json_text
from seawall.guards.sampling.settings import SamplingSettings
from seawall.pipeline.exchange import CallNext, Exchange, Reply

_FIELDS: Final = frozenset(FIELDS)


class SamplingGuard:
    """Set the route's sampling on every generating call, or drop it where the model refuses any; calls on once."""

    def __init__(self, settings: SamplingSettings) -> None:
        self._settings = settings
        self._has_wishes = settings != SamplingSettings()

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Change the body, then go on."""
        body = exchange.body
        if (
            body is not None
            and exchange.sends in GENERATING
            and (self._has_wishes or not _FIELDS.isdisjoint(body.fields))
        ):
            self._change(exchange, body)
        return call_next(exchange)

    def _change(self, exchange: Exchange, body: JsonObject) -> None:
        refused = (exchange.target is not None and exchange.target.drops_sampling) or (
            exchange.sends is MESSAGES and exchange.headers.get(b"anthropic-version") == VERSION_WITHOUT_SAMPLING
        )
        change = decide(self._settings, body.fields, refused=refused)
        for name, value in change.put.items():
            body.set(name, value)
        for name in change.drop:
            body.drop(name)
        if change.note:
            exchange.note(change.note)
        if exchange.sends is CHAT and wants_json_object(self._settings, body.fields):
            body.set("response_format", {"type": "json_object"})
            exchange.note("json.requested")
        elif exchange.sends is RESPONSES and wants_json_text(self._settings, body.fields):
            body.set("text", {**(body.fields.get("text") or {}), "format": {"type": "json_object"}})
            exchange.note("json.requested")
