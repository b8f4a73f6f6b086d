"""More than ten thousand hostile requests against one process, in one run (security.md T3, T4, T6, T7)."""

import gzip
import random
import time
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings

from tests.hostile.bodies import compressed_bodies, generated_bodies, torn, written_bodies
from tests.hostile.framings import cuts, loose_framings, refused_framings, sized_bodies, splits
from tests.hostile.heads import byte_cases, head_cases
from tests.hostile.stage import Stage
from tests.hostile.wire import Case

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("hostile campaign")]

GENERATED: Final = 2_000
MAY_GROW_KB: Final = 10 * 1024
MAY_GROW_DESCRIPTORS: Final = 4
SETTLING_S: Final = 5.0
_SEED: Final = 20261121


def _all_cases(key: str) -> list[Case]:
    bomb = gzip.compress(bytes(50 * 1024 * 1024))
    kinds = (head_cases, byte_cases, refused_framings, loose_framings, sized_bodies, cuts, splits, written_bodies)
    cases = [case for kind in kinds for case in kind(key)] + list(compressed_bodies(key, bomb))
    random.Random(_SEED).shuffle(cases)  # noqa: S311  # an order, not a secret
    return cases


def _storm(stage: Stage) -> None:
    @settings(max_examples=GENERATED, database=None, suppress_health_check=list(HealthCheck))
    @given(generated_bodies())
    def attack(drawn: tuple[str, bytes]) -> None:
        assert stage.attack(torn(*drawn, stage.key))[1] == []

    attack()


def _settled_descriptors(stage: Stage, expected: int) -> int:
    """Count once the last connections, which their clients have left already, are closed on the other side too."""
    until_s = time.monotonic() + SETTLING_S
    while (count := stage.gateway.process.descriptors()) > expected and time.monotonic() < until_s:
        time.sleep(0.01)  # another process closes them, and tells nobody
    return count


@pytest.mark.timeout(300)
def test_ten_thousand_hostile_requests_leave_the_gateway_as_it_was(stage: Stage) -> None:
    cases = _all_cases(stage.key)
    complaints = stage.attack_all(cases)  # the first time is the warm-up, in which every cache fills
    _storm(stage)
    warm_kb, warm_descriptors, warm_count = (
        stage.gateway.process.rss_kb(),
        stage.gateway.process.descriptors(),
        stage.count,
    )

    random.Random(_SEED + 1).shuffle(cases)  # noqa: S311  # an order, not a secret
    complaints += stage.attack_all(cases)
    _storm(stage)

    grown_kb = stage.gateway.process.rss_kb() - warm_kb
    grown_descriptors = _settled_descriptors(stage, warm_descriptors) - warm_descriptors
    print(  # noqa: T201  # the figures that docs/security-tests.md shows
        f"{stage.count} hostile requests, {stage.count - warm_count} of them measured; answers {stage.statuses}; "
        f"memory {warm_kb} KB {grown_kb:+} KB, descriptors {grown_descriptors:+}; the slowest took {stage.slowest}"
    )
    assert complaints == []
    assert stage.log_complaints() == []
    assert stage.count > 10_000
    assert grown_kb < MAY_GROW_KB
    assert grown_descriptors <= MAY_GROW_DESCRIPTORS
