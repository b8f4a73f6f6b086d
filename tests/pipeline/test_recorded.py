import asyncio

import pytest

from seawall.core.error import UpstreamBroken
from seawall.pipeline.recorded import RecordedStream
from seawall.pipeline.recording import Recording
from seawall.pipeline.reply_stream import ReplyStream
from seawall.pipeline.stored import StoredStream
from seawall.pipeline.stream import StreamState
from seawall.pipeline.watchdog import Kennel, Watchdog
from seawall.testing.virtual_loop import run_virtual


def _dog() -> Watchdog:
    task = asyncio.current_task()
    assert task is not None
    return Kennel(asyncio.get_running_loop()).watch(task)


class Told:
    """What a recorded stream told, in its order."""

    def __init__(self, source: Recording) -> None:
        self.all: list[object] = []
        self.recording = Recording(99)
        self.dog = _dog()
        self.stream: ReplyStream = RecordedStream(
            StoredStream(source, self.dog), self.recording, self.dog, self.completed, self.all.append
        )

    async def completed(self) -> None:
        self.all.append("completed")

    async def write(self, data: bytes) -> None:
        await asyncio.sleep(0)
        self.all.append(data)

    async def pump(self) -> None:
        try:
            await self.stream.pump(self.write)
            await self.stream.drain()
        finally:
            self.dog.close()


def test_it_passes_everything_on_and_keeps_it() -> None:
    async def main() -> None:
        told = Told(Recording.of(b"a\n\n"))
        told.stream.on_end(told.all.append)

        await told.pump()

        assert told.all == [b"a\n\n", None, "completed"]
        assert told.recording.pieces == [b"a\n\n"]
        stream = told.stream
        assert (stream.state, stream.terminal_seen, stream.first_content_s) == (StreamState.ENDED, True, 0.0)
        assert stream.facts.usage_state == "none"

    run_virtual(main())


def test_who_follows_has_the_end_as_soon_as_it_came_however_slowly_the_first_client_reads() -> None:
    async def main() -> None:
        told = Told(Recording.of(b"a\n\n"))
        follower, dog = StoredStream(told.recording, _dog()), _dog()
        written: list[bytes] = []

        async def crawl(data: bytes) -> None:
            del data
            await asyncio.sleep(9.0)

        async def follow(data: bytes) -> None:
            written.append(data)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(told.stream.pump(crawl))
            await follower.pump(follow)
            assert (written, asyncio.get_running_loop().time()) == ([b"a\n\n"], 0.0)
        dog.close()
        told.dog.close()

        assert told.all == ["completed"]

    run_virtual(main())


def test_a_failure_is_told_before_it_goes_on() -> None:
    async def main() -> None:
        error = UpstreamBroken("cut")
        source = Recording(9)
        source.close(error)
        told = Told(source)

        with pytest.raises(UpstreamBroken):
            await told.pump()

        assert told.all == [error]

    run_virtual(main())


def test_a_client_that_left_is_written_nothing_and_the_rest_is_kept() -> None:
    async def main() -> None:
        source = Recording(99)
        told = Told(source)
        told.dog.survive()
        loop = asyncio.get_running_loop()
        source.add(b"a\n\n")
        loop.call_later(1.0, told.dog.hang_up)
        loop.call_later(2.0, source.add, b"b\n\n")
        loop.call_later(3.0, source.close, None)

        await told.pump()

        assert told.all == [b"a\n\n", "completed"]
        assert told.recording.pieces == [b"a\n\n", b"b\n\n"]

    run_virtual(main())
