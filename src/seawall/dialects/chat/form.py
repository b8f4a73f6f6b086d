"""Chat Completions as a form of the neutral translation."""

from collections.abc import Mapping
from typing import Any, Final

from seawall.core.traits import Traits
from seawall.dialects.chat.reply import read_reply, write_reply
from seawall.dialects.chat.request_reader import read_request
from seawall.dialects.chat.request_writer import write_request
from seawall.dialects.chat.stream import ChatDecoder, ChatEncoder
from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import Conversation
from seawall.dialects.neutral.form import Form
from seawall.dialects.neutral.loss import Losses


class ChatForm:
    """The endpoint's language, both ways."""

    def read_request(self, fields: Mapping[str, Any], losses: Losses) -> Conversation:
        """Read a client's request.

        Raises:
            BadRequest: a field is not what the endpoint takes; `param` is its path.
            Unsupported: it asks for what no other dialect has and what must not be lost.
        """
        return read_request(fields, losses)

    def write_request(self, asked: Conversation, model: str, traits: Traits, losses: Losses) -> dict[str, Any]:
        """Write a request for a provider's model.

        Raises:
            Unsupported: the model or the endpoint cannot carry it.
        """
        return write_request(asked, model, traits, losses)

    def read_reply(self, body: bytes, losses: Losses) -> Answer:
        """Read a provider's whole answer, and note what no other dialect has.

        Raises:
            UpstreamBroken: it is none.
            UpstreamRefused: it is an error in spite of its good status.
        """
        return read_reply(body, losses)

    def write_reply(self, answer: Answer) -> bytes:
        """Write a whole answer for a client."""
        return write_reply(answer)

    def decoder(self, losses: Losses) -> ChatDecoder:
        """Make a decoder for one stream, which notes its losses as they happen."""
        return ChatDecoder(losses)

    def encoder(self, *, wants_usage: bool) -> ChatEncoder:
        """Make an encoder for one stream; a client that did not ask for its usage gets no chunk of it."""
        return ChatEncoder(wants_usage=wants_usage)


CHAT_FORM: Final[Form] = ChatForm()
