"""Errors and response headers of the OpenAI dialect."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from pydantic import ValidationError

from seawall.sandbox.call import Dialect, Facts
from seawall.sandbox.clock import go_duration
from seawall.sandbox.problem import BAD_REQUEST, Problem

_SERVER_ERROR: Final = 500
KINDS: Final = {  # status: (type, code)
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("service_unavailable_error", "server_is_overloaded"),
}
_QUOTA: Final = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    }
)
_LONGEST_ECHO: Final = 60  # characters of a bad value that a message repeats
_TYPES: Final = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a decimal",
    "string_type": "a string",
    "bool_type": "a boolean",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "kind": "one of a string or an array",
}
_NAMES: Final = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
}


def defaults(status: int) -> tuple[str, str | None]:
    """Name the error type and code of a status."""
    return KINDS.get(status) or (KINDS[_SERVER_ERROR] if status >= _SERVER_ERROR else ("invalid_request_error", None))


def bad(message: str, code: str | None = None, param: str | None = None) -> Problem:
    """Make a 400 with this sentence."""
    return Problem(BAD_REQUEST, message, code=code, param=param)


def _error(problem: Problem, request_id: str) -> bytes:
    del request_id  # only in the headers of this dialect
    kind, code = defaults(problem.status)
    kind = "insufficient_quota" if problem.code in _QUOTA else problem.kind or kind
    error = {"message": problem.message, "type": kind, "param": problem.param, "code": problem.code or code}
    return orjson.dumps({"error": error})


def _frame(problem: Problem, request_id: str) -> bytes:
    return b"data: " + _error(problem, request_id) + b"\n\n"


def _headers(facts: Facts) -> tuple[tuple[str, str], ...]:
    standing = facts.standing
    reset = go_duration(standing.reset_s)
    return (
        ("x-request-id", facts.request_id),
        ("openai-processing-ms", str(facts.took_ms)),
        ("openai-version", "2020-10-01"),
        ("openai-organization", "sandbox"),
        ("x-ratelimit-limit-requests", str(standing.requests.limit)),
        ("x-ratelimit-limit-tokens", str(standing.input_tokens.limit)),
        ("x-ratelimit-remaining-requests", str(standing.requests.remaining)),
        ("x-ratelimit-remaining-tokens", str(standing.input_tokens.remaining)),
        ("x-ratelimit-reset-requests", reset),
        ("x-ratelimit-reset-tokens", reset),
    )


OPENAI: Final = Dialect(
    problem=_error,
    frame=_frame,
    headers=_headers,
    garbage=b'data: {"id":"chatcmpl-broken","object":"chat.completion.chunk","cho\n\ndata: \xff\xfe<nothing>\n\n',
)


def _responses_frame(problem: Problem, request_id: str) -> bytes:
    """Write the `error` event: flat as it is documented, with the object that makes the official clients raise."""
    error = orjson.loads(_error(problem, request_id))["error"]
    flat = {name: error[name] for name in ("code", "message", "param")}
    return b"event: error\ndata: %b\n\n" % orjson.dumps({"type": "error", **flat, "sequence_number": 0, "error": error})


RESPONSES: Final = Dialect(
    problem=_error,
    frame=_responses_frame,
    headers=_headers,
    garbage=b'event: response.output_text.delta\ndata: {"type":"response.output_te\n\ndata: \xff\xfe<nothing>\n\n',
)


def from_validation(error: ValidationError, body: Any) -> Problem:  # the JSON value that was looked at
    """Say what pydantic found in a body the way the provider does."""
    first = error.errors(include_url=False)[0]
    param = _path(first["loc"], body)
    kind, found = first["type"], first["input"]
    if kind == "missing":
        return bad(f"Missing required parameter: '{param}'.", "missing_required_parameter", param)
    if kind == "extra_forbidden":
        return bad(f"Unknown parameter: '{param}'.", "unknown_parameter", param)
    if kind in _TYPES:
        name = _NAMES.get(type(found), "null")
        message = f"Invalid type for '{param}': expected {_TYPES[kind]}, but got {name} instead."
        return bad(message, "invalid_type", param)
    if kind == "literal_error":
        expected = first["ctx"]["expected"]
        return bad(f"Invalid value: {_echo(found)}. Supported values are: {expected}.", "invalid_value", param)
    return bad(f"Invalid '{param}': {first['msg']}.", "invalid_value", param)


def _echo(value: Any) -> str:  # whatever JSON value came
    text = repr(value)
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "…"


def _path(steps: Sequence[int | str], body: Any) -> str:  # any JSON value
    """Write a path; a step that is not in the body names one of several shapes, unless it is the last."""
    text, here = "", body
    for number, step in enumerate(steps):
        if isinstance(step, int) and isinstance(here, list):
            text += f"[{step}]"
            here = here[step]
        elif isinstance(here, dict) and (step in here or number == len(steps) - 1):
            text += f".{step}"
            here = here.get(step)
    return text.removeprefix(".")
