"""What becomes of a call whose client leaves: on routes that drain, it runs to its end all the same."""

from typing import Final

from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.recorded import RecordedStream
from seawall.pipeline.recording import Recording

NOTE: Final = "client.left"


async def drain_hang_ups(exchange: Exchange, call_next: CallNext) -> Reply:
    """Let the call survive its client, so that its provider tells what it cost; calls on once.

    Nothing is written to a client that is gone. The call ends at its deadline at the latest, and with the process.
    """
    watchdog = exchange.watchdog
    if not exchange.endpoint.is_billed:
        return await call_next(exchange)
    watchdog.survive()
    try:
        reply = await call_next(exchange)
    finally:
        _note_absence(exchange)
    if reply.stream is not None:
        reply.stream.on_end(lambda _: _note_absence(exchange))
        reply.stream = RecordedStream(reply.stream, Recording(0), watchdog, _nothing, lambda _: None)
    return reply


async def _nothing() -> None:
    """Do nothing: no recording was kept."""


def _note_absence(exchange: Exchange) -> None:
    if exchange.watchdog.is_abandoned:
        exchange.note(NOTE)
