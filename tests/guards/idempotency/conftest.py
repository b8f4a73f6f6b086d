"""Calls with idempotency keys through real guards, before a scripted provider, on virtual time."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest

from seawall.core.principal import Principal
from seawall.dialects.dialect import CHAT, EMBEDDINGS, MESSAGES, Endpoint
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.idempotency.guard import IdempotencyGuard
from seawall.guards.idempotency.running import KeysInUse
from seawall.guards.idempotency.settings import IdempotencySettings
from seawall.guards.intake import IntakeGuard
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.guards.meter import MeterGuard
from seawall.ports.answers import AnswerStore
from seawall.stores.memory.answers import MemoryAnswers
from seawall.stores.sqlite.answers import SqliteAnswers
from seawall.testing.clock import LoopClock
from seawall.testing.scripted_upstream import Pause, Script, ScriptedUpstream
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, OWNER, Call, Ended, Records, Scene, target, whole

GOOD: Final = replace(whole(ANSWER["anthropic"]), head_after_s=2.0)
FRAMES: Final = frames_of("anthropic/text.sse")
SLOW_STREAM: Final = Script([step for frame in FRAMES for step in (frame, Pause(0.5))][:-1], head_after_s=1.0)
BODY: Final = {"model": "m", "max_tokens": 9, "messages": []}


def body_of(ended: Ended) -> bytes:
    """Give all that the client got of a call that went well."""
    assert ended.error is None, ended.error
    assert ended.reply is not None
    return b"".join(ended.written) if ended.reply.stream is not None else ended.reply.body


@dataclass
class Process:
    """One worker: its guards, its part of the keys, and the provider that all workers share."""

    upstream: ScriptedUpstream
    store: AnswerStore
    settings: IdempotencySettings = field(default_factory=IdempotencySettings)
    total_s: float = 60.0

    def __post_init__(self) -> None:
        self.records = Records()
        self.keys = KeysInUse(self.store, LoopClock(), lambda text: text.replace("sk-secret", "[secret]"))
        guards = (
            JournalGuard(self.records, JournalSettings(str, str)),
            DeadlineGuard(self.total_s),
            IntakeGuard(1 << 24, "interactive"),
            IdempotencyGuard(self.settings, self.keys),
            MeterGuard(),
        )
        self.scene = Scene(guards, self.upstream)

    def ask(
        self,
        key: str = "key-1",
        *,
        endpoint: Endpoint = MESSAGES,
        body: dict[str, Any] | None = None,  # what JSON can say
        headers: dict[bytes, bytes] | None = None,
        principal: Principal | None = OWNER,
        hang_up_s: float | None = None,
        **more: Any,  # fields of the body
    ) -> "asyncio.Task[Ended]":
        """Make a call in a task of its own."""
        dialect = "openai" if endpoint in (CHAT, EMBEDDINGS) else "anthropic"
        sent = {b"idempotency-key": key.encode()} | (headers or {})
        call = Call(
            endpoint,
            (BODY if body is None else body) | more,
            sent,
            principal,
            target=target(dialect),
            hang_up_s=hang_up_s,
        )
        return asyncio.ensure_future(self.scene.call(call))

    async def answer(self, key: str = "key-1", **more: Any) -> Ended:  # as `ask`
        """Make a call and wait for its end."""
        return await self.ask(key, **more)

    def beside(self, store: AnswerStore | None = None) -> "Process":
        """Start another worker."""
        return replace(self, store=store or self.store)


@pytest.fixture
def process() -> Process:
    """Give a worker whose keys are in memory."""
    return Process(ScriptedUpstream(), MemoryAnswers())


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Callable[[], Process]]:
    """Give a function that starts workers on one file and before one provider."""
    opened: list[SqliteAnswers] = []
    upstream = ScriptedUpstream()

    def start() -> Process:
        opened.append(SqliteAnswers(tmp_path / "answers.db"))
        return Process(upstream, opened[-1])

    yield start
    for store in opened:
        store.close()
