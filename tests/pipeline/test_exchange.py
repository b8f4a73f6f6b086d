import asyncio

import pytest

from seawall.core.error import BadRequest, UpstreamTimeout
from seawall.core.record import MAX_NOTES
from seawall.dialects.dialect import MESSAGES
from seawall.pipeline.exchange import CallNext, Exchange, Reply, compose, error_code
from seawall.pipeline.watchdog import HungUp, Kennel
from tests.scene import Call


class Stamp:
    """A guard that leaves a note on the way in and a header on the way out."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        exchange.note(self._name)
        reply = await call_next(exchange)
        reply.headers.append((self._name.encode(), b"seen"))
        return reply


async def _innermost(exchange: Exchange) -> Reply:
    exchange.note("innermost")
    return Reply(200, [])


async def test_the_first_guard_is_outermost() -> None:
    exchange = Call(MESSAGES).exchange(Kennel(asyncio.get_running_loop()))

    reply = await compose((Stamp("a"), Stamp("b"), Stamp("c")), _innermost)(exchange)

    assert exchange.notes == ["a", "b", "c", "innermost"]
    assert [name for name, _ in reply.headers] == [b"c", b"b", b"a"]
    exchange.watchdog.close()


async def test_without_guards_the_innermost_call_is_the_pipeline() -> None:
    exchange = Call(MESSAGES).exchange(Kennel(asyncio.get_running_loop()))

    assert (await compose((), _innermost)(exchange)).status == 200
    exchange.watchdog.close()


async def test_notes_are_kept_once_and_bounded() -> None:
    exchange = Call(MESSAGES).exchange(Kennel(asyncio.get_running_loop()))

    for code in ("tokens.filled", "tokens.filled", *(f"note.{n}" for n in range(100))):
        exchange.note(code)

    assert len(exchange.notes) == MAX_NOTES
    assert exchange.notes[:2] == ["tokens.filled", "note.0"]
    exchange.watchdog.close()


async def test_an_exchange_begins_when_its_watch_begins() -> None:
    exchange = Call(MESSAGES, route="/ai/x", query="beta=true").exchange(Kennel(asyncio.get_running_loop()))

    assert exchange.started_s == exchange.watchdog.started_s
    assert (exchange.route, exchange.query, exchange.endpoint) == ("/ai/x", "beta=true", MESSAGES)
    exchange.watchdog.close()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, ""),
        (BadRequest("no"), "request.invalid"),
        (BadRequest("no", code="route.stream"), "route.stream"),
        (UpstreamTimeout("idle", 1.0), "upstream.timeout.idle"),
        (HungUp("gone"), "client.hung_up"),
        (asyncio.CancelledError(), "cancelled"),
        (KeyError("a fault of ours"), "internal"),
    ],
)
def test_every_ending_has_a_stable_code(error: BaseException | None, code: str) -> None:
    assert error_code(error) == code
