"""What holds for every two forms: what both can carry comes back as it went, and no end is made up."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby, permutations
from typing import Any, Final

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seawall.assembly.language import LANGUAGES
from seawall.core.error import BadRequest, Unsupported, UpstreamBroken, UpstreamError
from seawall.core.traits import Traits
from seawall.core.usage import Usage
from seawall.dialects.dialect import CHAT, MESSAGES, RESPONSES, Endpoint, Mark
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
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from seawall.dialects.neutral.event import CallOpened, CallPiece, Closed, Event, Opened, TextPiece, Waiting
from seawall.dialects.neutral.form import Form
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.sse import FrameSplitter
from seawall.guards.translation.guard import BetweenForms
from tests.dialects.messages.conftest import conversations as messages_conversations
from tests.dialects.responses.conftest import conversations as responses_conversations

ENDPOINTS: Final = {"messages": MESSAGES, "chat": CHAT, "responses": RESPONSES}
PAIRS: Final = list(permutations(ENDPOINTS, 2))
EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
ABLE: Final = {
    "messages": Traits(mid_system=True, efforts=EFFORTS),
    "chat": Traits(mid_system=True, efforts=("none", *EFFORTS), cache_marks=True),
    "responses": Traits(mid_system=True, efforts=("none", *EFFORTS), cache_marks=True),
}
CLOSED: Final[dict[str, Any]] = {  # a JSON Schema
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
WORDS: Final = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
NAMES: Final = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
ARGUMENTS: Final = st.dictionaries(WORDS, st.integers(-9, 9) | WORDS, max_size=2).map(
    lambda v: orjson.dumps(v).decode()
)
TEXTS: Final = st.builds(Text, WORDS)
IMAGES: Final = st.just(Image("image/png", "iVBORw0KGgo=")) | st.just(Image(url="https://example.com/a.png"))
PDFS: Final = st.builds(Document, st.just("application/pdf"), st.just("JVBERi0="), title=NAMES.map("{}.pdf".format))
SHOWN: Final = TEXTS | IMAGES | PDFS
COUNTS: Final = st.integers(0, 1000)
USAGES: Final = st.builds(Usage, COUNTS, COUNTS, COUNTS, st.just(0), COUNTS, COUNTS)
PLAIN: Final = Conversation((Message("user", (Text("hi"),)),), tools=(Tool("f", schema=CLOSED),))
between = pytest.mark.parametrize(("one", "other"), PAIRS, ids=[f"{one} to {other}" for one, other in PAIRS])


def _form(name: str) -> Form:
    return LANGUAGES.forms[ENDPOINTS[name]]


def _marks(name: str, frames: Iterable[bytes]) -> list[Mark]:
    reader = LANGUAGES.dialects[ENDPOINTS[name]].stream_reader()
    return [reader.feed(frame) for frame in frames]


def _tap(one: str, other: str) -> BetweenForms:
    return BetweenForms(_form(one), _form(other), 1.0, [], wants_usage=True)


# What is asked.


@st.composite
def _turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """Draw turns that take turns, in which every call has its result."""
    turns = [Message("user", tuple(draw(st.lists(SHOWN, min_size=1, max_size=3))))]
    made = 0
    for _ in range(draw(st.integers(0, 3))):
        words: list[Part] = list(draw(st.lists(TEXTS, max_size=2)))
        calls = [ToolCall(f"call_{made + n}", draw(NAMES), draw(ARGUMENTS)) for n in range(draw(st.integers(0, 2)))]
        made += len(calls)
        if not words and not calls:
            continue
        turns.append(Message("assistant", (*words, *calls)))
        if not calls and draw(st.booleans()):
            turns.append(Message("system", (draw(TEXTS),)))
        results = [ToolResult(call.id, tuple(draw(st.lists(TEXTS, max_size=2)))) for call in calls]
        turns.append(Message("user", (*results, *draw(st.lists(SHOWN, min_size=not results, max_size=2)))))
    return tuple(turns)


@st.composite
def _tools(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    if not names:
        return {}
    tools = tuple(Tool(name, draw(st.just("") | WORDS), CLOSED, draw(st.booleans())) for name in names)
    kinds = st.sampled_from([ToolChoice(), ToolChoice("none"), ToolChoice("required"), ToolChoice("named", names[0])])
    choice = draw(st.none() | kinds)
    may_be_parallel = choice is not None and choice.kind != "none"
    parallel = draw(st.none() | st.booleans()) if may_be_parallel else None
    return {"tools": tools, "tool_choice": choice, "parallel_tools": parallel}


@st.composite
def _conversations(draw: st.DrawFn, one: str, other: str) -> Conversation:
    """Draw what both forms carry as it is."""
    system = list(draw(st.lists(TEXTS, max_size=2)))
    if system:
        system[-1] = replace(system[-1], cached=draw(st.sampled_from([None, "short", "long"])))
    off = Reasoning("" if one == "messages" else "none", is_off=True)
    shape = Format("json_schema", "" if one == "messages" else draw(NAMES), schema=CLOSED, strict=True)
    is_stream = draw(st.booleans())
    return Conversation(
        draw(_turns()),
        tuple(system),
        max_tokens=draw(st.integers(1, 9999)),
        stop=() if "responses" in (one, other) else tuple(draw(st.lists(WORDS, max_size=3))),
        temperature=draw(st.none() | st.floats(0, 1)),
        top_p=draw(st.none() | st.floats(0, 1)),
        reasoning=draw(st.none() | st.just(off) | st.builds(Reasoning, st.sampled_from(EFFORTS))),
        format=None if other == "messages" else draw(st.none() | st.just(shape)),  # it has no place for a name
        user=draw(st.just("") | NAMES),
        is_stream=is_stream,
        wants_usage=is_stream,
        **draw(_tools()),
    )


def _there_and_back(fields: dict[str, Any], one: str, other: str, losses: Losses) -> dict[str, Any]:
    """Read a request of one form, write it in the other, and bring that back; what is lost is lost on the way there."""
    asked = _form(one).read_request(_sent(fields), losses)
    written = _form(other).write_request(asked, "m", ABLE[other], losses)
    returned = _form(other).read_request(_sent(written), Losses())
    return _form(one).write_request(returned, "m", ABLE[one], Losses())


def _sent(fields: dict[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = orjson.loads(orjson.dumps(fields))
    return sent


@between
@settings(max_examples=30)
@given(data=st.data())
def test_what_both_forms_carry_comes_back_as_it_went(one: str, other: str, data: st.DataObject) -> None:
    losses = Losses()
    asked = data.draw(_conversations(one, other))
    fields = _form(one).write_request(asked, "m", ABLE[one], losses)

    assert _there_and_back(fields, one, other, losses) == fields
    assert losses.codes == []


@pytest.mark.parametrize("other", ["chat", "responses"])
@settings(max_examples=30)
@example(asked=replace(PLAIN, reasoning=Reasoning("low", is_off=True)))
@given(asked=messages_conversations())
def test_a_messages_request_is_carried_noted_or_refused(other: str, asked: Conversation) -> None:
    _is_never_silent(asked, "messages", other)


@pytest.mark.parametrize("other", ["chat", "messages"])
@settings(max_examples=30)
@example(asked=replace(PLAIN, parallel_tools=False))
@example(asked=replace(PLAIN, parallel_tools=True))
@example(asked=replace(PLAIN, tool_choice=ToolChoice("none"), parallel_tools=False))
@given(asked=responses_conversations())
def test_a_responses_request_is_carried_noted_or_refused(other: str, asked: Conversation) -> None:
    _is_never_silent(asked, "responses", other)


def _is_never_silent(asked: Conversation, one: str, other: str) -> None:
    """See that what says no loss has none, for what the other form may not be able to carry."""
    losses = Losses()
    is_plain = asked.format is not None and asked.format.kind == "text"
    # What goes without saying is said by all or by none: answers are text, tools are not strict, and one endpoint takes
    # no request without a bound.
    asked = replace(
        asked,
        max_tokens=asked.max_tokens or 100,
        format=None if is_plain else asked.format,
        tools=tuple(replace(tool, strict=bool(tool.strict)) for tool in asked.tools),
    )
    fields = _form(one).write_request(asked, "m", ABLE[one], losses)
    try:
        _form(other).write_request(_form(one).read_request(_sent(fields), losses), "m", ABLE[other], losses)
    except (Unsupported, BadRequest) as refusal:
        assert str(refusal)  # noqa: PT017 - to be refused is one of three good ends
        return
    if not losses.codes:
        returned = _there_and_back(fields, one, other, Losses())
        assert _meaning(one, returned) == _meaning(one, fields)


def _meaning(name: str, fields: dict[str, Any]) -> str:
    """Give what a request means.

    Turns of one role are one turn, and the ending of a file's name says nothing. Where there are tools, to choose
    nothing is to choose auto, and calls may be parallel unless that is forbidden; where no tool may be called, nothing
    is said about parallel calls.
    """
    asked = _form(name).read_request(_sent(fields), Losses())
    choice = asked.tool_choice or (ToolChoice() if asked.tools else None)
    may_call = choice is not None and choice.kind != "none"
    asked = replace(asked, tool_choice=choice, parallel_tools=asked.parallel_tools is not False if may_call else None)
    runs = groupby(asked.messages, lambda message: message.role)
    joined = tuple(Message(role, tuple(part for turn in turns for part in turn.parts)) for role, turns in runs)
    return repr(replace(asked, messages=joined)).replace(".pdf'", "'")


# What is answered, whole.


@st.composite
def _answers(draw: st.DrawFn) -> Answer:
    texts = draw(st.lists(TEXTS, max_size=1))
    calls = [ToolCall(f"call_{n}", draw(NAMES), draw(ARGUMENTS)) for n in range(draw(st.integers(0, 2)))]
    stop: Stop = draw(st.sampled_from(["tools" if calls else "complete", "length"]))
    return Answer("", draw(NAMES), (*texts, *calls), stop, usage=draw(USAGES))


@between
@settings(max_examples=30)
@given(answer=_answers())
def test_a_whole_answer_comes_through_as_it_was_given(one: str, other: str, answer: Answer) -> None:
    notes: list[str] = []
    given_body = _form(one).write_reply(answer)

    told = BetweenForms(_form(one), _form(other), 1.0, notes, wants_usage=True).whole(given_body)

    read = _form(other).read_reply(told, Losses())
    assert replace(read, id="", at_s=0.0) == answer
    assert notes == []


@between
@given(words=WORDS)
def test_a_refused_answer_stays_refused(one: str, other: str, words: str) -> None:
    refused = Answer("", "m", (Refusal(words),), "refused", explanation=words)

    told = _tap(one, other).whole(_form(one).write_reply(refused))

    read = _form(other).read_reply(told, Losses())
    assert (read.stop, read.explanation) == ("refused", words)


# What is answered piece by piece.


@st.composite
def _streams(draw: st.DrawFn) -> list[Event]:
    events: list[Event] = [Opened("id_1", draw(NAMES))]
    pieces = st.lists(WORDS, min_size=1, max_size=3)
    if draw(st.booleans()):
        events += [TextPiece(piece) for piece in draw(pieces)]
    calls = draw(st.integers(0, 2))
    for number in range(calls):
        arguments = draw(ARGUMENTS)
        cut = draw(st.integers(0, len(arguments)))
        events.append(CallOpened(number, f"call_{number}", draw(NAMES)))
        events += [CallPiece(number, piece) for piece in (arguments[:cut], arguments[cut:]) if piece]
        if draw(st.booleans()):
            events.append(Waiting())
    stop: Stop = draw(st.sampled_from(["tools" if calls else "complete", "length"]))
    return [*events, Closed(stop, usage=draw(USAGES))]


def _written(name: str, events: Sequence[Event]) -> list[bytes]:
    encoder = _form(name).encoder(wants_usage=True)
    return [frame for event in events for frame in encoder.feed(event)]


def _merged(events: Iterable[Event]) -> list[Event]:
    """Join pieces that follow each other, and leave out the waiting and what forms name by themselves."""
    found: list[Event] = []
    for event in events:
        match found[-1:], event:
            case _, Waiting():
                pass
            case _, Opened(model=model):
                found.append(Opened("", model))
            case [TextPiece(text=before)], TextPiece(text=text):
                found[-1] = TextPiece(before + text)
            case [CallPiece(number=number, arguments=before)], CallPiece(number=same, arguments=more) if same == number:
                found[-1] = CallPiece(number, before + more)
            case _:
                found.append(event)
    return found


@between
@settings(max_examples=30)
@given(events=_streams())
def test_a_stream_comes_through_as_it_was_given(one: str, other: str, events: list[Event]) -> None:
    told = _tap(one, other).tap()(_written(one, events))

    decoder = _form(other).decoder(losses := Losses())
    assert _merged(event for frame in told for event in decoder.feed(frame)) == _merged(events)
    assert losses.codes == []


@between
@settings(max_examples=20)
@given(events=_streams(), data=st.data())
def test_a_stream_may_be_cut_anywhere(one: str, other: str, events: list[Event], data: st.DataObject) -> None:
    body = b"".join(frame + b"\n\n" for frame in _written(one, events))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=6)))
    chunks = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    splitter, tap = FrameSplitter(), _tap(one, other).tap()
    told = [frame for chunk in chunks for frame in tap(splitter.feed(chunk))]

    assert told == _tap(one, other).tap()(FrameSplitter().feed(body))


@between
@settings(max_examples=30)
@given(events=_streams())
def test_an_end_is_told_where_it_is_heard_and_nowhere_else(one: str, other: str, events: list[Event]) -> None:
    given_frames = _written(one, events)
    tap = _tap(one, other).tap()

    told = [tap([frame]) for frame in given_frames]

    heard = [mark is Mark.TERMINAL for mark in _marks(one, given_frames)]
    reader = LANGUAGES.dialects[ENDPOINTS[other]].stream_reader()
    assert [any(reader.feed(frame) is Mark.TERMINAL for frame in frames) for frames in told] == heard


@between
@settings(max_examples=30)
@given(events=_streams(), data=st.data())
def test_an_error_in_a_stream_never_ends_it_well(
    one: str, other: str, events: list[Event], data: st.DataObject
) -> None:
    frames = _written(one, events)
    last = _marks(one, frames).index(Mark.TERMINAL)
    error = LANGUAGES.dialects[ENDPOINTS[one]].error_frame(UpstreamBroken("the provider broke off"), "r")
    tap = _tap(one, other).tap()

    told = tap(frames[: data.draw(st.integers(0, last))])
    with pytest.raises(UpstreamError):
        tap(FrameSplitter().feed(error))

    assert Mark.TERMINAL not in _marks(other, told)


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
@settings(max_examples=30)
@given(events=_streams())
def test_no_form_writes_an_end_that_nobody_told(endpoint: Endpoint, events: list[Event]) -> None:
    encoder = LANGUAGES.forms[endpoint].encoder(wants_usage=True)
    reader = LANGUAGES.dialects[endpoint].stream_reader()

    marks = [reader.feed(frame) for event in events[:-1] for frame in encoder.feed(event)]

    assert Mark.TERMINAL not in marks
