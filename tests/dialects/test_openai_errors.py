"""What the official client makes of our errors."""

import httpx2
import openai
import orjson
import pytest

from seawall.core.error import UpstreamRefused
from seawall.dialects.openai import OPENAI
from tests.dialects.conftest import ERRORS, FIXTURES

CLASS_OF_STATUS = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}
TYPE_OF_STATUS = {
    402: "insufficient_quota",
    429: "rate_limit_error",
    502: "server_error",
    503: "service_unavailable_error",
    504: "server_error",
}


def _client(status: int, body: bytes, kind: str) -> openai.OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": kind}, request=request)

    transport = httpx2.MockTransport(answer)
    return openai.OpenAI(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


def _read(client: openai.OpenAI) -> str:
    stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@pytest.mark.parametrize("name", ERRORS)
def test_the_official_client_raises_what_its_users_expect(name: str) -> None:
    error = ERRORS[name]
    client = _client(error.status, OPENAI.error_body(error, "req_7"), "application/json")

    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])

    assert caught.value.status_code == error.status
    assert isinstance(caught.value, CLASS_OF_STATUS.get(error.status, openai.APIStatusError))
    assert error.status < 500 or isinstance(caught.value, openai.InternalServerError)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"] == str(error)
    assert caught.value.param == getattr(error, "param", None)


@pytest.mark.parametrize("name", [name for name in ERRORS if not name.startswith("provider")])
def test_our_own_code_and_the_dialects_type_are_in_the_envelope(name: str) -> None:
    error = ERRORS[name]
    client = _client(error.status, OPENAI.error_body(error, "req_7"), "application/json")

    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])

    assert caught.value.code == error.code
    assert caught.value.type == TYPE_OF_STATUS.get(error.status, "invalid_request_error")


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("provider 402", "insufficient_quota", "billing_error"),
        ("provider 413", "invalid_request_error", None),
        ("provider 429", "rate_limit_error", "ramp_limit_exceeded"),
        ("provider 503", "service_unavailable_error", None),
    ],
)
def test_a_providers_error_keeps_its_own_words(name: str, kind: str, code: str | None) -> None:
    error = ERRORS[name]
    client = _client(error.status, OPENAI.error_body(error, "req_7"), "application/json")

    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])

    assert (caught.value.type, caught.value.code) == (kind, code)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        pytest.param(UpstreamRefused(529, "overloaded_error", ""), "service_unavailable_error", "overloaded_error"),
        pytest.param(UpstreamRefused(500, "api_error", ""), "server_error", "api_error"),
        pytest.param(UpstreamRefused(504, "timeout_error", ""), "server_error", "timeout_error"),
        pytest.param(UpstreamRefused(404, "not_found_error", ""), "invalid_request_error", "not_found_error"),
        pytest.param(UpstreamRefused(413, "request_too_large", "", detail="a"), "invalid_request_error", "a"),
        pytest.param(UpstreamRefused(418, "teapot_error", ""), "teapot_error", None, id="a word of nobody's"),
    ],
    ids=lambda value: value.kind if isinstance(value, UpstreamRefused) else None,
)
def test_a_word_of_the_other_dialect_becomes_the_code(error: UpstreamRefused, kind: str, code: str | None) -> None:
    said = orjson.loads(OPENAI.error_body(error, "req_7"))["error"]

    assert (said["type"], said["code"]) == (kind, code)


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_frame_ends_a_stream_with_an_exception(name: str) -> None:
    error = ERRORS[name]
    begun = (FIXTURES / "openai" / "cut.sse").read_bytes()
    client = _client(200, begun + OPENAI.error_frame(error, "req_7"), "text/event-stream")

    with pytest.raises(openai.APIError) as caught:
        _read(client)

    assert caught.value.message == str(error)


def test_the_official_client_reads_a_whole_stream_of_ours() -> None:
    whole = (FIXTURES / "openai" / "text.sse").read_bytes()

    assert _read(_client(200, whole, "text/event-stream")) == "Hello 😀"


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_that_was_written_is_read_as_the_same_error(name: str) -> None:
    error = ERRORS[name]

    read = OPENAI.read_error(error.status, OPENAI.error_body(error, "req_7"))

    assert read.status == (502 if error.status in (401, 403) else error.status)
    assert error.status in (401, 403) or str(read) == str(error)
