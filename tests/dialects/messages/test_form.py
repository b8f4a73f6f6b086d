from hypothesis import given

from seawall.core.traits import Traits
from seawall.dialects.messages.form import MESSAGES_FORM
from seawall.dialects.messages.stream_encoder import MessagesEncoder
from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import Conversation
from seawall.dialects.neutral.form import Form
from seawall.dialects.neutral.loss import Losses
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
    assert MESSAGES_FORM.read_reply(MESSAGES_FORM.write_reply(answer)) == answer
