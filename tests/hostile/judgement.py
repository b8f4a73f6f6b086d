"""What counts as a good answer to a bad request."""

from typing import Final

from tests.hostile.wire import Answer, Case, Heard

ANTHROPIC_TYPES: Final = frozenset(
    {
        "invalid_request_error",
        "authentication_error",
        "billing_error",
        "permission_error",
        "not_found_error",
        "conflict_error",
        "request_too_large",
        "rate_limit_error",
        "timeout_error",
        "api_error",
        "overloaded_error",
    }
)
_OPENAI_KEYS: Final = frozenset({"message", "type", "param", "code"})
_DELIBERATE: Final = frozenset({502, 503, 504})  # the provider failed, a store is away, a deadline passed
_TERMINALS: Final = (b"event: message_stop\n", b"data: [DONE]\n", b"event: error\n", b'data: {"error":')


def complaints(case: Case, heard: Heard, *, may_fail: bool = False) -> list[str]:
    """Say what is wrong with what came back; an empty list is a good end. `may_fail` lets typed 5xx pass."""
    found = [f"{case.name}: {complaint}" for answer in heard.answers if (complaint := _complaint(answer, may_fail))]
    if len(heard.answers) > case.at_most:
        statuses = [answer.status for answer in heard.answers]
        found.append(f"{case.name}: {statuses} for what is at most {case.at_most} requests")
    if heard.rest and not heard.is_cut:
        found.append(f"{case.name}: bytes behind the last answer: {heard.rest[:80]!r}")
    if heard.is_cut:
        found.append(f"{case.name}: an answer that breaks off: {heard.rest[:80]!r}")
    if not heard.answers and not (case.may_be_silent or case.leaves):
        found.append(f"{case.name}: no answer")
    return found


def _complaint(answer: Answer, may_fail: bool) -> str:
    if answer.is_stream:
        last = answer.body.rstrip(b"\n").rpartition(b"\n\n")[2] + b"\n"
        return "" if last.startswith(_TERMINALS) else f"a stream that ends in {last[:80]!r}"
    if answer.fields.get("content-type") != "application/json":
        return f"status {answer.status} with content-type {answer.fields.get('content-type')}"
    if answer.status >= 500 and not (may_fail and answer.status in _DELIBERATE):
        return f"status {answer.status}: {answer.body[:200]!r}"
    if not answer.body:
        return ""  # the answer to a HEAD
    try:
        body = answer.json()
    except ValueError:
        return f"status {answer.status} with a body that is no JSON: {answer.body[:80]!r}"
    if answer.status < 400:
        return "" if isinstance(body, dict) else f"status {answer.status} with {answer.body[:80]!r}"
    return "" if is_typed_error(body) else f"status {answer.status} with an error of no dialect: {answer.body[:200]!r}"


def is_typed_error(body: object) -> bool:
    """Say whether a body is an error as the official clients of one of the two dialects read it."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str) or not error["message"]:
        return False
    if isinstance(body, dict) and body.get("type") == "error":
        return error.get("type") in ANTHROPIC_TYPES and isinstance(body.get("request_id"), str)
    return set(error) >= _OPENAI_KEYS and isinstance(error["type"], str)
