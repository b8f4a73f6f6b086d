"""What a type checker makes of the front door: mypy checks it with everything else; to run it proves little."""

from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

import httpx2
from anthropic import Anthropic, AsyncAnthropic
from anthropic.types import Message
from openai import AsyncOpenAI, OpenAI

import seawall
from seawall import Monitor, async_http_client, http_client, with_logging

if TYPE_CHECKING:
    # The unused-ignore check makes each of these a proof that the checker refuses it.
    from seawall import no_such_name  # type: ignore[attr-defined]  # noqa: F401

    http_client()  # type: ignore[call-arg]
    http_client("seawall.yaml", "/ai/chat")  # type: ignore[call-arg]
    http_client("seawall.yaml", taem="blue")  # type: ignore[call-arg]
    http_client("seawall.yaml", team=7)  # type: ignore[arg-type]
    http_client("seawall.yaml", monitor=True)  # type: ignore[arg-type]
    Anthropic(http_client=async_http_client("seawall.yaml"))  # type: ignore[arg-type]

    assert_type(http_client("seawall.yaml"), httpx2.Client)
    assert_type(http_client(Path("seawall.yaml"), route="/ai/chat", state_dir=".seawall"), httpx2.Client)
    assert_type(async_http_client("seawall.yaml", monitor=Monitor(), team="blue", user="ada"), httpx2.AsyncClient)
    Anthropic(http_client=http_client("seawall.yaml"))
    OpenAI(http_client=http_client("seawall.yaml"))
    AsyncAnthropic(http_client=async_http_client("seawall.yaml"))
    AsyncOpenAI(http_client=async_http_client("seawall.yaml"))


@with_logging
def plain(question: str, *, times: int = 1) -> str:
    return question * times


@with_logging(monitor=Monitor(), route="/ai/chat", feature="summary")
def labelled(question: str) -> Message | None:
    return None if question else Message.model_construct()


@with_logging
async def coroutine(question: str) -> int:
    return len(question)


def test_a_wrapped_function_keeps_its_type() -> None:
    assert_type(plain("a", times=2), str)
    assert_type(labelled("a"), Message | None)
    wrap: Callable[[Callable[[str], int]], Callable[[str], int]] = with_logging(route="/ai/chat")
    assert_type(wrap(len)("abc"), int)

    if TYPE_CHECKING:
        plain(7)  # type: ignore[arg-type]
        plain("a", 2)  # type: ignore[call-arg]
        plain("a", time=2)  # type: ignore[call-arg]
        with_logging("not a function")  # type: ignore[call-overload]


async def test_a_wrapped_coroutine_function_keeps_its_type() -> None:
    call: Awaitable[int] = assert_type(coroutine("abc"), Coroutine[Any, Any, int])
    assert_type(await call, int)


def test_the_monitors_numbers_have_their_types() -> None:
    stats = seawall.Monitor().stats()

    assert_type(stats.calls, int)
    assert_type(stats.error_rate, float)
    assert_type(stats.cost_usd, Decimal)
    assert_type(stats.cost_by_model_usd, dict[str, Decimal])
    assert_type(stats.latency.p99_s, float | None)
    assert_type(seawall.Monitor().report(), str)
    assert_type(seawall.__version__, str)
