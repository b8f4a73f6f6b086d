"""Carry the translation out."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs

from seawall.core.error import UpstreamError
from seawall.core.record import MAX_NOTES
from seawall.core.target import Target
from seawall.dialects.dialect import CHAT, MESSAGES, Dialect, Endpoint
from seawall.dialects.json_object import JsonObject
from seawall.dialects.neutral.event import Event, Opened
from seawall.dialects.neutral.form import Form
from seawall.dialects.neutral.loss import Losses, refused
from seawall.guards.translation.rule import endpoint_for
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.stream import Tap

_CEILING: Final = "max_completion_tokens"
_BETAS: Final = b"anthropic-beta"  # goes to no provider of another dialect
_ID_FIELDS: Final = {b"request-id", b"x-request-id"}


@dataclass(frozen=True, slots=True)
class Languages:
    """Who speaks what: the dialect in which an endpoint is spoken, and the form by which it is translated."""

    dialects: Mapping[Endpoint, Dialect]
    forms: Mapping[Endpoint, Form]


class TranslationGuard:
    """Put the target's model and dialect on the request; calls on once.

    A request that the target understands as it is keeps its bytes, but for the model's name.
    """

    def __init__(self, languages: Languages, *, is_strict: bool) -> None:
        self._languages = languages
        self._is_strict = is_strict

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Translate where it has to be, then go on, and translate the answer back.

        Raises:
            Unsupported: the target cannot carry the request; nothing was sent.
            BadRequest: the request is not what the client's own endpoint takes.
            UpstreamBroken: the answer is none of the target's dialect.
        """
        target, body = exchange.target, exchange.body
        if target is None:
            raise RuntimeError("a call needs a target before it is translated")
        sends = endpoint_for(exchange.endpoint, {} if body is None else body.fields, target)
        if sends is None:
            raise _no_endpoint(exchange, target)
        exchange.sends, exchange.translation = sends, None
        if sends is exchange.endpoint:
            exchange.speaks = exchange.dialect
            if body is not None and body.fields.get("model") != target.model:
                body.set("model", target.model)
            return call_next(exchange)
        self._translate(exchange, target, sends)
        return _answered(exchange, call_next)

    def _translate(self, exchange: Exchange, target: Target, sends: Endpoint) -> None:
        forms, losses = self._languages.forms, Losses(is_strict=self._is_strict)
        fields = {} if exchange.body is None else exchange.body.fields
        if exchange.endpoint is MESSAGES and exchange.headers.get(_BETAS):
            losses.drop("betas")
        asked = forms[exchange.endpoint].read_request(fields, losses)
        written = forms[sends].write_request(asked, target.model, target.traits, losses)
        if sends is CHAT and _CEILING in written and target.max_tokens_field != _CEILING:
            written[target.max_tokens_field] = written.pop(_CEILING)
        exchange.body = JsonObject.of(written)
        exchange.speaks = self._languages.dialects[sends]
        exchange.translation = BetweenForms(
            forms[sends], forms[exchange.endpoint], exchange.at_s, exchange.notes, wants_usage=asked.wants_usage
        )
        exchange.note("translated")
        for code in losses.codes:
            exchange.note(code)


async def _answered(exchange: Exchange, call_next: CallNext) -> Reply:
    """Go on, and name the provider's fields as the client knows them."""
    try:
        reply = await call_next(exchange)
    except UpstreamError as error:
        error.headers = tuple(_own_fields(error.headers, exchange.dialect.name))
        raise
    reply.headers = _own_fields(reply.headers, exchange.dialect.name)
    return reply


class BetweenForms:
    """Turn what one form answers into what another form's client reads; implements `Translation`.

    `at_s` is the wall time to tell where the provider tells none. What an answer loses goes into `notes` as it
    happens: of a whole answer before the client's head is written, of a stream mostly after it. It is the list and not
    the exchange, which would be kept alive by what it holds.
    """

    def __init__(self, provider: Form, client: Form, at_s: float, notes: list[str], *, wants_usage: bool) -> None:
        self._provider = provider
        self._client = client
        self._at_s = at_s
        self._notes = notes
        self._wants_usage = wants_usage

    def tap(self) -> Tap:
        """Make what turns one attempt's frames into the client's."""
        losses = Losses()
        read, write = self._provider.decoder(losses).feed, self._client.encoder(wants_usage=self._wants_usage).feed

        def turn(frames: list[bytes]) -> list[bytes]:
            turned = [written for frame in frames for event in read(frame) for written in write(self._dated(event))]
            if losses.codes:
                self._note(losses)
            return turned

        return turn

    def whole(self, body: bytes) -> bytes:
        """Turn a whole answer into the client's.

        Raises:
            UpstreamBroken: it is none.
        """
        losses = Losses()
        answer = self._provider.read_reply(body, losses)
        self._note(losses)
        return self._client.write_reply(answer if answer.at_s else replace(answer, at_s=self._at_s))

    def _note(self, losses: Losses) -> None:
        for code in losses.codes:
            if len(self._notes) < MAX_NOTES and code not in self._notes:
                self._notes.append(code)
        losses.codes.clear()

    def _dated(self, event: Event) -> Event:
        if isinstance(event, Opened) and not event.at_s:
            return structs.replace(event, at_s=self._at_s)
        return event


def _no_endpoint(exchange: Exchange, target: Target) -> Exception:
    return refused(
        exchange.endpoint.name,
        f"{target.name} speaks the {target.provider.dialect} dialect, which has no such endpoint; send it to a route "
        f"whose provider speaks {exchange.dialect.name}",
    )


def _own_fields(
    fields: "list[tuple[bytes, bytes]] | tuple[tuple[bytes, bytes], ...]", dialect: str
) -> list[tuple[bytes, bytes]]:
    """Name the provider's request id as the client's dialect does, and leave out what only the other one knows."""
    id_name, other = (b"request-id", b"openai-") if dialect == "anthropic" else (b"x-request-id", b"anthropic-")
    return [(id_name if name in _ID_FIELDS else name, value) for name, value in fields if not name.startswith(other)]
