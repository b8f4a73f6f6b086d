"""Serve the last good answer, or a fixed message, where there is no other."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

import orjson

from seawall.core.error import DeadlineExceeded, SeawallError
from seawall.dialects.dialect import CHAT, Endpoint
from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import Text
from seawall.dialects.neutral.event import Closed, Opened, TextPiece
from seawall.dialects.neutral.form import Form
from seawall.guards.degraded.rule import is_stood_in_for
from seawall.guards.degraded.settings import DegradedSettings
from seawall.guards.degraded.store import LARGEST, LastGood
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.recorded import RecordedStream
from seawall.pipeline.recording import Recording
from seawall.pipeline.stored import StoredStream

HAND_OUT_S: Final = 5.0
_GOOD: Final = 200


class _Question(NamedTuple):
    """What the client asked, before anything below changed it; `digest` is empty where no answer is kept."""

    digest: bytes
    wants_usage: bool


_NONE: Final = _Question(b"", wants_usage=False)


class DegradedGuard:
    """Answer a call that nobody could serve; calls on once.

    Only endpoints that `forms` has are answered; for all others no substitute makes sense, and the error stands. A
    route without a substitute needs no such guard.
    """

    def __init__(self, settings: DegradedSettings, last_good: LastGood, forms: Mapping[Endpoint, Form]) -> None:
        self._settings = settings
        self._last_good = last_good
        self._forms = forms

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Go on, and stand in for the answer where that fails before anything was promised.

        A deadline that has passed leaves a few seconds more, to hand out what is here already.

        Raises:
            SeawallError: the failure, where there is no substitute for it.
        """
        form = self._forms.get(exchange.endpoint)
        if form is None:
            return await call_next(exchange)
        question = self._question(exchange)
        try:
            reply = await call_next(exchange)
        except SeawallError as error:
            if (substitute := self._substitute(exchange, question, form, error)) is None:
                raise
            return substitute
        except asyncio.CancelledError:
            reason = exchange.watchdog.take(DeadlineExceeded)
            if reason is None:
                raise
            if (substitute := self._substitute(exchange, question, form, reason)) is None:
                raise reason from None
            return substitute
        if question.digest and not exchange.degraded:
            self._keep(exchange, question, reply)
        return reply

    def _question(self, exchange: Exchange) -> _Question:
        if self._settings.cached_s is None and not exchange.wants_stream:
            return _NONE
        fields = {} if exchange.body is None else exchange.body.fields
        options = fields.get("stream_options") if exchange.endpoint is CHAT else None
        wants_usage = type(options) is dict and options.get("include_usage") is True
        if self._settings.cached_s is None:
            return _Question(b"", wants_usage)
        principal = exchange.principal
        scope = [
            principal.key_id if principal else "",
            principal.team if principal else "",
            exchange.labels.user,
            exchange.route,
            exchange.endpoint.name,
            exchange.wants_stream,
            {name: value for name, value in fields.items() if name != "stream"},
        ]
        return _Question(hashlib.sha256(orjson.dumps(scope, option=orjson.OPT_SORT_KEYS)).digest(), wants_usage)

    def _keep(self, exchange: Exchange, question: _Question, reply: Reply) -> None:
        """Keep a good answer, a stream once it is complete."""
        if reply.stream is None:
            self._last_good.keep(question.digest, reply.body)
            return
        recording = Recording(LARGEST)

        async def completed() -> None:
            # A stream that outlives its client is not written to the end, and would be kept by half.
            if not recording.is_too_large and not exchange.watchdog.is_abandoned:
                self._last_good.keep(question.digest, b"".join(recording.pieces))

        reply.stream = RecordedStream(reply.stream, recording, exchange.watchdog, completed, lambda _: None)

    def _substitute(self, exchange: Exchange, question: _Question, form: Form, error: SeawallError) -> Reply | None:
        """Make the answer that stands in for this failure, if there is one."""
        settings = self._settings
        if not is_stood_in_for(error):
            return None
        body, kind = None, "cached"
        if settings.cached_s is not None:
            body = self._last_good.find(question.digest, settings.cached_s)
        if body is None and settings.message is not None:
            body, kind = _message(exchange, form, settings.message, wants_usage=question.wants_usage), "message"
        if body is None:
            return None
        exchange.degraded = kind
        exchange.note(f"degraded.{kind}")
        exchange.note(error.code)
        watchdog = exchange.watchdog
        watchdog.allow(HAND_OUT_S)
        if exchange.wants_stream:
            return Reply(_GOOD, [], stream=StoredStream(Recording.of(body), watchdog))
        return Reply(_GOOD, [], body)


def _message(exchange: Exchange, form: Form, text: str, *, wants_usage: bool) -> bytes:
    """Write a fixed message as the model would have said it, in the client's dialect, at no usage."""
    model = exchange.target.model if exchange.target else exchange.model_asked
    if not exchange.wants_stream:
        return form.write_reply(Answer(exchange.id, model, (Text(text),), "complete", at_s=exchange.at_s))
    encoder = form.encoder(wants_usage=wants_usage)
    events = (Opened(exchange.id, model, at_s=exchange.at_s), TextPiece(text), Closed("complete"))
    return b"".join([frame + b"\n\n" for event in events for frame in encoder.feed(event)])
