"""The OpenAI Chat Completions and Embeddings dialect (platform.openai.com/docs/api-reference)."""

from typing import Any, Final

import msgspec
import orjson

from seawall.core.error import SeawallError, UpstreamBroken, UpstreamCredentials, UpstreamError, UpstreamRefused
from seawall.core.price import STANDARD, Mode
from seawall.core.usage import NO_USAGE, Usage
from seawall.dialects.dialect import CHAT, EMBEDDINGS, MODELS, Endpoint, Facts, Mark, UsageState
from seawall.dialects.partial import Count, check_text, error_message, read_any, read_part, word
from seawall.dialects.sse import event_data

_TYPE_OF_STATUS: Final = {
    402: "insufficient_quota",
    429: "rate_limit_error",
    503: "service_unavailable_error",
    529: "service_unavailable_error",
}
# An error inside a stream, or under a good status, has only its code and its type to say what it would have been.
_STATUS_OF_WORD: Final = {
    "invalid_request_error": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "insufficient_quota": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "slow_down": 429,
    "server_error": 500,
    "server_is_overloaded": 503,
    "service_unavailable_error": 503,
}
# What the other dialect calls its errors. No client of this one knows these words; they stay as the error's code.
_TYPE_OF_FOREIGN: Final = {
    "api_error": "server_error",
    "billing_error": "insufficient_quota",
    "conflict_error": "invalid_request_error",
    "not_found_error": "invalid_request_error",
    "overloaded_error": "service_unavailable_error",
    "request_too_large": "invalid_request_error",
    "timeout_error": "server_error",
}
_CREDENTIAL_STATUS: Final = frozenset({401, 403})
_ERROR_STATUS: Final = range(400, 600)
_SERVER_ERROR: Final = 500
# The gateway's own account has spent what it may: no wait that a client would make helps.
_SPENT: Final = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    }
)


_ABSENT: Final = msgspec.Raw()


class _WriteDetails(msgspec.Struct):
    ttl_12h_tokens: Count | None = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    cache_write_tokens_details: _WriteDetails | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: Count | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Delta(msgspec.Struct):
    content: Any = None  # Any: only whether something is there counts
    refusal: Any = None
    tool_calls: Any = None
    function_call: Any = None
    audio: Any = None
    reasoning_content: Any = None  # two names that compatible servers have for what a model thinks
    reasoning: Any = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    delta: _Delta | None = None


class _Answer(msgspec.Struct):
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    service_tier: str | None = None
    data: msgspec.Raw = _ABSENT  # embeddings, which stay unread
    error: Any = None


_read_answer = msgspec.json.Decoder(_Answer).decode


def _usage(found: _Usage) -> tuple[Usage, UsageState]:
    """Take cached and written tokens out of the prompt's total, and reasoning out of the completion's.

    Where the parts are larger than their total, the server counts them beside it: both are charged, which is the
    dearer reading.
    """
    prompt, output = found.prompt_tokens or 0, found.completion_tokens or 0
    read = short = long = thinking = 0
    if (ins := found.prompt_tokens_details) is not None:
        read, short = ins.cached_tokens or 0, ins.cache_write_tokens or 0
        if (writes := ins.cache_write_tokens_details) is not None:
            long = writes.ttl_12h_tokens or 0
            short -= long
    if (outs := found.completion_tokens_details) is not None:
        thinking = outs.reasoning_tokens or 0
    plain, readable = prompt - read - short - long, output - thinking
    if min(plain, read, short, long, readable, thinking) >= 0:
        return Usage(plain, read, short, long, readable, thinking), "reported"
    read, short, long, thinking = max(read, 0), max(short, 0), max(long, 0), max(thinking, 0)
    plain, readable = prompt - read - short - long, output - thinking
    if plain < 0:
        plain = max(prompt, 0)
    if readable < 0:
        readable = max(output, 0)
    return Usage(plain, read, short, long, readable, thinking), "unsound"


def _answer_usage(found: _Usage) -> tuple[Usage, UsageState]:
    """Sort the counts of a call that answers with tokens; one that does not say how many has counted half of it."""
    usage, state = _usage(found)
    return usage, "partial" if found.completion_tokens is None and state == "reported" else state


def _mode(tier: str | None) -> Mode:
    return STANDARD if tier in (None, "", "default", "auto", "standard") else Mode(service_tier=word(tier))


class OpenAIStreamReader:
    """Read the facts of a Chat Completions stream; the events have no names, so each is decoded in part."""

    __slots__ = ("error", "facts")

    def __init__(self) -> None:
        self.facts = Facts()
        self.error: UpstreamError | None = None

    def feed(self, frame: bytes) -> Mark:
        """Take one frame and say what it means.

        Raises:
            UpstreamBroken: the frame has data that is neither a chunk nor the end mark, or no UTF-8.
        """
        if not frame.isascii():
            check_text(frame, "a stream event")
        data = event_data(frame)
        if not data:
            return Mark.QUIET  # a comment
        if data.startswith(b"[DONE]"):
            return Mark.TERMINAL
        chunk = read_part(_read_answer, data, "a stream event")
        if chunk is None:
            return Mark.CONTENT  # nobody can say what it is, but it is no silence
        if chunk.error is not None:
            self.error = _error_of({"error": chunk.error}, None)
            return Mark.ERROR
        self._note(chunk)
        for choice in chunk.choices or ():
            if choice.finish_reason or (choice.delta is not None and _says_something(choice.delta)):
                return Mark.CONTENT
        return Mark.QUIET

    def _note(self, chunk: _Answer) -> None:
        facts = self.facts
        if chunk.usage is not None and chunk.usage.prompt_tokens is not None:
            facts.usage, facts.usage_state = _answer_usage(chunk.usage)
        if chunk.service_tier is not None:
            facts.mode = _mode(chunk.service_tier)
        if not facts.model and chunk.model:
            facts.model = word(chunk.model)
        if chunk.choices and chunk.choices[0].finish_reason:
            facts.stop_reason = word(chunk.choices[0].finish_reason)


def _says_something(delta: _Delta) -> bool:
    return bool(
        delta.content
        or delta.tool_calls
        or delta.refusal
        or delta.reasoning_content
        or delta.reasoning
        or delta.function_call
        or delta.audio
    )


def is_usage_chunk(frame: bytes) -> bool:
    """Say whether a frame is the closing chunk that carries usage and no choice.

    Azure's opening chunk and the moderation chunk carry no choice either, but no usage.
    """
    if b"_tokens" not in frame:
        return False
    chunk = read_any(event_data(frame))
    return type(chunk) is dict and chunk.get("choices") == [] and type(chunk.get("usage")) is dict


def _error_of(answer: Any, status: int | None) -> UpstreamError:  # any JSON value
    """Make an error of the envelope, or of whatever else was sent in its place; without a status its words give one."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        error = {"message": error}
    kind, code = word(error.get("type")), error.get("code")
    detail = str(code) if type(code) is int else word(code)
    if status is None and type(code) is int and code in _ERROR_STATUS:
        status = code
    if status is None:
        status = _STATUS_OF_WORD.get(detail) or _STATUS_OF_WORD.get(kind) or 502
    if status in _CREDENTIAL_STATUS:
        return UpstreamCredentials(f"the provider refused the gateway's credentials with status {status}")
    param = word(error.get("param")) or None
    refused = UpstreamRefused(status, kind, error_message(error, status), detail=detail, param=param)
    if kind in _SPENT or detail in _SPENT:
        refused.should_retry = False
    return refused


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
        return _error_of(read_any(body), status)

    def read_reply(self, endpoint: Endpoint, body: bytes) -> Facts:
        """Read a whole answer's facts; only billed endpoints have any."""
        if not body.isascii():
            check_text(body, "the provider's answer")
        answer = read_part(_read_answer, body, "the provider's answer")
        if answer is not None and answer.error is not None:
            raise _error_of({"error": answer.error}, None)
        if not endpoint.is_billed:
            return Facts(usage=NO_USAGE, usage_state="none")
        if answer is None:
            return Facts()
        if answer.choices is None if endpoint is CHAT else not len(answer.data):
            raise UpstreamBroken(f"the provider's answer is not one of {endpoint.path}")
        facts = Facts(model=word(answer.model), mode=_mode(answer.service_tier))
        if answer.choices:
            facts.stop_reason = word(answer.choices[0].finish_reason)
        if answer.usage is not None and answer.usage.prompt_tokens is not None:
            facts.usage, facts.usage_state = (_answer_usage if endpoint is CHAT else _usage)(answer.usage)
        return facts

    def stream_reader(self) -> OpenAIStreamReader:
        """Make a reader for one stream."""
        return OpenAIStreamReader()


def _envelope(error: SeawallError) -> dict[str, Any]:
    kind, detail = _TYPE_OF_STATUS.get(error.status, "invalid_request_error"), error.code
    if error.status >= _SERVER_ERROR and error.status not in _TYPE_OF_STATUS:
        kind = "server_error"
    if isinstance(error, UpstreamRefused):
        if foreign := _TYPE_OF_FOREIGN.get(error.kind):
            kind, detail = _TYPE_OF_STATUS.get(error.status, foreign), error.detail or error.kind
        else:
            kind, detail = error.kind or kind, error.detail
    param = getattr(error, "param", None)
    return {"error": {"message": str(error), "type": kind, "param": param, "code": detail or None}}


OPENAI: Final = OpenAI()
