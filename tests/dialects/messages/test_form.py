import json

import httpx2
from anthropic import Anthropic
from hypothesis import given

from seawall.core.traits import Traits
from seawall.core.usage import Usage
from seawall.dialects.messages.form import MESSAGES_FORM
from seawall.dialects.messages.stream_encoder import MessagesEncoder
from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import Conversation
from seawall.dialects.neutral.event import CallOpened, CallPiece, Closed, Event, Opened, TextPiece, Waiting
from seawall.dialects.neutral.form import Form
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.sse import FrameSplitter
from tests.dialects.messages.conftest import answers, conversations

ABLE = Traits(mid_system=True, efforts=("low", "medium", "high", "xhigh", "max"))


def test_the_messages_endpoint_is_a_form() -> None:
    form: Form = MESSAGES_FORM

    assert isinstance(form.encoder(wants_usage=False), MessagesEncoder)


@given(asked=conversations())
def test_what_the_form_carries_comes_back_as_it_went(asked: Conversation) -> None:
    strict = Losses(is_strict=True)  # raises at the first loss

    fields = MESSAGES_FORM.write_request(asked, "claude-opus-5", ABLE, strict)

    assert MESSAGES_FORM.read_request(fields, strict) == asked


@given(answer=answers())
def test_a_whole_answer_comes_back_as_it_went(answer: Answer) -> None:
    assert MESSAGES_FORM.read_reply(MESSAGES_FORM.write_reply(answer), Losses()) == answer


STREAM: list[Event] = [
    Opened("msg_1", "m", Usage(3)),
    TextPiece("let me "),
    Waiting(),
    TextPiece("see"),
    CallOpened(0, "call_1", "f"),
    CallPiece(0, '{"x":'),
    CallOpened(1, "call_2", "g"),
    CallPiece(1, "{}"),
    CallPiece(0, "1}"),
    Closed("tools", usage=Usage(3, output=5)),
]


def _body(events: list[Event]) -> bytes:
    encoder = MESSAGES_FORM.encoder(wants_usage=False)
    return b"".join(frame + b"\n\n" for event in events for frame in encoder.feed(event))


def test_the_official_client_gathers_the_whole_answer() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert json.loads(request.content)["stream"] is True
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=_body(STREAM))

    client = Anthropic(
        api_key="key", base_url="http://gateway", http_client=httpx2.Client(transport=httpx2.MockTransport(answer))
    )

    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}]) as stream:
        message = stream.get_final_message()

    assert [block.to_dict() for block in message.content] == [
        {"type": "text", "text": "let me see"},
        {"type": "tool_use", "id": "call_1", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "call_2", "name": "g", "input": {}},
    ]
    assert (message.stop_reason, message.usage.output_tokens) == ("tool_use", 5)
    assert message.usage.input_tokens == 3


def test_calls_that_came_mixed_are_read_again_in_order() -> None:
    decoder = MESSAGES_FORM.decoder(Losses())

    found = [event for frame in FrameSplitter().feed(_body(STREAM)) for event in decoder.feed(frame)]

    assert found == [*STREAM[:6], STREAM[8], STREAM[6], STREAM[7], STREAM[9]]
