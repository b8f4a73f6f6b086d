import asyncio
import inspect
import json
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator
from types import SimpleNamespace
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic
from anthropic.types import Message

import seawall
from seawall.client.call_log import EVENT, LOGGER, CallLog
from seawall.sandbox import Sandbox
from seawall.telemetry.monitor import Monitor
from seawall.testing.clock import FakeClock

MESSAGE: dict[str, Any] = {  # Any: the JSON of a provider
    "type": "message",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "words of the answer"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1000, "output_tokens": 200},
}
COST_NUSD = 2_000_000  # 1,000 tokens at $1 and 200 at $5 a million


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[dict[str, Any]]]:
    """Collect the lines as the JSON that they are, read when the test looks at them."""

    class Lines(list[dict[str, Any]]):
        def __iter__(self) -> Iterator[dict[str, Any]]:
            return iter([json.loads(record.getMessage()) for record in caplog.records if record.name == LOGGER])

    with caplog.at_level(logging.INFO, LOGGER):
        yield Lines()


def _only(lines: list[dict[str, Any]]) -> dict[str, Any]:
    (line,) = lines
    return line


def test_a_call_leaves_one_line_with_tokens_and_exact_cost(lines: list[dict[str, Any]]) -> None:
    clock = FakeClock()

    def ask(question: str) -> dict[str, Any]:
        clock.advance(1.5)
        assert question == "words of the prompt"
        return MESSAGE

    log = CallLog(logging.getLogger(LOGGER), None, "/ai/chat", "summary", clock)
    assert log.wrap(ask)("words of the prompt") is MESSAGE

    line = _only(lines)
    assert line == {
        "event": EVENT,
        "route": "/ai/chat",
        "feature": "summary",
        "outcome": "ok",
        "duration_s": 1.5,
        "dialect": "anthropic",
        "model": "claude-haiku-4-5",
        "stop_reason": "end_turn",
        "usage": "reported",
        "input_tokens": 1000,
        "cache_read_tokens": 0,
        "cache_write_short_tokens": 0,
        "cache_write_long_tokens": 0,
        "output_tokens": 200,
        "thinking_tokens": 0,
        "web_searches": 0,
        "cost_usd": "0.002",
        "price_source": line["price_source"],
    }
    assert line["price_source"].startswith("genai-prices")


def test_no_word_of_prompt_answer_or_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    @seawall.with_logging
    def ask(prompt: str) -> dict[str, Any]:
        if prompt.startswith("bad"):
            raise ValueError(f"cannot send {prompt!r}")
        return MESSAGE

    with caplog.at_level(logging.DEBUG):
        ask("words of the prompt")
        with pytest.raises(ValueError, match="words"):
            ask("bad words of the prompt")

    assert len(caplog.records) == 2
    assert "words" not in caplog.text
    assert not any("words" in str(vars(record)) for record in caplog.records)


def test_the_record_carries_its_fields_for_other_formatters(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER):
        seawall.with_logging(lambda: MESSAGE)()

    (record,) = caplog.records
    assert vars(record)["fields"] == json.loads(record.getMessage())


def test_the_monitor_counts_the_same(lines: list[dict[str, Any]]) -> None:
    monitor = Monitor()
    ask = seawall.with_logging(monitor=monitor)(lambda: MESSAGE)

    ask()
    ask()

    stats = monitor.stats()
    assert (stats.calls, stats.errors, stats.cost_nusd) == (2, 0, 2 * COST_NUSD)
    assert stats.cost_by_model_nusd == {"claude-haiku-4-5": 2 * COST_NUSD}
    assert stats.tokens.input == 2000
    assert len(list(lines)) == 2


def test_an_error_passes_through_and_is_counted_by_its_type(lines: list[dict[str, Any]]) -> None:
    monitor = Monitor()
    error = ValueError("no")

    @seawall.with_logging(monitor=monitor, route="/ai/chat")
    def ask() -> None:
        raise error

    with pytest.raises(ValueError, match="no") as raised:
        ask()

    assert raised.value is error
    line = _only(lines)
    assert (line["outcome"], line["error"]) == ("failed", "ValueError")
    assert monitor.stats().errors_by_type == {"ValueError": 1}


def test_an_error_of_the_sdk_has_its_status_and_request_id(
    claude: Anthropic, sandbox: Sandbox, lines: list[dict[str, Any]]
) -> None:
    sandbox.set_fault("status=429")
    ask = seawall.with_logging(claude.messages.create)

    with pytest.raises(anthropic.RateLimitError) as raised:
        ask(model="claude-haiku-4-5", max_tokens=9, messages=[{"role": "user", "content": "Hello"}])

    line = _only(lines)
    assert (line["error"], line["status"], line["request_id"]) == ("RateLimitError", 429, raised.value.request_id)


def test_a_real_message_costs_what_the_provider_bills(
    claude: Anthropic, sandbox: Sandbox, lines: list[dict[str, Any]]
) -> None:
    monitor = Monitor()

    @seawall.with_logging(monitor=monitor)
    def ask(question: str) -> Message:
        return claude.messages.create(
            model="claude-haiku-4-5", max_tokens=99, messages=[{"role": "user", "content": question}]
        )

    message = ask("Hello")

    assert monitor.stats().cost_nusd == sandbox.meter.total.billed_nusd > 0
    assert _only(lines)["request_id"] == message._request_id


async def test_an_asynchronous_function_stays_one(async_claude: AsyncAnthropic, lines: list[dict[str, Any]]) -> None:
    @seawall.with_logging
    async def ask(question: str) -> Message:
        """Ask."""
        return await async_claude.messages.create(
            model="claude-haiku-4-5", max_tokens=9, messages=[{"role": "user", "content": question}]
        )

    assert inspect.iscoroutinefunction(ask)
    assert (ask.__name__, ask.__doc__) == ("ask", "Ask.")
    assert (await ask("Hello")).type == "message"
    assert _only(lines)["outcome"] == "ok"


async def test_a_plain_function_may_give_a_coroutine(lines: list[dict[str, Any]]) -> None:
    async def answer() -> dict[str, Any]:
        await asyncio.sleep(0)
        return MESSAGE

    @seawall.with_logging
    def ask() -> Coroutine[Any, Any, dict[str, Any]]:
        return answer()

    assert not inspect.iscoroutinefunction(ask)
    assert await ask() is MESSAGE
    assert _only(lines)["model"] == "claude-haiku-4-5"


async def test_a_cancelled_call_is_no_error(lines: list[dict[str, Any]]) -> None:
    monitor = Monitor()

    @seawall.with_logging(monitor=monitor)
    async def ask() -> None:
        await asyncio.Event().wait()

    call = asyncio.ensure_future(ask())
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert _only(lines)["outcome"] == "cancelled"
    assert (monitor.stats().calls, monitor.stats().errors) == (1, 0)


@pytest.mark.parametrize(
    "result",
    [pytest.param("only the text", id="a text"), pytest.param(SimpleNamespace(), id="something else")],
)
def test_what_is_no_response_has_no_cost_and_the_line_says_so(result: object, lines: list[dict[str, Any]]) -> None:
    monitor = Monitor()

    assert seawall.with_logging(monitor=monitor)(lambda: result)() is result

    line = _only(lines)
    assert (line["usage"], line["cost_usd"]) == ("missing", None)
    assert (monitor.stats().calls, monitor.stats().cost_nusd) == (1, 0)


def test_a_model_that_nobody_knows_has_no_cost_and_the_line_says_so(lines: list[dict[str, Any]]) -> None:
    seawall.with_logging(lambda: {**MESSAGE, "model": "no-such-model"})()

    line = _only(lines)
    assert (line["cost_usd"], line["price_source"], line["output_tokens"]) == (None, "unknown", 200)


def test_the_line_goes_where_it_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("of.the.application")

    with caplog.at_level(logging.INFO, logger.name):
        seawall.with_logging(lambda: MESSAGE, logger=logger)()

    assert [record.name for record in caplog.records] == [logger.name]


def test_a_generator_is_refused_when_it_is_decorated() -> None:
    def stream() -> Iterator[str]:
        yield "piece"

    async def async_stream() -> AsyncIterator[str]:
        yield "piece"

    for function in (stream, async_stream):
        with pytest.raises(TypeError, match="generator; use http_client for streams"):
            seawall.with_logging(function)
