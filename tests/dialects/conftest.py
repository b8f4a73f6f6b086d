"""Streams as files, and every error that a client can get."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from seawall.core.error import (
    BadRequest,
    BodyTooLarge,
    BudgetExhausted,
    Conflict,
    DeadlineExceeded,
    Killed,
    LedgerUnavailable,
    MethodNotAllowed,
    Mismatch,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Overloaded,
    RateLimited,
    Refused,
    SeawallError,
    Stopping,
    TargetClosed,
    Unavailable,
    Unsupported,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from seawall.dialects.dialect import Mark, StreamReader
from seawall.dialects.sse import FrameSplitter

FIXTURES = Path(__file__).with_name("fixtures")

# One of every kind that a client can get, with the status and the code under which it gets it.
ERRORS: Final[dict[str, SeawallError]] = {
    "bad request": BadRequest("stream: expected true or false", param="stream"),
    "too large": BodyTooLarge("the body is longer than 33554432 bytes"),
    "unsupported": Unsupported("the route leads to a provider of another dialect"),
    "no key": NotAuthenticated("no valid key"),
    "not allowed": NotAllowed("this key is not allowed on route '/ai/chat'", code="access.route"),
    "not found": NotFound("no such path"),
    "refused": Refused("no"),
    "other payload": Mismatch("the idempotency key stands for another request"),
    "conflict": Conflict("the first call with this idempotency key is not over"),
    "budget": BudgetExhausted("the call needs up to $1.20, and $0.30 of team:a per day is left"),
    "limit": RateLimited("user:a may make 20 requests a minute", retry_after_s=3.0),
    "ledger": LedgerUnavailable("the ledger is locked"),
    "method": MethodNotAllowed("found GET, expected POST", allow="POST"),
    "target closed": TargetClosed("the breaker of a/b is open", retry_after_s=3.0),
    "overloaded": Overloaded("more calls than can be carried"),
    "killed": Killed("switched off by an operator"),
    "stopping": Stopping("the gateway stops"),
    "unavailable": Unavailable("the key store cannot be read"),
    "deadline": DeadlineExceeded("the call took longer than the route's timeout_ms of 1000 ms"),
    "upstream": UpstreamError("the provider failed"),
    "credentials": UpstreamCredentials("the provider refused the gateway's credentials with status 401"),
    "timeout": UpstreamTimeout("first_token", 20.0),
    "unreachable": UpstreamUnreachable("no connection"),
    "broken": UpstreamBroken("the connection broke"),
    "provider 400": UpstreamRefused(400, "invalid_request_error", "max_tokens: too large", param="max_tokens"),
    "provider 402": UpstreamRefused(402, "billing_error", "no credit"),
    "provider 404": UpstreamRefused(404, "not_found_error", "model: x"),
    "provider 409": UpstreamRefused(409, "conflict_error", "conflict"),
    "provider 413": UpstreamRefused(413, "", "too large"),
    "provider 422": UpstreamRefused(422, "", "unprocessable"),
    "provider 429": UpstreamRefused(429, "rate_limit_error", "slow down", detail="ramp_limit_exceeded"),
    "provider 500": UpstreamRefused(500, "api_error", "internal"),
    "provider 503": UpstreamRefused(503, "", "busy"),
    "provider 529": UpstreamRefused(529, "overloaded_error", "overloaded"),
}

Feed: TypeAlias = Callable[[StreamReader, str], str]


@pytest.fixture
def feed() -> Feed:
    """Give a function that feeds a reader a stream file and spells the marks: quiet, Content, Terminal, Error."""

    def spell(reader: StreamReader, name: str) -> str:
        frames = FrameSplitter().feed((FIXTURES / name).read_bytes())
        return marks([reader.feed(frame) for frame in frames])

    return spell


def marks(found: Sequence[Mark]) -> str:
    return "".join({Mark.QUIET: "q", Mark.CONTENT: "C", Mark.TERMINAL: "T", Mark.ERROR: "E"}[mark] for mark in found)
