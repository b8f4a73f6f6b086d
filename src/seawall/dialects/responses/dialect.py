"""The Responses API as the pipeline sees it: errors, facts and stream events."""

from typing import Any, Final

import msgspec
import orjson

from seawall.core.error import SeawallError, UpstreamBroken, UpstreamError
from seawall.core.price import STANDARD, Mode
from seawall.dialects.dialect import RESPONSES, Endpoint, Facts, Mark
from seawall.dialects.openai import OPENAI
from seawall.dialects.partial import Count, check_text, read_any, read_part, word
from seawall.dialects.responses.usage import UsageObject, usage_of
from seawall.dialects.sse import event_data, event_name

# An error inside a stream, or of an answer that failed, has only its code to say what its status would have been.
_STATUS_OF_CODE: Final = {
    "server_error": 500,
    "vector_store_timeout": 500,
    "server_is_overloaded": 503,
    "rate_limit_exceeded": 429,
    "slow_down": 429,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "model_not_found": 404,
    "invalid_prompt": 400,
    "data_residency_mismatch": 400,
    "bio_policy": 400,
    "misalignment_policy_violation": 400,
    "failed_to_download_image": 400,
    "empty_image_file": 400,
    "unsupported_image_media_type": 400,
}
_STATUS_OF_KIND: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "server_error": 500,
    "service_unavailable_error": 503,
}
_UNKNOWN_STATUS: Final = 502
_BAD_REQUEST: Final = 400
_ABSENT: Final = msgspec.Raw()
_SEARCH_CALL: Final = "web_search_call"
_NO_SEARCHES: Final = frozenset({"open_page", "find_in_page"})  # what else such a call can do, which has no fee


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class _Searches(msgspec.Struct):
    num_requests: Count | None = None


class _ToolUsage(msgspec.Struct):
    web_search: _Searches | None = None


class _Response(msgspec.Struct):
    object: str | None = None
    status: str | None = None
    model: str | None = None
    service_tier: str | None = None
    usage: UsageObject | None = None
    tool_usage: _ToolUsage | None = None
    incomplete_details: _Incomplete | None = None
    error: Any = None
    output: msgspec.Raw = _ABSENT  # stays unread, unless searches must be counted in it


class _Event(msgspec.Struct):
    type: str | None = None
    response: _Response | None = None


class _Content(msgspec.Struct):
    """An event of which nothing is read but that it is a JSON object, to its end."""


_DELTA: Final = b"event: response.output_text.delta\ndata: "
_OPENING: Final = frozenset({b"response.created", b"response.queued", b"response.in_progress"})
_TERMINAL: Final = frozenset({b"response.completed", b"response.incomplete"})
_FAILED: Final = b"response.failed"
_read_response = msgspec.json.Decoder(_Response).decode
_read_event = msgspec.json.Decoder(_Event).decode
_read_content = msgspec.json.Decoder(_Content).decode


def _note(facts: Facts, response: _Response) -> None:
    """Take what an answer says of itself; its last word stands."""
    facts.model = word(response.model) or facts.model
    details = response.incomplete_details
    facts.stop_reason = (word(details.reason) if details is not None else "") or word(response.status)
    tier = response.service_tier
    if tier is not None:
        facts.mode = STANDARD if tier in ("", "default", "auto", "standard") else Mode(service_tier=word(tier))
    if response.usage is not None and response.usage.input_tokens is not None:
        facts.usage, facts.usage_state = usage_of(response.usage, _searches(response))


def _searches(response: _Response) -> int:
    """Count the searches that have a fee: as they are told, or else as they stand in the output."""
    tools = response.tool_usage
    told = tools.web_search.num_requests if tools is not None and tools.web_search is not None else None
    if told is not None:
        return told
    output = bytes(response.output)
    if _SEARCH_CALL.encode() not in output:
        return 0
    items = read_any(output)
    return sum(_is_search(item) for item in items) if type(items) is list else 0


def _is_search(item: Any) -> bool:  # any JSON value
    if type(item) is not dict or item.get("type") != _SEARCH_CALL:
        return False
    action = item.get("action")
    kind = action.get("type") if type(action) is dict else None
    return type(kind) is not str or kind not in _NO_SEARCHES


def _error_of(found: Any) -> UpstreamError:  # any JSON value in the place of an error object
    """Make an error of `{code, message, type?, param?}`; its code, or else its type, gives the status."""
    error = found if type(found) is dict else {"message": found}
    code, kind = word(error.get("code")), word(error.get("type"))
    status = _STATUS_OF_CODE.get(code) or _STATUS_OF_KIND.get(kind)
    if status is None:
        status = _BAD_REQUEST if code.startswith(("invalid_", "image_")) else _UNKNOWN_STATUS
    return OPENAI.read_error(status, orjson.dumps({"error": error}))


class ResponsesStreamReader:
    """Read the facts of a Responses stream: openings and ends are decoded, of content only its wholeness is seen."""

    __slots__ = ("error", "facts")

    def __init__(self) -> None:
        self.facts = Facts()
        self.error: UpstreamError | None = None

    def feed(self, frame: bytes) -> Mark:
        """Take one frame and say what it means.

        Every event of the API beyond the openings is content: it is shown to the reader, or has been paid for. A frame
        without a name is known by the `type` in its data, which servers of the kind leave to it.

        Raises:
            UpstreamBroken: an event's data is no JSON object, or no UTF-8.
        """
        if not frame.isascii():
            check_text(frame, "a stream event")
        if frame.startswith(_DELTA):
            data, name = frame[len(_DELTA) :], b"response.output_text.delta"
            if b"\n" in data:
                data = event_data(frame)
        else:
            data, name = event_data(frame), event_name(frame)
        if not data or data.startswith(b"[DONE]"):
            return Mark.QUIET  # a comment, or the end mark that some servers put behind the terminal event
        return self._read(name or _type_of(data), data)

    def _read(self, name: bytes, data: bytes) -> Mark:
        if name == b"error":
            event = read_any(data)
            inner = event.get("error") if type(event) is dict else None
            # A flat event has its own kind in `type`, which says nothing of the error.
            flat = {**event, "type": None} if type(event) is dict else event
            self.error = _error_of(flat if inner is None else inner)
            return Mark.ERROR
        if name in _OPENING or name in _TERMINAL or name == _FAILED:
            return self._lifecycle(name, data)
        read_part(_read_content, data, "a stream event")
        return Mark.CONTENT if name.startswith(b"response.") else Mark.QUIET

    def _lifecycle(self, name: bytes, data: bytes) -> Mark:
        event = read_part(_read_event, data, "a stream event")
        response = event.response if event is not None else None
        if response is not None:
            _note(self.facts, response)
        if name in _OPENING:
            self.facts.stop_reason = ""  # nothing has stopped
        if name == _FAILED:
            self.error = _error_of(response.error if response is not None else None)
            return Mark.ERROR
        return Mark.TERMINAL if name in _TERMINAL else Mark.QUIET


def _type_of(data: bytes) -> bytes:
    event = read_part(_read_event, data, "a stream event")
    return (event.type or "").encode() if event is not None else b""


class Responses:
    """The dialect as the pipeline sees it; it is OpenAI's, with streams and answers of its own."""

    name: Final = OPENAI.name
    endpoints: Final = (RESPONSES,)

    def error_body(self, error: SeawallError, request_id: str) -> bytes:
        """Write the error envelope; our own code stands in `error.code`."""
        return OPENAI.error_body(error, request_id)

    def error_frame(self, error: SeawallError, request_id: str) -> bytes:
        """Write an `error` event, after which the official clients raise.

        The documented event is flat, but the official clients raise only where they find an `error` object, which the
        provider sends, too. Its place in the stream is not known here, and no client looks at it.
        """
        envelope = orjson.loads(OPENAI.error_body(error, request_id))["error"]
        event = {
            "type": "error",
            "code": envelope["code"],
            "message": envelope["message"],
            "param": envelope["param"],
            "sequence_number": 0,
            "error": envelope,
        }
        return b"event: error\ndata: " + orjson.dumps(event) + b"\n\n"

    def read_error(self, status: int, body: bytes) -> UpstreamError:
        """Read an error answer; a body that is no envelope (a proxy's page) gives one by its status alone."""
        return OPENAI.read_error(status, body)

    def read_reply(self, endpoint: Endpoint, body: bytes) -> Facts:
        """Read a whole answer's facts.

        An answer that goes on in the background has no usage yet: it will be billed, and nobody here sees for what.
        """
        del endpoint  # there is only one
        if not body.isascii():
            check_text(body, "the provider's answer")
        response = read_part(_read_response, body, "the provider's answer")
        if response is None:
            return Facts()
        if response.status == "failed" or (response.error is not None and response.object != "response"):
            raise _error_of(response.error)
        if response.object != "response":
            raise UpstreamBroken("the provider's answer is not one of /responses")
        facts = Facts()
        _note(facts, response)
        return facts

    def stream_reader(self) -> ResponsesStreamReader:
        """Make a reader for one stream."""
        return ResponsesStreamReader()


RESPONSES_DIALECT: Final = Responses()
