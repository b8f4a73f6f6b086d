"""Send an answer: event by event, at the model's pace, with the faults that happen on the way."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from seawall.ports.clock import Clock
from seawall.sandbox.fault import Faults
from seawall.sandbox.reply import Event, Reply
from seawall.sandbox.server import Line, Request
from seawall.sandbox.setting import Settings

_SLICES_A_SECOND: Final = 20
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}


@dataclass(slots=True)
class Progress:
    """How far an answer came; `tokens` were generated, `bytes_sent` of the body written, before chunked coding."""

    status: int = 0
    events: int = 0
    tokens: int = 0
    bytes_sent: int = 0


@dataclass(frozen=True, slots=True)
class Manner:
    """How answers are sent: their pace, their faults, and the clock that measures what was generated."""

    settings: Settings
    faults: Faults
    clock: Clock


async def deliver(reply: Reply, request: Request, line: Line, manner: Manner, progress: Progress) -> None:
    """Send an answer and keep `progress` up to date.

    Cancelled when the client goes away; `progress` then says how far it came.
    """
    await _Delivery(reply, request, line, manner, progress).run()


class _Delivery:
    def __init__(self, reply: Reply, request: Request, line: Line, manner: Manner, progress: Progress) -> None:
        self._reply = reply
        self._line = line
        self._settings = manner.settings
        self._faults = manner.faults
        self._clock = manner.clock
        self._progress = progress
        self._is_http10 = request.is_http10
        self._is_chunked = reply.is_stream and not request.is_http10 and manner.faults.wrong_length is None
        self._says_close = not request.is_kept_alive or (reply.is_stream and request.is_http10)

    async def run(self) -> None:
        if self._faults.stall:
            await self._line.lost()
        await self._wait(self._settings.header_ms / 1000)
        if not self._reply.is_stream:
            await self._generate_whole()
        self._reply.begun()
        head = self._head()
        self._progress.status = self._reply.status
        if self._says_close or self._faults.wrong_length is not None:
            self._line.close_after()
        if self._faults.cut_headers:
            self._progress.tokens = sum(event.tokens for event in self._reply.events)
            await self._line.write(head[: len(head) * 2 // 3])
            self._line.reset()
        elif self._is_plain():
            await self._send_plain(head)
        else:
            await self._line.write(head)
            await self._send_events()

    def _is_plain(self) -> bool:
        faults = self._faults
        return not self._reply.is_stream and (faults.slow_bytes, faults.cut, faults.stall_after) == (None, None, None)

    async def _send_plain(self, head: bytes) -> None:
        (event,) = self._reply.events
        self._count(event)
        self._progress.bytes_sent = len(event.data)
        self._line.write_last(head + event.data)

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def _generate_whole(self) -> None:
        """Take the time that the whole answer takes; one that is cut off counts the tokens it had by then."""
        tokens = sum(event.tokens for event in self._reply.events)
        rate = self._settings.tokens_per_second
        if not tokens:
            return
        await self._wait(self._settings.first_token_ms / 1000)
        if not rate:
            return
        started_s = self._clock.monotonic_s()
        try:
            await self._wait(tokens / rate)
        except asyncio.CancelledError:
            self._progress.tokens = min(tokens, int((self._clock.monotonic_s() - started_s) * rate))
            raise

    def _head(self) -> bytes:
        reply, status = self._reply, self._reply.status
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        if self._is_chunked:
            lines.append("transfer-encoding: chunked")
        elif not (reply.is_stream and self._faults.wrong_length is None):
            length = sum(len(event.data) for event in reply.events) + (self._faults.wrong_length or 0)
            lines.append(f"content-length: {max(0, length)}")
        if self._says_close:
            lines.append("connection: close")
        elif self._is_http10:
            lines.append("connection: keep-alive")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace")

    async def _send_events(self) -> None:
        events = self._reply.events
        is_first = True
        for number, event in enumerate(events):
            if number == self._faults.stall_after:
                await self._line.lost()
            if self._reply.is_stream and event.tokens:
                await self._generate(event, is_first=is_first)
                is_first = False
            self._count(event)
            if not await self._send(event.data, is_last=number == len(events) - 1):
                return
        if self._reply.is_stream and self._faults.stall_after is not None:
            await self._line.lost()
        if not events and self._is_chunked:
            self._line.write_last(b"0\r\n\r\n")

    async def _generate(self, event: Event, *, is_first: bool) -> None:
        rate = self._settings.tokens_per_second
        first_s = self._settings.first_token_ms / 1000 if is_first else 0.0
        await self._wait(first_s + (event.tokens / rate if rate else 0.0))

    def _count(self, event: Event) -> None:
        if self._reply.is_stream:
            self._progress.tokens += event.tokens
        else:
            self._progress.tokens = event.tokens
        self._progress.events += 1

    async def _send(self, data: bytes, *, is_last: bool) -> bool:
        """Send the data of one event; False if the connection was cut within it."""
        before, after = (b"%x\r\n" % len(data), b"\r\n") if self._is_chunked else (b"", b"")
        if is_last and self._is_chunked and self._faults.stall_after is None:
            after += b"0\r\n\r\n"
        left = None if self._faults.cut is None else self._faults.cut - self._progress.bytes_sent
        if left is not None and left <= len(data):
            await self._trickle(before + data[:left])
            self._progress.bytes_sent += left
            self._line.reset()
            return False
        self._progress.bytes_sent += len(data)
        if is_last and self._faults.slow_bytes is None:
            self._line.write_last(before + data + after)
        else:
            await self._trickle(before + data + after)
            await asyncio.sleep(0)  # lets a hang-up be noticed between two events that need no waiting
        return True

    async def _trickle(self, data: bytes) -> None:
        rate = self._faults.slow_bytes
        if rate is None:
            await self._line.write(data)
            return
        step = max(1, int(rate / _SLICES_A_SECOND))
        for start in range(0, len(data), step):
            part = data[start : start + step]
            await self._line.write(part)
            await asyncio.sleep(len(part) / rate)
