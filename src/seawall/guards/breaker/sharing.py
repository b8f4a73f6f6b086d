"""Keep the workers' breakers together: what one opens the others open too, within a second."""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

from seawall.guards.breaker.register import Breakers, Notice
from seawall.ports.board import Board
from seawall.ports.clock import Clock

SHARE_S: Final = 0.25
# Well below the age at which a board takes a note for a dead worker's.
RENEW_S: Final = 10.0

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Notice).decode


async def share(breakers: Breakers, board: Board, clock: Clock) -> None:
    """Publish what these breakers have to say whenever it changes, and follow the others; runs until cancelled.

    The board is read and written in a thread, since a disk may be slow; a note that cannot be read is passed over.
    """
    said, said_s = b"", -RENEW_S
    while True:
        now_s = clock.monotonic_s()
        text = _encode(breakers.notice(now_s, clock.wall_s()))
        is_due = text != said or now_s - said_s >= RENEW_S
        if is_due:
            said, said_s = text, now_s
        others = await asyncio.to_thread(_exchange, board, text if is_due else None)
        breakers.adopt(_read(others), clock.monotonic_s(), clock.wall_s())
        await asyncio.sleep(SHARE_S)


def _exchange(board: Board, text: bytes | None) -> list[bytes]:
    if text is not None:
        board.publish(text)
    return board.read_others()


def _read(notices: Iterable[bytes]) -> list[Notice]:
    read = []
    for text in notices:
        try:
            read.append(_decode(text))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return read
