"""The primary provider is killed amid 2,000 calls (security.md, A10)."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from seawall.core.record import CallRecord
from tests.e2e.process.running import PROVIDER_KEY, Gateway
from tests.e2e.process.wire import LAST_CHUNK, request_bytes
from tests.e2e.stage import Json, SandboxProcess

CALLS: Final = 2_000
AT_ONCE: Final = 40
BEFORE: Final = 800  # calls that are over when the primary dies
WINDOW_S: Final = 2.0
SLACK_S: Final = 0.5
TEXT: Final = "Whoever waits for the tide to turn has time to look at the stones, one after the other, all day long."
PRIMARY, STANDBY = ("primary", "claude-haiku-5-5"), ("standby", "gpt-5.4")
POLICY: Final = f"""\
providers:
  primary: {{{{dialect: anthropic, base_url: '{{primary}}', api_key: env:PROVIDER_KEY}}}}
  standby: {{{{dialect: openai, base_url: '{{standby}}/v1', api_key: env:PROVIDER_KEY}}}}
profiles:
  backed: {{{{timeout_ms: 10000, max_tokens: 400, breaker: {{{{window_s: {WINDOW_S:g}, open_s: 60}}}}}}}}
routes:
  /ai/chat: {{{{profile: backed, model: primary/claude-haiku-5-5, fallback: [standby/gpt-5.4]}}}}
  /ai/on:
    profile: backed
    model: primary/claude-haiku-5-5
    fallback: [standby/gpt-5.4]
    on_broken_stream: continue
"""
KINDS: Final = ("whole", "whole", "whole", "stream", "whole", "continued")  # a call's kind, by its number


@dataclass
class Seen:
    """One call as its client saw it; the events are a stream's."""

    kind: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_clean: bool = False

    @property
    def events(self) -> list[Json]:
        """The events of a stream, as far as they came."""
        lines = (line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: "))
        return [json.loads(line) for line in lines]

    @property
    def has_content(self) -> bool:
        """Whether the client had some of the answer, be it thinking."""
        return b"content_block_start" in self.body

    @property
    def has_text(self) -> bool:
        """Whether the client had some of its text."""
        return b"text_delta" in self.body

    def answer(self) -> tuple[str, str]:
        """Give the model that the answer names, and its text."""
        if self.kind == "whole":
            message = json.loads(self.body)
            return message["model"], "".join(part.get("text", "") for part in message["content"])
        deltas = (event["delta"] for event in self.events if event["type"] == "content_block_delta")
        return self.events[0]["message"]["model"], "".join(delta.get("text", "") for delta in deltas)


class Load:
    """Many clients that share one list of calls; each keeps its connection as long as that lives."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._kinds: Iterator[str] = iter([KINDS[i % len(KINDS)] for i in range(CALLS)])
        self.running: list[Seen] = []
        self.over: list[Seen] = []

    async def client(self) -> None:
        """Call until there is nothing left to ask."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for kind in self._kinds:
            seen = Seen(kind)
            self.running.append(seen)
            writer.write(_request(kind))
            await _read(reader, seen)
            self.running.remove(seen)
            self.over.append(seen)
            if not seen.is_clean:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.close()

    async def reach(self, is_there: Callable[[], bool]) -> None:
        """Wait until the load has come so far."""
        async with asyncio.timeout(30.0):
            while not is_there():  # noqa: ASYNC110  # told by dozens of tasks; none of them knows it alone
                await asyncio.sleep(0.002)

    def is_amid_streams(self) -> bool:
        """Say whether enough is over, and streams of both kinds have text and go on."""
        begun = Counter(seen.kind for seen in self.running if seen.has_text)
        return len(self.over) >= BEFORE and min(begun["stream"], begun["continued"]) >= 2


def _request(kind: str) -> bytes:
    asked = {"model": "any", "max_tokens": 300, "messages": [{"role": "user", "content": "How is the sea?"}]}
    route = "/ai/on" if kind == "continued" else "/ai/chat"
    return request_bytes(f"{route}/v1/messages", json.dumps({**asked, "stream": kind != "whole"}).encode())


async def _read(reader: asyncio.StreamReader, seen: Seen) -> None:
    """Read one answer, a whole one or a chunked one; a stream that breaks ends with its connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = (line.partition(": ") for line in head.split("\r\n")[1:])
    seen.status, seen.headers = int(head.split()[1]), {name.lower(): value for name, _, value in lines}
    if "content-length" in seen.headers:
        seen.body = await reader.readexactly(int(seen.headers["content-length"]))
        seen.is_clean = True
        return
    rest = b""
    while not rest.endswith(LAST_CHUNK):
        size = await reader.readline()
        if not size:
            return
        rest = size + await reader.readexactly(int(size, 16) + 2)
        seen.body += rest[len(size) : -2]
    seen.is_clean = True


@pytest.fixture
def providers(tmp_path: Path) -> Iterator[tuple[SandboxProcess, SandboxProcess]]:
    """Give two providers, each a process of its own, which take a third of a second for an answer."""
    both = SandboxProcess(tmp_path / "primary"), SandboxProcess(tmp_path / "standby")
    for one in both:
        one.steer(text=TEXT, thinking_tokens=6, first_token_ms=60.0, tokens_per_second=150.0)
    yield both
    for one in both:
        one.stop()


@dataclass(frozen=True)
class Death:
    """When the primary was killed, in seconds since 1970, and what it had metered by then, by request id."""

    at_s: float
    metered: dict[str, Json]


async def _kill_amid(load: Load, primary: SandboxProcess) -> Death:
    await load.reach(lambda: len(load.over) >= BEFORE)
    metered = await asyncio.to_thread(primary.meter, CALLS)
    await load.reach(load.is_amid_streams)
    os.kill(primary.pid, signal.SIGKILL)
    return Death(time.time(), _by_id(metered))  # noqa: TID251  # the records tell wall time


def _by_id(entries: list[Json]) -> dict[str, Json]:
    return {entry["request_id"]: entry for entry in entries}


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_primary_that_is_killed_amid_2000_calls_costs_no_whole_call(
    providers: tuple[SandboxProcess, SandboxProcess], start: Callable[..., Gateway], tmp_path: Path
) -> None:
    primary, standby = providers
    (tmp_path / "policy.yaml").write_text(POLICY.format(primary=primary.url, standby=standby.url), "utf-8")
    gateway = start("--policy", "policy.yaml", "--insecure-dev", **PROVIDER_KEY)
    load = Load(gateway.port)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(load.client())
        death = await _kill_amid(load, primary)
    records = {record.id: record for record in await asyncio.to_thread(gateway.recorded, CALLS)}
    metered = death.metered | _by_id(await asyncio.to_thread(standby.meter, CALLS))

    assert len(load.over) == CALLS
    by_kind = {kind: [seen for seen in load.over if seen.kind == kind] for kind in set(KINDS)}
    _check_whole(by_kind["whole"])
    _check_streams(by_kind["stream"])
    _check_continued(by_kind["continued"], records)
    for seen in load.over:
        _check_truth(seen, records[seen.headers["x-seawall-request-id"]], metered)
    asked_at_s = [
        record.at_s + attempt.started_s
        for record in records.values()
        for attempt in record.attempts
        if attempt.provider == "primary"
    ]
    assert max(asked_at_s) < death.at_s + WINDOW_S + SLACK_S, "the breaker sends everybody elsewhere"


def _check_whole(calls: list[Seen]) -> None:
    assert Counter(seen.status for seen in calls) == {200: len(calls)}
    answers = Counter(seen.answer() for seen in calls)
    assert answers.keys() == {(PRIMARY[1], TEXT), (STANDBY[1], TEXT)}


def _check_streams(calls: list[Seen]) -> None:
    """Every stream began with a good status; one that had content when its provider died ends in the typed error."""
    assert {seen.status for seen in calls} == {200}
    broken = [seen for seen in calls if not seen.is_clean]
    for seen in broken:
        last = seen.events[-1]
        assert seen.has_content
        assert (last["type"], last["error"]["type"]) == ("error", "api_error")
        assert seen.answer()[0] == PRIMARY[1]
    assert 2 <= len(broken) <= AT_ONCE
    assert {seen.answer() for seen in calls if seen.is_clean} == {(PRIMARY[1], TEXT), (STANDBY[1], TEXT)}


def _check_continued(calls: list[Seen], records: dict[str, CallRecord]) -> None:
    """A stream that had text went on elsewhere, is marked, and has what came first before all of the rest.

    One that died while it was thinking ends in the typed error: nobody else can sign the rest of a thought.
    """
    assert {seen.status for seen in calls} == {200}
    broken = [seen for seen in calls if not seen.is_clean]
    assert [seen for seen in broken if seen.has_text or seen.events[-1]["type"] != "error"] == []
    whole = [seen for seen in calls if seen.is_clean]
    went_on = [seen for seen in whole if "stream.continued" in records[seen.headers["x-seawall-request-id"]].notes]
    for seen in went_on:
        begun, _, after = seen.answer()[1].rpartition(TEXT)
        assert (TEXT.startswith(begun.rstrip()), after) == (True, "")
    assert 1 <= len(went_on) <= AT_ONCE
    assert {seen.answer()[1] for seen in whole if seen not in went_on} == {TEXT}


def _check_truth(seen: Seen, record: CallRecord, metered: dict[str, Any]) -> None:
    """Header, body and record name the same provider and model, and the cost is what that provider metered."""
    named = (seen.headers["x-seawall-provider"], seen.headers["x-seawall-model"])
    is_continued = "stream.continued" in record.notes
    assert named in {PRIMARY, STANDBY}
    assert named[1] == seen.answer()[0]
    assert (record.provider, record.model) == (STANDBY if is_continued else named)
    assert record.outcome == ("ok" if seen.is_clean else "failed")
    last = record.attempts[-1]
    assert (last.provider, last.model) == (record.provider, record.model)
    assert record.cost_nusd == sum(attempt.cost_nusd or 0 for attempt in record.attempts)
    if (entry := metered.get(last.provider_request_id)) is not None and seen.is_clean:
        assert last.cost_nusd == entry["billed_nusd"]
    else:
        assert last.provider == "primary", "the standby lives and has metered everything"
    if seen.kind == "whole":
        assert record.cost_nusd == last.cost_nusd, "an attempt that brought nothing is not in the price"
