"""What every dialect can do; the pipeline knows dialects only through this."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from seawall.core.error import SeawallError, UpstreamError
from seawall.core.price import STANDARD, Mode
from seawall.core.usage import Usage


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """What an endpoint is called, where it stands below the dialect's own prefix, and how it behaves.

    There is one object for each endpoint, compared by identity.
    """

    name: str
    method: str
    path: str
    is_billed: bool
    has_body: bool


MESSAGES: Final = Endpoint("messages", "POST", "/messages", is_billed=True, has_body=True)
COUNT_TOKENS: Final = Endpoint("count_tokens", "POST", "/messages/count_tokens", is_billed=False, has_body=True)
CHAT: Final = Endpoint("chat", "POST", "/chat/completions", is_billed=True, has_body=True)
RESPONSES: Final = Endpoint("responses", "POST", "/responses", is_billed=True, has_body=True)
EMBEDDINGS: Final = Endpoint("embeddings", "POST", "/embeddings", is_billed=True, has_body=True)
MODELS: Final = Endpoint("models", "GET", "/models", is_billed=False, has_body=False)
GENERATING: Final = (MESSAGES, CHAT, RESPONSES)  # what a model writes an answer for, streamed or not
UNKNOWN: Final = Endpoint("unknown", "", "", is_billed=False, has_body=False)  # a path that nothing answers

# How far a provider's own count can be trusted: `none` where nothing is counted, `partial` where the answer broke
# before its last count, `unsound` where the buckets do not add up and the dearer reading was taken.
UsageState: TypeAlias = Literal["none", "reported", "partial", "missing", "unsound"]


class Facts(msgspec.Struct):
    """What an answer says of itself, read while it passes."""

    usage: Usage | None = None
    usage_state: UsageState = "missing"
    model: str = ""
    stop_reason: str = ""
    mode: Mode = STANDARD


class Mark(IntEnum):
    """What one frame of a stream means to the machine that relays it."""

    QUIET = 0  # an opening, a ping, an unknown event: nothing that a reader would see
    CONTENT = 1
    TERMINAL = 2
    ERROR = 3


class StreamReader(Protocol):
    """Read one stream's frames in order, without changing them."""

    facts: Facts
    error: UpstreamError | None

    def feed(self, frame: bytes) -> Mark:
        """Take one frame, without its closing blank line, and say what it means.

        Raises:
            UpstreamBroken: the frame is not one of the dialect.
        """


class Dialect(Protocol):
    """One provider's language: endpoints, errors, usage and stream events."""

    @property
    def name(self) -> str:
        """The dialect's name, as in policies."""

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """What a client of this dialect can call."""

    def error_body(self, error: SeawallError, request_id: str) -> bytes:
        """Write an error so that the official clients raise what their users expect."""

    def error_frame(self, error: SeawallError, request_id: str) -> bytes:
        """Write the stream frame, blank line included, after which a client knows that the answer is broken."""

    def read_error(self, status: int, body: bytes) -> UpstreamError:
        """Read a provider's error answer; never fails, whatever the body is."""

    def read_reply(self, endpoint: Endpoint, body: bytes) -> Facts:
        """Read a whole answer's facts.

        Raises:
            UpstreamBroken: the body is not an answer of this endpoint.
            UpstreamRefused: the body is an error in spite of its good status.
        """

    def stream_reader(self) -> StreamReader:
        """Make a reader for one stream."""
