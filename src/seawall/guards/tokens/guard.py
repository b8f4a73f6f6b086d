"""Carry the token rules out."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final

from seawall.core.error import BadRequest
from seawall.core.verdict import Degrade, Refuse
from seawall.dialects.dialect import CHAT, MESSAGES, RESPONSES
from seawall.guards.tokens.rule import decide_input, decide_output, fitted_thinking
from seawall.guards.tokens.settings import TokenSettings
from seawall.pipeline.exchange import CallNext, Exchange, Reply

# Where a client may have put the ceiling; where it put none, the target's own field is filled in.
_FIELDS: Final = {
    MESSAGES: ("max_tokens",),
    CHAT: ("max_completion_tokens", "max_tokens"),
    RESPONSES: ("max_output_tokens",),
}


class TokensGuard:
    """Give every generating call a `max_tokens` no higher than the route's, and cap its prompt; calls on once."""

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Fill in, clamp or refuse, then go on.

        Raises:
            BadRequest: the number is none, is above a ceiling that refuses, or the prompt is too long.
        """
        body = exchange.body
        if body is not None:
            for name in self._names(exchange, body.fields):
                verdict = decide_output(self._settings, body.fields.get(name))
                if isinstance(verdict, Degrade):
                    body.set(name, self._settings.max_tokens)
                    exchange.note(verdict.code)
                    thinking = fitted_thinking(self._settings, body.fields.get("thinking"))
                    if thinking is not None and exchange.sends is MESSAGES:
                        body.set("thinking", thinking)
                        exchange.note("tokens.thinking_fitted")
                elif isinstance(verdict, Refuse):
                    raise BadRequest(f"{name}: {verdict.note}", code=verdict.code, param=name)
            if self._settings.max_input_tokens is not None:
                fits = decide_input(self._settings, body.fields)
                if isinstance(fits, Refuse):
                    raise BadRequest(fits.note, code=fits.code)
        return call_next(exchange)

    @staticmethod
    def _names(exchange: Exchange, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """Name every field that holds a ceiling, since providers differ in which they read, or the one to fill in."""
        names = _FIELDS.get(exchange.sends, ())
        if len(names) > 1:
            found = tuple([name for name in names if fields.get(name) is not None])
            return found or (exchange.target.max_tokens_field if exchange.target else names[0],)
        return names
