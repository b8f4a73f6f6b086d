import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import UpstreamCredentials, UpstreamError, UpstreamRefused
from seawall.dialects.anthropic import ANTHROPIC


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(
            400,
            b'{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"}}',
            UpstreamRefused(400, "invalid_request_error", "max_tokens: too large"),
            id="envelope",
        ),
        pytest.param(
            429,
            b'{"type":"error","error":{"type":"rate_limit_error","message":"slow","details":{"error_code":"ramp"}}}',
            UpstreamRefused(429, "rate_limit_error", "slow", detail="ramp"),
            id="a code",
        ),
        pytest.param(
            413,
            b"<html>too large</html>",
            UpstreamRefused(413, "", "the provider answered with status 413 and no readable error"),
            id="a proxy's page",
        ),
        pytest.param(
            500,
            b"",
            UpstreamRefused(500, "", "the provider answered with status 500 and no readable error"),
            id="nothing",
        ),
        pytest.param(
            400,
            b'{"error":{"type":["x"],"message":{"a":1},"details":"x"}}',
            UpstreamRefused(400, "", "the provider answered with status 400 and no readable error"),
            id="odd types",
        ),
        pytest.param(503, b'{"error":"busy"}', UpstreamRefused(503, "", "busy"), id="a text"),
    ],
)
def test_an_error_answer_is_read(status: int, body: bytes, expected: UpstreamRefused) -> None:
    error = ANTHROPIC.read_error(status, body)

    assert isinstance(error, UpstreamRefused)
    assert vars(error) == vars(expected)
    assert str(error) == str(expected)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_ours_and_their_text_stays_here(status: int) -> None:
    error = ANTHROPIC.read_error(status, b'{"error":{"type":"x","message":"invalid key sk-ant-api03-secret"}}')

    assert isinstance(error, UpstreamCredentials)
    assert error.status == 502
    assert "secret" not in str(error)


@pytest.mark.parametrize("code", ["enforced_spend_limit_reached", "contract_spend_limit_reached"])
def test_a_spent_account_is_not_asked_again(code: str) -> None:
    body = {"error": {"type": "rate_limit_error", "message": "m", "details": {"error_code": code}}}

    assert ANTHROPIC.read_error(429, json.dumps(body).encode()).should_retry is False
    assert ANTHROPIC.read_error(429, b"{}").should_retry is None


@given(st.integers(400, 599), st.binary(max_size=60))
def test_any_error_answer_is_an_error(status: int, body: bytes) -> None:
    error = ANTHROPIC.read_error(status, body)

    assert isinstance(error, UpstreamError)
    assert str(error)
