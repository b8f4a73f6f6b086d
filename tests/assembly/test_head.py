import asyncio
from dataclasses import replace

import pytest

from seawall.assembly.arrival import new_exchange
from seawall.assembly.head import error_head, reply_head
from seawall.core.error import BadRequest, RateLimited, SeawallError, Unavailable, UpstreamRefused
from seawall.core.record import AttemptRecord
from seawall.core.secret import Secret
from seawall.core.target import Origin, Provider, Target
from seawall.dialects.anthropic import ANTHROPIC
from seawall.dialects.dialect import CHAT, MESSAGES, Dialect
from seawall.dialects.openai import OPENAI
from seawall.pipeline.exchange import Asked, Exchange, Reply
from seawall.pipeline.watchdog import Kennel

PROVIDER = Provider("main", "anthropic", Origin("https", "provider.test", 443), "/v1", None)


async def _empty(limit: int) -> bytes:
    del limit
    return b""


async def _exchange(dialect: Dialect = ANTHROPIC, route: str = "/ai/chat") -> Exchange:
    task = asyncio.current_task()
    assert task is not None
    dog = Kennel(asyncio.get_running_loop()).watch(task)
    endpoint = MESSAGES if dialect is ANTHROPIC else CHAT
    exchange = new_exchange(1.0, dog, Asked(dialect, endpoint, {}, _empty, route))
    dog.close()
    return exchange


def _attempt(cost_nusd: int | None) -> AttemptRecord:
    return AttemptRecord("main", "claude-test", 0.0, 0.1, cost_nusd=cost_nusd)


def _fields(head: bytes) -> tuple[bytes, dict[str, str]]:
    first, *lines, end = head.decode("ascii").split("\r\n")
    assert end == "", "every line is closed"
    pairs: list[tuple[str, str]] = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    assert len({name for name, _ in pairs}) == len(pairs), "no field stands twice"
    return first.encode(), dict(pairs)


async def test_a_good_answer_says_what_happened_on_the_way() -> None:
    exchange = await _exchange()
    exchange.target = Target(PROVIDER, "claude-test", None)
    exchange.attempts.append(_attempt(4_200_000))

    first, fields = _fields(reply_head(exchange, Reply(200, [(b"request-id", b"theirs")], b"{}")))

    assert first == b"HTTP/1.1 200 OK"
    assert float(fields.pop("x-seawall-overhead-ms")) >= 0
    assert fields == {
        "content-type": "application/json",
        "request-id": "theirs",
        "x-seawall-request-id": exchange.id,
        "x-seawall-route": "/ai/chat",
        "x-seawall-attempts": "1",
        "x-seawall-cache": "off",
        "x-seawall-model": "claude-test",
        "x-seawall-provider": "main",
        "x-seawall-cost-usd": "0.0042",
    }


async def test_a_field_in_which_the_provider_repeats_its_key_is_left_out() -> None:
    exchange = await _exchange()
    exchange.target = Target(replace(PROVIDER, api_key=Secret("k3y-of-the-house")), "claude-test", None)
    headers = [(b"request-id", b"for k3y-of-the-house"), (b"retry-after-ms", b"2")]

    _, fields = _fields(reply_head(exchange, Reply(200, headers, b"{}")))

    assert "request-id" not in fields
    assert fields["retry-after-ms"] == "2"


async def test_what_was_lost_on_the_way_and_what_stands_for_an_answer_is_told() -> None:
    exchange = await _exchange()
    for note in ("translated", "dropped.seed", "changed.tool_choice", "dropped.\r\nx-evil: 1"):
        exchange.note(note)
    exchange.degraded, exchange.is_replayed = "cached", True

    _, fields = _fields(reply_head(exchange, Reply(200, [], b"{}")))

    assert fields["x-seawall-warnings"] == "dropped.seed, changed.tool_choice"
    assert fields["x-seawall-degraded"] == "cached"
    assert fields["idempotent-replayed"] == "true"
    assert fields["x-seawall-attempts"] == "0"


@pytest.mark.parametrize(("degraded", "attempts"), [("", "2"), ("model", "2"), ("message", "1")])
async def test_a_streams_own_attempt_counts_before_it_is_recorded(degraded: str, attempts: str) -> None:
    exchange = await _exchange()
    exchange.attempts.append(_attempt(0))
    exchange.degraded = degraded
    reply = Reply(200, [], stream=_Stream())  # type: ignore[arg-type]  # only that there is one matters

    assert _fields(reply_head(exchange, reply))[1]["x-seawall-attempts"] == attempts


class _Stream:
    pass


async def test_a_cost_that_nobody_knows_is_no_header() -> None:
    exchange = await _exchange()
    exchange.attempts.append(_attempt(None))

    _, fields = _fields(reply_head(exchange, Reply(200, [], b"{}")))

    assert "x-seawall-cost-usd" not in fields


async def test_several_attempts_cost_their_sum() -> None:
    exchange = await _exchange()
    exchange.attempts += [_attempt(1_000_000_000), _attempt(500_000_000)]

    _, fields = _fields(reply_head(exchange, Reply(200, [], b"{}")))

    assert fields["x-seawall-attempts"] == "2"
    assert fields["x-seawall-cost-usd"] == "1.5"


@pytest.mark.parametrize(
    ("dialect", "name"),
    [pytest.param(ANTHROPIC, "request-id", id="anthropic"), pytest.param(OPENAI, "x-request-id", id="openai")],
)
async def test_an_error_of_ours_has_the_id_where_the_sdk_looks_for_it(dialect: Dialect, name: str) -> None:
    exchange = await _exchange(dialect, route="")

    first, fields = _fields(error_head(exchange, BadRequest("no")))

    assert first == b"HTTP/1.1 400 Bad Request"
    assert fields == {
        "content-type": "application/json",
        name: exchange.id,
        "x-should-retry": "false",
        "x-seawall-request-id": exchange.id,
        "x-seawall-attempts": "0",
    }


async def test_a_limit_says_when_the_call_will_pass_be_it_tomorrow() -> None:
    error = RateLimited("200 calls a day", retry_after_s=80_000.2)

    _, fields = _fields(error_head(await _exchange(), error))

    assert fields["retry-after"] == "80001"


@pytest.mark.parametrize(
    ("seconds", "header"),
    [
        pytest.param(0.2, "1", id="a moment is a second"),
        pytest.param(7.4, "8", id="never too early"),
        pytest.param(9999, "120", id="bounded"),
    ],
)
async def test_when_to_come_back_is_whole_seconds(seconds: float, header: str) -> None:
    error = Unavailable("full")
    error.retry_after_s = seconds

    _, fields = _fields(error_head(await _exchange(), error))

    assert fields["retry-after"] == header


async def test_the_providers_own_words_about_retries_stand() -> None:
    error = UpstreamRefused(429, "rate_limit_error", "slow down")
    error.headers = ((b"request-id", b"theirs"), (b"retry-after", b"3"), (b"x-should-retry", b"true"))
    error.retry_after_s = 60

    _, fields = _fields(error_head(await _exchange(), error))

    assert (fields["request-id"], fields["retry-after"], fields["x-should-retry"]) == ("theirs", "3", "true")


async def test_a_status_that_nobody_knows_becomes_a_bad_gateway() -> None:
    class Odd(SeawallError):
        status = 999

    first, _ = _fields(error_head(await _exchange(), Odd("odd")))

    assert first == b"HTTP/1.1 502 Bad Gateway"


async def test_a_status_without_a_phrase_is_passed_on() -> None:
    first, _ = _fields(error_head(await _exchange(), UpstreamRefused(529, "overloaded_error", "busy")))

    assert first == b"HTTP/1.1 529 Error"
