import asyncio
import math

import pytest

from seawall.core.error import DeadlineExceeded, UpstreamBroken
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


def test_a_stored_stream_goes_out_and_everybody_hears_of_its_end() -> None:
    async def main() -> None:
        stream: ReplyStream = StoredStream(Recording.of(b"a\n\nb\n\n"), dog := _dog())
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

        assert written == [b"a\n\nb\n\n"]
        assert heard == [None]
        assert (stream.state, stream.terminal_seen, stream.first_content_s) == (StreamState.ENDED, True, 0.0)
        assert (stream.facts.usage_state, stream.facts.usage is None) == ("none", False)

    run_virtual(main())


def test_a_running_stream_is_followed_to_its_end() -> None:
    async def main() -> None:
        recording = Recording(99)
        stream, dog = StoredStream(recording, _dog()), _dog()
        written: list[tuple[float, bytes]] = []
        loop = asyncio.get_running_loop()

        async def write(data: bytes) -> None:
            written.append((loop.time(), data))

        recording.add(b"a\n\n")
        loop.call_later(1.0, recording.add, b"b\n\n")
        loop.call_later(1.0, recording.add, b"c\n\n")
        loop.call_later(2.0, recording.close, None)
        await stream.pump(write)
        dog.close()

        assert written == [(0.0, b"a\n\n"), (pytest.approx(1.0), b"b\n\nc\n\n")]
        assert loop.time() == pytest.approx(2.0)

    run_virtual(main())


def test_a_broken_recording_breaks_the_stream_after_all_that_came_before() -> None:
    async def main() -> None:
        recording, error = Recording(99), UpstreamBroken("it broke")
        stream, dog = StoredStream(recording, _dog()), _dog()
        written: list[bytes] = []

        async def write(data: bytes) -> None:
            written.append(data)

        recording.add(b"a\n\n")
        recording.close(error)
        with pytest.raises(UpstreamBroken) as raised:
            await stream.pump(write)
        dog.close()

        assert raised.value is error
        assert (written, stream.terminal_seen) == ([b"a\n\n"], False)

    run_virtual(main())


def test_a_deadline_ends_it_for_a_client_that_does_not_read() -> None:
    async def main() -> None:
        recording = Recording(99)
        recording.add(b"a\n\n")
        stream = StoredStream(recording, dog := _dog())
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


def test_a_deadline_after_the_last_bytes_were_handed_over_comes_too_late() -> None:
    async def main() -> None:
        stream = StoredStream(Recording.of(b"a\n\n"), dog := _dog())
        heard: list[BaseException | None] = []
        written: list[bytes] = []
        stream.on_end(heard.append)
        dog.limit(2.0)

        async def never(data: bytes) -> None:
            written.append(data)
            await asyncio.sleep(math.inf)

        await stream.pump(never)
        dog.close()

        assert (written, heard, stream.terminal_seen) == ([b"a\n\n"], [None], True)

    run_virtual(main())


def test_a_writer_that_fails_is_heard_of() -> None:
    async def main() -> None:
        stream = StoredStream(Recording.of(b"a\n\n"), dog := _dog())
        heard: list[BaseException | None] = []
        stream.on_end(heard.append)

        async def broken(data: bytes) -> None:
            raise OSError(data)

        with pytest.raises(OSError, match="a") as raised:
            await stream.pump(broken)
        dog.close()

        assert heard == [raised.value]

    run_virtual(main())
