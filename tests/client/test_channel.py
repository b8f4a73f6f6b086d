import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.client.channel import Channel
from seawall.testing.virtual_loop import run_virtual


class BrokenError(Exception):
    pass


def _channel() -> Channel:
    return Channel(asyncio.get_running_loop())


async def _all_of(channel: Channel) -> list[bytes]:
    taken = []
    while piece := await channel.take():
        taken.append(piece)
    return taken


@given(st.lists(st.binary(min_size=1, max_size=5), max_size=20), st.binary(max_size=5))
def test_every_piece_arrives_once_and_in_order(pieces: list[bytes], last: bytes) -> None:
    async def run() -> bytes:
        channel = _channel()

        async def write() -> None:
            for piece in pieces:
                await channel.put(piece)
            channel.close(last)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write())
            taken = tasks.create_task(_all_of(channel))
        return b"".join(taken.result())

    assert run_virtual(run()) == b"".join(pieces) + last


async def test_the_writer_of_a_second_piece_waits_until_the_first_is_taken() -> None:
    channel = _channel()
    await channel.put(b"one")
    second = asyncio.ensure_future(channel.put(b"two"))
    await asyncio.sleep(0)
    assert not second.done()

    assert await channel.take() == b"onetwo"
    await second

    await channel.put(b"three")
    assert await channel.take() == b"three"


async def test_a_piece_whose_writer_was_cancelled_arrives_all_the_same() -> None:
    channel = _channel()
    await channel.put(b"one")
    second = asyncio.ensure_future(channel.put(b"two"))
    await asyncio.sleep(0)

    second.cancel()
    await asyncio.wait([second])
    channel.close(b"!")

    assert await _all_of(channel) == [b"onetwo!"]


async def test_a_reader_who_was_cancelled_loses_nothing() -> None:
    channel = _channel()
    reader = asyncio.ensure_future(channel.take())
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.wait([reader])

    await channel.put(b"one")

    assert await channel.take() == b"one"


async def test_a_fault_comes_after_everything_else_and_stays() -> None:
    channel = _channel()
    await channel.put(b"one")
    channel.close(b"!", BrokenError())

    assert await channel.take() == b"one!"
    for _ in range(2):
        with pytest.raises(BrokenError):
            await channel.take()


async def test_a_closed_channel_frees_who_waits() -> None:
    channel = _channel()
    reader = asyncio.ensure_future(channel.take())
    await asyncio.sleep(0)

    channel.close()

    assert await reader == b""


async def test_the_first_close_counts() -> None:
    channel = _channel()
    channel.close(b"end")
    channel.close(b"more", BrokenError())

    assert await _all_of(channel) == [b"end"]


async def test_two_readers_are_one_too_many() -> None:
    channel = _channel()
    reader = asyncio.ensure_future(channel.take())
    await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="one reader"):
        await channel.take()
    channel.close()
    await reader


async def test_what_is_put_into_a_closed_channel_is_lost_and_waits_for_nobody() -> None:
    channel = _channel()
    await channel.put(b"one")
    second = asyncio.ensure_future(channel.put(b"two"))
    await asyncio.sleep(0)

    channel.close()
    await second
    await channel.put(b"three")

    assert await _all_of(channel) == [b"onetwo"]
