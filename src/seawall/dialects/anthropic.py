"""The Anthropic Messages dialect, in both API versions (platform.claude.com/docs/en/api)."""

from typing import Any, Final

import msgspec
import orjson

from seawall.core.error import SeawallError, UpstreamBroken, UpstreamCredentials, UpstreamError, UpstreamRefused
from seawall.core.price import STANDARD, Mode
from seawall.core.record import bounded
from seawall.core.usage import NO_USAGE, Usage
from seawall.dialects.dialect import COUNT_TOKENS, MESSAGES, MODELS, Endpoint, Facts, Mark, UsageState
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


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _ServerToolUse(msgspec.Struct):
    web_search_requests: int | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: _CacheCreation | None = None
    output_tokens_details: _OutputDetails | None = None
    server_tool_use: _ServerToolUse | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None


class _Message(msgspec.Struct):
    type: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None
    error: Any = None


class _Start(msgspec.Struct):
    message: _Message


class _DeltaBody(msgspec.Struct):
    stop_reason: str | None = None


class _Delta(msgspec.Struct):
    delta: _DeltaBody | None = None
    usage: _Usage | None = None


_read_message = msgspec.json.Decoder(_Message).decode
_read_start = msgspec.json.Decoder(_Start).decode
_read_delta = msgspec.json.Decoder(_Delta).decode


def _usage(found: _Usage) -> tuple[Usage, UsageState]:
    """Sort a usage object's counts into disjoint buckets.

    Where the 5m/1h split does not add up to the total of cache writes, the rest is taken as the dearer kind.
    """
    written = found.cache_creation_input_tokens or 0
    long = short = 0
    if written or found.cache_creation is not None:
        split = found.cache_creation or _CacheCreation(ephemeral_5m_input_tokens=written)
        short, long = split.ephemeral_5m_input_tokens or 0, split.ephemeral_1h_input_tokens or 0
    output = found.output_tokens or 0
    thinking = (found.output_tokens_details and found.output_tokens_details.thinking_tokens) or 0
    sound = short + long == written and 0 <= thinking <= output and (found.input_tokens or 0) >= 0 <= short
    if not sound:
        long, thinking = long + max(0, written - short - long), min(max(thinking, 0), max(output, 0))
    usage = Usage(
        input=max(found.input_tokens or 0, 0),
        cache_read=max(found.cache_read_input_tokens or 0, 0),
        cache_write_short=max(short, 0),
        cache_write_long=max(long, 0),
        output=max(output, 0) - thinking,
        thinking=thinking,
        web_searches=max((found.server_tool_use and found.server_tool_use.web_search_requests) or 0, 0),
    )
    return usage, "reported" if sound else "unsound"


def _mode(found: _Usage) -> Mode:
    tier, speed, geo = found.service_tier or "", found.speed or "", found.inference_geo or ""
    if tier in ("", "standard") and speed in ("", "standard") and geo in ("", "global", "not_available"):
        return STANDARD
    return Mode(service_tier=bounded(tier), speed=bounded(speed), geo=bounded(geo))


class AnthropicStreamReader:
    """Read the facts of a Messages stream: only openings and closings are decoded, deltas are told by their name."""

    __slots__ = ("_usage", "error", "facts")

    def __init__(self) -> None:
        self.facts = Facts()
        self.error: UpstreamError | None = None
        self._usage: _Usage | None = None

    def feed(self, frame: bytes) -> Mark:
        """Take one frame and say what it means.

        A block that is complete in its own start event (redacted thinking, tool results) counts as content.

        Raises:
            UpstreamBroken: an event's data is not what its name promises.
        """
        if frame.startswith(b"event: content_block_delta\n"):
            return Mark.CONTENT
        name = event_name(frame)
        if name in (b"content_block_start", b"content_block_delta", b"content_block_stop"):
            return Mark.CONTENT
        try:
            if name == b"message_start":
                self._start(_read_start(event_data(frame)).message)
            elif name == b"message_delta":
                self._delta(_read_delta(event_data(frame)))
            elif name == b"message_stop":
                return Mark.TERMINAL
            elif name == b"error":
                self.error = _error_of(orjson.loads(event_data(frame)), 529)
                return Mark.ERROR
        except (msgspec.MsgspecError, orjson.JSONDecodeError):
            raise UpstreamBroken(f"a {name.decode('ascii', 'replace')!r} stream event cannot be read") from None
        return Mark.QUIET

    def _start(self, message: _Message) -> None:
        self.facts.model = bounded(message.model or "")
        if message.usage is not None:
            self._take(message.usage)
            if self.facts.usage_state == "reported":
                self.facts.usage_state = "partial"

    def _delta(self, event: _Delta) -> None:
        if event.delta is not None and event.delta.stop_reason:
            self.facts.stop_reason = bounded(event.delta.stop_reason)
        if event.usage is not None:
            self._take(event.usage)

    def _take(self, usage: _Usage) -> None:
        """Overlay what is known by what is new: counts are cumulative, the last value of each field stands."""
        if self._usage is None:
            self._usage = usage
        else:
            for name in _Usage.__struct_fields__:
                value = getattr(usage, name)
                if value is not None:
                    setattr(self._usage, name, value)
        self.facts.usage, self.facts.usage_state = _usage(self._usage)
        self.facts.mode = _mode(self._usage)


def _error_of(answer: Any, status: int) -> UpstreamError:
    """Make an error of the envelope, or of whatever else was sent in its place."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return UpstreamRefused(status, "", f"the provider answered with status {status} and no readable error")
    details = error.get("details")
    detail = details.get("error_code") if isinstance(details, dict) else None
    return UpstreamRefused(
        status,
        bounded(str(error.get("type") or "")),
        str(error.get("message") or "")[:2000],
        detail=bounded(str(detail)) if detail else "",
    )


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
        if status in (401, 403):
            return UpstreamCredentials(f"the provider refused the gateway's credentials with status {status}")
        try:
            return _error_of(orjson.loads(body), status)
        except orjson.JSONDecodeError:
            return _error_of(None, status)

    def read_reply(self, endpoint: Endpoint, body: bytes) -> Facts:
        """Read a whole answer's facts; only billed endpoints have any."""
        try:
            message = _read_message(body)
        except msgspec.MsgspecError:
            raise UpstreamBroken("the provider's answer is not a JSON object of the Messages dialect") from None
        if message.error is not None and message.type == "error":
            raise _error_of({"error": message.error}, 502)
        if endpoint is not MESSAGES:
            return Facts(usage=NO_USAGE, usage_state="none")
        facts = Facts(model=bounded(message.model or ""), stop_reason=bounded(message.stop_reason or ""))
        if message.usage is not None and message.usage.output_tokens is not None:
            facts.usage, facts.usage_state = _usage(message.usage)
            facts.mode = _mode(message.usage)
        return facts

    def stream_reader(self) -> AnthropicStreamReader:
        """Make a reader for one stream."""
        return AnthropicStreamReader()


def _envelope(error: SeawallError, request_id: str) -> dict[str, Any]:
    kind, detail = _TYPE_OF_STATUS.get(error.status, "invalid_request_error"), error.code
    if error.status >= 500 and error.status not in _TYPE_OF_STATUS:  # noqa: PLR2004  # server errors
        kind = "api_error"
    if isinstance(error, UpstreamRefused):
        kind, detail = error.kind or kind, error.detail
    body: dict[str, Any] = {"type": kind, "message": str(error)}
    if detail:
        body["details"] = {"error_code": detail}
    return {"type": "error", "error": body, "request_id": request_id}


ANTHROPIC: Final = Anthropic()
