"""The Messages endpoint as a form: what the translation between dialects needs of it."""

from collections.abc import Mapping
from typing import Any, Final

from seawall.core.traits import Traits
from seawall.dialects.messages import reply, request_reader, request_writer
from seawall.dialects.messages.stream_decoder import MessagesDecoder
from seawall.dialects.messages.stream_encoder import MessagesEncoder
from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import Conversation
from seawall.dialects.neutral.loss import Losses


class MessagesForm:
    """Anthropic's Messages endpoint, both ways."""

    def read_request(self, fields: Mapping[str, Any], losses: Losses) -> Conversation:  # JSON values
        """Read a client's request.

        Raises:
            BadRequest: a field is not what the endpoint takes; `param` is its path.
            Unsupported: it asks for what no other dialect has and what must not be lost.
        """
        return request_reader.read_request(fields, losses)

    def write_request(self, asked: Conversation, model: str, traits: Traits, losses: Losses) -> dict[str, Any]:
        """Write a request for a provider's model.

        Raises:
            Unsupported: the model or the endpoint cannot carry it.
        """
        return request_writer.write_request(asked, model, traits, losses)

    def read_reply(self, body: bytes, losses: Losses) -> Answer:
        """Read a provider's whole answer, and note what no other dialect has.

        Raises:
            UpstreamBroken: it is none.
        """
        return reply.read_reply(body, losses)

    def write_reply(self, answer: Answer) -> bytes:
        """Write a whole answer for a client.

        Raises:
            UpstreamBroken: it has a call whose arguments are not the JSON text of an object.
        """
        return reply.write_reply(answer)

    def decoder(self, losses: Losses) -> MessagesDecoder:
        """Make a decoder for one stream, which notes its losses as they happen."""
        return MessagesDecoder(losses)

    def encoder(self, *, wants_usage: bool) -> MessagesEncoder:  # noqa: ARG002  every client is told here, asked or not
        """Make an encoder for one stream."""
        return MessagesEncoder()


MESSAGES_FORM: Final = MessagesForm()
