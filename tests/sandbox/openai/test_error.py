import json

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from seawall.sandbox.call import Facts
from seawall.sandbox.limit import Share, Standing
from seawall.sandbox.openai.error import OPENAI, bad, defaults, from_validation
from seawall.sandbox.problem import Problem


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "invalid_request_error", "invalid_api_key"),
        (404, "invalid_request_error", "model_not_found"),
        (429, "rate_limit_error", "rate_limit_exceeded"),
        (500, "server_error", None),
        (503, "service_unavailable_error", "server_is_overloaded"),
        (529, "server_error", None),
    ],
)
def test_a_status_has_its_type_and_code(status: int, kind: str, code: str | None) -> None:
    assert defaults(status) == (kind, code)


def test_an_error_has_four_fields() -> None:
    assert json.loads(OPENAI.problem(bad("No.", "invalid_value", "model"), "req_1")) == {
        "error": {"message": "No.", "type": "invalid_request_error", "param": "model", "code": "invalid_value"}
    }


def test_a_quota_that_is_used_up_has_a_type_of_its_own() -> None:
    told = json.loads(OPENAI.problem(Problem(429, "x", code="credit_balance_exhausted"), "req_1"))["error"]

    assert (told["type"], told["code"]) == ("insufficient_quota", "credit_balance_exhausted")


def test_an_error_in_a_stream_is_data_without_a_name() -> None:
    frame = OPENAI.frame(Problem(500, "x", kind="overloaded_error"), "req_1")

    assert frame.startswith(b'data: {"error":{"message":"x","type":"overloaded_error"')
    assert frame.endswith(b"\n\n")


def test_headers_speak_of_limits_the_way_the_provider_does() -> None:
    standing = Standing(Share(50, 49), Share(10_000, 8_765), Share(2_000, 1_600), reset_s=59.5)

    headers = dict(OPENAI.headers(Facts("req_1", standing, 0, 12)))

    assert headers["x-request-id"] == "req_1"
    assert headers["openai-processing-ms"] == "12"
    assert headers["x-ratelimit-remaining-tokens"] == "8765"
    assert headers["x-ratelimit-reset-requests"] == "59.5s"


class Inner(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    names: list[str] = []


class Outer(BaseModel):
    inner: list[Inner]


@pytest.mark.parametrize(
    ("body", "message", "code", "param"),
    [
        pytest.param({}, "Missing required parameter: 'inner'.", "missing_required_parameter", "inner", id="missing"),
        pytest.param(
            {"inner": [{"x": 1}]}, "Unknown parameter: 'inner[0].x'.", "unknown_parameter", "inner[0].x", id="unknown"
        ),
        pytest.param(
            {"inner": [{"names": ["a", None]}]},
            "Invalid type for 'inner[0].names[1]': expected a string, but got null instead.",
            "invalid_type",
            "inner[0].names[1]",
            id="type",
        ),
    ],
)
def test_a_validation_error_is_told_with_its_path(body: object, message: str, code: str, param: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(body)

    problem = from_validation(caught.value, body)
    assert (problem.message, problem.code, problem.param) == (message, code, param)
