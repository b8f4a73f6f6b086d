import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import UpstreamBroken, UpstreamCredentials, UpstreamRefused
from seawall.core.price import STANDARD, Mode
from seawall.core.usage import NO_USAGE, Usage
from seawall.dialects.anthropic import ANTHROPIC
from seawall.dialects.dialect import COUNT_TOKENS, MESSAGES, MODELS, Facts, Mark
from tests.dialects.conftest import Feed

MODEL = "claude-opus-5-5"
COUNTS = st.one_of(st.none(), st.integers(0, 50), st.integers(-20, 50))
USAGES = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": COUNTS,
        "output_tokens": COUNTS,
        "cache_read_input_tokens": COUNTS,
        "cache_creation_input_tokens": COUNTS,
        "cache_creation": st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {}, optional={"ephemeral_5m_input_tokens": COUNTS, "ephemeral_1h_input_tokens": COUNTS}
            ),
        ),
        "output_tokens_details": st.one_of(st.none(), st.fixed_dictionaries({}, optional={"thinking_tokens": COUNTS})),
        "server_tool_use": st.one_of(st.none(), st.fixed_dictionaries({}, optional={"web_search_requests": COUNTS})),
        "service_tier": st.sampled_from([None, "standard", "priority", "batch"]),
        "speed": st.sampled_from([None, "standard", "fast"]),
        "inference_geo": st.sampled_from([None, "global", "us", "not_available"]),
    },
)


def _message(usage: dict[str, Any] | None, **more: Any) -> bytes:  # any JSON values
    message = {"id": "msg_1", "type": "message", "model": MODEL, "stop_reason": "end_turn", "content": []}
    return json.dumps(message | {"usage": usage} | more).encode()


def _event(name: str, **data: Any) -> bytes:  # any JSON values
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}".encode()


@pytest.mark.parametrize(
    ("name", "marks", "facts"),
    [
        pytest.param("text", "qCCCCqT", Facts(Usage(25, output=15), "reported", MODEL, "end_turn"), id="text"),
        pytest.param("ping", "qqqCqCCqT", Facts(Usage(25, output=2), "reported", MODEL, "end_turn"), id="pings"),
        pytest.param(
            "thinking",
            "qCCCCCCCqT",
            Facts(Usage(25, output=20, thinking=100), "reported", MODEL, "end_turn"),
            id="thinking is taken out of the output",
        ),
        pytest.param(
            "redacted_thinking", "qCCCCCqT", Facts(Usage(25, output=9), "reported", MODEL, "end_turn"), id="redacted"
        ),
        pytest.param("tool_use", "qCCCCCqT", Facts(Usage(25, output=33), "reported", MODEL, "tool_use"), id="tool use"),
        pytest.param(
            "server_tool",
            "qCCCCCCCCCqT",
            Facts(Usage(900, output=70, web_searches=2), "reported", MODEL, "end_turn"),
            id="a web search and its citation",
        ),
        pytest.param(
            "cache",
            "qCCCqT",
            Facts(Usage(10, 5000, 100, 200, 4), "reported", MODEL, "end_turn", Mode("standard", "", "us")),
            id="the lifetimes of cache writes stand only in the opening",
        ),
        pytest.param(
            "fast",
            "qCCCqT",
            Facts(Usage(10, output=4), "reported", MODEL, "max_tokens", Mode("priority", "fast", "us")),
            id="the mode stands only in the opening",
        ),
        pytest.param(
            "several_deltas",
            "qCCCqqT",
            Facts(Usage(25, output=7), "reported", MODEL, "end_turn"),
            id="counts are cumulative and null says nothing",
        ),
        pytest.param("refusal", "qqT", Facts(Usage(25, output=0), "reported", MODEL, "refusal"), id="refusal"),
        pytest.param(
            "unknown",
            "qqCCCqqTq",
            Facts(Usage(25, output=3), "reported", MODEL, "end_turn"),
            id="what is new is passed over",
        ),
        pytest.param("cut", "qCCC", Facts(Usage(25, output=1), "partial", MODEL, ""), id="cut off"),
        pytest.param("error", "qCCCE", Facts(Usage(25, output=1), "partial", MODEL, ""), id="an error event"),
        pytest.param(
            "delta_without_usage",
            "qCCCqT",
            Facts(Usage(25, output=1), "partial", MODEL, "end_turn"),
            id="no last count",
        ),
        pytest.param("odd_types", "qCCCqT", Facts(), id="fields of other types leave the facts unknown"),
        pytest.param("unnamed", "q", Facts(), id="a frame without a name ends nothing"),
    ],
)
def test_a_stream_is_read(feed: Feed, name: str, marks: str, facts: Facts) -> None:
    reader = ANTHROPIC.stream_reader()

    assert feed(reader, f"anthropic/{name}.sse") == marks
    assert reader.facts == facts


@given(USAGES, st.lists(USAGES, max_size=4))
def test_the_last_value_of_each_field_stands(opening: dict[str, Any], deltas: list[dict[str, Any]]) -> None:
    reader = ANTHROPIC.stream_reader()
    final = dict(opening)

    reader.feed(_event("message_start", message={"model": MODEL, "usage": opening}))
    for delta in deltas:
        reader.feed(_event("message_delta", delta={}, usage=delta))
        final |= {name: value for name, value in delta.items() if value is not None}
    written, split = final.get("cache_creation_input_tokens") or 0, final.get("cache_creation") or {}
    grew = written > sum(tokens or 0 for tokens in split.values())
    whole = ANTHROPIC.read_reply(MESSAGES, _message({"output_tokens": 0} | final))

    assert reader.facts.usage == whole.usage or final.get("output_tokens") is None or grew
    is_final = any(delta.get("output_tokens") is not None for delta in deltas)
    assert is_final or reader.facts.usage_state == ("missing" if final.get("input_tokens") is None else "partial")
    assert not is_final or grew or reader.facts.usage_state == whole.usage_state
    assert not is_final or whole.usage is None or reader.facts.mode == whole.mode


@pytest.mark.parametrize("lived", [(0, 0), (40, 0), (40, 30)])
def test_what_a_providers_tools_write_after_the_opening_has_the_dearer_lifetime(lived: tuple[int, int]) -> None:
    reader = ANTHROPIC.stream_reader()
    short, long = lived
    opening = {
        "input_tokens": 100,
        "cache_creation_input_tokens": short + long,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
    }

    reader.feed(_event("message_start", message={"model": MODEL, "usage": opening}))
    for written, output in ((500, 7), (900, 9)):
        usage = {"input_tokens": 2000, "cache_creation_input_tokens": written, "output_tokens": output}
        reader.feed(_event("message_delta", delta={}, usage=usage))

    assert reader.facts.usage == Usage(2000, cache_write_short=short, cache_write_long=900 - short, output=9)
    assert reader.facts.usage_state == "reported"


@given(USAGES)
def test_counts_go_into_disjoint_buckets_and_never_below_a_reading(found: dict[str, Any]) -> None:
    found = {"input_tokens": 0, "output_tokens": 0} | {
        name: value for name, value in found.items() if value is not None
    }
    facts = ANTHROPIC.read_reply(MESSAGES, _message(found))
    usage = facts.usage
    assert usage is not None
    count = {name: value for name, value in found.items() if isinstance(value, int)}
    split = found.get("cache_creation") or {}
    short, long = split.get("ephemeral_5m_input_tokens") or 0, split.get("ephemeral_1h_input_tokens") or 0
    written = count.get("cache_creation_input_tokens", short + long)
    plain, read = count.get("input_tokens", 0), count.get("cache_read_input_tokens", 0)
    thinking = (found.get("output_tokens_details") or {}).get("thinking_tokens") or 0

    assert usage.is_sound()
    assert usage.input >= plain
    assert usage.cache_read >= read
    assert usage.cache_write_short + usage.cache_write_long >= max(written, short + long)
    assert usage.cache_write_long >= long
    assert usage.billed_output >= max(count["output_tokens"], thinking)
    if facts.usage_state == "reported":
        assert usage.is_sound(prompt_total=plain + read + written, output_total=count["output_tokens"])


@pytest.mark.parametrize(
    ("found", "usage", "state"),
    [
        pytest.param({"cache_creation_input_tokens": 9}, Usage(cache_write_short=9), "reported", id="no lifetimes"),
        pytest.param(
            {"cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}},
            Usage(cache_write_short=2, cache_write_long=3),
            "reported",
            id="no total",
        ),
        pytest.param(
            {"cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_5m_input_tokens": 2}},
            Usage(cache_write_short=2, cache_write_long=7),
            "unsound",
            id="what no lifetime claims is the dearer kind",
        ),
        pytest.param(
            {"cache_creation_input_tokens": 9, "cache_creation": {}},
            Usage(cache_write_long=9),
            "unsound",
            id="nothing is claimed",
        ),
        pytest.param(
            {"cache_creation_input_tokens": 1, "cache_creation": {"ephemeral_5m_input_tokens": 8}},
            Usage(cache_write_short=8),
            "unsound",
            id="more is claimed than written",
        ),
        pytest.param(
            {
                "cache_creation_input_tokens": 10,
                "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": -5},
            },
            Usage(cache_write_short=15),
            "unsound",
            id="a negative part that makes the sum right",
        ),
        pytest.param(
            {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 8}},
            Usage(output=5, thinking=8),
            "unsound",
            id="more thinking than output",
        ),
        pytest.param({"input_tokens": -3}, NO_USAGE, "unsound", id="a negative count"),
        pytest.param({"cache_read_input_tokens": -1}, NO_USAGE, "unsound", id="a negative cache read"),
        pytest.param({"server_tool_use": {"web_search_requests": -1}}, NO_USAGE, "unsound", id="negative searches"),
    ],
)
def test_contradicting_counts_take_the_dearer_reading(found: dict[str, Any], usage: Usage, state: str) -> None:
    facts = ANTHROPIC.read_reply(MESSAGES, _message({"input_tokens": 0, "output_tokens": 0} | found))

    assert facts.usage == usage
    assert facts.usage_state == state


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        pytest.param(
            _message({"input_tokens": 3, "output_tokens": 4}),
            Facts(Usage(3, output=4), "reported", MODEL, "end_turn"),
            id="a message",
        ),
        pytest.param(_message(None), Facts(model=MODEL, stop_reason="end_turn"), id="no usage"),
        pytest.param(_message({"input_tokens": 3}), Facts(model=MODEL, stop_reason="end_turn"), id="half a usage"),
        pytest.param(_message({"output_tokens": 3}), Facts(model=MODEL, stop_reason="end_turn"), id="the other half"),
        pytest.param(
            _message({"input_tokens": 3, "output_tokens": 4, "service_tier": "batch"}, stop_reason=None),
            Facts(Usage(3, output=4), "reported", MODEL, "", Mode("batch")),
            id="batch",
        ),
        pytest.param(_message({"input_tokens": 3, "output_tokens": "4"}), Facts(), id="a count as text"),
        pytest.param(
            _message({"input_tokens": 0, "output_tokens": 1}, error=None, model="m" * 300),
            Facts(Usage(output=1), "reported", "", "end_turn"),
            id="a model whose name is no name",
        ),
    ],
)
def test_a_whole_answer_is_read(body: bytes, facts: Facts) -> None:
    assert ANTHROPIC.read_reply(MESSAGES, body) == facts


@pytest.mark.parametrize("endpoint", [COUNT_TOKENS, MODELS], ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize("body", [b'{"input_tokens": 14}', b'{"data":[],"has_more":false}', b'{"type":5}'])
def test_endpoints_that_are_not_billed_use_nothing(endpoint: Any, body: bytes) -> None:  # an Endpoint
    assert ANTHROPIC.read_reply(endpoint, body) == Facts(NO_USAGE, "none")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"type":"list"}', b'{"type":"message"', b"\xff"])
def test_what_is_no_message_is_a_broken_answer(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        ANTHROPIC.read_reply(MESSAGES, body)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        pytest.param(
            b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}', 529, "overloaded_error", id="dialect"
        ),
        pytest.param(b'{"error":{"type":"rate_limit_error","message":"m"}}', 429, "rate_limit_error", id="no type"),
        pytest.param(b'{"error":{"message":"m"}}', 502, "", id="no kind"),
        pytest.param(b'{"error":"out of memory"}', 502, "", id="a text"),
    ],
)
def test_an_error_under_a_good_status_is_an_error(body: bytes, status: int, kind: str) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        ANTHROPIC.read_reply(MESSAGES, body)

    assert (caught.value.status, caught.value.kind) == (status, kind)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("invalid_request_error", 400),
        ("billing_error", 402),
        ("not_found_error", 404),
        ("conflict_error", 409),
        ("request_too_large", 413),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("timeout_error", 504),
        ("overloaded_error", 529),
        ("something_new", 502),
    ],
)
def test_an_error_event_has_the_status_that_it_would_have_had(kind: str, status: int) -> None:
    reader = ANTHROPIC.stream_reader()

    assert reader.feed(_event("error", error={"type": kind, "message": "m"})) is Mark.ERROR
    assert isinstance(reader.error, UpstreamRefused)
    assert (reader.error.status, reader.error.kind, str(reader.error)) == (status, kind, "m")


@pytest.mark.parametrize("kind", ["authentication_error", "permission_error"])
def test_an_error_event_about_our_credentials_is_no_fault_of_the_client(kind: str) -> None:
    reader = ANTHROPIC.stream_reader()
    reader.feed(_event("error", error={"type": kind, "message": "invalid x-api-key sk-ant-secret"}))

    assert isinstance(reader.error, UpstreamCredentials)
    assert "sk-ant" not in str(reader.error)


@pytest.mark.parametrize("data", [b"", b"oops", b"[]", b"\xff", b'{"error":7}', b"[" * 5000])
def test_an_unreadable_error_event_is_an_error_all_the_same(data: bytes) -> None:
    reader = ANTHROPIC.stream_reader()

    assert reader.feed(b"event: error\ndata: " + data) is Mark.ERROR
    assert isinstance(reader.error, UpstreamRefused)
    assert reader.error.status == 502


@pytest.mark.parametrize("name", ["message_start", "message_delta", "message_stop"])
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 5000])
def test_an_event_that_is_no_object_breaks_the_stream(name: str, data: bytes) -> None:
    with pytest.raises(UpstreamBroken, match=name):
        ANTHROPIC.stream_reader().feed(f"event: {name}\ndata: ".encode() + data)


@pytest.mark.parametrize("name", ["content_block_start", "content_block_delta", "content_block_stop"])
@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"delta":{"text":"hal', b'{"delta":{"text":"a"}', b'{"a":"\xff"}']
)
def test_content_that_no_client_could_read_breaks_the_stream(name: str, data: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        ANTHROPIC.stream_reader().feed(b"event: %b\ndata: %b" % (name.encode(), data))


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param('event: content_block_delta\ndata: {"delta":{"text":"日本"}}'.encode(), id="not ASCII"),
        pytest.param(b'event: content_block_delta\ndata: {"delta":\ndata: {}}', id="two lines of data"),
        pytest.param(b'event: content_block_delta\ndata: {"delta":{}}\nid: 5', id="another field behind it"),
        pytest.param(b'data: {"delta":{}}\nevent: content_block_delta', id="the name last"),
        pytest.param(b'event:content_block_delta\ndata:{"delta":"what"}', id="no space, another type"),
    ],
)
def test_content_is_content_in_every_way_to_write_it(frame: bytes) -> None:
    assert ANTHROPIC.stream_reader().feed(frame) is Mark.CONTENT


def test_an_event_that_nobody_knows_is_text_all_the_same() -> None:
    with pytest.raises(UpstreamBroken, match="UTF-8"):
        ANTHROPIC.stream_reader().feed(b"event: new\ndata: \xff\xfe")


def test_a_whole_answer_is_text() -> None:
    body = _message({"output_tokens": 1}, content=[{"type": "text", "text": "?"}]).replace(b"?", b"\xff")

    with pytest.raises(UpstreamBroken, match="UTF-8"):
        ANTHROPIC.read_reply(MESSAGES, body)


@given(st.binary(max_size=80))
def test_any_frame_is_read_or_breaks_the_stream(frame: bytes) -> None:
    with contextlib.suppress(UpstreamBroken):
        assert ANTHROPIC.stream_reader().feed(frame) in Mark


def test_the_order_of_the_opening_does_not_matter_to_the_mode() -> None:
    reader = ANTHROPIC.stream_reader()
    reader.feed(_event("message_start", message={"usage": {"service_tier": "standard", "inference_geo": "global"}}))

    assert reader.facts.mode is STANDARD
