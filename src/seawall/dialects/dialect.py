"""What every dialect can do; the pipeline knows dialects only through this."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol

from seawall.core.error import SeawallError, UpstreamError
from seawall.core.price import STANDARD, Mode
from seawall.core.usage import Usage


@dataclass(frozen=True, slots=True)
class EndpointTraits:
    """What an endpoint is called on the wire (below the dialect's own prefix) and how it behaves."""

    word: str
    method: str
    path: str
    is_billed: bool
    has_body: bool


class Endpoint(Enum):
    """The endpoints that a client can call, over all dialects."""

    MESSAGES = EndpointTraits("messages", "POST", "/messages", is_billed=True, has_body=True)
    COUNT_TOKENS = EndpointTraits("count_tokens", "POST", "/messages/count_tokens", is_billed=False, has_body=True)
    CHAT = EndpointTraits("chat", "POST", "/chat/completions", is_billed=True, has_body=True)
    EMBEDDINGS = EndpointTraits("embeddings", "POST", "/embeddings", is_billed=True, has_body=True)
    MODELS = EndpointTraits("models", "GET", "/models", is_billed=False, has_body=False)
    UNKNOWN = EndpointTraits("unknown", "", "", is_billed=False, has_body=False)  # a path that nothing answers


class UsageState(Enum):
    """How far a provider's own count can be trusted."""

    NONE = "none"  # nothing is counted on this endpoint
    REPORTED = "reported"
    PARTIAL = "partial"  # the answer broke before its last count
    MISSING = "missing"
    UNSOUND = "unsound"  # the buckets do not add up; the dearer reading was taken


@dataclass(slots=True)
class Facts:
    """What an answer says of itself, read while it passes."""

    usage: Usage | None = None
    usage_state: UsageState = UsageState.MISSING
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
