import json
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import Refused
from seawall.core.traits import Traits
from seawall.core.usage import Usage
from seawall.dialects.chat.form import CHAT_FORM
from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import (
    Conversation,
    Document,
    Format,
    Image,
    Message,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from seawall.dialects.neutral.event import Closed, Opened, TextPiece
from seawall.dialects.neutral.loss import Losses
from seawall.sandbox.openai.check import check
from seawall.sandbox.openai.model import GPT
from seawall.sandbox.openai.shape import ChatBody

EFFORTS = ("none", "low", "medium", "high", "xhigh", "max")
TRAITS = Traits(mid_system=True, efforts=EFFORTS, cache_marks=True)
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
NAMES = st.text("abcXYZ019_-", min_size=1, max_size=8)
MARKS = st.sampled_from([None, "short", "long"])
TEXTS = st.builds(Text, WORDS, MARKS)
DATA = st.sampled_from(["QUJD", "JVBERi0xLjc="])
IMAGES = st.one_of(
    st.builds(Image, st.sampled_from(["image/png", "image/jpeg"]), DATA, cached=MARKS),
    st.builds(Image, url=st.just("https://example.com/a.png"), detail=st.sampled_from(["", "low"]), cached=MARKS),
)
DOCUMENTS = st.builds(
    Document, st.just("application/pdf"), DATA, title=NAMES.map(lambda name: f"{name}.pdf"), cached=MARKS
)
ARGUMENTS = st.dictionaries(WORDS, st.integers(), max_size=2).map(json.dumps)
SEEN = st.one_of(TEXTS, IMAGES, DOCUMENTS)
CLOSED: dict[str, Any] = {  # a JSON Schema
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
OPEN: dict[str, Any] = {"type": "object", "properties": {"a": {}}}  # a JSON Schema


def _several(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:  # parts of any kind
    return st.lists(parts, min_size=1, max_size=3).map(tuple)


@st.composite
def _turns(draw: st.DrawFn) -> tuple[Message, ...]:
    """Draw turns in which every call has its result, and results lead the user's turn."""
    turns = [Message("user", draw(_several(SEEN)))]
    made = 0
    for kind in draw(st.lists(st.sampled_from(["user", "system", "assistant", "calls"]), max_size=4)):
        if kind == "user" and isinstance(turns[-1].parts[0], ToolResult):
            continue  # it is one turn with the results before it
        if kind == "user":
            turns.append(Message("user", draw(_several(SEEN))))
        elif kind == "system":
            turns.append(Message("system", draw(_several(TEXTS))))
        elif kind == "assistant":
            turns.append(Message("assistant", draw(_several(st.one_of(TEXTS, st.builds(Refusal, WORDS))))))
        else:
            ids = [f"call_{made + number}" for number in range(draw(st.integers(1, 2)))]
            made += len(ids)
            words = draw(st.lists(TEXTS, max_size=2))
            calls = [ToolCall(call_id, draw(NAMES), draw(ARGUMENTS)) for call_id in ids]
            results = [ToolResult(call_id, tuple(draw(st.lists(TEXTS, max_size=2)))) for call_id in ids]
            turns += (
                Message("assistant", (*words, *calls)),
                Message("user", (*results, *draw(st.lists(SEEN, max_size=2)))),
            )
    return tuple(turns)


@st.composite
def _tools(draw: st.DrawFn) -> dict[str, Any]:
    """Draw tools and what is said of their use."""
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    if not names:
        return {}
    schemas = st.sampled_from([(CLOSED, True), (CLOSED, False), (OPEN, None), (OPEN, False)])
    tools = [
        Tool(name, draw(st.one_of(st.just(""), WORDS)), schema, strict)
        for name, (schema, strict) in ((name, draw(schemas)) for name in names)
    ]
    choices = st.one_of(
        st.none(),
        st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"])),
        st.builds(ToolChoice, st.just("named"), st.sampled_from(names)),
        st.builds(ToolChoice, st.sampled_from(["auto", "required"]), allowed=st.just(tuple(names[:2]))),
    )
    parallel = draw(st.sampled_from([None, False, True]))
    return {"tools": tuple(tools), "tool_choice": draw(choices), "parallel_tools": parallel}


FORMATS = st.one_of(
    st.none(),
    st.just(Format("text")),
    st.just(Format("json_object")),
    st.builds(Format, st.just("json_schema"), NAMES, WORDS, st.just(CLOSED), st.sampled_from([None, False, True])),
    st.builds(Format, st.just("json_schema"), NAMES, st.just(""), st.just(OPEN), st.sampled_from([None, False])),
)
REASONING = st.one_of(
    st.none(),
    st.just(Reasoning("none", is_off=True)),
    st.builds(Reasoning, st.sampled_from(EFFORTS[1:])),
)


@st.composite
def _conversations(draw: st.DrawFn) -> Conversation:
    """Draw everything that the endpoint can carry as it is."""
    is_stream = draw(st.booleans())
    shape = draw(FORMATS)
    # Where a JSON object is asked for, somebody has to say so, or the writer does.
    asking = (Text("JSON"),) if shape is not None and shape.kind == "json_object" else ()
    return Conversation(
        draw(_turns()),
        (*draw(st.lists(TEXTS, max_size=2)), *asking),
        max_tokens=draw(st.one_of(st.none(), st.integers(1, 4096))),
        stop=tuple(draw(st.lists(WORDS, max_size=4))),
        temperature=draw(st.one_of(st.none(), st.floats(0, 2))),
        top_p=draw(st.one_of(st.none(), st.floats(0, 1))),
        reasoning=draw(REASONING),
        format=shape,
        user=draw(st.one_of(st.just(""), NAMES)),
        is_stream=is_stream,
        wants_usage=is_stream,
        **draw(_tools()),
    )


@given(asked=_conversations())
def test_a_conversation_survives_the_way_there_and_back(asked: Conversation) -> None:
    losses = Losses(is_strict=True)

    body = orjson.loads(orjson.dumps(CHAT_FORM.write_request(asked, "gpt", TRAITS, losses)))

    assert CHAT_FORM.read_request(body, losses) == asked


@given(asked=_conversations(), name=st.sampled_from(["gpt-6-sol", "gpt-5.4", "gpt-5.2", "o3", "gpt-4.1"]))
def test_a_provider_takes_what_is_written_for_its_model(asked: Conversation, name: str) -> None:
    model = GPT[name]
    losses = Losses()
    traits = Traits(
        mid_system=True,
        efforts=model.efforts,
        chat_tools="any" if model.tools == "any" else "effort_none",
        takes_stop=model.takes_stop,
        cache_marks=model.has_write_fee,
        output_tokens=model.max_output,
    )
    try:
        body = CHAT_FORM.write_request(asked, name, traits, losses)
    except Refused as refused:
        assert (str(refused), model.takes_stop) == ("stop: the model takes none", False)  # noqa: PT017 - nothing else
        return
    # What a policy's sampling guard and a client's own words are for, and no business of the translation.
    body.pop("temperature", None)
    body.pop("top_p", None)

    ChatBody.model_validate(body)
    check(body, model)


@st.composite
def _answers(draw: st.DrawFn) -> Answer:
    """Draw whole answers as the endpoint can have them: words before calls, and nothing beside a refusal."""
    names = draw(st.lists(NAMES, max_size=2))
    calls = [ToolCall(f"call_{number}", name, draw(ARGUMENTS)) for number, name in enumerate(names)]
    texts = [Text(draw(WORDS))] if draw(st.booleans()) else []
    refusal = draw(st.one_of(st.just(""), WORDS))
    counts = st.integers(0, 1000)
    facts: dict[str, Any] = {
        "usage": draw(st.builds(Usage, counts, counts, counts, st.just(0), counts, counts)),
        "at_s": float(draw(st.integers(0, 2**31))),
    }
    head = ("chatcmpl-" + draw(NAMES), draw(WORDS))
    if refusal:
        return Answer(*head, (Refusal(refusal),), "refused", explanation=refusal, **facts)
    if calls:
        return Answer(*head, (*texts, *calls), draw(st.sampled_from(["tools", "length"])), **facts)
    if draw(st.booleans()):
        return Answer(*head, tuple(texts), "stop_sequence", stop_text=draw(WORDS), **facts)
    return Answer(*head, tuple(texts), draw(st.sampled_from(["complete", "length"])), **facts)


@given(answer=_answers())
def test_an_answer_survives_the_way_there_and_back(answer: Answer) -> None:
    assert CHAT_FORM.read_reply(CHAT_FORM.write_reply(answer), Losses()) == answer


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "text", "auto", "f", "user"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(
                ["type", "text", "role", "content", "function", "name", "arguments", "id", "tool_calls", "json_schema"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
FIELDS = st.dictionaries(
    st.sampled_from(["messages", "tools", "tool_choice", "response_format", "stop", "stream_options", "n", "x"]), JSON
)


@given(fields=FIELDS)
def test_whatever_is_sent_is_read_or_refused(fields: dict[str, Any]) -> None:
    try:
        CHAT_FORM.read_request({"stream": True, **fields}, Losses())
    except Refused as refused:
        assert refused.param  # noqa: PT017 - both ends are right, and one of them is looked at


@pytest.mark.parametrize("wants_usage", [True, False])
def test_its_encoder_and_its_decoder_belong_together(wants_usage: bool) -> None:
    events: Sequence[Opened | TextPiece | Closed] = (
        Opened("chatcmpl-1", "m", at_s=1.0),
        TextPiece("Hi"),
        Closed("complete"),
    )
    encoder, decoder = CHAT_FORM.encoder(wants_usage=wants_usage), CHAT_FORM.decoder(Losses())

    frames = [frame for event in events for frame in encoder.feed(event)]

    assert [event for frame in frames for event in decoder.feed(frame)] == list(events)
