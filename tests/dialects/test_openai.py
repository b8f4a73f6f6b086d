import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import UpstreamBroken, UpstreamCredentials, UpstreamError, UpstreamRefused
from seawall.core.price import STANDARD, Mode
from seawall.core.usage import NO_USAGE, Usage
from seawall.dialects.dialect import CHAT, EMBEDDINGS, MODELS, Endpoint, Facts, Mark
from seawall.dialects.openai import OPENAI, is_usage_chunk
from seawall.dialects.sse import FrameSplitter
from tests.dialects.conftest import FIXTURES, Feed

MODEL = "gpt-5.4"
COUNTS = st.one_of(st.none(), st.integers(0, 50), st.integers(-20, 50))


def _answer(usage: Any, **more: Any) -> bytes:  # any JSON values
    answer = {"model": MODEL, "choices": [{"index": 0, "message": {}, "finish_reason": "stop"}], "usage": usage}
    return json.dumps(answer | more).encode()


@pytest.mark.parametrize(
    ("name", "marks", "facts"),
    [
        pytest.param("text", "qCCCT", Facts(model=MODEL, stop_reason="stop"), id="text"),
        pytest.param(
            "usage",
            "qCCqT",
            Facts(Usage(10, 4, 6, 0, 4, 5), "reported", MODEL, "stop"),
            id="the closing chunk has the usage, null before it says nothing",
        ),
        pytest.param(
            "obfuscation",
            "qCCT",
            Facts(model=MODEL, stop_reason="stop", mode=Mode("priority")),
            id="obfuscation and a tier",
        ),
        pytest.param("tool_calls", "qCCCCCT", Facts(model=MODEL, stop_reason="tool_calls"), id="tool calls"),
        pytest.param("refusal", "qCCCT", Facts(model=MODEL, stop_reason="stop"), id="refusal"),
        pytest.param("function_call", "qCCT", Facts(model=MODEL, stop_reason="function_call"), id="old function call"),
        pytest.param("reasoning", "CCCCT", Facts(model=MODEL, stop_reason="stop"), id="thinking of other servers"),
        pytest.param("several_choices", "qCCCT", Facts(model=MODEL, stop_reason="length"), id="several choices"),
        pytest.param(
            "usage_in_last_content",
            "qCCT",
            Facts(Usage(7, output=2), "reported", MODEL, "stop"),
            id="usage beside the last content",
        ),
        pytest.param("azure", "qqCCT", Facts(model=MODEL, stop_reason="stop"), id="an opening without a choice"),
        pytest.param("comments", "qqqCCT", Facts(model=MODEL, stop_reason="stop"), id="comments"),
        pytest.param("error", "qCE", Facts(model=MODEL), id="an error frame"),
        pytest.param("cut", "qC", Facts(model=MODEL), id="cut off"),
        pytest.param("finished_but_cut", "qCC", Facts(model=MODEL, stop_reason="stop"), id="no end mark"),
        pytest.param("done_with_space", "qCCT", Facts(model=MODEL, stop_reason="stop"), id="an untidy end mark"),
        pytest.param("odd_types", "qCCT", Facts(model=MODEL), id="a usage of another type"),
    ],
)
def test_a_stream_is_read(feed: Feed, name: str, marks: str, facts: Facts) -> None:
    reader = OPENAI.stream_reader()

    assert feed(reader, f"openai/{name}.sse") == marks
    assert reader.facts == facts


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_counts_go_into_disjoint_buckets_and_never_below_a_reading(
    prompt: int | None,
    output: int | None,
    read: int | None,
    written: int | None,
    long: int | None,
    thinking: int | None,
) -> None:
    found = {
        "prompt_tokens": prompt or 0,
        "completion_tokens": output,
        "prompt_tokens_details": {
            "cached_tokens": read,
            "cache_write_tokens": written,
            "cache_write_tokens_details": {"ttl_12h_tokens": long},
        },
        "completion_tokens_details": {"reasoning_tokens": thinking},
    }
    facts = OPENAI.read_reply(CHAT, _answer(found))
    usage = facts.usage
    assert usage is not None

    assert usage.is_sound()
    assert usage.prompt >= (prompt or 0)
    assert usage.cache_read >= (read or 0)
    assert usage.cache_write_short + usage.cache_write_long >= max(written or 0, long or 0)
    assert usage.cache_write_long >= (long or 0)
    assert usage.billed_output >= max(output or 0, thinking or 0)
    if facts.usage_state == "reported":
        assert usage.is_sound(prompt_total=prompt or 0, output_total=output or 0)


@pytest.mark.parametrize(
    ("found", "usage", "state"),
    [
        pytest.param({"prompt_tokens": 10, "completion_tokens": 4}, Usage(10, output=4), "reported", id="plain"),
        pytest.param(
            {"prompt_tokens": 10, "total_tokens": 10, "prompt_tokens_details": None},
            Usage(10),
            "partial",
            id="an answer that is not counted is not free",
        ),
        pytest.param(
            {
                "prompt_tokens": 100,
                "completion_tokens": 0,
                "prompt_tokens_details": {
                    "cached_tokens": 40,
                    "cache_write_tokens": 30,
                    "cache_write_tokens_details": {"ttl_12h_tokens": 10, "ttl_30m_tokens": 20},
                },
            },
            Usage(30, 40, 20, 10),
            "reported",
            id="both lifetimes",
        ),
        pytest.param(
            {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 25}},
            Usage(10, 25),
            "unsound",
            id="a prompt that does not hold its cached part: both are charged",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 50}},
            Usage(10, output=3, thinking=50),
            "unsound",
            id="an output that does not hold its thinking: both are charged",
        ),
        pytest.param({"prompt_tokens": -1, "completion_tokens": -1}, NO_USAGE, "unsound", id="negative"),
    ],
)
def test_cached_and_thinking_tokens_are_taken_out_of_the_totals(found: Any, usage: Usage, state: str) -> None:
    facts = OPENAI.read_reply(CHAT, _answer(found))

    assert (facts.usage, facts.usage_state) == (usage, state)


@pytest.mark.parametrize("usage", [{}, {"total_tokens": 9}, {"completion_tokens": 4}, {"prompt_tokens": None}])
def test_a_closing_chunk_that_counts_no_prompt_counts_nothing(usage: dict[str, Any]) -> None:
    reader = OPENAI.stream_reader()

    reader.feed(b"data: " + _answer(usage))

    assert (reader.facts.usage, reader.facts.usage_state) == (None, "missing")


def test_a_closing_chunk_that_counts_no_answer_is_half_a_count() -> None:
    reader = OPENAI.stream_reader()

    reader.feed(b"data: " + _answer({"prompt_tokens": 10}))

    assert (reader.facts.usage, reader.facts.usage_state) == (Usage(10), "partial")


@pytest.mark.parametrize("tier", [None, "", "default", "auto", "standard"])
def test_the_usual_tiers_are_the_standard_mode(tier: str | None) -> None:
    assert OPENAI.read_reply(CHAT, _answer(None, service_tier=tier)).mode is STANDARD


@pytest.mark.parametrize(
    ("endpoint", "body", "facts"),
    [
        pytest.param(CHAT, _answer(None), Facts(model=MODEL, stop_reason="stop"), id="no usage"),
        pytest.param(CHAT, _answer({}), Facts(model=MODEL, stop_reason="stop"), id="an empty usage"),
        pytest.param(CHAT, _answer(None, choices=[]), Facts(model=MODEL), id="no choice"),
        pytest.param(CHAT, _answer({"prompt_tokens": 7.5}), Facts(), id="a broken count"),
        pytest.param(
            CHAT,
            _answer(None, service_tier="flex"),
            Facts(model=MODEL, stop_reason="stop", mode=Mode("flex")),
            id="flex",
        ),
        pytest.param(
            EMBEDDINGS,
            b'{"object":"list","data":[{"embedding":[0.1,-2e-3]}],"model":"e","usage":{"prompt_tokens":8}}',
            Facts(Usage(8), "reported", "e"),
            id="embeddings",
        ),
        pytest.param(MODELS, b'{"object":"list","data":[]}', Facts(NO_USAGE, "none"), id="models"),
        pytest.param(MODELS, b'{"model":5}', Facts(NO_USAGE, "none"), id="models of another shape"),
    ],
)
def test_a_whole_answer_is_read(endpoint: Endpoint, body: bytes, facts: Facts) -> None:
    assert OPENAI.read_reply(endpoint, body) == facts


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        (CHAT, b""),
        (CHAT, b"<html>"),
        (CHAT, b"[]"),
        (CHAT, b"{}"),
        (CHAT, b'{"choices":[{}]'),
        (CHAT, b"\xff"),
        (CHAT, b'{"x":' + b"[" * 9000),
        (EMBEDDINGS, b'{"choices":[]}'),
        (EMBEDDINGS, b'{"data":'),
        (MODELS, b"oops"),
    ],
)
def test_what_is_no_answer_of_the_endpoint_is_broken(endpoint: Endpoint, body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        OPENAI.read_reply(endpoint, body)


ENVELOPES = pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param({"message": "m", "type": "server_error", "code": None}, 500, id="server error"),
        pytest.param(
            {"message": "m", "type": "invalid_request_error", "code": "context_length_exceeded"}, 400, id="bad"
        ),
        pytest.param({"message": "m", "type": "requests", "code": "rate_limit_exceeded"}, 429, id="rate"),
        pytest.param({"message": "m", "type": "insufficient_quota", "code": "insufficient_quota"}, 429, id="quota"),
        pytest.param(
            {"message": "m", "type": "service_unavailable_error", "code": "server_is_overloaded"}, 503, id="overloaded"
        ),
        pytest.param({"message": "m", "type": "invalid_request_error", "code": "model_not_found"}, 404, id="model"),
        pytest.param({"message": "m", "type": "BadRequestError", "code": 400}, 400, id="a status as code"),
        pytest.param({"message": "m", "type": "Odd", "code": 7}, 502, id="a number that is no status"),
        pytest.param({"message": "m"}, 502, id="no words"),
        pytest.param("m", 502, id="a text"),
    ],
)


@ENVELOPES
def test_an_error_frame_has_the_status_that_it_would_have_had(error: Any, status: int) -> None:
    reader = OPENAI.stream_reader()

    assert reader.feed(b"data: " + json.dumps({"error": error}).encode()) is Mark.ERROR
    assert isinstance(reader.error, UpstreamRefused)
    assert (reader.error.status, str(reader.error)) == (status, "m")


@ENVELOPES
def test_an_error_under_a_good_status_is_an_error(error: Any, status: int) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        OPENAI.read_reply(CHAT, json.dumps({"error": error}).encode())

    assert caught.value.status == status


@pytest.mark.parametrize("data", [b"", b"oops", b"[]", b"7", b"\xff", b'{"x":' + b"[" * 9000, b"[DONE"])
def test_a_frame_that_is_no_chunk_breaks_the_stream(data: bytes) -> None:
    reader = OPENAI.stream_reader()
    if not data:
        assert reader.feed(b"data: ") is Mark.QUIET
        return

    with pytest.raises(UpstreamBroken, match="a stream event"):
        reader.feed(b"data: " + data)


def test_texts_that_no_client_could_read_are_broken() -> None:
    chunk = b'{"choices":[{"delta":{"content":"\xff"}}]}'
    body = b'{"choices":[{"message":{"content":"\xff"}}]}'

    with pytest.raises(UpstreamBroken, match="UTF-8"):
        OPENAI.stream_reader().feed(b"data: " + chunk)
    with pytest.raises(UpstreamBroken, match="UTF-8"):
        OPENAI.read_reply(CHAT, body)


@given(st.binary(max_size=80))
def test_any_frame_is_read_or_breaks_the_stream(frame: bytes) -> None:
    with contextlib.suppress(UpstreamBroken):
        assert OPENAI.stream_reader().feed(frame) in Mark


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(
            400,
            b'{"error":{"message":"m","type":"invalid_request_error","param":"messages[0]","code":"bad"}}',
            UpstreamRefused(400, "invalid_request_error", "m", detail="bad", param="messages[0]"),
            id="envelope",
        ),
        pytest.param(
            404,
            b'{"error":{"message":"m","type":"NotFoundError","param":null,"code":404}}',
            UpstreamRefused(404, "NotFoundError", "m", detail="404"),
            id="another server's",
        ),
        pytest.param(503, b'{"error":"busy"}', UpstreamRefused(503, "", "busy"), id="a text"),
        pytest.param(
            500,
            b"<html>",
            UpstreamRefused(500, "", "the provider answered with status 500 and no readable error"),
            id="a page",
        ),
        pytest.param(
            400,
            b'{"error":{"message":5,"type":{},"param":[],"code":[]}}',
            UpstreamRefused(400, "", "the provider answered with status 400 and no readable error"),
            id="odd types",
        ),
    ],
)
def test_an_error_answer_is_read(status: int, body: bytes, expected: UpstreamRefused) -> None:
    error = OPENAI.read_error(status, body)

    assert isinstance(error, UpstreamRefused)
    assert vars(error) == vars(expected)
    assert str(error) == str(expected)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_ours_and_their_text_stays_here(status: int) -> None:
    error = OPENAI.read_error(status, b'{"error":{"message":"Incorrect API key provided: sk-proj-abc","type":"x"}}')

    assert isinstance(error, UpstreamCredentials)
    assert error.status == 502
    assert "sk-proj" not in str(error)


def test_an_error_frame_about_our_credentials_is_no_fault_of_the_client() -> None:
    reader = OPENAI.stream_reader()
    reader.feed(b'data: {"error":{"message":"sk-proj-abc","type":"invalid_request_error","code":"invalid_api_key"}}')

    assert isinstance(reader.error, UpstreamCredentials)


@pytest.mark.parametrize(
    "error",
    [
        {"type": "insufficient_quota", "code": "credit_balance_exhausted"},
        {"type": "insufficient_quota", "code": None},
        {"type": "x", "code": "project_spend_limit_exceeded"},
    ],
)
def test_a_spent_account_is_not_asked_again(error: dict[str, Any]) -> None:
    assert OPENAI.read_error(429, json.dumps({"error": error}).encode()).should_retry is False
    assert OPENAI.read_error(429, b'{"error":{"code":"rate_limit_exceeded"}}').should_retry is None


@given(st.integers(400, 599), st.binary(max_size=60))
def test_any_error_answer_is_an_error(status: int, body: bytes) -> None:
    error = OPENAI.read_error(status, body)

    assert isinstance(error, UpstreamError)
    assert str(error)


def test_only_the_closing_chunk_is_a_usage_chunk() -> None:
    found = {
        path.stem: [at for at, frame in enumerate(FrameSplitter().feed(path.read_bytes())) if is_usage_chunk(frame)]
        for path in (FIXTURES / "openai").glob("*.sse")
    }

    assert {name: at for name, at in found.items() if at} == {"usage": [3]}


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        pytest.param(b'data: { "choices" : [ ] , "usage" : {"total_tokens":1}}', True, id="white space"),
        pytest.param(b'data: {"usage":{"total_tokens":1},"choices":[],"obfuscation":"x"}', True, id="another order"),
        pytest.param(b'data: {"choices":[],"usage":null,"x":"_tokens"}', False, id="no usage"),
        pytest.param(b'data: {"choices":[{"delta":{"content":"\\"choices\\":[] _tokens"}}]}', False, id="as a text"),
        pytest.param(b"data: _tokens", False, id="no JSON"),
    ],
)
def test_a_usage_chunk_is_known_by_what_it_says(frame: bytes, *, expected: bool) -> None:
    assert is_usage_chunk(frame) is expected
