import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import DeadlineExceeded, SeawallError, UpstreamTimeout
from seawall.pipeline.watchdog import TICK_S, HungUp, Kennel, Watchdog
from seawall.testing.virtual_loop import run_virtual

LENGTHS = st.floats(0.001, 20.0)


def _task() -> "asyncio.Task[object]":
    task = asyncio.current_task()
    assert task is not None
    return task


def _watched(act: Callable[[Watchdog], Awaitable[None]]) -> tuple[SeawallError | None, float]:
    """Run something under a watchdog; give the reason that it was interrupted for, and when (virtual seconds)."""

    async def main() -> tuple[SeawallError | None, float]:
        loop = asyncio.get_running_loop()
        dog = Kennel(loop).watch(_task())
        reason = None
        try:
            await act(dog)
        except asyncio.CancelledError:
            reason = dog.take(SeawallError)
        finally:
            dog.close()
        assert _task().cancelling() == 0, "a taken cancellation is over"
        return reason, loop.time()

    return run_virtual(main())


@given(LENGTHS)
def test_a_deadline_is_late_by_at_most_one_tick(total_s: float) -> None:
    async def act(dog: Watchdog) -> None:
        dog.limit(total_s)
        await asyncio.sleep(40.0)

    reason, at_s = _watched(act)

    assert isinstance(reason, DeadlineExceeded)
    assert f"{round(total_s * 1000)} ms" in str(reason)
    assert total_s <= at_s <= total_s + TICK_S + 1e-6


@given(LENGTHS, st.sampled_from(["first_token", "idle"]))
def test_a_phase_is_late_by_at_most_one_tick(after_s: float, name: str) -> None:
    async def act(dog: Watchdog) -> None:
        dog.limit(5000.0)
        dog.phase(name, after_s)
        await asyncio.sleep(40.0)

    reason, at_s = _watched(act)

    assert isinstance(reason, UpstreamTimeout)
    assert reason.code == f"upstream.timeout.{name}"
    assert after_s <= at_s <= after_s + TICK_S + 1e-6


def test_the_deadline_goes_before_a_phase() -> None:
    async def act(dog: Watchdog) -> None:
        dog.limit(1.0)
        dog.phase("idle", 1.0)
        await asyncio.sleep(10.0)

    assert isinstance(_watched(act)[0], DeadlineExceeded)


def test_the_deadline_counts_from_the_beginning_of_the_watch() -> None:
    async def act(dog: Watchdog) -> None:
        await asyncio.sleep(3.0)
        dog.limit(4.0)
        await asyncio.sleep(10.0)

    assert _watched(act)[1] == pytest.approx(4.0, abs=TICK_S)


def test_a_phase_that_is_extended_or_ended_in_time_interrupts_nothing() -> None:
    async def act(dog: Watchdog) -> None:
        dog.phase("idle", 1.0)
        for _ in range(10):
            await asyncio.sleep(0.9)
            dog.extend()
        dog.end_phase()
        await asyncio.sleep(50.0)

    reason, at_s = _watched(act)

    assert reason is None
    assert at_s == pytest.approx(59.0)


def test_a_paused_phase_goes_on_with_what_was_left() -> None:
    async def act(dog: Watchdog) -> None:
        dog.phase("first_token", 5.0)
        await asyncio.sleep(3.0)
        left_s = dog.pause()
        await asyncio.sleep(100.0)
        dog.resume(left_s)
        await asyncio.sleep(100.0)

    reason, at_s = _watched(act)

    assert isinstance(reason, UpstreamTimeout)
    assert at_s == pytest.approx(105.0, abs=TICK_S + 1e-6)


def test_pausing_without_a_phase_begins_none() -> None:
    async def act(dog: Watchdog) -> None:
        assert dog.pause() == math.inf
        dog.resume(math.inf)
        await asyncio.sleep(100.0)

    assert _watched(act)[0] is None


def test_a_client_that_left_interrupts_at_once() -> None:
    async def act(dog: Watchdog) -> None:
        asyncio.get_running_loop().call_later(0.005, dog.hang_up)
        await asyncio.sleep(10.0)

    reason, at_s = _watched(act)

    assert isinstance(reason, HungUp)
    assert at_s == pytest.approx(0.005)


def test_the_first_reason_stands() -> None:
    async def act(dog: Watchdog) -> None:
        dog.hang_up()
        dog.interrupt(DeadlineExceeded("later"))
        await asyncio.sleep(10.0)

    assert isinstance(_watched(act)[0], HungUp)


def test_somebody_elses_cancellation_has_no_reason_and_goes_on() -> None:
    async def main() -> None:
        dog = Kennel(asyncio.get_running_loop()).watch(_task())
        asyncio.get_running_loop().call_soon(_task().cancel)
        try:
            with pytest.raises(asyncio.CancelledError):
                await asyncio.sleep(10.0)
            assert dog.take(SeawallError) is None
            assert _task().cancelling() == 1
        finally:
            _task().uncancel()
            dog.close()

    run_virtual(main())


def test_where_both_cancel_the_other_one_goes_on() -> None:
    async def main() -> None:
        dog = Kennel(asyncio.get_running_loop()).watch(_task())
        asyncio.get_running_loop().call_soon(dog.hang_up)
        asyncio.get_running_loop().call_soon(_task().cancel)
        try:
            with pytest.raises(asyncio.CancelledError):
                await asyncio.sleep(10.0)
            assert dog.take(SeawallError) is None
            assert _task().cancelling() == 1
            assert dog.reason is None
        finally:
            _task().uncancel()
            dog.close()

    run_virtual(main())


def test_a_timeout_of_asyncio_inside_keeps_its_own_meaning() -> None:
    async def act(dog: Watchdog) -> None:
        dog.limit(5.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await asyncio.sleep(10.0)
        async with asyncio.timeout(100.0):
            await asyncio.sleep(10.0)

    reason, at_s = _watched(act)

    assert isinstance(reason, DeadlineExceeded)
    assert at_s == pytest.approx(5.0, abs=TICK_S + 1e-6)


def test_only_a_reason_of_the_kind_is_given() -> None:
    async def main() -> None:
        dog = Kennel(asyncio.get_running_loop()).watch(_task())
        asyncio.get_running_loop().call_soon(dog.hang_up)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(10.0)

        assert dog.take(DeadlineExceeded) is None
        assert isinstance(dog.take(HungUp), HungUp)
        assert dog.take(SeawallError) is None
        dog.close()

    run_virtual(main())


def test_a_deadline_that_has_passed_interrupts_what_still_waits() -> None:
    async def act(dog: Watchdog) -> None:
        dog.limit(1.0)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(10.0)
        assert dog.take(SeawallError) is not None
        await asyncio.sleep(10.0)

    reason, at_s = _watched(act)

    assert isinstance(reason, DeadlineExceeded)
    assert at_s <= 1.0 + 2 * TICK_S + 1e-6


def test_a_task_that_is_done_is_left_alone() -> None:
    async def main() -> None:
        task: asyncio.Task[object] = asyncio.ensure_future(asyncio.sleep(0))
        dog = Kennel(asyncio.get_running_loop()).watch(task)
        await task
        dog.hang_up()

        assert dog.reason is None
        dog.close()

    run_virtual(main())


def test_the_ticker_runs_only_while_somebody_is_watched() -> None:
    async def main() -> tuple[int, int, int]:
        loop, looks = asyncio.get_running_loop(), 0

        def time() -> float:
            nonlocal looks
            looks += 1
            return loop.time()

        kennel = Kennel(loop, time)
        first = kennel.watch(_task())
        await asyncio.sleep(1.0)
        busy = looks
        first.close()
        first.close()
        await asyncio.sleep(1000.0)
        idle = looks - busy
        second = kennel.watch(_task())
        await asyncio.sleep(1.0)
        second.close()
        return busy, idle, looks - busy - idle

    busy, idle, again = run_virtual(main())

    assert busy == pytest.approx(1.0 / TICK_S, abs=3)
    assert idle == 0
    assert again == pytest.approx(busy, abs=1)


def test_one_ticker_watches_all() -> None:
    async def wait(kennel: Kennel, total_s: float) -> float:
        dog = kennel.watch(_task())
        dog.limit(total_s)
        try:
            await asyncio.sleep(100.0)
        except asyncio.CancelledError:
            assert dog.take(SeawallError)
        finally:
            dog.close()
        return asyncio.get_running_loop().time()

    async def main() -> None:
        kennel = Kennel(asyncio.get_running_loop())
        ends = await asyncio.gather(*(wait(kennel, n / 10) for n in range(1, 200)))
        assert not kennel.watching
        for n, at_s in enumerate(ends, 1):
            assert n / 10 <= at_s <= n / 10 + TICK_S + 1e-6

    run_virtual(main())


def test_an_exchange_that_survives_its_client_goes_on_to_its_own_end() -> None:
    async def act(dog: Watchdog) -> None:
        dog.survive()
        asyncio.get_running_loop().call_later(1.0, dog.hang_up)
        await asyncio.sleep(5.0)
        assert dog.is_abandoned

    reason, at_s = _watched(act)

    assert reason is None
    assert at_s == pytest.approx(5.0)


def test_a_survivor_still_has_a_deadline() -> None:
    async def act(dog: Watchdog) -> None:
        dog.survive()
        dog.limit(2.0)
        dog.hang_up()
        await asyncio.sleep(5.0)

    reason, at_s = _watched(act)

    assert isinstance(reason, DeadlineExceeded)
    assert 2.0 <= at_s <= 2.0 + TICK_S + 1e-6


def test_surviving_comes_too_late_for_a_client_that_is_gone() -> None:
    async def act(dog: Watchdog) -> None:
        dog.hang_up()
        dog.survive()
        await asyncio.sleep(5.0)

    reason, _ = _watched(act)

    assert isinstance(reason, HungUp)


def test_what_is_allowed_puts_a_near_deadline_off_and_never_brings_it_nearer() -> None:
    async def act(dog: Watchdog) -> None:
        dog.limit(1.0)
        dog.allow(3.0)
        assert dog.deadline_s == 3.0
        dog.allow(0.5)
        await asyncio.sleep(2.5)

    reason, at_s = _watched(act)

    assert reason is None
    assert at_s == pytest.approx(2.5)
