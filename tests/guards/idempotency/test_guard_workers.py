import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from seawall.core.error import (
    Conflict,
    DeadlineExceeded,
    Mismatch,
)
from seawall.pipeline.watchdog import HungUp
from seawall.testing.virtual_loop import run_virtual
from tests.guards.idempotency.conftest import GOOD, SLOW_STREAM, Process, body_of
from tests.scene import Ended


def test_a_mismatch_that_is_being_looked_up_does_not_spoil_the_right_request(workers: Callable[[], Process]) -> None:
    worker = workers()

    async def main() -> list[Ended]:
        worker.upstream.expect([GOOD])
        await worker.answer()
        return [*await asyncio.gather(worker.ask(max_tokens=10), worker.ask())]

    other, same = run_virtual(main())

    assert isinstance(other.error, Mismatch)
    assert body_of(same) == GOOD.steps[0]


@pytest.mark.parametrize("stream", [False, True])
def test_repeats_in_another_worker_wait_for_the_first(workers: Callable[[], Process], stream: bool) -> None:
    here, there = workers(), workers()

    async def main() -> list[Ended]:
        here.upstream.expect([SLOW_STREAM if stream else GOOD])
        tending = asyncio.ensure_future(here.keys.tend())
        tasks = [here.ask(stream=stream)]
        await asyncio.sleep(0.5)
        tasks += [there.ask(stream=stream), there.ask(stream=stream)]
        ended = await asyncio.gather(*tasks)
        tending.cancel()
        return ended

    first, *others = run_virtual(main())

    assert len(here.upstream.requests) == 1
    for other in others:
        assert body_of(other) == body_of(first)
        assert other.exchange.is_replayed
        assert there.records.all[0].overhead_s < 0.2, "waiting for the first is no time of ours"


def test_a_repeat_in_another_worker_waits_no_longer_than_its_deadline(workers: Callable[[], Process]) -> None:
    here, there = workers(), replace(workers(), total_s=3.0)

    async def main() -> tuple[Ended, Ended]:
        here.upstream.expect([replace(GOOD, head_after_s=10.0)])
        tending = asyncio.ensure_future(here.keys.tend())
        first = here.ask()
        await asyncio.sleep(0.5)
        late = await there.answer()
        ended = await first
        tending.cancel()
        return ended, late

    first, late = run_virtual(main())

    assert body_of(first)
    assert isinstance(late.error, DeadlineExceeded)
    assert there.keys.running == {}


def test_a_worker_that_dies_between_dispatch_and_store_leaves_an_unknown_outcome(
    workers: Callable[[], Process],
) -> None:
    dead, living = workers(), workers()

    async def main() -> list[Ended]:
        dead.upstream.expect([replace(GOOD, head_after_s=50.0), GOOD])
        task = dead.ask()  # nobody tends its keys any more, as after a kill
        await asyncio.sleep(0.5)
        waits = await living.answer()
        known_s = asyncio.get_running_loop().time()
        assert known_s < 3.0, "the death is known after two seconds"
        again = await living.answer(headers={b"x-seawall-idempotency-rerun": b"true"})
        task.cancel()
        await asyncio.wait([task])
        return [waits, again, await living.answer()]

    unknown, again, kept = run_virtual(main())

    assert isinstance(unknown.error, Conflict)
    assert (unknown.error.status, unknown.error.code) == (409, "idempotency.unknown")
    assert "seawall calls show req_1" in str(unknown.error)
    assert body_of(again) == body_of(kept)
    assert len(living.upstream.requests) == 2


def test_a_worker_that_dies_before_the_dispatch_leaves_nothing(workers: Callable[[], Process]) -> None:
    dead, living = workers(), workers()

    async def main() -> Ended:
        living.upstream.expect([GOOD, GOOD])
        exchange = (await dead.answer("another")).exchange
        claim = dead.scene.guards[3]._keyed(exchange, b"key-1").claim  # type: ignore[attr-defined]  # a half-done call
        await dead.store.reserve(claim, dead.keys.clock.wall_s())
        return await living.answer()

    ended = run_virtual(main())

    assert body_of(ended) == GOOD.steps[0]
    assert not ended.exchange.is_replayed


def test_a_client_that_leaves_while_the_key_is_claimed_takes_it_back(workers: Callable[[], Process]) -> None:
    worker = workers()

    async def main() -> Ended:
        worker.upstream.expect([GOOD])
        await worker.answer(hang_up_s=0.0)
        return await worker.answer()

    assert body_of(run_virtual(main())) == GOOD.steps[0]
    assert len(worker.upstream.requests) == 1


def test_who_waits_for_a_claim_that_is_given_up_claims_the_key_itself(workers: Callable[[], Process]) -> None:
    here, there = workers(), workers()

    async def main() -> list[Ended]:
        here.upstream.expect([replace(GOOD, head_after_s=5.0)])
        tending = asyncio.ensure_future(here.keys.tend())
        first = here.ask()
        await asyncio.sleep(0.5)
        impatient, other, patient = there.ask(hang_up_s=1.0), there.ask(max_tokens=10), there.ask()
        ended = await asyncio.gather(first, impatient, other, patient)
        tending.cancel()
        return [*ended]

    first, impatient, other, patient = run_virtual(main())

    assert isinstance(impatient.error, HungUp)
    assert isinstance(other.error, Mismatch)
    assert body_of(patient) == body_of(first)
    assert len(here.upstream.requests) == 1
