"""Errors and response headers of the Messages dialect."""

from typing import Any, Final

import orjson
from pydantic import ValidationError

from seawall.sandbox.call import Dialect, Facts
from seawall.sandbox.clock import rfc3339
from seawall.sandbox.limit import Share
from seawall.sandbox.problem import BAD_REQUEST, Problem

_SERVER_ERROR: Final = 500
KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_HIDDEN: Final = frozenset({"string", "list", "custom", "server"})  # our own tags, which no path of the provider has


def kind_of(status: int) -> str:
    """Name the error type of a status."""
    return KINDS.get(status, KINDS[_SERVER_ERROR] if status >= _SERVER_ERROR else KINDS[BAD_REQUEST])


def _error(problem: Problem, request_id: str) -> bytes:
    error: dict[str, Any] = {"type": problem.kind or kind_of(problem.status), "message": problem.message}
    if problem.code is not None:
        error["details"] = {"error_code": problem.code}
    return orjson.dumps({"type": "error", "error": error, "request_id": request_id})


def _frame(problem: Problem, request_id: str) -> bytes:
    return b"event: error\ndata: " + _error(problem, request_id) + b"\n\n"


def _headers(facts: Facts) -> tuple[tuple[str, str], ...]:
    standing = facts.standing
    reset = rfc3339(facts.wall_s + standing.reset_s + 1)
    tightest = min(standing.input_tokens, standing.output_tokens, key=lambda share: share.remaining)
    return (
        ("request-id", facts.request_id),
        ("anthropic-organization-id", "5ea00a11-0000-4000-8000-000000000000"),
        *_limit("requests", standing.requests, reset, 1),
        *_limit("tokens", tightest, reset, 1_000),
        *_limit("input-tokens", standing.input_tokens, reset, 1_000),
        *_limit("output-tokens", standing.output_tokens, reset, 1_000),
    )


def _limit(name: str, share: Share, reset: str, step: int) -> tuple[tuple[str, str], ...]:
    prefix = f"anthropic-ratelimit-{name}"
    return (
        (f"{prefix}-limit", str(share.limit)),
        (f"{prefix}-remaining", str(round(share.remaining / step) * step)),
        (f"{prefix}-reset", reset),
    )


ANTHROPIC: Final = Dialect(
    problem=_error,
    frame=_frame,
    headers=_headers,
    garbage=(
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\ndata: \xff\xfe<nothing>\n\n'
    ),
)


def from_validation(error: ValidationError) -> Problem:
    """Say what pydantic found the way the provider does: `messages.0.role: Input should be …`."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(step) for step in first["loc"] if step not in _HIDDEN)
    return Problem(BAD_REQUEST, f"{path}: {first['msg']}", param=path)
