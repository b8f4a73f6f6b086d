"""The Anthropic Messages dialect, in both API versions (platform.claude.com/docs/en/api)."""

from typing import Any, Final

import msgspec
import orjson

from seawall.core.error import SeawallError, UpstreamBroken, UpstreamCredentials, UpstreamError, UpstreamRefused
from seawall.core.usage import NO_USAGE
from seawall.dialects.anthropic_usage import UsageObject, mode_of, sorted_usage
from seawall.dialects.dialect import COUNT_TOKENS, MESSAGES, MODELS, Endpoint, Facts, Mark
from seawall.dialects.partial import check_text, error_message, read_any, read_part, word
from seawall.dialects.sse import event_data, event_name

_TYPE_OF_STATUS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
# An error inside a stream, or under a good status, has only its type to say what it would have been.
_STATUS_OF_TYPE: Final = {kind: status for status, kind in _TYPE_OF_STATUS.items()} | {"api_error": 500}
# What the other dialect calls its errors. No client of this one knows these words; they stay as the error's code.
_TYPE_OF_FOREIGN: Final = {
    "insufficient_quota": "billing_error",
    "rate_limit_exceeded": "rate_limit_error",
    "server_error": "api_error",
    "service_unavailable_error": "overloaded_error",
}
_CREDENTIAL_STATUS: Final = frozenset({401, 403})
_SERVER_ERROR: Final = 500
# The gateway's own account has spent what it may this month: no wait that a client would make helps.
_SPENT: Final = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})


class _Message(msgspec.Struct):
    type: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: UsageObject | None = None
    error: Any = None


class _Start(msgspec.Struct):
    message: _Message


class _DeltaBody(msgspec.Struct):
    stop_reason: str | None = None


class _Delta(msgspec.Struct):
    delta: _DeltaBody | None = None
    usage: UsageObject | None = None


class _Content(msgspec.Struct):
    """An event of which nothing is read but that it is a JSON object, to its end."""


_DELTA: Final = b"event: content_block_delta\ndata: "
_CONTENT: Final = frozenset({b"content_block_start", b"content_block_delta", b"content_block_stop"})
_read_message = msgspec.json.Decoder(_Message).decode
_read_start = msgspec.json.Decoder(_Start).decode
_read_content = msgspec.json.Decoder(_Content).decode
_read_delta = msgspec.json.Decoder(_Delta).decode


class AnthropicStreamReader:
    """Read the facts of a Messages stream: openings and closings are decoded, of content only its wholeness is seen."""

    __slots__ = ("_is_final", "_usage", "error", "facts")

    def __init__(self) -> None:
        self.facts = Facts()
        self.error: UpstreamError | None = None
        self._usage: UsageObject | None = None
        self._is_final = False

    def feed(self, frame: bytes) -> Mark:
        """Take one frame and say what it means.

        A block that is complete in its own start event (redacted thinking, tool results) counts as content. A frame
        without a name is for nobody: the official clients pass over it or fail.

        Raises:
            UpstreamBroken: an event's data is no JSON object, or no UTF-8.
        """
        if frame.startswith(_DELTA):
            try:
                _read_content(frame[len(_DELTA) :])
                if not frame.isascii():
                    frame.decode()
            except (msgspec.MsgspecError, UnicodeDecodeError):
                pass  # it has other lines than these two, or is broken
            else:
                return Mark.CONTENT
        mark = self._read(frame)
        if mark is not Mark.ERROR and not frame.isascii():
            check_text(frame, "a stream event")
        return mark

    def _read(self, frame: bytes) -> Mark:
        """Take a frame of any kind."""
        name = event_name(frame)
        if name in _CONTENT:
            read_part(_read_content, event_data(frame), "a content event")
            return Mark.CONTENT
        if name == b"message_start":
            if start := read_part(_read_start, event_data(frame), "a message_start event"):
                self._start(start.message)
        elif name == b"message_delta":
            if delta := read_part(_read_delta, event_data(frame), "a message_delta event"):
                self._delta(delta)
        elif name == b"message_stop":
            read_part(_read_message, event_data(frame), "a message_stop event")
            return Mark.TERMINAL
        elif name == b"error":
            self.error = _error_of(read_any(event_data(frame)), None)
            return Mark.ERROR
        return Mark.QUIET

    def _start(self, message: _Message) -> None:
        self.facts.model = word(message.model)
        if message.usage is not None:
            self._take(message.usage, is_final=False)

    def _delta(self, event: _Delta) -> None:
        if event.delta is not None and event.delta.stop_reason:
            self.facts.stop_reason = word(event.delta.stop_reason)
        if event.usage is not None:
            self._take(event.usage, is_final=event.usage.output_tokens is not None)

    def _take(self, usage: UsageObject, *, is_final: bool) -> None:
        """Overlay what is known by what is new: counts are cumulative, the last value of each field stands.

        The count is final when the output is in it that only a message_delta knows.
        """
        if self._usage is None:
            self._usage = usage
        else:
            self._usage.overlay(usage)
        self._is_final = self._is_final or is_final
        self.facts.mode = mode_of(self._usage)
        if self._usage.input_tokens is None:
            return  # half a count is none
        self.facts.usage, state = sorted_usage(self._usage)
        self.facts.usage_state = state if self._is_final else "partial"


def _error_of(answer: Any, status: int | None) -> UpstreamError:  # any JSON value
    """Make an error of the envelope, or of whatever else was sent in its place; without a status its type gives one."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        error = {"message": error}
    kind, details = word(error.get("type")), error.get("details")
    if status is None:
        status = _STATUS_OF_TYPE.get(kind, 502)
    if status in _CREDENTIAL_STATUS:
        return UpstreamCredentials(f"the provider refused the gateway's credentials with status {status}")
    detail = word(details.get("error_code")) if isinstance(details, dict) else ""
    message = error_message(error, status)
    refused = UpstreamRefused(status, kind, message, detail=detail)
    if detail in _SPENT:
        refused.should_retry = False
    return refused


class Anthropic:
    """The dialect as the pipeline sees it."""

    name: Final = "anthropic"
    endpoints: Final = (MESSAGES, COUNT_TOKENS, MODELS)

    def error_body(self, error: SeawallError, request_id: str) -> bytes:
        """Write the error envelope; our own code stands in `error.details.error_code`."""
        return orjson.dumps(_envelope(error, request_id))

    def error_frame(self, error: SeawallError, request_id: str) -> bytes:
        """Write an `error` event, after which every official client raises."""
        return b"event: error\ndata: " + orjson.dumps(_envelope(error, request_id)) + b"\n\n"

    def read_error(self, status: int, body: bytes) -> UpstreamError:
        """Read an error answer; a body that is no envelope (a proxy's page) gives one by its status alone."""
        return _error_of(read_any(body), status)

    def read_reply(self, endpoint: Endpoint, body: bytes) -> Facts:
        """Read a whole answer's facts; only billed endpoints have any."""
        if not body.isascii():
            check_text(body, "the provider's answer")
        message = read_part(_read_message, body, "the provider's answer")
        if message is not None and message.error is not None and message.type != "message":
            raise _error_of({"error": message.error}, None)
        if endpoint is not MESSAGES:
            return Facts(usage=NO_USAGE, usage_state="none")
        if message is None:
            return Facts()
        if message.type != "message":
            raise UpstreamBroken("the provider's answer is not a message")
        facts = Facts(model=word(message.model), stop_reason=word(message.stop_reason))
        usage = message.usage
        if usage is not None and usage.input_tokens is not None and usage.output_tokens is not None:
            facts.usage, facts.usage_state = sorted_usage(usage)
            facts.mode = mode_of(usage)
        return facts

    def stream_reader(self) -> AnthropicStreamReader:
        """Make a reader for one stream."""
        return AnthropicStreamReader()


def _envelope(error: SeawallError, request_id: str) -> dict[str, Any]:
    kind, detail = _TYPE_OF_STATUS.get(error.status, "invalid_request_error"), error.code
    if error.status >= _SERVER_ERROR and error.status not in _TYPE_OF_STATUS:
        kind = "api_error"
    if isinstance(error, UpstreamRefused):
        if foreign := _TYPE_OF_FOREIGN.get(error.kind):
            kind, detail = _TYPE_OF_STATUS.get(error.status, foreign), error.detail or error.kind
        else:
            kind, detail = error.kind or kind, error.detail
    body: dict[str, Any] = {"type": kind, "message": str(error)}
    if detail:
        body["details"] = {"error_code": detail}
    return {"type": "error", "error": body, "request_id": request_id}


ANTHROPIC: Final = Anthropic()
