"""Breakers of four workers that stand together, and what the operator sees of them."""

import re
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from seawall.sandbox import Sandbox
from tests.e2e.process.every_worker import EveryWorker
from tests.e2e.process.running import PROVIDER_KEY, Gateway, until
from tests.e2e.process.wire import Answer

pytestmark = pytest.mark.alone

WITHIN_S: Final = 1.0
FAILURES: Final = 20
TARGET: Final = "anthropic/claude-haiku-5-5"
POLICY: Final = f"""\
providers:
  anthropic: {{{{base_url: '{{url}}', api_key: env:PROVIDER_KEY}}}}
routes:
  /ai/chat:
    model: claude-haiku-5-5
    max_tokens: 120000
    retries: 0
    breaker: {{{{min_calls: {FAILURES}, open_s: 3, window_s: 30, probes: 1}}}}
"""


def _code(answer: Answer) -> str:
    """Give our own code of an error, empty for what came from the provider."""
    return str(answer.json.get("error", {}).get("details", {}).get("error_code", ""))


class AdminPage:
    """The admin port of a gateway, for whoever has its token."""

    def __init__(self, gateway: Gateway) -> None:
        found = re.search(r"docs +(http://127\.0\.0\.1:\d+)/", gateway.output)
        assert found is not None, gateway.output
        token = (gateway.state_dir / "admin_token").read_text("utf-8")
        self._http = httpx2.Client(base_url=found[1], headers={"authorization": f"Bearer {token}"})

    def page(self) -> str:
        """Give the page's source."""
        return self._http.get("/").text

    def target(self) -> Any:  # JSON
        """Say how the one target stands."""
        targets = self._http.get("/admin/status").raise_for_status().json()["targets"]
        assert [target["target"] for target in targets] == [TARGET]
        return targets[0]

    def close(self) -> None:
        """Close its connection."""
        self._http.close()


def test_what_one_worker_finds_out_the_others_know_within_a_second(
    sandbox: Sandbox, start: Callable[..., Gateway], tmp_path: Path, tell: Callable[[str], None]
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY.format(url=sandbox.url), "utf-8")
    gateway = start("--policy", "policy.yaml", "--insecure-dev", "--workers", "4", **PROVIDER_KEY)
    with EveryWorker(gateway) as workers, closing(AdminPage(gateway)) as admin:
        assert workers.statuses() == {200}
        before, page_before = admin.target(), admin.page()

        sandbox.set_fault("status=500")
        finder = gateway.workers()[3]  # the admin port is that of the first
        while _code(workers.ask_one(finder)) != "breaker.open":
            assert sandbox.meter.total.errors <= FAILURES
        opened_s = time.monotonic()
        until(lambda: admin.target()["state"] == "open", "the first worker knows", WITHIN_S)
        reached = sandbox.meter.total.calls
        until(lambda: {_code(answer) for answer in workers.ask().values()} == {"breaker.open"}, "all know", WITHIN_S)
        took_s = time.monotonic() - opened_s
        asked = sandbox.meter.total.calls - reached
        during, page_during = admin.target(), admin.page()
        sandbox.clear_faults()
        until(workers.look_for(200), "all serve again")
        after = admin.target()

    tell(f"breaker: opened by one worker, open in all of four {took_s * 1000:.0f} ms later")
    assert took_s < WITHIN_S
    assert asked <= FAILURES, "the others do not need as many failures of their own"
    assert (before["state"], before["calls"], before["failed"]) == ("closed", 1, 0)
    assert "<td>closed</td>" in page_before
    assert during["state"] == "open"
    assert 0 < during["opens_in_s"] <= 3.3
    assert "<strong>open</strong>" in page_during
    assert after["state"] == "closed"
    assert (after["in_flight"], after["limit"]) == (0, 100)
