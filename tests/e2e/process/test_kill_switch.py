"""Switches that are thrown by each way there is, while four workers serve (security.md, A14)."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import anthropic
import openai
import pytest

from seawall.assembly.clock import SystemClock
from seawall.core.switch import EVERYTHING, Switch
from seawall.sandbox import Sandbox
from seawall.sandbox.setting import Settings
from seawall.stores.files.switches import SwitchFile
from tests.e2e.process.conftest import policy, running_sandbox
from tests.e2e.process.every_worker import EveryWorker
from tests.e2e.process.running import PATIENCE_S, PROVIDER_KEY, Gateway, seawall, until
from tests.e2e.process.wire import COMPLETIONS, LAST_CHUNK, MESSAGES, begin, body_of, call, read_past, read_to_end

pytestmark = pytest.mark.alone

WALL_S: Final = SystemClock().wall_s  # the clock of files and of the provider's meter
WITHIN_S: Final = 1.0
THROWS: Final = 20
BY_COMMAND: Final = 4  # every so many throws by the command itself, the others by what it calls: Python starts slowly
CROWD: Final = 2  # threads, each of which calls every worker in turn, some hundred calls a second together
PAUSE_S: Final = 0.01
SORRY: Final = "We are having a pause. Please call 555-0100."
ROUTES: Final = f"""\
  /ai/kind: {{{{model: claude-haiku-5-5, degraded: {{{{message: '{SORRY}'}}}}}}}}
  /ai/kind-gpt: {{{{model: gpt-5.4, degraded: {{{{message: '{SORRY}'}}}}}}}}
  /ai/backed: {{{{model: claude-haiku-5-5, fallback: [openai/gpt-5.4]}}}}
"""


@dataclass
class Place:
    """A gateway of four workers, a connection to each of them, and the provider behind it."""

    gateway: Gateway
    sandbox: Sandbox
    workers: EveryWorker

    @property
    def switch(self) -> Path:
        """The kill switch's file."""
        return self.gateway.state_dir / "killswitch"

    def kill(self, *words: str) -> None:
        """Run `seawall kill`, or another command about switches."""
        done = seawall(self.gateway.folder, *words, "--state-dir", "state")
        assert done.returncode == 0, done.stderr

    def becomes(self, status: int, path: str = MESSAGES) -> float:
        """Wait until every worker answers with a status, and give the seconds that it took."""
        began_s = time.monotonic()
        until(self.workers.look_for(status, path), f"every worker answers with {status}")
        return time.monotonic() - began_s


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start four workers, which most tests of this file share."""
    folder = tmp_path_factory.mktemp("four")
    with running_sandbox() as sandbox:
        (folder / "policy.yaml").write_text(policy(sandbox) + ROUTES.format(), "utf-8")
        gateway = Gateway.start(
            folder, "--policy", "policy.yaml", "--insecure-dev", "--workers", "4", number=0, **PROVIDER_KEY
        )
        try:
            with EveryWorker(gateway) as workers:
                yield Place(gateway, sandbox, workers)
        finally:
            gateway.close()


@pytest.fixture
def place(four: Place) -> Iterator[Place]:
    """Give the shared gateway; nothing is off before and after."""
    assert four.workers.statuses() == {200}
    yield four
    four.sandbox.settings = Settings()
    four.switch.unlink(missing_ok=True)
    four.becomes(200)


def _ask_admin(gateway: Gateway, method: str, said: Any) -> int:  # JSON
    """Call the kill switch on the admin port, whose address the gateway prints."""
    found = re.search(r"docs +http://127\.0\.0\.1:(\d+)/", gateway.output)
    assert found is not None, gateway.output
    connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=PATIENCE_S)
    try:
        token = (gateway.state_dir / "admin_token").read_text().strip()
        connection.request(method, "/admin/killswitch", json.dumps(said), {"authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()


WAYS: Final[dict[str, tuple[Callable[[Place], object], Callable[[Place], object]]]] = {
    "command": (
        lambda place: place.kill("kill", "route:/ai/chat", "--why", "it lies"),
        lambda place: place.kill("revive", "route:/ai/chat"),
    ),
    "http": (
        lambda place: _ask_admin(place.gateway, "POST", {"level": "route:/ai/chat", "why": "it lies"}),
        lambda place: _ask_admin(place.gateway, "DELETE", {"level": "route:/ai/chat"}),
    ),
    "file": (
        lambda place: place.switch.write_text("route:/ai/chat\n"),
        lambda place: place.switch.unlink(),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_worker_stops_within_a_second_and_goes_on_within_a_second(place: Place, way: str) -> None:
    throw, revive = WAYS[way]

    throw(place)
    stopped_s = place.becomes(503)
    refused = place.workers.ask()
    other = place.workers.statuses(COMPLETIONS)
    revive(place)
    again_s = place.becomes(200)

    assert stopped_s < WITHIN_S
    assert again_s < WITHIN_S
    assert other == {200}, "another route goes on"
    for answer in refused.values():
        assert answer.json["error"]["message"].startswith("an operator has switched off route:/ai/chat")
        assert answer.headers["x-should-retry"] == "false"


@dataclass
class Crowd:
    """Clients that keep every worker busy; `refused_s` says of each when it last began a call that was refused."""

    refused_s: list[dict[int, float]] = field(default_factory=lambda: [{} for _ in range(CROWD)])
    is_over: threading.Event = field(default_factory=threading.Event)

    def calls(self, gateway: Gateway, number: int) -> None:
        """Call every worker in turn until it is over."""
        with EveryWorker(gateway) as workers:
            while not self.is_over.is_set():
                began_s = WALL_S()
                for pid, answer in workers.ask().items():
                    if answer.status == 503:
                        self.refused_s[number][pid] = began_s
                self.is_over.wait(PAUSE_S)

    def knows(self, thrown_s: float) -> bool:
        """Say whether every worker has refused a call of every client that began after a moment."""
        return all(len(seen) == 4 and min(seen.values()) > thrown_s for seen in self.refused_s)


@contextmanager
def _crowd(gateway: Gateway) -> Iterator[Crowd]:
    crowd = Crowd()
    with ThreadPoolExecutor(CROWD) as pool:
        running = [pool.submit(crowd.calls, gateway, number) for number in range(CROWD)]
        try:
            yield crowd
        finally:
            crowd.is_over.set()
        for client in running:
            client.result(PATIENCE_S)


def test_the_last_dispatch_comes_within_a_second_of_the_throw(place: Place, tell: Callable[[str], None]) -> None:
    meter, thrower = place.sandbox.meter, SwitchFile(place.gateway.state_dir, WALL_S)
    since_throw, since_command = [], []

    with _crowd(place.gateway) as crowd:
        for number in range(THROWS):
            before = meter.total.calls
            until(lambda before=before: meter.total.calls > before + 20, "the workers are busy")  # type: ignore[misc]  # bound at once
            typed_s = WALL_S()
            if number % BY_COMMAND:
                thrower.throw(Switch(EVERYTHING, why="it lies"), "test")
            else:
                place.kill("kill", "all", "--why", "it lies")
            thrown_s = place.switch.stat().st_mtime
            until(lambda thrown_s=thrown_s: crowd.knows(thrown_s), "every worker refuses")  # type: ignore[misc]  # bound at once
            last, calls, known_s = meter.entries[-1], meter.total.calls, WALL_S()
            since_throw.append(max(last.at_s - thrown_s, 0.0))
            if not number % BY_COMMAND:
                since_command.append(max(last.at_s - typed_s, 0.0))
            until(lambda known_s=known_s: crowd.knows(known_s), "every worker refuses again")  # type: ignore[misc]  # bound at once
            assert meter.total.calls == calls, "nothing comes once every worker knows"
            place.switch.unlink()

    worst_s = max(since_throw)  # of 20 throws, the 99th percentile is the worst
    tell(
        f"kill switch: last dispatch {sorted(since_throw)[THROWS // 2] * 1000:.0f} ms (median), {worst_s * 1000:.0f} ms"
        f" (worst of {THROWS}) after the throw; {max(since_command) * 1000:.0f} ms (worst) after the command was typed"
    )
    assert worst_s < WITHIN_S


def test_nothing_reaches_the_provider_while_everything_is_off_and_a_restart_changes_nothing(
    sandbox: Sandbox, serve: Callable[..., Gateway]
) -> None:
    gateway = serve("--workers", "2")
    (gateway.state_dir / "killswitch").touch()
    with EveryWorker(gateway) as workers:
        until(workers.look_for(503), "both workers refuse")
    gateway.close()
    billed = sandbox.meter.total.calls

    again = serve("--workers", "2")
    port = re.search(
        r"http://127\.0\.0\.1:(\d+)", again.output
    )  # it warns of the switch before it says where it serves
    assert port is not None
    refused = {call(int(port[1])).status for _ in range(20)}

    assert refused == {503}
    assert "calls are stopped" in again.output
    assert sandbox.meter.total.calls == billed


@pytest.mark.parametrize("level", ["provider:anthropic", "model:claude-haiku-5-5"])
def test_a_provider_or_model_stops_the_others_go_on_and_fallbacks_serve(place: Place, level: str) -> None:
    backed = "/ai/backed/v1/messages"
    assert {answer.json["model"] for answer in place.workers.ask(backed).values()} == {"claude-haiku-5-5"}

    place.kill("kill", level, "--why", "it lies")
    stopped_s = place.becomes(503)
    served = place.workers.ask(backed).values()
    streamed = place.workers.ask(backed, body_of(is_stream=True)).values()

    assert stopped_s < WITHIN_S
    assert place.workers.statuses(COMPLETIONS) == {200}
    assert {(answer.status, answer.json["model"]) for answer in served} == {(200, "gpt-5.4")}
    assert {answer.headers["x-seawall-provider"] for answer in served} == {"openai"}
    assert {(answer.status, b"message_stop" in answer.body) for answer in streamed} == {(200, True)}
    assert {answer.headers["x-seawall-model"] for answer in streamed} == {"gpt-5.4"}


def test_official_clients_get_the_fixed_answer_of_a_route_that_has_one(place: Place) -> None:
    place.kill("kill", "all", "--why", "it lies")
    place.becomes(503)
    billed = place.sandbox.meter.total.calls
    ask: Any = {"messages": [{"role": "user", "content": "Hello"}]}  # each SDK has a type of its own
    url = f"http://127.0.0.1:{place.gateway.port}/ai/kind"

    with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0) as claude:
        message = claude.messages.with_raw_response.create(model="any", max_tokens=50, **ask)
        with claude.messages.stream(model="any", max_tokens=50, **ask) as pieces:
            streamed = "".join(pieces.text_stream), pieces.get_final_message().stop_reason
    with openai.OpenAI(base_url=f"{url}-gpt/v1", api_key="any", max_retries=0) as gpt:
        completion = gpt.chat.completions.create(model="any", **ask).choices[0]
        chunks = [c.choices[0] for c in gpt.chat.completions.create(model="any", stream=True, **ask) if c.choices]
        response = gpt.responses.create(model="any", input="Hello")
        events = list(gpt.responses.create(model="any", input="Hello", stream=True))

    assert message.headers["x-seawall-degraded"] == "message"
    assert [getattr(part, "text", "") for part in message.parse().content] == [SORRY]
    assert streamed == (SORRY, "end_turn")
    assert (completion.message.content, completion.finish_reason) == (SORRY, "stop")
    assert "".join(chunk.delta.content or "" for chunk in chunks) == SORRY
    assert chunks[-1].finish_reason == "stop"
    assert (response.output_text, response.status) == (SORRY, "completed")
    assert events[-1].type == "response.completed"
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == SORRY
    assert place.sandbox.meter.total.calls == billed


def test_a_switch_ends_by_itself(place: Place) -> None:
    place.kill("kill", "all", "--for", "2s", "--why", "a short one")

    place.becomes(503)
    place.becomes(200)


def test_it_works_while_every_store_is_broken(sandbox: Sandbox, start: Callable[..., Gateway], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(policy(sandbox), "utf-8")
    gateway = start("--policy", "policy.yaml", "--workers", "2", **PROVIDER_KEY)
    made = seawall(tmp_path, "keys", "create", "--team", "support", "--state-dir", "state", "--json")
    headers = {"x_api_key": json.loads(made.stdout)["key"]}
    until(lambda: {call(gateway.port, **headers).status for _ in range(8)} == {200}, "the key counts")
    for name in ("keys.db", "answers.db", "journal"):
        for path in gateway.state_dir.glob(f"{name}*"):
            path.rename(path.with_name(f"lost.{path.name}"))
        (gateway.state_dir / name).touch() if name == "journal" else (gateway.state_dir / name).mkdir()
    with EveryWorker(gateway) as workers:
        served = {answer.status for answer in workers.ask(**headers).values()}

        done = seawall(tmp_path, "kill", "all", "--why", "it lies", "--state-dir", "state")
        until(lambda: {answer.status for answer in workers.ask(**headers).values()} == {503}, "both refuse", WITHIN_S)
        billed = sandbox.meter.total.calls
        refused = workers.ask(**headers).values()
        reached = sandbox.meter.total.calls - billed
        lifted = seawall(tmp_path, "revive", "all", "--state-dir", "state")
        until(lambda: {answer.status for answer in workers.ask(**headers).values()} == {200}, "both serve", WITHIN_S)

    assert served == {200}, "broken stores alone stop nobody"
    assert (done.returncode, lifted.returncode) == (0, 0), done.stderr + lifted.stderr
    assert {answer.json["error"]["details"]["error_code"] for answer in refused} == {"killswitch.on"}
    assert reached == 0
    journal = gateway.state_dir / "journal"
    journal.unlink()
    journal.with_name("lost.journal").rename(journal)
    wanted = {answer.id for answer in refused}
    until(lambda: wanted <= {record.id for record in gateway.records()}, "what was refused is recorded after all")


@pytest.mark.parametrize("in_flight", ["finish", "cut"])
def test_running_streams_finish_or_are_cut_by_policy(
    sandbox: Sandbox, start: Callable[..., Gateway], tmp_path: Path, in_flight: str
) -> None:
    (tmp_path / "policy.yaml").write_text(f"killswitch: {{in_flight: {in_flight}}}\n{policy(sandbox)}", "utf-8")
    gateway = start("--policy", "policy.yaml", "--insecure-dev", **PROVIDER_KEY)
    tokens = 110 if in_flight == "finish" else 250  # longer than a command takes to start, and no longer than needed
    sandbox.settings = replace(sandbox.settings, output_tokens=tokens, thinking_tokens=2, tokens_per_second=50)

    with begin(gateway.port, MESSAGES, body_of(is_stream=True)) as line:
        head = read_past(line, b"content_block_delta")
        seawall(tmp_path, "kill", "all", "--why", "it lies", "--state-dir", "state")
        wire = head + read_to_end(line)

    assert wire.startswith(b"HTTP/1.1 200 OK\r\n")
    if in_flight == "finish":
        assert wire.endswith(LAST_CHUNK)
        assert b"message_stop" in wire
    else:
        assert not wire.endswith(LAST_CHUNK)
        assert b"event: error" in wire
        assert b"was running and has been cut" in wire
    assert call(gateway.port).status == 503
