import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from seawall.assembly.entry import Entry
from seawall.assembly.live import Live
from seawall.core.account import Unit
from seawall.core.error import SeawallError, UpstreamRefused
from seawall.core.window import Period
from seawall.gateway.app import BODY_S, Gateway
from seawall.guards.budget.settings import Budget
from seawall.pipeline.watchdog import Kennel
from seawall.policy.plan import CompiledPolicy
from seawall.testing.clock import LoopClock
from seawall.testing.scripted_upstream import Break, Pause, Script
from tests.assembly.conftest import Home, plan, policy
from tests.gateway.conftest import Answer, Served, get, post, turns
from tests.scene import ANSWER, target, whole

ASKED: Final = {"model": "m", "max_tokens": 9, "messages": []}
START: Final = b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":3}}}\n\n'
DELTA: Final = b'event: content_block_delta\ndata: {"delta":{"text":"Hi"}}\n\n'
END: Final = (
    b'event: message_delta\ndata: {"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)


@dataclass
class House:
    """A gateway before a scripted provider, and one client's connection to it."""

    home: Home = field(default_factory=Home)
    kennel: Kennel = field(default_factory=lambda: Kennel(asyncio.get_running_loop()))

    def __post_init__(self) -> None:
        self.can_hold = True
        self.budgets: tuple[Budget, ...] = ()
        live = Live(lambda: replace(policy(plan("/ai/chat", target())), budgets=self.budgets), self._entry)
        self.served = Served(Gateway(live, self.kennel, LoopClock(), self.scrub, self._can_hold).handle)
        self.live = live

    def _entry(self, policy: CompiledPolicy) -> Entry:
        """Open a door that knows of the policy's budgets and carries none out: what books them is not asked here."""
        entry = self.home.entry(replace(policy, budgets=()))
        entry.policy = policy
        return entry

    async def _can_hold(self) -> bool:
        return self.can_hold

    @staticmethod
    def scrub(text: str) -> str:
        """Take out the one credential of these tests."""
        return text.replace("sk-secret", "[secret]")

    def ask(self, *lines: str, path: str = "/ai/chat", **more: Any) -> None:
        """Send a call."""
        self.served.feed(post(json.dumps(ASKED | more).encode(), *lines, path=path))

    async def answer(self) -> Answer:
        """Wait for the one answer."""
        if self.served.tasks:
            await asyncio.wait(self.served.tasks)
        assert self.served.faults == []
        (answer,) = self.served.answers
        return answer

    @property
    def sent(self) -> bytes:
        """What the client has received."""
        return bytes(self.served.wire.sent)


@pytest.fixture
async def house() -> House:
    return House()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/readyz?verbose=1"])
async def test_probes_are_answered_without_a_key_or_a_record(house: House, path: str) -> None:
    house.served.feed(get(path))

    answer = await house.answer()

    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    assert house.home.records.all == []


async def test_readiness_is_turned_away_while_the_server_drains(house: House) -> None:
    house.served.port.is_draining = True
    house.served.feed(get("/readyz"))

    answer = await house.answer()

    assert (answer.status, answer.body, answer.headers["connection"]) == (503, b'{"status":"draining"}', "close")


async def test_readiness_wants_a_ledger_where_the_policy_in_force_has_budgets(house: House) -> None:
    house.can_hold = False
    house.served.feed(get("/readyz"))
    without = await house.answer()
    house.budgets = (Budget("all", "", Unit.NUSD, Period.DAY, 1_000),)
    await house.live.reload()

    answers = []
    for path in ("/readyz", "/healthz"):
        house.served.feed(get(path))
        await asyncio.wait(house.served.tasks)
        answers.append(house.served.answers[-1])

    assert (without.status, without.body) == (200, b'{"status":"ok"}')
    assert [(answer.status, answer.body) for answer in answers] == [
        (503, b'{"status":"ledger unavailable"}'),
        (200, b'{"status":"ok"}'),
    ]
    assert answers[0].headers["retry-after"] == "1"


async def test_call_is_answered_and_recorded(house: House) -> None:
    house.home.upstream.expect([whole(ANSWER["anthropic"])])

    house.ask()
    answer = await house.answer()

    assert answer.status == 200
    assert json.loads(answer.body) == ANSWER["anthropic"]
    assert [record.id for record in house.home.records.all] == [answer.headers["x-seawall-request-id"]]
    assert house.kennel.watching == set()


@pytest.mark.parametrize("target", ["http://gateway.example/ai/chat", "http://gateway.example:80/ai/chat?beta=true"])
async def test_target_may_be_absolute(house: House, target: str) -> None:
    house.home.upstream.expect([whole(ANSWER["anthropic"])])

    house.ask(path=target)

    assert (await house.answer()).status == 200


@pytest.mark.parametrize("path", ["/", "*", "/ai/nowhere", "/ai/chat/../admin", "//ai/chat"])
async def test_path_that_is_nowhere_is_a_404(house: House, path: str) -> None:
    house.ask(path=path)

    answer = await house.answer()

    assert answer.status == 404
    assert house.home.upstream.requests == []


async def test_wrong_method_is_a_405_that_names_the_right_one(house: House) -> None:
    house.served.feed(get("/ai/chat/v1/messages"))

    answer = await house.answer()

    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert json.loads(answer.body)["error"]["message"] == "found another method, expected POST"
    assert [record.error for record in house.home.records.all] == ["request.method"]


async def test_error_speaks_the_dialect_of_the_client(house: House) -> None:
    house.ask(path="/ai/chat/v1/chat/completions", stream="yes")
    answer = await house.answer()

    assert answer.status == 400
    assert json.loads(answer.body)["error"]["param"] == "stream"


async def test_providers_own_words_are_cleared_of_credentials(house: House) -> None:
    house.home.upstream.expect([UpstreamRefused(400, "invalid_request_error", "bad key sk-secret")])

    house.ask()
    answer = await house.answer()

    assert json.loads(answer.body)["error"]["message"] == "bad key [secret]"


async def test_compressed_body_is_refused(house: House) -> None:
    house.ask("Content-Encoding: gzip")

    answer = await house.answer()

    assert answer.status == 400
    assert b"content-encoding: expected an uncompressed body" in answer.body


async def test_body_that_drips_in_is_refused_in_the_end(house: House) -> None:
    loop = asyncio.get_running_loop()
    data = post(b" " * 1000, path="/ai/chat")
    house.served.feed(data[:-1000])
    began_s = loop.time()

    while house.served.tasks and loop.time() < began_s + 2 * BODY_S:
        house.served.feed(b" ")
        await asyncio.sleep(1)
    answer = await house.answer()

    assert loop.time() - began_s == pytest.approx(BODY_S, abs=2)
    assert answer.status == 400
    assert b"the body took longer than 30 s to arrive" in answer.body


async def test_stream_ends_cleanly(house: House) -> None:
    house.home.upstream.expect([Script((START, DELTA, END))])

    house.ask(stream=True)
    await turns(50)

    assert b"\r\ncontent-type: text/event-stream" in house.sent
    assert house.sent.endswith(b"0\r\n\r\n")
    assert house.home.upstream.replies[0].has_ended, "its connection can be used again"
    assert not house.served.wire.is_lost


async def test_cost_of_a_stream_follows_it_where_it_is_asked_for(house: House) -> None:
    house.home.upstream.expect([Script((START, DELTA, END))])

    house.ask("x-seawall-trailer: cost", stream=True)
    await turns(50)

    assert b": x-seawall-cost-usd 0.000084\n\n\r\n0\r\n\r\n" in house.sent


@pytest.mark.parametrize("failure", [(), (Break(),), (b'event: error\ndata: {"error":{"message":"sk-secret"}}\n\n',)])
async def test_broken_stream_gets_an_error_event_and_no_end(house: House, failure: tuple[Any, ...]) -> None:
    house.home.upstream.expect([Script((START, DELTA, Pause(0.1), *failure))])

    house.ask(stream=True)
    await asyncio.sleep(0.2)
    await turns()

    assert b"event: error\ndata: " in house.sent
    assert b"sk-secret" not in house.sent
    assert not house.sent.endswith(b"0\r\n\r\n")
    assert house.served.wire.is_lost
    assert house.home.records.all[0].outcome == "failed"


def _silent(house: House) -> None:
    house.home.upstream.expect([Script((Pause(1000),))])


def _silent_stream(house: House) -> None:
    house.home.upstream.expect([Script((START, DELTA, Pause(1000)))])


@pytest.mark.parametrize("make", [_silent, _silent_stream])
async def test_client_that_leaves_ends_the_call_at_once(house: House, make: Callable[[House], None]) -> None:
    make(house)
    house.ask(stream=make is _silent_stream)
    await asyncio.sleep(1)
    began_s = asyncio.get_running_loop().time()

    house.served.wire.hang_up()
    await turns(20)

    assert asyncio.get_running_loop().time() == began_s
    assert house.home.upstream.replies[0].is_aborted
    assert [record.outcome for record in house.home.records.all] == ["hung_up"]
    assert house.served.tasks == set()
    assert house.kennel.watching == set()


async def test_client_that_leaves_before_its_call_begins_causes_none(house: House) -> None:
    house.served.feed(get("/healthz") + post(json.dumps(ASKED).encode(), path="/ai/chat"))
    house.served.started[0].lose()

    house.served.wire.hang_up()
    await turns(20)

    assert house.home.upstream.requests == []
    assert house.served.tasks == set()


async def test_deadline_frees_a_stream_whose_client_does_not_read(house: House) -> None:
    house.home.upstream.expect([Script((START, DELTA, *[DELTA * 1000] * 200, END))])
    house.served.wire.is_taken = False

    house.ask(stream=True)
    await asyncio.sleep(70)

    assert house.served.tasks == set()
    assert house.home.upstream.replies[0].is_aborted
    assert [record.error for record in house.home.records.all] == ["deadline.exceeded"]


async def test_fault_in_a_call_leaves_no_watchdog_behind(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> SeawallError:
        raise ZeroDivisionError(args)

    monkeypatch.setattr("seawall.gateway.app.new_exchange", fail)  # nothing in there can fail by itself

    house.ask()
    await turns(10)

    assert [type(fault) for fault in house.served.faults] == [ZeroDivisionError]
    assert house.kennel.watching == set()
