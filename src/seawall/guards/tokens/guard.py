"""Carry the token rules out."""

from typing import Final

from seawall.core.error import BadRequest
from seawall.core.verdict import Degrade, Refuse
from seawall.dialects.dialect import CHAT, MESSAGES
from seawall.guards.tokens.rule import decide_input, decide_output
from seawall.guards.tokens.settings import TokenSettings
from seawall.pipeline.exchange import CallNext, Exchange, Reply

# Where a client may have put the ceiling; where it put none, the target's own field is filled in.
_FIELDS: Final = {MESSAGES: ("max_tokens",), CHAT: ("max_completion_tokens", "max_tokens")}


class TokensGuard:
    """Give every generating call a `max_tokens` no higher than the route's, and cap its prompt; calls on once."""

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Fill in, clamp or refuse, then go on.

        Raises:
            BadRequest: the number is none, is above a ceiling that refuses, or the prompt is too long.
        """
        names = _FIELDS.get(exchange.endpoint)
        body = exchange.body
        if body is not None:
            if names is not None:
                name = next((name for name in names if name in body.fields), "")
                name = name or (exchange.target.max_tokens_field if exchange.target else names[0])
                verdict = decide_output(self._settings, body.fields.get(name))
                if isinstance(verdict, Degrade):
                    body.set(name, self._settings.max_tokens)
                    exchange.note(verdict.code)
                elif isinstance(verdict, Refuse):
                    raise BadRequest(f"{name}: {verdict.note}", code=verdict.code, param=name)
            fits = decide_input(self._settings, body.fields)
            if isinstance(fits, Refuse):
                raise BadRequest(fits.note, code=fits.code)
        return await call_next(exchange)
