import asyncio

import pytest

from seawall.sandbox.clock import LoopTime, go_duration, http_date, rfc3339


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0, "0ms", id="nothing"),
        pytest.param(0.012, "12ms", id="milliseconds"),
        pytest.param(1.5, "1.5s", id="seconds"),
        pytest.param(60, "1m0s", id="a minute"),
        pytest.param(360, "6m0s", id="minutes"),
        pytest.param(3_725.25, "1h2m5.25s", id="hours"),
    ],
)
def test_a_length_of_time_is_written_as_go_does(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


def test_dates_are_written_as_each_header_wants_them() -> None:
    assert rfc3339(1_795_219_200.9) == "2026-11-21T00:00:00Z"
    assert http_date(1_795_219_200) == "Sat, 21 Nov 2026 00:00:00 GMT"


async def test_without_another_clock_the_event_loop_gives_the_time() -> None:
    clock = LoopTime()
    before = clock.monotonic_s()

    await asyncio.sleep(3_600)

    assert clock.monotonic_s() - before == pytest.approx(3_600)
    assert clock.wall_s() > 1_700_000_000
