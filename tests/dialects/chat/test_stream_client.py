from collections.abc import Sequence

import httpx2
import openai
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from seawall.core.usage import Usage
from seawall.dialects.chat.finish import finish_of
from seawall.dialects.chat.stream import ChatDecoder, ChatEncoder
from seawall.dialects.neutral.answer import Stop
from seawall.dialects.neutral.event import (
    CallOpened,
    CallPiece,
    Closed,
    Event,
    Opened,
    RefusalPiece,
    TextPiece,
    Waiting,
)
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.sse import event_data

CALLS: list[Event] = [
    Opened("msg_1", "claude"),
    TextPiece("Two:"),
    CallOpened(0, "a", "f"),
    CallPiece(0, '{"x":'),
    CallOpened(1, "b", "g"),
    CallPiece(0, "1}"),
    CallPiece(1, ""),
    Closed("tools"),
]
TEXT: list[Event] = [
    Opened("msg_1", "claude"),
    TextPiece("Hel"),
    Waiting(),
    TextPiece("lo 😀"),
    Closed("complete", usage=Usage(10, 4, 6, 0, 4, 5)),
]
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
COUNTS = st.integers(0, 1000)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, st.just(0), COUNTS, COUNTS)


def _decoded(frames: Sequence[bytes]) -> list[Event]:
    decoder = ChatDecoder(Losses())
    return [event for frame in frames for event in decoder.feed(frame)]


def _encoded(events: Sequence[Event], *, wants_usage: bool = True) -> list[bytes]:
    encoder = ChatEncoder(wants_usage=wants_usage)
    return [frame for event in events for frame in encoder.feed(event)]


def _chunks(frames: Sequence[bytes]) -> list[ChatCompletionChunk]:
    data = [event_data(frame) for frame in frames]
    return [ChatCompletionChunk.model_validate_json(found) for found in data if found not in {b"", b"[DONE]"}]


@st.composite
def _streams(draw: st.DrawFn) -> list[Event]:
    """Draw a whole answer: words, and calls whose pieces come mixed."""
    names = draw(st.lists(st.sampled_from("fgh"), max_size=3))
    pieces: list[Event] = list(draw(st.lists(st.one_of(st.builds(TextPiece, WORDS), st.just(Waiting())), max_size=4)))
    queues: list[list[Event]] = [
        [CallOpened(number, f"call_{number}", name), *draw(st.lists(st.builds(CallPiece, st.just(number), WORDS)))]
        for number, name in enumerate(names)
    ]
    begun = 0
    while any(queues):
        able = [number for number, queue in enumerate(queues) if queue and number <= begun]
        number = draw(st.sampled_from(able))
        begun += isinstance(queues[number][0], CallOpened)
        pieces.append(queues[number].pop(0))
    refusal = draw(st.lists(WORDS, min_size=1, max_size=2)) if not names and draw(st.booleans()) else []
    stop: Stop = (
        "refused" if refusal else draw(st.sampled_from(["tools", "length"] if names else ["complete", "length"]))
    )
    closed = Closed(stop, explanation="".join(refusal), usage=draw(USAGES))
    if not names and stop == "complete" and draw(st.booleans()):
        closed = Closed("stop_sequence", stop_text=draw(WORDS), usage=closed.usage)
    opened = Opened("chatcmpl-" + draw(WORDS), draw(WORDS), at_s=float(draw(st.integers(1, 2**31))))
    return [opened, *pieces, *(RefusalPiece(text) for text in refusal), closed]


def _arguments(events: Sequence[Event], number: int) -> str:
    return "".join(event.arguments for event in events if isinstance(event, CallPiece) and event.number == number)


def _filled(events: list[Event]) -> list[Event]:
    """Give the calls without arguments those of no arguments, as a client sees them."""
    closed = events[-1]
    assert isinstance(closed, Closed)
    empty = [event.number for event in events if isinstance(event, CallOpened) and not _arguments(events, event.number)]
    filled = [CallPiece(number, "{}") for number in empty if closed.stop != "length"]
    return [*events[:-1], *filled, closed]


@given(events=_streams())
def test_what_is_written_reads_the_same(events: list[Event]) -> None:
    assert _decoded(_encoded(events)) == _filled(events)


@given(events=_streams(), wants_usage=st.booleans())
def test_the_official_client_gathers_every_piece(events: list[Event], wants_usage: bool) -> None:
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    frames = _encoded(events, wants_usage=wants_usage)
    closed = events[-1]
    assert isinstance(closed, Closed)

    for chunk in _chunks(frames):
        list(state.handle_chunk(chunk))

    found = state.current_completion_snapshot
    message = found.choices[0].message
    assert frames[-1] == b"data: [DONE]"
    assert (message.content or "") == "".join(event.text for event in events if isinstance(event, TextPiece))
    assert (message.refusal or "") == "".join(event.text for event in events if isinstance(event, RefusalPiece))
    assert found.choices[0].finish_reason == finish_of(closed.stop)
    assert (found.usage.total_tokens if found.usage else None) == (
        closed.usage.prompt + closed.usage.billed_output if wants_usage else None
    )
    opened = [event for event in events if isinstance(event, CallOpened)]
    filled = _filled(events)
    assert [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or []] == [
        (call.id, call.name, _arguments(filled, call.number)) for call in opened
    ]


def _client(frames: Sequence[bytes]) -> openai.OpenAI:
    """Make an official client whose provider answers with these frames."""
    body = b"".join(frame + b"\n\n" for frame in frames)
    answer = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    return openai.OpenAI(
        api_key="sk-test",
        base_url="http://seawall.test/v1",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(lambda _: answer)),
    )


def test_the_official_client_reads_the_stream_off_the_wire() -> None:
    with (
        _client(_encoded(CALLS)) as client,
        client.chat.completions.stream(model="claude", messages=[{"role": "user", "content": "Hi"}]) as stream,
    ):
        final = stream.get_final_completion()

    message = final.choices[0].message
    calls = message.tool_calls or []
    assert (message.content, final.choices[0].finish_reason) == ("Two:", "tool_calls")
    assert [(call.id, call.function.arguments) for call in calls] == [("a", '{"x":1}'), ("b", "{}")]


def test_the_official_client_passes_over_what_is_only_waiting() -> None:
    with (
        _client(_encoded(TEXT)) as client,
        client.chat.completions.create(
            model="claude", messages=[{"role": "user", "content": "Hi"}], stream=True
        ) as stream,
    ):
        chunks = list(stream)

    texts = [choice.delta.content for chunk in chunks for choice in chunk.choices]
    assert texts == ["", "Hel", "lo 😀", None]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 29


def test_a_stream_without_an_id_gets_one_for_all_its_chunks() -> None:
    chunks = _chunks(_encoded([Opened("", "m"), TextPiece("a"), Closed("complete")]))

    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].id.startswith("chatcmpl-")
