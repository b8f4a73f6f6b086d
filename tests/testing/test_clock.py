import asyncio

import pytest

from seawall.ports.clock import Clock
from seawall.testing.clock import START_WALL_S, FakeClock, LoopClock
from seawall.testing.virtual_loop import run_virtual


def test_a_fake_clock_stands_still_until_it_is_moved() -> None:
    clock: Clock = FakeClock(monotonic_s=5.0)

    assert clock.monotonic_s() == clock.monotonic_s() == 5.0
    assert clock.wall_s() == START_WALL_S


def test_time_passes_on_both_clocks() -> None:
    clock = FakeClock()

    clock.advance(1.5)

    assert (clock.monotonic_s(), clock.wall_s()) == (1.5, START_WALL_S + 1.5)


def test_a_jump_of_the_wall_clock_is_no_passing_of_time() -> None:
    clock = FakeClock()

    clock.jump_wall(-3600.0)

    assert (clock.monotonic_s(), clock.wall_s()) == (0.0, START_WALL_S - 3600.0)


def test_time_never_goes_back() -> None:
    with pytest.raises(ValueError, match="expected zero or more"):
        FakeClock().advance(-1.0)


def test_a_loop_clock_follows_the_loop() -> None:
    async def main(clock: Clock) -> tuple[float, float]:
        await asyncio.sleep(86_400.0)
        return clock.monotonic_s(), clock.wall_s()

    assert run_virtual(main(LoopClock())) == (86_400.0, START_WALL_S + 86_400.0)


def test_a_loop_clock_needs_a_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        LoopClock().monotonic_s()
