"""The public test of the caps, in small: the meter and the books are judged, never what the callers were told."""

import contextlib
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.process.running import PATIENCE_S, is_running, until
from torture.outcome import Outcome
from torture.peers.seawall import Seawall
from torture.provider import Provider
from torture.report import told
from torture.run import torment
from torture.scenario import USD, Caps, Scenario, exact, scenario

ROOT: Final = Path(__file__).parents[3]
CALLERS: Final = 200
CAPS: Final = Caps(USD // 5, USD * 7 // 50, USD * 2 // 25, USD // 50)  # a fifth, as there are a fifth of the callers
SEEDS: Final = (9, 17)  # killed workers and usage that is missing or doubled; a locked ledger, and a full disk

pytestmark = pytest.mark.timeout(180)  # a run takes ten seconds, and longer beside others


def _outcome(run: Scenario, folder: Path) -> Outcome:
    with Provider(folder) as provider:
        return torment(Seawall(), provider, run, folder)


def test_exactly_the_cap_is_spent_when_nothing_goes_wrong(tmp_path: Path) -> None:
    outcome = _outcome(exact(0, callers=300), tmp_path)

    assert outcome.complaints == [], "\n".join(told(outcome))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_cap_holds_whatever_befalls(seed: int, tmp_path: Path) -> None:
    run = replace(scenario(seed, callers=CALLERS), caps=CAPS)
    assert run.faults
    assert any(event.act == "kill" for event in run.events)

    outcome = _outcome(run, tmp_path)

    assert outcome.complaints == [], "\n".join(told(outcome))


def test_an_interruption_ends_all_that_was_started(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "torture.run", "--exact", "--callers", "1000", "--keep", str(tmp_path / "kept")]
    log = tmp_path / "kept" / "run-0" / "gateway.log"
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            until(lambda: log.exists() and "Try it:" in log.read_text("utf-8"), "the gateway serves", 2 * PATIENCE_S)
            started = _descendants(process.pid)

            process.send_signal(signal.SIGINT)
            process.wait(4 * PATIENCE_S)
        finally:
            process.kill()

    assert started
    assert process.returncode == 130
    until(lambda: not any(map(is_running, started)), "all that was started has ended")


def _descendants(root: int) -> list[int]:
    pids, at = [root], 0
    while at < len(pids):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            pids.extend(map(int, Path(f"/proc/{pids[at]}/task/{pids[at]}/children").read_text().split()))
        at += 1
    return pids[1:]
