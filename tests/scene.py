"""One call through real guards and the real dispatch, with everything around them scripted."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from seawall.core.error import BodyTooLarge
from seawall.core.price import Band, Price, Rates
from seawall.core.principal import Principal
from seawall.core.record import CallRecord
from seawall.core.target import Origin, Provider, Target, Timeouts
from seawall.dialects.anthropic import ANTHROPIC
from seawall.dialects.dialect import CHAT, EMBEDDINGS, RESPONSES, Dialect, Endpoint
from seawall.dialects.openai import OPENAI
from seawall.dialects.responses.dialect import RESPONSES_DIALECT
from seawall.pipeline.dispatch import Dispatch, Outlet
from seawall.pipeline.exchange import Asked, CallNext, Exchange, Guard, Headers, Reply, compose
from seawall.pipeline.reply_stream import ReplyStream
from seawall.pipeline.watchdog import Kennel
from seawall.testing.clock import START_WALL_S
from seawall.testing.receipt import PAID
from seawall.testing.scripted_upstream import JSON_HEADERS, Script, ScriptedUpstream

ROUTE: Final = "/ai/chat"
TIMEOUTS: Final = Timeouts(total_s=60.0, connect_s=5.0, first_token_s=20.0, idle_s=10.0)
OWNER: Final = Principal("key_0123456789abcdef", team="support")
RATES: Final = Rates(
    input=3_000_000_000,
    output=15_000_000_000,
    cache_read=300_000_000,
    cache_write_short=3_750_000_000,
    cache_write_long=6_000_000_000,
    web_search=10_000_000,
)
PRICE: Final = Price((Band(0, RATES),), "policy.yaml:7")
ANSWER: Final = {
    "anthropic": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-answered",
        "content": [{"type": "text", "text": "Four."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    },
    "openai": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-answered",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Four."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    },
}


def provider(dialect: str = "anthropic", name: str = "") -> Provider:
    """Make a provider of a dialect."""
    return Provider(name or f"{dialect}-provider", dialect, Origin("https", "provider.test", 443), "/v1", None)


def target(dialect: str = "anthropic", model: str = "model-of-the-route", **more: Any) -> Target:  # Target's own fields
    """Make a target of a dialect, priced."""
    return Target(provider(dialect), model, **{"price": PRICE, **more})


def whole(body: Any, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = JSON_HEADERS) -> Script:
    """Script an answer that comes in one piece; `body` is bytes or anything that JSON can say."""
    return Script((body if isinstance(body, bytes) else orjson.dumps(body),), status, headers)


class Records:
    """A journal that keeps its records; implements the Journal port."""

    def __init__(self) -> None:
        self.all: list[CallRecord] = []

    def write(self, record: CallRecord) -> None:
        """Keep a record."""
        self.all.append(record)


@dataclass
class Instead:
    """A guard that answers, or fails, in the place of everything below it."""

    of_the_rest: Reply | Exception

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Answer or raise."""
        del exchange, call_next
        if isinstance(self.of_the_rest, Exception):
            raise self.of_the_rest
        return self.of_the_rest


def paid(exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
    """Stand where the budget does, for scenes without one."""
    exchange.receipt = PAID
    return call_next(exchange)


@dataclass(frozen=True)
class Call:
    """What a client sends. `body` is bytes, or anything that JSON can say."""

    endpoint: Endpoint
    body: Any = b""
    headers: Headers = field(default_factory=dict)
    principal: Principal | None = OWNER
    route: str = ROUTE
    target: Target | None = None
    model_id: str = ""
    query: str = ""
    hang_up_s: float | None = None

    @property
    def dialect(self) -> Dialect:
        """The dialect of the endpoint; the models endpoint is asked in Anthropic's."""
        if self.endpoint is RESPONSES:
            return RESPONSES_DIALECT
        return OPENAI if self.endpoint in (CHAT, EMBEDDINGS) else ANTHROPIC

    def exchange(self, kennel: Kennel) -> Exchange:
        """Begin the exchange in the running task."""
        task = asyncio.current_task()
        assert task is not None
        raw = self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)

        async def read(limit: int) -> bytes:
            if len(raw) > limit:
                raise BodyTooLarge(f"the body is longer than {limit} bytes")
            return raw

        asked = Asked(self.dialect, self.endpoint, self.headers, read, self.route, self.model_id, self.query)
        exchange = Exchange("req_1", START_WALL_S, kennel.watch(task), asked)
        exchange.principal = self.principal
        exchange.target = self.target
        return exchange


@dataclass
class Ended:
    """What became of a call; `written` is what the client got of a stream, write by write."""

    exchange: Exchange
    reply: Reply | None = None
    error: BaseException | None = None
    written: list[bytes] = field(default_factory=list)

    @property
    def sent(self) -> Any:  # what the JSON says
        """The body as the last guard left it."""
        return orjson.loads(self.exchange.body.render()) if self.exchange.body else None


@dataclass
class Scene:
    """Guards around a dispatch to a scripted upstream."""

    guards: tuple[Guard, ...] = ()
    upstream: ScriptedUpstream = field(default_factory=ScriptedUpstream)
    timeouts: Timeouts = TIMEOUTS
    hold_back_s: float = 1.0
    heads: list[tuple[Target, Headers]] = field(default_factory=list)

    def pipeline(self) -> CallNext:
        """Put the guards together."""
        return compose((*self.guards, paid), Dispatch(self.outlet(), self.timeouts, self.hold_back_s))

    def outlet(self) -> Outlet:
        """Make an outlet that lets everything cross over but what the provider says of its types."""

        def render(target: Target, headers: Headers) -> bytes:
            self.heads.append((target, headers))
            return b"x-rendered: yes\r\n"

        def pick(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
            return [field for field in headers if field[0] != b"content-type"]

        return Outlet(self.upstream, render, pick)

    async def call(self, call: Call) -> Ended:
        """Make the call, to the end of its stream where it has one."""
        loop = asyncio.get_running_loop()
        exchange = call.exchange(Kennel(loop))
        if call.hang_up_s is not None:
            loop.call_later(call.hang_up_s, exchange.watchdog.hang_up)
        ended = Ended(exchange)
        try:
            ended.reply = await self.pipeline()(exchange)
            if ended.reply.stream is not None:
                await read_whole(ended.reply.stream, ended.written)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # whatever it is, the test looks at it
            ended.error = error
        finally:
            exchange.watchdog.close()
        return ended


async def read_whole(stream: ReplyStream, written: list[bytes]) -> None:
    """Read a stream as a client that is always there."""

    async def write(data: bytes) -> None:
        written.append(data)

    await stream.pump(write)
    await stream.drain()
