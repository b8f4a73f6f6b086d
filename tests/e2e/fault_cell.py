"""What can go wrong at a provider, row by row, and what a call with each official client comes to."""

import asyncio
from dataclasses import dataclass, field
from inspect import isawaitable
from time import monotonic
from typing import Any, Final, Literal, TypeAlias

import anthropic
import openai

from seawall.sandbox.fault import FAULTS

Ends: TypeAlias = Literal["answer", "outage", "request"]
MODELS: Final = {"anthropic": "claude-haiku-5-5", "openai": "gpt-5.4"}
TEXT: Final = (
    "The tide comes in twice a day, and the wall has stood through all of them. What the sea takes from one side it "
    "brings back to the other, a little at a time, and nobody who lives behind the stones has ever had to know how "
    "high the water was that night."
)
PATIENCE_S: Final = 20.0  # the client's own, far behind every deadline of the gateway


@dataclass(frozen=True)
class Row:
    """A fault, and whether a whole answer and a stream are right in spite of it, or an outage, or the request's fault.

    `changes_usage` says that the answer's usage is wrong or lacking.
    """

    fault: str
    whole: Ends = "outage"
    stream: Ends = "outage"
    changes_usage: bool = False


HARMLESS: Final[dict[str, Row]] = {
    row.fault: row
    for row in (
        Row("", "answer", "answer"),
        Row("error_code=insufficient_quota", "request", "request"),
        Row("no_terminal", "answer"),
        Row("duplicate_event", "answer", "answer"),
        Row("usage=missing", "answer", "answer", changes_usage=True),
        Row("stall_after=3", "answer"),
        Row("wrong_length=+10", stream="answer"),
        Row("error_in_stream=overloaded_error@4", "answer"),
    )
}
# A pace between the events, or it would depend on how they are read whether the stream had begun before.
PACED: Final = {"garbage": "garbage,slow_bytes=1500"}
MORE: Final = (
    Row("status=400", "request", "request"),
    Row("status=401"),
    Row("status=403"),
    Row("status=404"),
    Row("status=408"),
    Row("status=409"),
    Row("status=422", "request", "request"),
    Row("status=429"),
    Row("status=500"),
    Row("status=503,retry_after=1"),
    Row("status=529,retry_after_ms=100"),
    Row("status=429,error_code=insufficient_quota"),
    Row("stall_after=0"),
    Row("stall_after=9", "answer"),
    Row("cut=0"),
    Row("cut=1500", "answer"),
    Row("no_terminal=5", "answer"),
    Row("wrong_length=-10"),
    Row("usage=zero", "answer", "answer", changes_usage=True),
    Row("usage=double", "answer", "answer", changes_usage=True),
    Row("error_in_stream=overloaded_error@0", "answer"),
    Row("error_in_stream=rate_limit_error@6", "answer"),
    Row("error_in_stream=invalid_request_error@0", "answer", "request"),
)
# The whole list of the sandbox's faults, each with its own example, and after them what else there is to try.
ROWS: Final = (
    HARMLESS[""],
    *(HARMLESS.get(fault.example, Row(PACED.get(fault.example, fault.example))) for fault in FAULTS.values()),
    *MORE,
)


@dataclass(frozen=True)
class Cell:
    """One call: a row, who asks, who is asked, whether as a stream, and whether another target stands behind."""

    row: Row
    number: int
    client: str
    target: str
    is_stream: bool
    is_backed: bool

    @property
    def name(self) -> str:
        """Its provider's name and its route's, since neither a breaker nor a quota may be shared with another cell."""
        kind = "stream" if self.is_stream else "whole"
        return f"{self.number}-{self.client}-{self.target}-{kind}-{'backed' if self.is_backed else 'alone'}"

    @property
    def other(self) -> str:
        """The other dialect, which the target behind speaks."""
        return next(dialect for dialect in MODELS if dialect != self.target)

    @property
    def ends(self) -> Ends:
        """What the fault means for this way of asking."""
        return self.row.stream if self.is_stream else self.row.whole


@dataclass
class Seen:
    """What a client saw of one call; `raised` is what its `except` got, `is_begun` says that a good status came."""

    headers: dict[str, str] = field(default_factory=dict)
    is_begun: bool = False
    models: set[str] = field(default_factory=set)
    pieces: list[str] = field(default_factory=list)
    usage: tuple[int, int] | None = None
    is_complete: bool = False
    raised: BaseException | None = None
    took_s: float = 0.0

    @property
    def call_id(self) -> str:
        """The id of its record."""
        return self.headers.get("x-seawall-request-id", "")


class Clients:
    """One official client of each kind for all calls, so that its connections are used again as in an application."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._claude = anthropic.AsyncAnthropic(base_url=url, api_key="any", max_retries=0, timeout=PATIENCE_S)
        self._gpt = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, timeout=PATIENCE_S)

    async def aclose(self) -> None:
        """Close their connections."""
        await self._claude.close()
        await self._gpt.close()

    async def ask(self, cell: Cell) -> Seen:
        """Make a cell's call and tell what became of it, whatever that is."""
        seen, began_s = Seen(), monotonic()
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                await (self._message if cell.client == "anthropic" else self._completion)(cell, seen)
        except Exception as error:  # noqa: BLE001  # what it raised is a part of the result
            seen.raised = error
            if (response := getattr(error, "response", None)) is not None:
                seen.headers = dict(response.headers)
        seen.took_s = monotonic() - began_s
        return seen

    async def _message(self, cell: Cell, seen: Seen) -> None:
        client = self._claude.with_options(base_url=f"{self._url}/{cell.name}")
        asked: Any = {"model": "any", "max_tokens": 400, "messages": [{"role": "user", "content": "How is the sea?"}]}
        raw = await client.messages.with_raw_response.create(**asked, stream=cell.is_stream)
        seen.headers, seen.is_begun = dict(raw.headers), True
        answer: Any = await _now(raw.parse())
        if not cell.is_stream:
            seen.models, seen.is_complete = {answer.model}, answer.stop_reason == "end_turn"
            seen.pieces = [block.text for block in answer.content if block.type == "text"]
            if answer.usage is not None:
                seen.usage = (answer.usage.input_tokens, answer.usage.output_tokens)
            return
        async with answer:
            async for event in answer:
                _take_event(event, seen)

    async def _completion(self, cell: Cell, seen: Seen) -> None:
        client = self._gpt.with_options(base_url=f"{self._url}/{cell.name}/v1")
        asked: Any = {"model": "any", "messages": [{"role": "user", "content": "How is the sea?"}]}
        if cell.is_stream:
            asked |= {"stream": True, "stream_options": {"include_usage": True}}
        raw = await client.chat.completions.with_raw_response.create(**asked, max_completion_tokens=400)
        seen.headers, seen.is_begun = dict(raw.headers), True
        answer: Any = await _now(raw.parse())
        if not cell.is_stream:
            seen.models, seen.is_complete = {answer.model}, answer.choices[0].finish_reason == "stop"
            seen.pieces = [answer.choices[0].message.content]
            if answer.usage is not None:
                seen.usage = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
            return
        async with answer:
            async for chunk in answer:
                _take_chunk(chunk, seen)


async def _now(value: Any) -> Any:  # an answer, or the promise of one: the clients differ
    return await value if isawaitable(value) else value


def _take_event(event: Any, seen: Seen) -> None:  # its union would only be asked about here
    if event.type == "message_start":
        seen.models.add(event.message.model)
        seen.usage = (event.message.usage.input_tokens, 0) if event.message.usage is not None else None
    elif event.type == "content_block_delta" and event.delta.type == "text_delta":
        seen.pieces.append(event.delta.text)
    elif event.type == "message_delta":
        read, _ = seen.usage or (0, 0)
        usage = event.usage
        seen.usage = (read if usage is None or usage.input_tokens is None else usage.input_tokens,
                      0 if usage is None else usage.output_tokens)  # fmt: skip
    elif event.type == "message_stop":
        seen.is_complete = True


def _take_chunk(chunk: Any, seen: Seen) -> None:
    seen.models.add(chunk.model)
    if chunk.usage is not None:
        seen.usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    for choice in chunk.choices:
        if choice.delta.content:
            seen.pieces.append(choice.delta.content)
        if choice.finish_reason == "stop":
            seen.is_complete = True
