import asyncio
import math

import pytest

from seawall.core.error import DeadlineExceeded
from seawall.pipeline.reply_stream import ReplyStream
from seawall.pipeline.stored import StoredStream
from seawall.pipeline.stream import StreamState
from seawall.pipeline.watchdog import Kennel, Watchdog
from seawall.testing.virtual_loop import run_virtual


def _dog() -> Watchdog:
    task = asyncio.current_task()
    assert task is not None
    return Kennel(asyncio.get_running_loop()).watch(task)


def test_its_pieces_go_out_in_order_and_everybody_hears_of_the_end() -> None:
    async def main() -> None:
        stream: ReplyStream = StoredStream([b"a\n\n", b"b\n\n"], dog := _dog())
        written: list[bytes] = []
        heard: list[BaseException | None] = []

        async def write(data: bytes) -> None:
            await asyncio.sleep(1.0)
            written.append(data)

        stream.on_end(heard.append)
        assert (stream.state, stream.first_content_s) == (StreamState.COMMITTED, None)
        await stream.pump(write)
        await stream.drain()
        dog.close()

        assert written == [b"a\n\n", b"b\n\n"]
        assert heard == [None]
        assert (stream.state, stream.terminal_seen, stream.first_content_s) == (StreamState.ENDED, True, 0.0)
        assert (stream.facts.usage_state, stream.facts.usage is None) == ("none", False)

    run_virtual(main())


def test_a_deadline_ends_it_for_a_client_that_does_not_read() -> None:
    async def main() -> None:
        stream = StoredStream([b"a\n\n"], dog := _dog())
        heard: list[BaseException | None] = []
        stream.on_end(heard.append)
        dog.limit(2.0)

        async def never(data: bytes) -> None:
            del data
            await asyncio.sleep(math.inf)

        with pytest.raises(DeadlineExceeded) as raised:
            await stream.pump(never)
        dog.close()

        assert heard == [raised.value]

    run_virtual(main())


def test_a_writer_that_fails_is_heard_of() -> None:
    async def main() -> None:
        stream = StoredStream([b"a\n\n"], dog := _dog())
        heard: list[BaseException | None] = []
        stream.on_end(heard.append)

        async def broken(data: bytes) -> None:
            raise OSError(data)

        with pytest.raises(OSError, match="a") as raised:
            await stream.pump(broken)
        dog.close()

        assert heard == [raised.value]

    run_virtual(main())
