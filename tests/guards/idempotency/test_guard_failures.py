import asyncio
import math
from dataclasses import replace

import pytest

from seawall.core.error import (
    Conflict,
    DeadlineExceeded,
    Mismatch,
    SeawallError,
    Unavailable,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamUnreachable,
)
from seawall.core.kept import Claim, Ending, KeyRow
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.stores.memory.answers import MemoryAnswers
from seawall.testing.answers import claim
from seawall.testing.scripted_upstream import Break, Pause, Script
from seawall.testing.virtual_loop import run_virtual
from tests.guards.idempotency.conftest import FRAMES, GOOD, SLOW_STREAM, Process, body_of
from tests.scene import Ended, whole


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(UpstreamRefused(529, "overloaded_error", "later"), id="refused"),
        pytest.param(UpstreamUnreachable("nobody there"), id="unreachable"),
    ],
)
def test_what_cost_nothing_gives_the_key_back(process: Process, failure: SeawallError) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([failure, GOOD])
        return [await process.answer(), await process.answer()]

    first, again = run_virtual(main())

    assert first.error is failure
    assert body_of(again) == GOOD.steps[0]


def test_those_who_joined_fail_as_the_call_that_ran_and_may_run_again(process: Process) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([replace(whole({}, 529), head_after_s=1.0), GOOD])
        return [*await asyncio.gather(*[process.ask() for _ in range(3)]), await process.answer()]

    *failed, again = run_virtual(main())

    assert {id(each.error) for each in failed} == {id(failed[0].error)}
    assert isinstance(failed[0].error, UpstreamRefused)
    assert body_of(again) == GOOD.steps[0]
    assert len(process.upstream.requests) == 2


BROKEN = [
    pytest.param(Script((b'{"half', Break("cut at sk-secret")), head_after_s=1.0), False, id="whole and broken"),
    pytest.param(Script((FRAMES[0], Break()), head_after_s=1.0), True, id="a stream broken before its content"),
    pytest.param(Script([*FRAMES[:4], Pause(1.0), Break()], head_after_s=1.0), True, id="a stream broken after it"),
    pytest.param(Script((Pause(math.inf),)), True, id="no first token"),
    pytest.param(Script((Pause(math.inf),)), False, id="the deadline"),
]


@pytest.mark.parametrize(("script", "stream"), BROKEN)
def test_what_may_have_been_billed_is_not_run_again(process: Process, script: Script, stream: bool) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([script, GOOD])
        both = await asyncio.gather(process.ask(stream=stream), process.ask(stream=stream))
        return [*both, await process.answer(stream=stream), await process.beside().answer(stream=stream)]

    first, joined, again, elsewhere = run_virtual(main())

    assert len(process.upstream.requests) == 1
    assert isinstance(first.error, SeawallError)
    for each in (joined, again, elsewhere):
        assert isinstance(each.error, SeawallError)
        if not isinstance(each.error, DeadlineExceeded):
            assert (each.error.code, each.error.status) == (first.error.code, first.error.status)
            assert str(each.error) == str(first.error).replace(
                "sk-secret", "[secret]" if each is not joined else "sk-secret"
            )
    assert "seawall calls show req_1" in str(first.error)
    assert "new key" in str(first.error)
    assert first.error.should_retry is again.error.should_retry is False  # type: ignore[union-attr]  # asserted above
    assert b"".join(joined.written) == b"".join(first.written)
    assert again.exchange.notes == ["idempotency.repeated"]


def test_a_client_may_decide_to_run_it_again(process: Process) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([UpstreamBroken("it broke"), GOOD])
        rerun = {b"x-seawall-idempotency-rerun": b"true"}
        return [await process.answer(), await process.answer(headers=rerun), await process.answer(headers=rerun)]

    first, again, kept = run_virtual(main())

    assert isinstance(first.error, UpstreamBroken)
    assert again.exchange.notes == ["idempotency.rerun"]
    assert body_of(again) == body_of(kept), "what was answered is not run again at anybody's word"
    assert len(process.upstream.requests) == 2


def test_a_call_cut_off_at_the_end_of_the_process_is_an_unknown_outcome(process: Process) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([GOOD])
        first = process.ask()
        await asyncio.sleep(1.0)
        joined = process.ask()
        await asyncio.sleep(0.1)
        first.cancel()
        return [await joined, await process.beside().answer()]

    for ended in run_virtual(main()):
        assert isinstance(ended.error, Conflict)
        assert ended.error.code == "idempotency.unknown"


def test_a_claim_that_was_taken_away_is_not_run(process: Process) -> None:
    class Usurped(MemoryAnswers):
        is_usurped = False

        def mark(self, place: bytes, ticket: str, expires_at_s: float) -> "asyncio.Future[bool]":
            if not self.is_usurped:  # this process stood still for so long that another one took the key
                self.is_usurped = True
                self.release(place, ticket)
                self.reserve(claim("2", place=place), process.keys.clock.wall_s())
            return super().mark(place, ticket, expires_at_s)

    process = process.beside(Usurped())

    async def main() -> Ended:
        return await process.answer()

    ended = run_virtual(main())

    assert isinstance(ended.error, Mismatch)
    assert process.upstream.requests == []


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(MemoryAnswers):
        def finish(self, place: bytes, ticket: str, ending: Ending) -> "asyncio.Future[bool]":
            del place, ticket, ending
            failed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            failed.set_exception(Unavailable("the disk is full"))
            return failed

    process = process.beside(Full())

    async def main() -> list[Ended]:
        process.upstream.expect([GOOD])
        return [await process.answer(), await process.answer()]

    first, again = run_virtual(main())

    assert body_of(first) == GOOD.steps[0]
    assert isinstance(again.error, Conflict)
    assert again.error.code == "idempotency.unknown"
    assert "the disk is full" in caplog.text


def test_without_a_store_nobody_with_a_key_is_served(process: Process) -> None:
    class Gone(MemoryAnswers):
        def reserve(self, claim: Claim, now_s: float, over: KeyRow | None = None) -> "asyncio.Future[KeyRow | None]":
            del claim, now_s, over
            loop = asyncio.get_running_loop()
            failed: asyncio.Future[KeyRow | None] = loop.create_future()
            loop.call_later(1.0, failed.set_exception, Unavailable("the disk is gone"))
            return failed

    process = process.beside(Gone())

    async def main() -> tuple[list[Ended], float]:
        return [*await asyncio.gather(process.ask(), process.ask())], asyncio.get_running_loop().time()

    ended, at_s = run_virtual(main())

    assert all(isinstance(each.error, Unavailable) for each in ended)
    assert at_s == pytest.approx(1.0), "those who joined do not try one after the other"
    assert process.upstream.requests == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_deadline_that_passes_while_the_answer_is_written_takes_nothing_away(process: Process, stream: bool) -> None:
    class Slow(MemoryAnswers):
        def finish(self, place: bytes, ticket: str, ending: Ending) -> "asyncio.Future[bool]":
            done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            super().finish(place, ticket, ending)
            asyncio.get_running_loop().call_later(30.0, done.set_result, True)
            return done

    process = replace(process, store=Slow(), total_s=10.0)

    async def main() -> tuple[Ended, float]:
        process.upstream.expect([Script(FRAMES) if stream else GOOD])
        return await process.answer(stream=stream), asyncio.get_running_loop().time()

    ended, at_s = run_virtual(main())

    assert body_of(ended)
    assert at_s < 10.1


def test_a_deadline_between_two_attempts_leaves_as_its_reason(process: Process) -> None:
    class Dawdling:
        async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
            del exchange, call_next
            await asyncio.sleep(math.inf)
            raise AssertionError

    process = replace(process, total_s=1.0)
    process.scene.guards = (*process.scene.guards[:4], Dawdling(), *process.scene.guards[4:])

    async def main() -> Ended:
        return await process.answer()

    ended = run_virtual(main())

    assert isinstance(ended.error, DeadlineExceeded)
    assert "kept" not in str(ended.error), "nothing was dispatched"


def test_a_fault_in_the_middle_of_a_stream_is_an_unknown_outcome(process: Process) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([SLOW_STREAM])
        first = process.ask(stream=True)
        joined = process.ask(stream=True)
        await asyncio.sleep(2.2)
        first.cancel()
        return [await joined, await process.answer(stream=True)]

    for ended in run_virtual(main()):
        assert isinstance(ended.error, Conflict)
        assert ended.error.code == "idempotency.unknown"
