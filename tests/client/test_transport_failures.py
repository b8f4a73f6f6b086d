"""What happens when a provider fails or an operator says stop, inside the process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import openai
import pytest
from anthropic import Anthropic, InternalServerError
from anthropic.types import Message, MessageParam
from openai import OpenAI

import seawall
from seawall.core.record import CallRecord
from seawall.sandbox import Sandbox

Records = Callable[[], list[CallRecord]]

FIRST: Final = "claude-haiku-4-5"
SECOND: Final = "gpt-4o-mini"
HELLO: Final[list[MessageParam]] = [{"role": "user", "content": "Hello"}]
SORRY: Final = "Please reply by hand."
ROUTES: Final = f"""\
  /ai/sure:
    model: {FIRST}
    max_tokens: 100
    retries: 1
    fallback: [openai/{SECOND}]
  /ai/draft: {{model: {FIRST}, max_tokens: 100, retries: 0, degraded: {{message: "{SORRY}"}}}}
"""


@pytest.fixture
def sure(policy: Path) -> Path:
    head, _, _ = policy.read_text().partition("routes:")
    policy.write_text(f"{head}routes:\n{ROUTES}")
    return policy


@contextmanager
def _claude(policy: Path, route: str, state_dir: Path | None = None) -> Iterator[Anthropic]:
    http = seawall.http_client(policy, route=route, state_dir=state_dir, team="blue")
    with Anthropic(http_client=http, api_key="unused", max_retries=0) as client:
        yield client


def _ask(client: Anthropic, key: str = "") -> Message:
    headers = {"idempotency-key": key} if key else {}
    return client.messages.create(model=FIRST, max_tokens=50, messages=HELLO, extra_headers=headers)


def _text(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_the_fallback_answers_in_the_clients_dialect(
    sure: Path, sandbox: Sandbox, state_dir: Path, records: Records
) -> None:
    sandbox.set_fault("status=529", model=FIRST)

    with _claude(sure, "/ai/sure", state_dir) as client:
        message = _ask(client)

    (record,) = records()
    assert message.model.startswith(SECOND)
    assert _text(message)
    assert [attempt.model for attempt in record.attempts] == [FIRST, FIRST, SECOND]
    assert record.cost_nusd == sandbox.meter.total.billed_nusd > 0


def test_a_stream_that_fails_early_comes_from_the_fallback(sure: Path, sandbox: Sandbox) -> None:
    sandbox.set_fault("status=529", model=FIRST)

    with (
        _claude(sure, "/ai/sure") as client,
        client.messages.stream(model=FIRST, max_tokens=50, messages=HELLO) as stream,
    ):
        assert "".join(stream.text_stream)
        assert stream.get_final_message().model.startswith(SECOND)


def test_one_failure_is_tried_again_and_nobody_notices(sure: Path, sandbox: Sandbox) -> None:
    sandbox.set_fault("status=503", count=1)

    with _claude(sure, "/ai/sure") as client:
        assert _ask(client).model.startswith(FIRST)


def test_the_routes_message_stands_in(sure: Path, sandbox: Sandbox) -> None:
    sandbox.set_fault("status=500")

    with _claude(sure, "/ai/draft") as client:
        assert _text(_ask(client)) == SORRY


def test_breakers_are_shared_by_a_clients_calls(sure: Path, sandbox: Sandbox) -> None:
    text = sure.read_text()
    sure.write_text(text.replace("retries: 1", "retries: 0\n    breaker: {min_calls: 3}"))
    sandbox.set_fault("status=500", model=FIRST)

    with _claude(sure, "/ai/sure") as client:
        for _ in range(10):
            _ask(client)

    assert sandbox.meter.total.calls < 20, "the first target was left alone after some failures"


def test_the_state_directorys_switch_stops_calls(sure: Path, sandbox: Sandbox, state_dir: Path) -> None:
    state_dir.mkdir()
    (state_dir / "killswitch").write_text('team:blue why="too dear"\n')

    with _claude(sure, "/ai/sure", state_dir) as client, pytest.raises(InternalServerError, match="too dear"):
        _ask(client)

    assert sandbox.meter.total.calls == 0


def test_a_call_that_is_switched_off_gets_the_routes_message(sure: Path, state_dir: Path) -> None:
    state_dir.mkdir()
    (state_dir / "killswitch").touch()

    with _claude(sure, "/ai/draft", state_dir) as client:
        assert _text(_ask(client)) == SORRY


def test_the_same_key_is_answered_and_charged_once(sure: Path, sandbox: Sandbox) -> None:
    with _claude(sure, "/ai/sure") as client:
        first, again = _ask(client, "order-17"), _ask(client, "order-17")
        other = _ask(client, "order-18")

    assert first.id == again.id != other.id
    assert sandbox.meter.total.calls == 2


def test_another_body_under_the_same_key_is_refused(sure: Path) -> None:
    with _claude(sure, "/ai/sure") as client:
        _ask(client, "order-17")
        with pytest.raises(Exception, match=r"(?i)key") as caught:
            client.messages.create(
                model=FIRST, max_tokens=49, messages=HELLO, extra_headers={"idempotency-key": "order-17"}
            )

    assert getattr(caught.value, "status_code", None) == 422


@pytest.mark.parametrize("model", [SECOND, FIRST])
def test_the_responses_api_is_served_whole_and_streamed(gpt: OpenAI, sandbox: Sandbox, model: str) -> None:
    answer = gpt.responses.create(model=model, input="Hello", max_output_tokens=50)
    with gpt.responses.stream(model=model, input="Hello", max_output_tokens=50) as stream:
        events = list(stream)

    assert answer.output_text
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert answer.usage is not None
    assert answer.usage.output_tokens > 0
    assert events[-1].type in {"response.completed", "response.incomplete"}
    assert sandbox.meter.total.calls == 2


def test_a_failed_response_is_the_sdks_own_error(gpt: OpenAI, sandbox: Sandbox) -> None:
    sandbox.set_fault("status=429")

    with pytest.raises(openai.RateLimitError):
        gpt.responses.create(model=SECOND, input="Hello")
