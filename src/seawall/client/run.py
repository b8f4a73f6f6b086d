"""One exchange in a task of its own, and its answer for whoever asked."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from seawall.assembly.arrival import forwarded_query, new_exchange
from seawall.assembly.entry import Entry
from seawall.assembly.failure import presentable
from seawall.assembly.head import error_head, reply_head
from seawall.assembly.path import dialect_of
from seawall.client.channel import Channel
from seawall.core.error import BadRequest, BodyTooLarge, SeawallError
from seawall.core.money import usd_text
from seawall.pipeline.exchange import Asked, Exchange
from seawall.pipeline.reply_stream import ReplyStream
from seawall.pipeline.watchdog import HungUp, Kennel, Watchdog
from seawall.ports.clock import Clock


class Ask(NamedTuple):
    """A request as the SDK would put it on the wire: `target` is path and query, field names are in lower case."""

    method: str
    target: bytes
    headers: dict[bytes, bytes]
    content: bytes


class Answer(NamedTuple):
    """What comes back: the head as it would stand on the wire, and the whole body, or None for a stream."""

    head: bytes
    body: bytes | None


class LeftError(Exception):
    """The exchange was given up before its answer was complete; nobody but who gave it up can meet this."""


class BrokenStreamError(Exception):
    """The stream broke after its beginning had been given out; its last piece was the dialect's error event."""


class Run:
    """Run one exchange to its end, and give its answer out: the head once it is there, then a stream's pieces.

    The exchange has its own task, so that it has an end and a record even if whoever asked never comes back: the
    watchdog interrupts this task and no other. Belongs to the running event loop. `scrub` clears a provider's own
    messages of credentials.
    """

    def __init__(self, entry: Entry, ask: Ask, kennel: Kennel, clock: Clock, scrub: Callable[[str], str]) -> None:
        loop = asyncio.get_running_loop()
        self._entry = entry
        self._ask = ask
        self._kennel = kennel
        self._clock = clock
        self._scrub = scrub
        self._watchdog: Watchdog | None = None
        self._answer: Answer | None = None
        self._fault: Exception | None = None
        self._has_head = asyncio.Event()
        self._is_over = asyncio.Event()
        self._pieces = Channel(loop)
        self.loop = loop
        self.task = loop.create_task(self._live(), name="seawall exchange")
        self.task.add_done_callback(self._ended)

    async def answer(self) -> Answer:
        """Wait for the answer's head, or for all of an answer that is no stream.

        Cancelling leaves the exchange running; `leave` ends it.

        Raises:
            LeftError: the exchange was given up meanwhile.
            Exception: a fault of ours, as it is.
        """
        await self._has_head.wait()
        if self._answer is None:
            raise self._fault or LeftError("the client was closed before the answer came")
        return self._answer

    async def piece(self) -> bytes:
        """Wait for the next piece of the stream; `b""` is its end, at which the exchange's record is written.

        Raises:
            BrokenStreamError: the stream broke; its last piece said why, in the client's dialect.
            LeftError: the exchange was given up meanwhile.
        """
        return await self._pieces.take()

    def hang_up(self) -> None:
        """Give the exchange up, unless it is over: what it waits for is interrupted, and its provider left.

        One that survives its client goes on by itself, and what comes of it is given to nobody.
        """
        if self._is_over.is_set():
            return
        if self._watchdog is None:
            self.task.cancel()  # it has not even begun
        else:
            self._watchdog.hang_up()
            if self._watchdog.survives:
                self._pieces.close(fault=_left())

    async def leave(self) -> None:
        """Give the exchange up and wait until its record is written; an exchange that is over is left as it is.

        Nobody waits for one that survives its client.
        """
        self.hang_up()
        if self._watchdog is None or not self._watchdog.survives:
            await self._is_over.wait()

    async def _live(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("an exchange runs in a task")
        watchdog = self._watchdog = self._kennel.watch(task)
        stream: ReplyStream | None = None
        try:
            stream = await self._exchanged(self._exchange(watchdog))
        except HungUp:
            pass
        except Exception as error:  # noqa: BLE001  # a fault of ours goes to whoever asked, and not to a task's grave
            self._fault = error
            self._pieces.close(fault=error)
        finally:
            watchdog.close()
            self._finish()
        if stream is not None:
            await stream.drain()

    def _exchange(self, watchdog: Watchdog) -> Exchange:
        method, target, headers, content = self._ask
        path, _, query = target.partition(b"?")
        place = self._entry.paths.find(method, path.decode("latin-1"))

        async def read_body(limit: int) -> bytes:
            if headers.get(b"content-encoding", b"identity").lower() != b"identity":
                raise BadRequest("content-encoding: expected an uncompressed body", code="request.encoding")
            if len(content) > limit:
                raise BodyTooLarge(f"the body has {len(content)} bytes; expected at most {limit}")
            return content

        asked = Asked(
            dialect_of(place, headers),
            place.endpoint,
            headers,
            read_body,
            place.route,
            place.model_id,
            forwarded_query(query) if query else "",
        )
        return new_exchange(self._clock.wall_s(), watchdog, asked)

    async def _exchanged(self, exchange: Exchange) -> ReplyStream | None:
        """Carry the exchange out; gives a stream that is complete and wants to be drained."""
        try:
            reply = await self._entry.call(exchange)
        except HungUp:
            raise
        except SeawallError as error:
            body = exchange.dialect.error_body(presentable(error, self._scrub), exchange.id)
            self._give(Answer(error_head(exchange, error), body))
            return None
        head = reply_head(exchange, reply)
        if reply.stream is None:
            self._give(Answer(head, reply.body))
            return None
        self._give(Answer(head, None))
        return await self._pumped(exchange, reply.stream)

    async def _pumped(self, exchange: Exchange, stream: ReplyStream) -> ReplyStream | None:
        try:
            await stream.pump(self._pieces.put)
        except HungUp:
            raise
        except SeawallError as error:
            frame = exchange.dialect.error_frame(presentable(error, self._scrub), exchange.id)
            self._pieces.close(frame, BrokenStreamError(str(error)))
            return None
        trailer = b""
        if exchange.headers.get(b"x-seawall-trailer") == b"cost":
            cost_nusd = sum(attempt.cost_nusd or 0 for attempt in exchange.attempts)
            trailer = f": x-seawall-cost-usd {usd_text(cost_nusd)}\n\n".encode()
        self._pieces.close(trailer)
        return stream

    def _give(self, answer: Answer) -> None:
        self._answer = answer
        self._has_head.set()

    def _finish(self) -> None:
        self._is_over.set()
        self._has_head.set()
        self._pieces.close(fault=_left())

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Free whoever waits, also where the task was cancelled before its first step."""
        del task
        self._finish()


def _left() -> LeftError:
    return LeftError("the client was closed before the stream was complete")
