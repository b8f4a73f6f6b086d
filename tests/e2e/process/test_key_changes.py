"""Client keys that are made, ended and replaced while four workers serve."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from seawall.sandbox import Sandbox
from tests.e2e.process.conftest import policy
from tests.e2e.process.running import PROVIDER_KEY, Gateway, seawall
from tests.e2e.process.wire import call

pytestmark = pytest.mark.alone

WITHIN_S: Final = 1.0
LOOK_FOR_S: Final = 1.6
AT_ONCE: Final = 4


@pytest.fixture
def gateway(sandbox: Sandbox, start: Callable[..., Gateway], tmp_path: Path) -> Gateway:
    (tmp_path / "policy.yaml").write_text(policy(sandbox), "utf-8")
    return start("--policy", "policy.yaml", "--workers", "4", **PROVIDER_KEY)


def _keys(gateway: Gateway, *words: str) -> Any:  # the JSON that the command prints
    done = seawall(gateway.folder, "keys", *words, "--state-dir", "state", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _watch(gateway: Gateway, key: str) -> list[tuple[float, int]]:
    """Call over many new connections, and give when each call began, in seconds from now, and its status."""
    began_s = time.monotonic()

    def watch(_: int) -> list[tuple[float, int]]:
        seen = []
        while (at_s := time.monotonic() - began_s) < LOOK_FOR_S:
            seen.append((at_s, call(gateway.port, x_api_key=key).status))
        return seen

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(entry for seen in pool.map(watch, range(AT_ONCE)) for entry in seen)


def test_a_key_counts_in_every_worker_within_a_second_and_no_longer_a_second_after_its_end(gateway: Gateway) -> None:
    made = _keys(gateway, "create", "--team", "support")
    after_making = _watch(gateway, made["key"])
    _keys(gateway, "revoke", made["id"])
    after_ending = _watch(gateway, made["key"])

    assert {status for at_s, status in after_making if at_s > WITHIN_S} == {200}
    assert max((at_s for at_s, status in after_making if status != 200), default=0.0) < WITHIN_S
    assert {status for at_s, status in after_ending if at_s > WITHIN_S} == {401}
    assert max((at_s for at_s, status in after_ending if status != 401), default=0.0) < WITHIN_S
    teams = {record.team for record in gateway.records() if record.outcome == "ok"}
    assert teams == {"support"}


def test_a_key_that_is_replaced_with_an_overlap_lives_beside_its_successor(gateway: Gateway) -> None:
    old = _keys(gateway, "create", "--team", "support")
    new = _keys(gateway, "rotate", old["id"], "--overlap", "1h")

    seen_old, seen_new = _watch(gateway, old["key"]), _watch(gateway, new["key"])

    assert new["key"] != old["key"]
    assert {status for at_s, status in (*seen_old, *seen_new) if at_s > WITHIN_S} == {200}
