"""Neutral records as a strategy, and streams as files."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import httpx2
import openai
import pytest
from hypothesis import strategies as st

from seawall.core.traits import Traits
from seawall.core.usage import Usage
from seawall.dialects.neutral.answer import Answer, Stop
from seawall.dialects.neutral.conversation import (
    Conversation,
    Document,
    Format,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from seawall.dialects.neutral.event import Event
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.responses.stream_decoder import ResponsesDecoder
from seawall.dialects.sse import FrameSplitter
from tests.dialects.conftest import FIXTURES

# A model that takes everything which the form can say.
TRAITS: Final = Traits(
    mid_system=True,
    cache_marks=True,
    efforts=("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    output_tokens=100_000,
)

Play: TypeAlias = Callable[[str], list[Event]]


@pytest.fixture
def play() -> Play:
    """Give a function that feeds a stream file to a new decoder."""

    def run(name: str) -> list[Event]:
        decoder = ResponsesDecoder(Losses())
        frames = FrameSplitter().feed((FIXTURES / "responses" / f"{name}.sse").read_bytes())
        return [event for frame in frames for event in decoder.feed(frame)]

    return run


def client(body: bytes, kind: str = "text/event-stream") -> openai.OpenAI:
    """Make the official client of a provider that answers this, whatever it is asked."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=body, headers={"content-type": kind}, request=request)

    transport = httpx2.MockTransport(answer)
    return openai.OpenAI(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


WORDS: Final = st.text(min_size=1, max_size=12)
NAMES: Final = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
MARKS: Final = st.sampled_from([None, "short", "long"])
BASE64: Final = st.sampled_from(["iVBORw0KGgo=", "AAAA"])
ARGUMENTS: Final = st.sampled_from(["{}", '{"a":1}', '{"city":"Bonn","at":[1,2]}'])
TEXTS: Final = st.builds(Text, WORDS, MARKS)
IMAGES: Final = st.builds(
    Image, st.just("image/png"), BASE64, detail=st.sampled_from(["", "low", "high"]), cached=MARKS
) | st.builds(Image, url=NAMES.map("https://example.test/".__add__), cached=MARKS)
DOCUMENTS: Final = st.builds(
    Document, st.just("application/pdf"), st.just("JVBERi0="), title=NAMES.map(lambda name: f"{name}.pdf"), cached=MARKS
) | st.builds(Document, url=NAMES.map("https://example.test/".__add__), title=st.just("") | NAMES, cached=MARKS)
SEEN: Final = st.lists(TEXTS | IMAGES | DOCUMENTS, min_size=1, max_size=3)
SAID: Final = st.lists(st.builds(Text, WORDS) | st.builds(Refusal, WORDS), min_size=1, max_size=3)
THOUGHTS: Final = st.builds(
    Thinking,
    st.just("responses"),
    st.just({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "g"}),
)
SCHEMAS: Final = st.sampled_from(
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {}, "additionalProperties": False},
    ]
)
USAGES: Final = st.builds(Usage, *[st.integers(0, 1000)] * 6)
_IDS: Final = st.lists(NAMES, min_size=1, max_size=3, unique=True)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Draw a conversation whose every part this form can carry, with turns in their usual order."""
    messages: list[Message] = [Message("user", tuple(draw(SEEN)))]
    used: set[str] = set()
    for _ in range(draw(st.integers(0, 2))):
        if draw(st.booleans()):
            messages.append(Message("system", tuple(draw(st.lists(TEXTS, min_size=1, max_size=2)))))
        ids = [name for name in draw(_IDS) if name not in used]
        used.update(ids)
        parts: list[Part] = [*draw(st.lists(THOUGHTS, max_size=1)), *draw(SAID)]
        parts += [ToolCall(name, draw(NAMES), draw(ARGUMENTS)) for name in ids]
        messages.append(Message("assistant", tuple(parts)))
        results = [ToolResult(name, tuple(draw(st.just([]) | SEEN))) for name in ids]
        said = draw(SEEN if not results else st.just([]) | SEEN)
        messages.append(Message("user", (*results, *said)))
    return Conversation(tuple(messages), tuple(draw(st.lists(TEXTS, max_size=2))), **draw(_settings()))


@st.composite
def _settings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw everything but what is said; a tool always says whether it is strict, since the API takes it for granted."""
    names = draw(st.lists(NAMES, max_size=2, unique=True))
    tools = tuple(Tool(name, draw(st.just("") | WORDS), draw(SCHEMAS), draw(st.booleans())) for name in names)
    choices: list[st.SearchStrategy[ToolChoice | None]] = [st.none()]
    if tools:
        choices = [
            st.none(),
            st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"])),
            st.just(ToolChoice("named", names[0])),
            st.builds(ToolChoice, st.sampled_from(["auto", "required"]), allowed=st.just(tuple(names))),
        ]
    shape = st.builds(Format, st.just("json_schema"), NAMES, st.just("") | WORDS, SCHEMAS, st.booleans())
    effort = st.sampled_from(TRAITS.efforts).map(lambda effort: Reasoning(effort, is_off=effort == "none"))
    is_stream = draw(st.booleans())
    return {
        "tools": tools,
        "tool_choice": draw(st.one_of(choices)),
        "parallel_tools": draw(st.none() | st.booleans()) if tools else None,
        "max_tokens": draw(st.none() | st.integers(1, 100_000)),
        "temperature": draw(st.none() | st.floats(0, 2)),
        "top_p": draw(st.none() | st.floats(0, 1)),
        "reasoning": draw(st.none() | effort),
        "format": draw(st.none() | shape | st.just(Format("text"))),
        "user": draw(st.just("") | NAMES),
        "is_stream": is_stream,
        "wants_usage": is_stream,
    }


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Draw an answer that this form can carry, with the reason to stop that goes with its parts."""
    parts: list[Any] = [*draw(st.lists(THOUGHTS, max_size=1)), *draw(st.lists(st.builds(Text, WORDS), max_size=2))]
    parts += [ToolCall(name, draw(NAMES), draw(ARGUMENTS)) for name in draw(st.just([]) | _IDS)]
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    done: Stop = "tools" if has_calls else "complete"
    stop: Stop = draw(st.sampled_from([done, "length", "refused"]))
    explanation = ""
    if stop == "refused":
        explanation = draw(WORDS)
        parts = [Refusal(explanation)]
    at_s = float(draw(st.integers(0, 2**31)))
    name = draw(NAMES.map("resp_".__add__))
    return Answer(name, draw(NAMES), tuple(parts), stop, explanation=explanation, usage=draw(USAGES), at_s=at_s)
