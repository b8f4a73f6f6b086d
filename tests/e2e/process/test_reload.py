"""Policies that change while calls run."""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from seawall.sandbox import Sandbox
from tests.e2e.process.conftest import policy
from tests.e2e.process.running import Gateway, until
from tests.e2e.process.wire import call

OLD: Final = "claude-haiku-5-5"
NEW: Final = "claude-sonnet-5-5"


def _model(gateway: Gateway) -> str:
    answer = call(gateway.port)
    assert answer.status == 200
    return answer.headers["x-seawall-model"]


def test_a_changed_file_takes_effect_by_itself(sandbox: Sandbox, serve: Callable[..., Gateway]) -> None:
    gateway = serve()
    assert _model(gateway) == OLD

    gateway.write_policy(policy(sandbox, NEW))

    until(lambda: _model(gateway) == NEW, "the new policy is in force")


def test_a_bad_policy_never_replaces_a_good_one(sandbox: Sandbox, serve: Callable[..., Gateway]) -> None:
    gateway = serve()

    gateway.write_policy(policy(sandbox, NEW).replace("max_tokens", "max_tokenz", 1))
    until(lambda: gateway.logged("policy refused, the old one stays"), "the new policy is refused")

    assert _model(gateway) == OLD
    (entry, *_) = gateway.logged("policy refused, the old one stays")
    assert "policy.yaml:5:" in entry["faults"]
    assert 'did you mean "max_tokens"?' in entry["faults"]
    gateway.write_policy(policy(sandbox, NEW))
    until(lambda: _model(gateway) == NEW, "the mended policy is in force")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sighup_reads_a_rotated_secret_in_every_worker(
    sandbox: Sandbox, start: Callable[..., Gateway], tmp_path: Path, workers: str
) -> None:
    secret, old, new = tmp_path / "provider-key", "the-old-provider-key", "the-new-provider-key"
    secret.touch(0o600)
    secret.write_text(old, "utf-8")
    # The file of the policy itself does not change, so nothing but the signal can be the cause.
    text = policy(sandbox).replace("env:PROVIDER_KEY", f"file:{secret}")
    (tmp_path / "policy.yaml").write_text(text, "utf-8")
    gateway = start("--policy", "policy.yaml", "--insecure-dev", "--workers", workers)

    def keys_of_calls(count: int) -> set[str]:
        sandbox.requests.clear()
        for _ in range(count):
            assert call(gateway.port).status == 200
        seen = sandbox.requests.last(count)
        return {value.decode() for request in seen for name, value in request.headers if name.lower() == b"x-api-key"}

    assert keys_of_calls(4) == {old}
    secret.write_text(new, "utf-8")
    gateway.signal(signal.SIGHUP)

    until(lambda: len(gateway.logged("policy in force")) == int(workers), "every worker has read it")
    assert keys_of_calls(8) == {new}


def test_a_running_call_keeps_the_policy_that_it_began_with(sandbox: Sandbox, serve: Callable[..., Gateway]) -> None:
    gateway = serve()
    at_once = sandbox.settings
    sandbox.settings = replace(at_once, first_token_ms=4_000)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call, gateway.port)
        until(lambda: sandbox.requests.last(1), "the call is at the provider")
        sandbox.settings = at_once

        gateway.write_policy(policy(sandbox, NEW))
        gateway.signal(signal.SIGHUP)
        until(lambda: _model(gateway) == NEW, "the new policy is in force")

        was_running = not running.done()
        answer = running.result()

    assert was_running
    assert (answer.status, answer.headers["x-seawall-model"]) == (200, OLD)
    until(lambda: answer.id in {record.id for record in gateway.records()}, "the call is recorded")
    began_with = {record.model: record.policy_version for record in gateway.records()}
    assert set(began_with) == {OLD, NEW}
    assert began_with[OLD] != began_with[NEW]
