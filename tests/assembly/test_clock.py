import asyncio
from datetime import UTC, datetime

import pytest

from seawall.assembly.clock import SystemClock
from seawall.ports.clock import Clock


async def test_the_monotonic_clock_is_the_event_loops() -> None:
    clock: Clock = SystemClock()

    assert clock.monotonic_s() == pytest.approx(asyncio.get_running_loop().time(), abs=0.1)


def test_the_wall_clock_counts_from_1970() -> None:
    assert SystemClock().wall_s() == pytest.approx(datetime.now(UTC).timestamp(), abs=1.0)
