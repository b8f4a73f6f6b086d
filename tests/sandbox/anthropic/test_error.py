import json

import pytest
from pydantic import BaseModel, ValidationError

from seawall.sandbox.anthropic.error import ANTHROPIC, from_validation, kind_of
from seawall.sandbox.call import Facts
from seawall.sandbox.limit import Share, Standing
from seawall.sandbox.problem import Problem


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (502, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_a_status_has_its_error_type(status: int, kind: str) -> None:
    assert kind_of(status) == kind


def test_an_error_names_its_type_its_code_and_the_request() -> None:
    body = json.loads(ANTHROPIC.problem(Problem(429, "No more.", code="enforced_spend_limit_reached"), "req_1"))

    assert body == {
        "type": "error",
        "error": {
            "type": "rate_limit_error",
            "message": "No more.",
            "details": {"error_code": "enforced_spend_limit_reached"},
        },
        "request_id": "req_1",
    }


def test_an_error_in_a_stream_is_an_event() -> None:
    frame = ANTHROPIC.frame(Problem(500, "x", kind="overloaded_error"), "req_1")

    assert frame.startswith(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}')
    assert frame.endswith(b"\n\n")


def test_headers_speak_of_limits_the_way_the_provider_does() -> None:
    standing = Standing(Share(50, 49), Share(10_000, 8_765), Share(2_000, 1_600), reset_s=30)

    headers = dict(ANTHROPIC.headers(Facts("req_1", standing, 1_795_219_200, 12)))

    assert headers["request-id"] == "req_1"
    assert headers["anthropic-ratelimit-requests-remaining"] == "49"
    assert headers["anthropic-ratelimit-requests-reset"] == "2026-11-21T00:00:31Z"
    assert headers["anthropic-ratelimit-input-tokens-remaining"] == "9000"
    assert headers["anthropic-ratelimit-tokens-limit"] == "2000"
    assert headers["anthropic-ratelimit-tokens-remaining"] == "2000"


def test_a_validation_error_is_told_with_its_path() -> None:
    class Shape(BaseModel):
        number: int

    with pytest.raises(ValidationError) as caught:
        Shape.model_validate({})

    assert from_validation(caught.value).message == "number: Field required"
