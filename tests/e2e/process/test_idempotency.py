"""Idempotency keys before four workers and a provider that meters by itself (security.md, A13)."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from seawall.core.record import CallRecord
from seawall.ports.answers import ALIVE_S
from seawall.sandbox import Sandbox
from seawall.sandbox.meter import Entry
from seawall.sandbox.setting import Settings
from tests.e2e.process.asking import ask, ask_all
from tests.e2e.process.conftest import running_sandbox
from tests.e2e.process.running import PROVIDER_KEY, Gateway, is_running, until
from tests.e2e.process.wire import MESSAGES, Answer, begin, body_of, call, read_past

REPEATS: Final = 200
# Until nobody takes a killed worker for a living one, and what a busy machine adds.
NOTICED_S: Final = ALIVE_S + 2.0
OTHER_ROUTE: Final = "/ai/other/v1/messages"
POLICY: Final = """\
providers:
  anthropic: {{base_url: '{url}', api_key: env:PROVIDER_KEY}}
profiles:  # what each test does must be what was billed: no attempt but its own
  once: {{max_tokens: 120000, retries: 0, breaker: {{min_calls: 100000}}}}
routes:
  /ai/chat: {{profile: once, model: claude-haiku-5-5}}
  /ai/other: {{profile: once, model: claude-haiku-5-5}}
"""


@dataclass
class Place:
    """A gateway and the provider behind it; `called` are the calls that the provider has metered for this test."""

    gateway: Gateway
    sandbox: Sandbox
    first: int = 0

    @property
    def port(self) -> int:
        return self.gateway.port

    @property
    def called(self) -> list[Entry]:
        return list(self.sandbox.meter.entries)[self.first :]

    def reached(self) -> bool:
        """Say whether a request has come to the provider, answered or not."""
        return len(self.sandbox.requests.last(1000)) > 0


def _started(folder: Path, sandbox: Sandbox, *options: str, number: int = 0) -> Gateway:
    (folder / "policy.yaml").write_text(POLICY.format(url=sandbox.url), "utf-8")
    return Gateway.start(folder, "--policy", "policy.yaml", "--insecure-dev", *options, number=number, **PROVIDER_KEY)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start four workers, which all tests of this file share."""
    with running_sandbox() as sandbox:
        gateway = _started(tmp_path_factory.mktemp("four"), sandbox, "--workers", "4")
        yield Place(gateway, sandbox)
        gateway.close()


@pytest.fixture
def place(four: Place) -> Iterator[Place]:
    """Give the shared gateway, with a provider that is as new."""
    four.sandbox.requests.clear()
    four.first = len(four.sandbox.meter.entries)
    yield four
    four.sandbox.settings = Settings()


def _slow(sandbox: Sandbox, header_ms: float) -> None:
    sandbox.settings = replace(sandbox.settings, header_ms=header_ms)


def _records(gateway: Gateway, answers: list[Answer]) -> list[CallRecord]:
    """Wait for the records of these answers."""
    wanted = {answer.id for answer in answers}

    def found() -> list[CallRecord]:
        return [record for record in gateway.records() if record.id in wanted]

    until(lambda: len(found()) == len(wanted), "every call is recorded")
    return found()


def _is_replay(answer: Answer) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "streamed"])
async def test_two_hundred_at_once_are_one_call_one_charge_and_the_same_bytes(place: Place, *, is_stream: bool) -> None:
    _slow(place.sandbox, 400)
    body, key = body_of(is_stream=is_stream), {"idempotency_key": f"two-hundred-{is_stream}"}

    answers = await ask_all([(place.port, MESSAGES, body, key)] * REPEATS)

    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert len({answer.headers["request-id"] for answer in answers}) == 1, "the provider's own, of the one call"
    assert sum(map(_is_replay, answers)) == REPEATS - 1
    assert len(place.called) == 1
    assert place.called[0].billed_nusd > 0
    assert not is_stream or b"event: message_stop" in answers[0].body
    records = await asyncio.to_thread(_records, place.gateway, answers)
    assert sorted(len(record.attempts) for record in records) == [0] * (REPEATS - 1) + [1]
    assert {record.cost_nusd or 0 for record in records if not record.attempts} == {0}


def test_a_key_counts_for_its_route_and_its_request(place: Place) -> None:
    key = {"idempotency_key": "one-place"}
    first = call(place.port, MESSAGES, body_of(), **key)
    written_otherwise = json.dumps(dict(reversed(json.loads(body_of()).items())), indent=1).encode()

    same = call(place.port, MESSAGES, written_otherwise, **key)
    elsewhere = call(place.port, OTHER_ROUTE, body_of(), **key)
    other = [call(place.port, MESSAGES, body_of(max_tokens=count), **key) for count in (7, 8, 9, 10)]

    assert (same.status, same.body, _is_replay(same)) == (200, first.body, True)
    assert (elsewhere.status, _is_replay(elsewhere)) == (200, False)
    assert [answer.status for answer in other] == [422] * 4
    assert "expected the same body, or a new key" in other[0].json["error"]["message"]
    assert other[0].headers["x-should-retry"] == "false"
    assert len(place.called) == 2


def test_another_request_is_refused_while_the_first_one_runs(place: Place) -> None:
    _slow(place.sandbox, 500)
    with begin(place.port, MESSAGES, body_of(), idempotency_key="still-running") as line:
        until(place.reached, "the first call is on its way")

        others = [call(place.port, MESSAGES, body_of(max_tokens=9), idempotency_key="still-running") for _ in range(8)]

        assert b'"stop_reason"' in read_past(line, b'"stop_reason"')
    assert {answer.status for answer in others} == {422}
    assert len(place.called) == 1


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "streamed"])
def test_who_hangs_up_finds_the_answer_when_coming_back(place: Place, *, is_stream: bool) -> None:
    key, body = {"idempotency_key": f"hung-up-{is_stream}"}, body_of(is_stream=is_stream)
    settings = replace(place.sandbox.settings, output_tokens=60, thinking_tokens=2, tokens_per_second=150)
    place.sandbox.settings = settings if is_stream else replace(settings, header_ms=400)

    with begin(place.port, MESSAGES, body, idempotency_key=key["idempotency_key"]) as line:
        if is_stream:
            read_past(line, b"text_delta")
        until(place.reached, "the call is on its way")
    again = [call(place.port, MESSAGES, body, **key) for _ in range(3)]

    assert {answer.status for answer in again} == {200}
    assert {_is_replay(answer) for answer in again} == {True}
    assert len({answer.body for answer in again}) == 1
    assert b"message_stop" in again[0].body if is_stream else again[0].json["stop_reason"]
    assert [(entry.status, entry.hung_up) for entry in place.called] == [(200, False)]


@pytest.mark.alone
async def test_nobody_knows_the_end_of_a_call_whose_worker_is_killed_and_the_client_decides(
    place: Place, tell: Callable[[str], None]
) -> None:
    key = {"idempotency_key": "killed"}
    _slow(place.sandbox, 20_000)
    with begin(place.port, MESSAGES, body_of(), idempotency_key="killed") as line:
        await asyncio.to_thread(until, place.reached, "the call is on its way")
        victim = place.gateway.server_of(line)
        os.kill(victim, signal.SIGKILL)
        killed_s = time.monotonic()
        await asyncio.to_thread(until, lambda: not is_running(victim), "the worker is dead")

        repeats = await ask_all([(place.port, MESSAGES, body_of(), key)] * 8)
        took_s = time.monotonic() - killed_s
    _slow(place.sandbox, 0)
    anew = await ask(place.port, MESSAGES, body_of(), **key, x_seawall_idempotency_rerun="true")
    replay = await ask(place.port, MESSAGES, body_of(), **key)

    assert {answer.status for answer in repeats} == {409}
    assert {answer.json["error"]["details"]["error_code"] for answer in repeats} == {"idempotency.unknown"}
    assert {answer.headers["x-should-retry"] for answer in repeats} == {"false"}
    assert all("x-seawall-idempotency-rerun: true" in answer.json["error"]["message"] for answer in repeats)
    assert took_s < NOTICED_S
    assert (anew.status, _is_replay(anew)) == (200, False)
    assert (replay.status, replay.body, _is_replay(replay)) == (200, anew.body, True)
    assert len(place.sandbox.requests.last(1000)) == 2, "the one that was killed, and the one that was asked for"
    tell(f"idempotency: repeats of a call whose worker was killed get 409 {took_s:.2f} s later")


def test_an_answer_outlives_every_process(sandbox: Sandbox, tmp_path: Path, start: Callable[..., Gateway]) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY.format(url=sandbox.url), "utf-8")
    words = ("--policy", "policy.yaml", "--insecure-dev", "--workers", "2")
    calls = {"whole": body_of(), "streamed": body_of(is_stream=True)}
    before = start(*words, **PROVIDER_KEY)
    first = {key: call(before.port, MESSAGES, body, idempotency_key=key) for key, body in calls.items()}
    for pid in (before.popen.pid, *before.workers().values()):  # the supervisor first: it would start others
        os.kill(pid, signal.SIGKILL)
    before.popen.wait()

    after = start(*words, **PROVIDER_KEY)
    again = {
        key: [call(after.port, MESSAGES, body, idempotency_key=key) for _ in range(4)] for key, body in calls.items()
    }

    for key, answers in again.items():
        assert first[key].status == 200
        assert {(answer.status, answer.body, _is_replay(answer)) for answer in answers} == {
            (200, first[key].body, True)
        }
    assert len(sandbox.meter.entries) == len(calls)
