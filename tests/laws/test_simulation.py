"""Ten thousand simulated runs of the real pipeline, each held against every law: docs/simulation.md."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from tests.laws.laws import judge
from tests.laws.world import World, run_seed

ROOT: Final = Path(__file__).parents[2]
ONE: Final = os.environ.get("SEAWALL_SEED")  # noqa: TID251 - tests stand outside the product
SEEDS: Final = int(os.environ.get("SEAWALL_SEEDS", "10000"))  # noqa: TID251 - same
BATCH: Final = 200
TOLD: Final = 60
# Nothing is covered here that unit tests do not cover, and the tracer would take longer than the runs.
pytestmark = pytest.mark.no_cover


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _story(seed: int, world: World) -> str:
    """Tell what went wrong, and how to see it again."""
    wrong = "\n".join(f"  {complaint.at_s:.3f} s: {complaint.what}" for complaint in world.complaints)
    told = "\n".join(f"  {line}" for line in world.lines[-TOLD:])
    again = f"SEAWALL_SEED={seed} python -m pytest tests/laws/test_simulation.py"
    return f"\nseed {seed} breaks a law; see it again with\n\n    {again}\n\n{wrong}\n\nits last {TOLD} lines:\n{told}"


def _run(seeds: range) -> None:
    for seed in seeds:
        world = run_seed(seed, judge)
        if world.complaints:
            error = next((complaint.error for complaint in world.complaints if complaint.error), None)
            raise AssertionError(_story(seed, world)) from error


@pytest.mark.skipif(ONE is None, reason="SEAWALL_SEED names no seed")
def test_the_named_seed_holds_every_law() -> None:
    _run(range(int(ONE or 0), int(ONE or 0) + 1))


@pytest.mark.skipif(ONE is not None, reason="SEAWALL_SEED names one seed")
def test_some_seeds_hold_every_law() -> None:
    _run(range(SEEDS, SEEDS + 50))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(ONE is not None, reason="SEAWALL_SEED names one seed")
@pytest.mark.parametrize("begin", range(0, SEEDS, BATCH))
def test_every_seed_holds_every_law(begin: int) -> None:
    _run(range(begin, min(begin + BATCH, SEEDS)))


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_a_seed_tells_the_same_story_again(seed: int) -> None:
    assert run_seed(seed, judge).lines == run_seed(seed, judge).lines


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    script = "from tests.laws.test_simulation import digest; print(digest(range(30)))"

    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=50,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]

    assert told[0] == told[1] == f"{digest(range(30))}\n"


def digest(seeds: range) -> str:
    """Give one number for all that happens in some seeds."""
    logging.disable(logging.CRITICAL)
    lines = [line for seed in seeds for line in run_seed(seed, judge).lines]
    return sha256("\n".join(lines).encode()).hexdigest()
