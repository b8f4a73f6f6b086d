"""The Responses API as a form: what translation needs of it."""

from collections.abc import Mapping
from typing import Any, Final

from seawall.core.traits import Traits
from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import Conversation
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.responses.reply import read_reply, write_reply
from seawall.dialects.responses.request_reader import read_request
from seawall.dialects.responses.request_writer import write_request
from seawall.dialects.responses.stream_decoder import ResponsesDecoder
from seawall.dialects.responses.stream_encoder import ResponsesEncoder


class ResponsesForm:
    """Read and write the Responses API; implements the Form protocol."""

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
            Unsupported: the model or the API cannot carry it.
        """
        return write_request(asked, model, traits, losses)

    def read_reply(self, body: bytes, losses: Losses) -> Answer:
        """Read a provider's whole answer, and note what no other dialect has.

        Raises:
            UpstreamBroken: it is none.
        """
        return read_reply(body, losses)

    def write_reply(self, answer: Answer) -> bytes:
        """Write a whole answer for a client."""
        return write_reply(answer)

    def decoder(self, losses: Losses) -> ResponsesDecoder:
        """Make a decoder for one stream, which notes its losses as they happen."""
        return ResponsesDecoder(losses)

    def encoder(self, *, wants_usage: bool) -> ResponsesEncoder:
        """Make an encoder for one stream; its last event has the usage, whether anybody asked or not."""
        del wants_usage
        return ResponsesEncoder()


RESPONSES_FORM: Final = ResponsesForm()
