import json
from typing import Any

import httpx2
import openai
import pytest

from seawall.core.error import UpstreamBroken, UpstreamCredentials, UpstreamError, UpstreamRefused
from seawall.core.price import STANDARD, Mode
from seawall.core.usage import Usage
from seawall.dialects.dialect import RESPONSES, Facts, Mark
from seawall.dialects.openai import OPENAI
from seawall.dialects.responses.dialect import RESPONSES_DIALECT
from tests.dialects.conftest import ERRORS, FIXTURES, Feed

MODEL = "gpt-6-sol"


def _facts(usage: Usage, stop: str = "completed", mode: Mode = STANDARD) -> Facts:
    return Facts(usage, "reported", MODEL, stop, mode)


def _answer(**more: Any) -> bytes:  # any JSON values
    answer = {"id": "resp_1", "object": "response", "status": "completed", "model": MODEL, "output": []}
    return json.dumps(answer | more).encode()


@pytest.mark.parametrize(
    ("name", "marks", "facts"),
    [
        pytest.param("text", "qqCCCCCCCCT", _facts(Usage(30, 40, 20, 10, 9)), id="text"),
        pytest.param("unicode", "qqCCCCCCCT", _facts(Usage(10, output=4), mode=Mode("priority")), id="a tier"),
        pytest.param("reasoning", "qqCCCCCCCCCCCCCCT", _facts(Usage(12, output=5, thinking=25)), id="reasoning"),
        pytest.param("tools", "qqCCCCCCCCCCCCCCT", _facts(Usage(50, output=20)), id="tools"),
        pytest.param("mixed_calls", "qqCCCCCCCCCCT", _facts(Usage(50, output=20)), id="mixed calls"),
        pytest.param("refusal", "qqCCCCCCCT", _facts(Usage(10, output=5)), id="refusal"),
        pytest.param("incomplete", "qqCCCCCCT", _facts(Usage(10, output=2), "max_output_tokens"), id="cut short"),
        pytest.param("filtered", "qqCCCCCCT", _facts(Usage(10, output=1), "content_filter"), id="filtered"),
        pytest.param(
            "annotation",
            "qqqCCCCCCCT",
            _facts(Usage(10, output=1, web_searches=2)),
            id="searches are counted, and waiting is no content",
        ),
        pytest.param("search", "qqCCqCCCCCCT", _facts(Usage(3, output=2)), id="unknown events"),
        pytest.param("failed", "qqCCCCCE", _facts(Usage(10, output=1), "failed"), id="failed, and billed"),
        pytest.param("error", "qqCE", Facts(model=MODEL), id="an error"),
        pytest.param("error_nested", "qqE", Facts(model=MODEL), id="an error in an envelope"),
        pytest.param("cut", "qqCCCCC", Facts(model=MODEL), id="cut off"),
        pytest.param("unnamed", "qqCCTq", _facts(Usage(3, output=1)), id="without names"),
        pytest.param("only_done", "qqCCCCT", _facts(Usage(3, output=2)), id="no deltas"),
        pytest.param("only_end", "qqT", _facts(Usage(3, output=2)), id="nothing but the end"),
        pytest.param("odd_types", "qqCCCCCT", Facts(model=MODEL), id="a usage of another type"),
    ],
)
def test_a_stream_is_read(feed: Feed, name: str, marks: str, facts: Facts) -> None:
    reader = RESPONSES_DIALECT.stream_reader()

    assert feed(reader, f"responses/{name}.sse") == marks
    assert reader.facts == facts


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [("failed", 500, "The server had an error"), ("error", 429, "Slow down"), ("error_nested", 400, "Bad prompt")],
)
def test_an_error_in_a_stream_has_the_status_that_it_would_have_had(
    feed: Feed, name: str, status: int, message: str
) -> None:
    reader = RESPONSES_DIALECT.stream_reader()
    feed(reader, f"responses/{name}.sse")

    assert isinstance(reader.error, UpstreamRefused)
    assert (reader.error.status, str(reader.error)) == (status, message)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param({"code": "invalid_base64_image", "message": "x"}, 400, id="an image's fault"),
        pytest.param({"code": "image_too_large", "message": "x"}, 400, id="another"),
        pytest.param({"code": "new_code", "type": "service_unavailable_error"}, 503, id="by its type"),
        pytest.param({"code": "new_code"}, 502, id="unknown"),
        pytest.param(None, 502, id="no object"),
    ],
)
def test_a_failed_answer_is_an_error_in_spite_of_its_good_status(error: Any, status: int) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        RESPONSES_DIALECT.read_reply(RESPONSES, _answer(status="failed", error=error))

    assert caught.value.status == status


def test_an_envelope_under_a_good_status_is_an_error() -> None:
    with pytest.raises(UpstreamCredentials):
        RESPONSES_DIALECT.read_reply(RESPONSES, b'{"error":{"message":"no","code":"invalid_api_key"}}')


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{", b'{"object":"list"}', b'{"object":"response","model":"\xff"}'],
    ids=["a list", "no JSON", "something else", "no UTF-8"],
)
def test_what_is_no_answer_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        RESPONSES_DIALECT.read_reply(RESPONSES, body)


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        pytest.param(
            _answer(usage={"input_tokens": 9, "output_tokens": 3}, service_tier="flex"),
            _facts(Usage(9, output=3), mode=Mode("flex")),
            id="whole",
        ),
        pytest.param(_answer(status="queued"), Facts(model=MODEL, stop_reason="queued"), id="in the background"),
        pytest.param(_answer(usage={"input_tokens": "9"}), Facts(), id="odd types"),
        pytest.param(
            _answer(status="incomplete", incomplete_details={"reason": "max_output_tokens"}, usage=None),
            Facts(model=MODEL, stop_reason="max_output_tokens"),
            id="without a count",
        ),
    ],
)
def test_a_whole_answers_facts_are_read(body: bytes, facts: Facts) -> None:
    assert RESPONSES_DIALECT.read_reply(RESPONSES, body) == facts


@pytest.mark.parametrize(
    ("told", "searches"),
    [
        pytest.param({}, 2, id="untold, they stand in the output"),
        pytest.param({"tool_usage": {"web_search": {"num_requests": 1}}}, 1, id="what is told stands"),
        pytest.param({"tool_usage": {"web_search": {"num_requests": 0}}}, 0, id="none is a number, too"),
        pytest.param({"tool_usage": {"web_search": None}}, 2, id="null tells nothing"),
        pytest.param({"output": {"web_search_call": 1}}, 0, id="an output of another shape"),
    ],
)
def test_searches_are_counted_where_the_provider_does_not(told: dict[str, Any], searches: int) -> None:
    output = [
        {"type": "web_search_call", "action": {"type": "search", "query": "a"}},
        {"type": "web_search_call", "action": {"type": "open_page", "url": "https://a"}},
        {"type": "web_search_call"},
        {"type": "message", "content": [{"type": "output_text", "text": "web_search_call"}]},
        "web_search_call",
    ]
    body = _answer(**{"usage": {"input_tokens": 9, "output_tokens": 3}, "output": output, **told})

    assert RESPONSES_DIALECT.read_reply(RESPONSES, body).usage == Usage(9, output=3, web_searches=searches)


@pytest.mark.parametrize(
    "frame", [b"event: response.completed\ndata: {", b'data: {"type":"x', b"data: \xff", b"event: x\ndata: []"]
)
def test_a_frame_that_is_no_event_breaks_the_stream(frame: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        RESPONSES_DIALECT.stream_reader().feed(frame)


def test_a_delta_on_several_lines_is_one_event() -> None:
    frame = b'event: response.output_text.delta\ndata: {"delta":\ndata: "x"}'

    assert RESPONSES_DIALECT.stream_reader().feed(frame) is Mark.CONTENT


def _client(body: bytes, status: int = 200, kind: str = "text/event-stream") -> openai.OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": kind}, request=request)

    return openai.OpenAI(api_key="k", max_retries=0, http_client=httpx2.Client(transport=httpx2.MockTransport(answer)))


@pytest.mark.parametrize("name", ERRORS)
def test_the_official_client_raises_what_its_users_expect(name: str) -> None:
    error = ERRORS[name]
    client = _client(RESPONSES_DIALECT.error_body(error, "req_7"), error.status, "application/json")

    with pytest.raises(openai.APIStatusError) as caught:
        client.responses.create(model="m", input="hi")

    assert caught.value.status_code == error.status
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"] == str(error)


@pytest.mark.parametrize("after", ["", "cut"], ids=["at once", "in the middle"])
@pytest.mark.parametrize("name", ERRORS)
def test_the_official_client_raises_on_an_error_frame(name: str, after: str) -> None:
    begun = (FIXTURES / "responses" / f"{after}.sse").read_bytes() if after else b""
    client = _client(begun + RESPONSES_DIALECT.error_frame(ERRORS[name], "req_7"))

    with pytest.raises(openai.APIError) as caught:
        _ = list(client.responses.create(model="m", input="hi", stream=True))

    assert caught.value.message == str(ERRORS[name])


def test_the_error_frame_is_the_documented_event_too() -> None:
    error = ERRORS["bad request"]
    name, _, data = RESPONSES_DIALECT.error_frame(error, "req_7").partition(b"\ndata: ")
    event = json.loads(data)

    assert name == b"event: error"
    assert data.endswith(b"}\n\n")
    assert event.keys() == {"type", "code", "message", "param", "sequence_number", "error"}
    assert (event["type"], event["code"], event["param"]) == ("error", "request.invalid", "stream")


def test_our_own_error_frame_is_read_as_an_error() -> None:
    reader = RESPONSES_DIALECT.stream_reader()
    frame = RESPONSES_DIALECT.error_frame(UpstreamRefused(429, "rate_limit_error", "slow down"), "req_7")

    assert reader.feed(frame[:-2]) is Mark.ERROR
    assert isinstance(reader.error, UpstreamError)
    assert reader.error.status == 429


def test_errors_are_read_as_those_of_the_whole_dialect() -> None:
    body = b'{"error":{"message":"no","type":"insufficient_quota"}}'
    found, expected = RESPONSES_DIALECT.read_error(429, body), OPENAI.read_error(429, body)

    assert (str(found), found.should_retry) == (str(expected), False)
