import gc
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Final

import anthropic
import httpx2
import openai
import pytest
from anthropic import Anthropic
from anthropic.types import MessageParam, ToolParam
from openai import OpenAI
from openai.types.chat import ChatCompletionUserMessageParam

import seawall
from seawall.core.record import CallRecord
from seawall.sandbox import Sandbox

Records = Callable[[], list[CallRecord]]
Events = Mapping[str, threading.Event]

CLAUDE: Final = "claude-haiku-4-5"
GPT: Final = "gpt-4o-mini"
HELLO: Final[list[MessageParam]] = [{"role": "user", "content": "Hello"}]
HELLO_GPT: Final[list[ChatCompletionUserMessageParam]] = [{"role": "user", "content": "Hello"}]
WEATHER: Final[ToolParam] = {
    "name": "weather",
    "description": "Say what the weather is.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def test_a_message_is_answered_and_recorded_at_the_providers_own_price(
    claude: Anthropic, sandbox: Sandbox, records: Records, monitor: seawall.Monitor
) -> None:
    message = claude.messages.create(model=CLAUDE, max_tokens=100, messages=HELLO)
    claude.close()

    (record,) = records()
    assert message.content[0].type == "text"
    assert (record.outcome, record.status, record.route, record.team) == ("ok", 200, "/ai/chat", "blue")
    assert record.cost_nusd == sandbox.meter.total.billed_nusd == monitor.stats().cost_nusd > 0


def test_a_stream_comes_in_pieces_and_is_recorded_when_it_ends(
    claude: Anthropic, sandbox: Sandbox, records: Records
) -> None:
    with claude.messages.stream(model=CLAUDE, max_tokens=100, messages=HELLO) as stream:
        pieces = list(stream.text_stream)
    claude.close()

    (record,) = records()
    assert len(pieces) > 1
    assert (record.outcome, record.stream, record.stop_reason) == ("ok", True, "end_turn")
    assert record.cost_nusd == sandbox.meter.total.billed_nusd


def test_an_openai_chat_and_its_stream(gpt: OpenAI, sandbox: Sandbox, records: Records) -> None:
    whole = gpt.chat.completions.create(model=GPT, messages=HELLO_GPT)
    chunks = list(gpt.chat.completions.create(model=GPT, messages=HELLO_GPT, stream=True))
    gpt.close()

    assert whole.choices[0].message.content == "".join(
        chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices
    )
    assert [record.outcome for record in records()] == ["ok", "ok"]
    assert sum(record.cost_nusd for record in records()) == sandbox.meter.total.billed_nusd


def test_tools_models_and_counts(claude: Anthropic, sandbox: Sandbox) -> None:
    sandbox.settings = replace(sandbox.settings, tool_calls=1)

    message = claude.messages.create(model=CLAUDE, max_tokens=100, messages=HELLO, tools=[WEATHER])

    assert message.stop_reason == "tool_use"
    assert claude.messages.count_tokens(model=CLAUDE, messages=HELLO).input_tokens > 0
    assert any(model.id.startswith("claude-") for model in claude.models.list())


def test_embeddings_are_priced(gpt: OpenAI, sandbox: Sandbox, records: Records) -> None:
    gpt.embeddings.create(model="text-embedding-3-small", input="Hello")
    gpt.close()

    assert records()[0].cost_nusd == sandbox.meter.total.billed_nusd > 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param("status=429", anthropic.RateLimitError, id="rate limit"),
        pytest.param("status=400", anthropic.BadRequestError, id="bad request"),
        pytest.param("status=404", anthropic.NotFoundError, id="not found"),
        pytest.param("status=500", anthropic.InternalServerError, id="server error"),
        pytest.param("html_error", anthropic.InternalServerError, id="a proxy's page"),
    ],
)
def test_errors_are_the_sdks_own(
    fault: str, error: type[anthropic.APIStatusError], claude: Anthropic, sandbox: Sandbox
) -> None:
    sandbox.set_fault(fault)

    with pytest.raises(error):
        claude.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)


def test_what_the_policy_refuses_is_an_error_of_the_sdk_too(gpt: OpenAI, records: Records) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        gpt.chat.completions.create(
            model=GPT, messages=HELLO_GPT, stream=True, extra_headers={"x-seawall-route": "/ai/quiet"}
        )
    gpt.close()

    assert refused.value.code == "route.stream"
    assert [(record.outcome, record.error) for record in records()] == [("refused", "route.stream")]


def test_a_retry_of_the_sdk_is_a_call_of_its_own(policy: Path, sandbox: Sandbox, monitor: seawall.Monitor) -> None:
    sandbox.set_fault("retry_after_ms=1", count=1)
    http = seawall.http_client(policy, route="/ai/chat", monitor=monitor)

    with Anthropic(http_client=http, api_key="unused") as client:
        client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)

    assert (monitor.stats().calls, monitor.stats().errors) == (2, 1)


def test_fifty_threads_at_once_are_fifty_records(
    claude: Anthropic, sandbox: Sandbox, records: Records, monitor: seawall.Monitor
) -> None:
    together = threading.Barrier(50)

    def call(number: int) -> None:
        together.wait(20)
        if number % 2:
            claude.messages.create(model=CLAUDE, max_tokens=50, messages=HELLO)
        else:
            with claude.messages.stream(model=CLAUDE, max_tokens=50, messages=HELLO) as stream:
                stream.until_done()

    with ThreadPoolExecutor(50) as threads:
        list(threads.map(call, range(50)))
    claude.close()

    found = records()
    assert len({record.id for record in found}) == 50
    assert {record.outcome for record in found} == {"ok"}
    assert sum(record.cost_nusd for record in found) == sandbox.meter.total.billed_nusd == monitor.stats().cost_nusd


def test_leaving_a_stream_closes_the_providers_connection(
    half_stream: Events, tmp_path: Path, state_dir: Path, records: Records, monitor: seawall.Monitor
) -> None:
    http = seawall.http_client(tmp_path / "half.yaml", route="/ai/chat", state_dir=state_dir, monitor=monitor)
    with Anthropic(http_client=http, api_key="unused") as client:
        with client.messages.stream(model=CLAUDE, max_tokens=100, messages=HELLO) as stream:
            assert next(iter(stream.text_stream)) == "Half"
        assert monitor.stats().calls == 1, "recorded by the time that the stream is closed"
        assert half_stream["left"].wait(10)

    assert [(record.outcome, record.error) for record in records()] == [("hung_up", "client.hung_up")]


def test_the_callers_own_timeout_is_kept(half_stream: Events, tmp_path: Path) -> None:
    http = seawall.http_client(tmp_path / "half.yaml", route="/ai/chat")
    with Anthropic(http_client=http, api_key="unused", max_retries=0, timeout=2.0) as client:
        with pytest.raises(anthropic.APITimeoutError):
            client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)

        assert half_stream["left"].wait(10)


def test_a_stream_that_nobody_holds_any_more_is_left(half_stream: Events, tmp_path: Path) -> None:
    body = {"model": CLAUDE, "max_tokens": 50, "messages": HELLO, "stream": True}
    with seawall.http_client(tmp_path / "half.yaml") as http:
        request = http.build_request("POST", "http://any/ai/chat/v1/messages", json=body)
        response = http.send(request, stream=True)
        assert response.status_code == 200

        del response
        gc.collect()

        assert half_stream["left"].wait(10)


def test_closing_the_client_frees_whoever_waits(half_stream: Events, tmp_path: Path) -> None:
    http = seawall.http_client(tmp_path / "half.yaml", route="/ai/chat")
    client = Anthropic(http_client=http, api_key="unused", max_retries=0)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.messages.create, model=CLAUDE, max_tokens=9, messages=HELLO)
        assert half_stream["begun"].wait(10)

        client.close()

        assert isinstance(call.exception(10), anthropic.APIConnectionError)


def test_closing_the_client_ends_its_streams(half_stream: Events, tmp_path: Path) -> None:
    assert not half_stream["left"].is_set()
    body = {"model": CLAUDE, "max_tokens": 50, "messages": HELLO, "stream": True}
    http = seawall.http_client(tmp_path / "half.yaml")
    with http.stream("POST", "http://any/ai/chat/v1/messages", json=body) as response:
        pieces = response.iter_bytes()
        assert b"Half" in next(pieces)

        http.close()

        with pytest.raises(httpx2.ReadError):
            next(pieces)


def test_a_closed_client_takes_no_call(claude: Anthropic) -> None:
    claude.close()

    with pytest.raises(anthropic.APIConnectionError):
        claude.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)


def test_a_client_that_was_never_used_starts_nothing(policy: Path, state_dir: Path) -> None:
    before = threading.active_count()

    with seawall.http_client(policy, state_dir=state_dir):
        assert threading.active_count() == before


def test_a_client_that_is_forgotten_stops_its_thread_and_writes_its_records(
    policy: Path, state_dir: Path, records: Records
) -> None:
    client = Anthropic(http_client=seawall.http_client(policy, route="/ai/chat", state_dir=state_dir), api_key="unused")
    client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)

    ours = [thread for thread in threading.enumerate() if thread.name.startswith("seawall")]
    assert len(ours) == 2, "the loop's and the journal's"

    del client
    gc.collect()
    for thread in ours:
        thread.join(10)

    assert not any(thread.is_alive() for thread in ours)
    assert len(records()) == 1


HEAD: Final = """
import os, sys
import seawall
from anthropic import Anthropic

http = seawall.http_client(sys.argv[1], route="/ai/chat", state_dir=sys.argv[2])
client = Anthropic(http_client=http, api_key="unused", max_retries=0)
ask = {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
"""


def _script(tmp_path: Path, body: str) -> list[str]:
    path = tmp_path / "application.py"
    path.write_text(HEAD + dedent(body))
    # Newer Pythons warn of every fork beside threads, which is what the test is about.
    return [sys.executable, "-W", "ignore::DeprecationWarning", str(path)]


@pytest.mark.e2e
def test_an_interpreter_that_just_exits_does_not_hang_and_loses_no_record(
    half_stream: Events, tmp_path: Path, state_dir: Path, records: Records
) -> None:
    words = _script(
        tmp_path,
        """
        stream = client.messages.create(stream=True, **ask)
        print(next(iter(stream)).type)
        """,
    )

    done = subprocess.run(
        [*words, str(tmp_path / "half.yaml"), str(state_dir)], capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "message_start\n", "")
    assert half_stream["left"].wait(10)
    assert [record.outcome for record in records()] == ["hung_up"]


@pytest.mark.e2e
def test_an_interrupt_hangs_up_and_goes_on_to_the_caller(
    half_stream: Events, tmp_path: Path, state_dir: Path, records: Records
) -> None:
    words = _script(
        tmp_path,
        """
        try:
            client.messages.create(**ask)
        except KeyboardInterrupt:
            print("interrupted")
        """,
    )
    with subprocess.Popen(
        [*words, str(tmp_path / "half.yaml"), str(state_dir)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert half_stream["begun"].wait(20)

        process.send_signal(signal.SIGINT)

        assert half_stream["left"].wait(20)
        assert process.communicate(timeout=20)[0] == "interrupted\n"
    assert process.returncode == 0
    assert [record.outcome for record in records()] == ["hung_up"]


@pytest.mark.e2e
def test_a_process_that_is_forked_has_its_own_thread_and_its_own_journal(
    policy: Path, tmp_path: Path, state_dir: Path, records: Records
) -> None:
    words = _script(
        tmp_path,
        """
        import json
        first = client.messages.create(**ask)
        held = client.messages.create(stream=True, **ask)
        child = os.fork()
        if not child:
            client.messages.create(**ask)
            held.close()  # it is the parent's, so that nothing happens, and nothing hangs
            client.close()
            os._exit(0)
        waited = os.waitpid(child, 0)[1]
        events = len(list(held))
        client.messages.create(**ask)
        client.close()
        print(json.dumps([waited, events > 5]))
        """,
    )

    done = subprocess.run(
        [*words, str(policy), str(state_dir)], capture_output=True, text=True, timeout=30, check=False
    )

    assert done.stderr == ""
    assert json.loads(done.stdout) == [0, True]
    assert [record.outcome for record in records()] == ["ok"] * 4
    assert len(list(state_dir.glob("journal/calls-*.jsonl"))) == 2
