"""The OpenAI Chat Completions and Embeddings dialect (platform.openai.com/docs/api-reference)."""

from typing import Any, Final

import msgspec
import orjson

from seawall.core.error import SeawallError, UpstreamBroken, UpstreamCredentials, UpstreamError, UpstreamRefused
from seawall.core.price import STANDARD, Mode
from seawall.core.record import bounded
from seawall.core.usage import NO_USAGE, Usage
from seawall.dialects.dialect import CHAT, EMBEDDINGS, MODELS, Endpoint, Facts, Mark, UsageState
from seawall.dialects.sse import event_data

_TYPE_OF_STATUS: Final = {
    402: "insufficient_quota",
    429: "rate_limit_error",
    503: "service_unavailable_error",
    529: "service_unavailable_error",
}


class _WriteDetails(msgspec.Struct):
    ttl_12h_tokens: int | None = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_tokens_details: _WriteDetails | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Delta(msgspec.Struct):
    content: Any = None
    refusal: Any = None
    tool_calls: Any = None
    reasoning_content: Any = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    delta: _Delta | None = None


class _Answer(msgspec.Struct):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    service_tier: str | None = None
    error: Any = None


_read_answer = msgspec.json.Decoder(_Answer).decode


def _usage(found: _Usage) -> tuple[Usage, UsageState]:
    """Take cached and written tokens out of the prompt's total, and reasoning out of the completion's.

    Where the parts are larger than their total, they all are charged: nothing is ever priced below a reading.
    """
    prompt, output = found.prompt_tokens or 0, found.completion_tokens or 0
    details = found.prompt_tokens_details or _PromptDetails()
    read, written = details.cached_tokens or 0, details.cache_write_tokens or 0
    long = (details.cache_write_tokens_details and details.cache_write_tokens_details.ttl_12h_tokens) or 0
    thinking = (found.completion_tokens_details and found.completion_tokens_details.reasoning_tokens) or 0
    fresh = prompt - read - written
    sound = fresh >= 0 and 0 <= thinking <= output and 0 <= long <= written and read >= 0
    usage = Usage(
        input=max(fresh, 0),
        cache_read=max(read, 0),
        cache_write_short=max(written - long, 0),
        cache_write_long=max(long, 0),
        output=max(output - max(thinking, 0), 0),
        thinking=max(thinking, 0),
    )
    return usage, "reported" if sound else "unsound"


def _mode(tier: str | None) -> Mode:
    return STANDARD if tier in (None, "", "default", "auto", "standard") else Mode(service_tier=bounded(tier or ""))


class OpenAIStreamReader:
    """Read the facts of a Chat Completions stream; the events have no names, so each is decoded in part."""

    __slots__ = ("error", "facts")

    def __init__(self) -> None:
        self.facts = Facts()
        self.error: UpstreamError | None = None

    def feed(self, frame: bytes) -> Mark:
        """Take one frame and say what it means.

        Raises:
            UpstreamBroken: the frame has data that is neither a chunk nor the end mark.
        """
        data = event_data(frame)
        if not data:
            return Mark.QUIET  # a comment
        if data == b"[DONE]":
            return Mark.TERMINAL
        try:
            chunk = _read_answer(data)
        except msgspec.MsgspecError:
            raise UpstreamBroken("a stream event is not a chunk of the Chat Completions dialect") from None
        if chunk.error is not None:
            self.error = _error_of({"error": chunk.error}, 502)
            return Mark.ERROR
        facts = self.facts
        if chunk.usage is not None:
            facts.usage, facts.usage_state = _usage(chunk.usage)
        if chunk.service_tier is not None:
            facts.mode = _mode(chunk.service_tier)
        if not facts.model and chunk.model:
            facts.model = bounded(chunk.model)
        if not chunk.choices:
            return Mark.QUIET
        return self._choice(chunk.choices[0])

    def _choice(self, choice: _Choice) -> Mark:
        if choice.finish_reason:
            self.facts.stop_reason = bounded(choice.finish_reason)
            return Mark.CONTENT
        delta = choice.delta
        if delta and (delta.content or delta.tool_calls or delta.refusal or delta.reasoning_content):
            return Mark.CONTENT
        return Mark.QUIET


def _error_of(answer: Any, status: int) -> UpstreamError:
    """Make an error of the envelope, or of whatever else was sent in its place."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, dict):
        return UpstreamRefused(status, "", f"the provider answered with status {status} and no readable error")
    code, param = error.get("code"), error.get("param")
    return UpstreamRefused(
        status,
        bounded(str(error.get("type") or "")),
        str(error.get("message") or "")[:2000],
        detail=bounded(str(code)) if code else "",
        param=bounded(str(param)) if param else None,
    )


class OpenAI:
    """The dialect as the pipeline sees it."""

    name: Final = "openai"
    endpoints: Final = (CHAT, EMBEDDINGS, MODELS)

    def error_body(self, error: SeawallError, request_id: str) -> bytes:
        """Write the error envelope; our own code stands in `error.code`."""
        del request_id  # the dialect carries it in a header
        return orjson.dumps(_envelope(error))

    def error_frame(self, error: SeawallError, request_id: str) -> bytes:
        """Write an error chunk, after which the official clients raise; no end mark may follow it."""
        del request_id
        return b"data: " + orjson.dumps(_envelope(error)) + b"\n\n"

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
            answer = _read_answer(body)
        except msgspec.MsgspecError:
            raise UpstreamBroken("the provider's answer is not a JSON object of the OpenAI dialect") from None
        if answer.error is not None:
            raise _error_of({"error": answer.error}, 502)
        if not endpoint.is_billed:
            return Facts(usage=NO_USAGE, usage_state="none")
        facts = Facts(model=bounded(answer.model or ""), mode=_mode(answer.service_tier))
        if answer.choices:
            facts.stop_reason = bounded(answer.choices[0].finish_reason or "")
        if answer.usage is not None and answer.usage.prompt_tokens is not None:
            facts.usage, facts.usage_state = _usage(answer.usage)
        return facts

    def stream_reader(self) -> OpenAIStreamReader:
        """Make a reader for one stream."""
        return OpenAIStreamReader()


def _envelope(error: SeawallError) -> dict[str, Any]:
    kind, detail = _TYPE_OF_STATUS.get(error.status, "invalid_request_error"), error.code
    if error.status >= 500 and error.status not in _TYPE_OF_STATUS:  # noqa: PLR2004  # server errors
        kind = "server_error"
    if isinstance(error, UpstreamRefused):
        kind, detail = error.kind or kind, error.detail
    param = getattr(error, "param", None)
    return {"error": {"message": str(error), "type": kind, "param": param, "code": detail or None}}


OPENAI: Final = OpenAI()
