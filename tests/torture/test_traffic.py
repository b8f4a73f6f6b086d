import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from torture.scenario import Ask
from torture.traffic import Door, body_of, call, path_of, traffic

PATIENCE_S = 20.0
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _ask(*, model: str = "gpt-5.4", leaves_after: int | None = None) -> Ask:
    return Ask(0.0, 1, 2, model, 10, "Hello", is_stream=True, leaves_after=leaves_after)


@asynccontextmanager
async def _served(answering: Answering) -> AsyncIterator[Door]:
    server = await asyncio.start_server(answering, "127.0.0.1", 0)
    async with server:
        yield Door("127.0.0.1", server.sockets[0].getsockname()[1], "/ai", {"x-api-key": "k"})


def _saying(*pieces: bytes) -> Answering:
    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.close()

    return answering


async def test_an_answer_is_its_status() -> None:
    async with _served(_saying(HEAD, b"all")) as door:
        assert await call(_ask(), door) == "200"


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 402 Payment Required\r\n\r\n", b"HTTP/1.1 503 Service Unavailable\r\n\r\n"]
)
async def test_a_refusal_is_its_status(said: bytes) -> None:
    async with _served(_saying(said)) as door:
        assert await call(_ask(), door) == said[9:12].decode()


async def test_a_connection_that_ends_without_a_word_was_cut() -> None:
    async with _served(_saying()) as door:
        assert await call(_ask(), door) == "cut"


async def test_no_connection_is_a_refusal() -> None:
    async with _served(_saying()) as door:
        pass

    assert await call(_ask(), door) == "refused"


def _saying_until_it_leaves(has_left: asyncio.Event, *pieces: bytes) -> Answering:
    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):  # how one leaves who has not read everything
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            while await reader.read(4096):
                pass
        has_left.set()
        writer.close()

    return answering


@pytest.mark.parametrize("leaves_after", [0, 1])
async def test_a_caller_hangs_up_after_as_many_pieces_as_it_was_to(leaves_after: int) -> None:
    has_left = asyncio.Event()

    async with _served(_saying_until_it_leaves(has_left, HEAD)) as door, asyncio.timeout(PATIENCE_S):
        assert await call(_ask(leaves_after=leaves_after), door) == "left"
        await has_left.wait()


async def test_the_call_is_what_the_gateway_of_its_team_takes() -> None:
    heard: list[bytes] = []

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(HEAD)
        writer.close()

    async with _served(answering) as door:
        await call(_ask(), door)

    assert heard[0].startswith(b"POST /ai/v1/chat/completions HTTP/1.1\r\n")
    assert b"\r\nx-api-key: k\r\n" in heard[0]


def test_each_dialect_names_its_endpoint_its_limit_and_its_end_user() -> None:
    gpt, claude = _ask(), _ask(model="claude-haiku-4-5")

    assert (path_of(gpt), path_of(claude)) == ("/v1/chat/completions", "/v1/messages")
    assert (body_of(gpt)["max_completion_tokens"], body_of(gpt)["user"]) == (10, "t1/u2")
    assert (body_of(claude)["max_tokens"], body_of(claude)["metadata"]) == (10, {"user_id": "t1/u2"})


async def test_what_became_of_every_caller_is_counted() -> None:
    async with _served(_saying(HEAD)) as door:
        assert await traffic([_ask(), _ask(), _ask()], lambda _: door) == {"200": 3}
