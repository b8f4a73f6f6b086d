"""The laws of the form: what is written is read back."""

import orjson
import pytest
from hypothesis import given, settings
from openai.types.responses import Response

from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import Conversation
from seawall.dialects.neutral.form import Form
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.responses.form import RESPONSES_FORM
from seawall.dialects.responses.stream_decoder import ResponsesDecoder
from seawall.dialects.responses.stream_encoder import ResponsesEncoder
from tests.dialects.responses.conftest import TRAITS, Play, answers, client, conversations


def test_it_is_a_form() -> None:
    form: Form = RESPONSES_FORM

    assert isinstance(form.decoder(Losses()), ResponsesDecoder)
    assert isinstance(form.encoder(wants_usage=True), ResponsesEncoder)


@settings(max_examples=60)
@given(conversations())
def test_a_conversation_is_read_back_as_it_was_written(asked: Conversation) -> None:
    losses = Losses()
    written = RESPONSES_FORM.write_request(asked, "gpt-6-sol", TRAITS, losses)

    assert written["model"] == "gpt-6-sol"
    assert RESPONSES_FORM.read_request(orjson.loads(orjson.dumps(written)), losses) == asked
    assert losses.codes == []


@settings(max_examples=60)
@given(answers())
def test_an_answer_is_read_back_as_it_was_written(answer: Answer) -> None:
    assert RESPONSES_FORM.read_reply(RESPONSES_FORM.write_reply(answer), Losses()) == answer


@settings(max_examples=30)
@given(answers())
def test_the_official_client_reads_every_answer_strictly(answer: Answer) -> None:
    written = RESPONSES_FORM.write_reply(answer)
    response = client(written, "application/json").responses.create(model="m", input="hi")

    assert Response.model_validate(orjson.loads(written)).id == answer.id
    assert response.status == ("incomplete" if answer.stop == "length" else "completed")
    assert response.usage is not None
    assert response.usage.total_tokens == answer.usage.prompt + answer.usage.billed_output


@pytest.mark.parametrize("name", ["text", "mixed_calls", "refusal", "incomplete", "unicode", "only_done"])
def test_a_stream_can_be_translated_there_and_back(play: Play, name: str) -> None:
    events = play(name)
    decoder, encoder = RESPONSES_FORM.decoder(Losses()), RESPONSES_FORM.encoder(wants_usage=True)
    again = [found for event in events for frame in encoder.feed(event) for found in decoder.feed(frame)]

    assert [event for event in again if type(event).__name__ != "Waiting"] == [
        event for event in events if type(event).__name__ != "Waiting"
    ]
