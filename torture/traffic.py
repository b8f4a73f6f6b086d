"""A thousand callers at once, each on a connection of its own, over plain HTTP/1.1."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from torture.scenario import MODELS, Ask

PATIENCE_S: Final = 60.0
_PIECE: Final = 64 * 1024
_STATUS_AT: Final = slice(9, 12)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a gateway takes calls. `headers` are those that a call of a team needs, its key among them."""

    host: str
    port: int
    prefix: str
    headers: dict[str, str]
    patience_s: float = PATIENCE_S  # of a caller, for the whole answer


def body_of(ask: Ask) -> dict[str, Any]:  # JSON
    """Write a call's body in the dialect of its model's maker; the end user is in it, for whoever counts."""
    messages = [{"role": "user", "content": ask.text}]
    user = caller_name(ask)
    if MODELS.get(ask.model, "anthropic") == "anthropic":
        said: dict[str, Any] = {"max_tokens": ask.max_tokens, "metadata": {"user_id": user}}
    else:
        said = {"max_completion_tokens": ask.max_tokens, "user": user}
    return {"model": ask.model, "messages": messages, "stream": ask.is_stream, **said}


def path_of(ask: Ask) -> str:
    """Name the endpoint."""
    return "/v1/messages" if MODELS.get(ask.model, "anthropic") == "anthropic" else "/v1/chat/completions"


def caller_name(ask: Ask) -> str:
    """Name the end user, who belongs to a team."""
    return f"t{ask.team}/u{ask.user}"


async def call(ask: Ask, door: Door) -> str:
    """Make one call and give its status, or what became of it instead."""
    payload = json.dumps(body_of(ask)).encode()
    lines = [
        f"POST {door.prefix}{path_of(ask)} HTTP/1.1",
        f"host: {door.host}:{door.port}",
        "content-type: application/json",
        "anthropic-version: 2023-06-01",
        f"content-length: {len(payload)}",
        "connection: close",
        *(f"{name}: {value}" for name, value in door.headers.items()),
    ]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    try:
        async with asyncio.timeout(door.patience_s):
            reader, writer = await asyncio.open_connection(door.host, door.port)
            try:
                writer.write(head + payload)
                return await _answer(reader, ask)
            finally:
                writer.close()
    except TimeoutError:
        return "no answer"
    except OSError:
        return "refused"


async def _answer(reader: asyncio.StreamReader, ask: Ask) -> str:
    pieces, status = 0, ""
    if ask.leaves_after == 0:
        await asyncio.sleep(0.02)
        return "left"
    while piece := await reader.read(_PIECE):
        pieces += 1
        status = status or piece[_STATUS_AT].decode("latin-1")
        if ask.leaves_after is not None and pieces >= ask.leaves_after:
            return "left"
    return status or "cut"


async def traffic(asks: Sequence[Ask], door_of: Callable[[Ask], Door]) -> Counter[str]:
    """Let every caller come at its time, and count what became of them."""

    async def one(ask: Ask) -> str:
        await asyncio.sleep(ask.after_s)
        return await call(ask, door_of(ask))

    return Counter(await asyncio.gather(*map(one, asks)))
