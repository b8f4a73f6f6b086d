"""What a dialect's endpoint has to be able to do to be translated."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from seawall.core.traits import Traits
from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import Conversation
from seawall.dialects.neutral.event import Event
from seawall.dialects.neutral.loss import Losses


class Decoder(Protocol):
    """Read one stream's frames, in order, into events."""

    def feed(self, frame: bytes) -> Sequence[Event]:
        """Take one frame, without its closing blank line.

        Raises:
            UpstreamBroken: the frame is not one of the dialect.
        """


class Encoder(Protocol):
    """Write one stream's events, in order, as frames."""

    def feed(self, event: Event) -> list[bytes]:
        """Give the frames that an event makes, without their closing blank lines; often none, sometimes several."""


class Form(Protocol):
    """One endpoint's language, both ways."""

    def read_request(self, fields: Mapping[str, Any], losses: Losses) -> Conversation:
        """Read a client's request.

        Raises:
            BadRequest: a field is not what the endpoint takes; `param` is its path.
            Unsupported: it asks for what no other dialect has and what must not be lost.
        """

    def write_request(self, asked: Conversation, model: str, traits: Traits, losses: Losses) -> dict[str, Any]:
        """Write a request for a provider's model.

        Raises:
            Unsupported: the model or the dialect cannot carry it.
        """

    def read_reply(self, body: bytes, losses: Losses) -> Answer:
        """Read a provider's whole answer; what has no place in another dialect is noted, as `dropped.answer.` and what.

        Thoughts are no loss: nobody but the model that had them could read them.

        Raises:
            UpstreamBroken: it is none.
        """

    def write_reply(self, answer: Answer) -> bytes:
        """Write a whole answer for a client."""

    def decoder(self, losses: Losses) -> Decoder:
        """Make a decoder for one stream, which notes its losses as they happen."""

    def encoder(self, *, wants_usage: bool) -> Encoder:
        """Make an encoder for one stream; `wants_usage` matters where a client has to ask for it."""
