"""What the official client makes of our errors."""

import anthropic
import httpx2
import orjson
import pytest

from seawall.core.error import PolicyError, SeawallError, UpstreamRefused
from seawall.dialects.anthropic import ANTHROPIC
from tests.dialects.conftest import ERRORS, FIXTURES

CLASS_OF_STATUS = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    409: anthropic.ConflictError,
    422: anthropic.UnprocessableEntityError,
    429: anthropic.RateLimitError,
}
TYPE_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
}


def _client(status: int, body: bytes, kind: str) -> anthropic.Anthropic:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": kind}, request=request)

    transport = httpx2.MockTransport(answer)
    return anthropic.Anthropic(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


def _ask(client: anthropic.Anthropic) -> str:
    with client.messages.stream(
        model="claude-opus-5-5", max_tokens=10, messages=[{"role": "user", "content": "hi"}]
    ) as stream:
        return stream.get_final_text()


def _kinds(error: type[SeawallError]) -> set[type[SeawallError]]:
    return {error}.union(*(_kinds(below) for below in error.__subclasses__() if below.__module__ == error.__module__))


def test_no_error_of_the_tree_is_left_out() -> None:
    assert {type(error) for error in ERRORS.values()} == _kinds(SeawallError) - {SeawallError, PolicyError}


@pytest.mark.parametrize("name", ERRORS)
def test_the_official_client_raises_what_its_users_expect(name: str) -> None:
    error = ERRORS[name]
    client = _client(error.status, ANTHROPIC.error_body(error, "req_7"), "application/json")

    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model="m", max_tokens=10, messages=[{"role": "user", "content": "hi"}])

    assert caught.value.status_code == error.status
    assert isinstance(caught.value, CLASS_OF_STATUS.get(error.status, anthropic.APIStatusError))
    assert error.status < 500 or isinstance(caught.value, anthropic.InternalServerError)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["message"] == str(error)
    assert caught.value.body["request_id"] == "req_7"


@pytest.mark.parametrize("name", [name for name in ERRORS if not name.startswith("provider")])
def test_our_own_code_and_the_dialects_type_are_in_the_envelope(name: str) -> None:
    error = ERRORS[name]
    client = _client(error.status, ANTHROPIC.error_body(error, "req_7"), "application/json")

    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model="m", max_tokens=10, messages=[{"role": "user", "content": "hi"}])

    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == TYPE_OF_STATUS[error.status]
    assert caught.value.body["error"]["details"] == {"error_code": error.code}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("provider 402", "billing_error"),
        ("provider 413", "request_too_large"),
        ("provider 422", "invalid_request_error"),
        ("provider 429", "rate_limit_error"),
        ("provider 503", "api_error"),
        ("provider 529", "overloaded_error"),
    ],
)
def test_a_providers_error_keeps_its_own_words(name: str, kind: str) -> None:
    error = ERRORS[name]
    client = _client(error.status, ANTHROPIC.error_body(error, "req_7"), "application/json")

    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model="m", max_tokens=10, messages=[{"role": "user", "content": "hi"}])

    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == kind
    code = caught.value.body["error"].get("details", {}).get("error_code")
    assert code == ("ramp_limit_exceeded" if name == "provider 429" else None)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        pytest.param(UpstreamRefused(529, "server_error", ""), "overloaded_error", "server_error"),
        pytest.param(UpstreamRefused(500, "server_error", ""), "api_error", "server_error"),
        pytest.param(
            UpstreamRefused(503, "service_unavailable_error", "", detail="server_is_overloaded"),
            "overloaded_error",
            "server_is_overloaded",
        ),
        pytest.param(UpstreamRefused(429, "insufficient_quota", ""), "rate_limit_error", "insufficient_quota"),
        pytest.param(UpstreamRefused(418, "teapot_error", ""), "teapot_error", None, id="a word of nobody's"),
    ],
    ids=lambda value: f"{value.status} {value.kind}" if isinstance(value, UpstreamRefused) else None,
)
def test_a_word_of_the_other_dialect_becomes_the_code(error: UpstreamRefused, kind: str, code: str | None) -> None:
    said = orjson.loads(ANTHROPIC.error_body(error, "req_7"))["error"]

    assert (said["type"], said.get("details", {}).get("error_code")) == (kind, code)


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_frame_ends_a_stream_with_an_exception(name: str) -> None:
    error = ERRORS[name]
    begun = (FIXTURES / "anthropic" / "cut.sse").read_bytes()
    client = _client(200, begun + ANTHROPIC.error_frame(error, "req_7"), "text/event-stream")

    with pytest.raises(anthropic.APIStatusError) as caught:
        _ask(client)

    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["message"] == str(error)


def test_the_official_client_reads_a_whole_stream_of_ours() -> None:
    whole = (FIXTURES / "anthropic" / "text.sse").read_bytes()

    assert _ask(_client(200, whole, "text/event-stream")) == "Hello 😀"


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_that_was_written_is_read_as_the_same_error(name: str) -> None:
    error = ERRORS[name]

    read = ANTHROPIC.read_error(error.status, ANTHROPIC.error_body(error, "req_7"))

    assert read.status == (502 if error.status in (401, 403) else error.status)
    assert error.status in (401, 403) or str(read) == str(error)
