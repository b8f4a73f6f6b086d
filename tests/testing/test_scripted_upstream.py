import asyncio
import math

import pytest

from seawall.core.error import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from seawall.core.target import Origin, Timeouts
from seawall.ports.upstream import Upstream, UpstreamReply, UpstreamRequest
from seawall.testing.receipt import PAID
from seawall.testing.scripted_upstream import Break, Pause, Script, ScriptedReply, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual

REQUEST = UpstreamRequest(Origin("http", "provider", 80), "POST", "/v1/messages", b"", b"{}", Timeouts(60, 5, 20, 20))


def test_it_fills_the_ports() -> None:
    upstream: Upstream = ScriptedUpstream()
    reply: UpstreamReply = ScriptedReply(Script())

    assert reply.status == 200
    assert upstream is not None


async def test_answers_come_in_the_order_in_which_they_were_written_down() -> None:
    upstream = ScriptedUpstream(Script((b"one",)), UpstreamTimeout("connect", 5.0))
    upstream.expect([Script((b"two", b"three"))])

    first = await upstream.send(PAID, REQUEST)
    with pytest.raises(UpstreamTimeout):
        await upstream.send(PAID, REQUEST)
    second = await upstream.send(PAID, REQUEST)

    assert await first.read_all(100) == b"one"
    assert await second.read_all(100) == b"twothree"
    assert upstream.requests == [REQUEST] * 3
    assert upstream.replies == [first, second]
    assert first.has_ended


async def test_nothing_can_be_reached_without_a_script_or_after_the_end() -> None:
    upstream = ScriptedUpstream()
    with pytest.raises(UpstreamUnreachable):
        await upstream.send(PAID, REQUEST)

    upstream.expect([Script()])
    await upstream.aclose()

    with pytest.raises(UpstreamUnreachable):
        await upstream.send(PAID, REQUEST)
    assert upstream.is_closed


async def test_a_broken_answer_raises_at_its_place_and_ever_after() -> None:
    reply = ScriptedReply(Script((b"so far", Break("cut"))))

    assert await reply.read() == b"so far"
    for _ in range(2):
        with pytest.raises(UpstreamBroken, match="cut"):
            await reply.read()
    reply.abort()
    assert reply.is_aborted


async def test_an_answer_that_was_given_up_gives_nothing_more() -> None:
    reply = ScriptedReply(Script((b"never read",)))
    reply.abort()

    with pytest.raises(UpstreamBroken, match="given up"):
        await reply.read()


async def test_giving_up_after_the_end_is_no_giving_up() -> None:
    reply = ScriptedReply(Script())
    assert await reply.read() == b""
    reply.abort()

    assert not reply.is_aborted


async def test_a_body_beyond_the_limit_is_broken() -> None:
    reply = ScriptedReply(Script((b"12345", b"67890")))

    with pytest.raises(UpstreamBroken, match="longer than 9 bytes"):
        await reply.read_all(9)
    assert reply.is_aborted


def test_waits_are_kept_and_what_was_waited_counts_after_a_cancellation() -> None:
    async def main() -> tuple[bytes, float]:
        reply = await ScriptedUpstream(Script((Pause(10.0), b"late"), head_after_s=2.0)).send(PAID, REQUEST)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4.0):
                await reply.read()
        return await reply.read(), asyncio.get_running_loop().time()

    assert run_virtual(main()) == (b"late", 12.0)


def test_silence_for_ever_is_ended_only_by_a_cancellation() -> None:
    async def main() -> float:
        reply = ScriptedReply(Script((Pause(math.inf), b"never")))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(86_400.0):
                await reply.read()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 86_400.0
