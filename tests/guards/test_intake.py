from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import BadRequest, BodyTooLarge
from seawall.core.principal import Principal
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, MODELS, RESPONSES, Endpoint
from seawall.guards.intake import CLASSES, MAX_MODEL, IntakeGuard
from seawall.pipeline.exchange import NO_LABELS, Labels
from seawall.testing.scripted_upstream import Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.scene import ANSWER, OWNER, Call, Ended, Scene, target, whole

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def _ended(call: Call, *answers: Script, limit: int = 1 << 20) -> Ended:
    upstream = ScriptedUpstream(*(answers or (whole(ANSWER[call.dialect.name]),)))
    return run_virtual(Scene((IntakeGuard(limit, "automation"),), upstream).call(call))


def test_the_body_says_the_model_and_the_route_says_the_class() -> None:
    exchange = _ended(Call(MESSAGES, {"model": "claude-opus-5-5"})).exchange

    assert exchange.model_asked == "claude-opus-5-5"
    assert exchange.traffic_class == "automation"
    assert exchange.labels is NO_LABELS
    assert not exchange.wants_stream
    assert exchange.body is not None


@pytest.mark.parametrize(
    ("endpoint", "stream", "wants"),
    [
        (MESSAGES, True, True),
        (MESSAGES, False, False),
        (MESSAGES, None, False),
        (CHAT, True, True),
        (RESPONSES, True, True),
        (RESPONSES, False, False),
        (COUNT_TOKENS, True, False),
        (EMBEDDINGS, True, False),
        (EMBEDDINGS, "odd", False),
    ],
)
def test_a_stream_is_wanted_only_where_there_are_streams(endpoint: Endpoint, stream: Any, wants: bool) -> None:
    ended = _ended(Call(endpoint, {"stream": stream}))

    assert ended.exchange.wants_stream is wants
    assert ended.sent == {"stream": stream}, "an odd field is the provider's to refuse"


@pytest.mark.parametrize("stream", ["true", 1, [], {}])
@pytest.mark.parametrize("endpoint", [MESSAGES, CHAT], ids=["messages", "chat"])
def test_what_is_no_yes_or_no_is_refused_where_it_decides(endpoint: Endpoint, stream: Any) -> None:
    error = _ended(Call(endpoint, {"stream": stream})).error

    assert isinstance(error, BadRequest)
    assert error.param == "stream"


@pytest.mark.parametrize("model", [5, None, [], {"a": 1}, "m" * (MAX_MODEL + 1)])
def test_what_is_no_model_is_refused(model: Any) -> None:
    error = _ended(Call(MESSAGES, {"model": model})).error

    assert isinstance(error, BadRequest)
    assert error.param == "model"


def test_a_body_beyond_the_limit_is_refused() -> None:
    error = _ended(Call(MESSAGES, {"model": "x" * 100}), limit=50).error

    assert isinstance(error, BodyTooLarge)
    assert error.status == 413


@pytest.mark.parametrize("body", [b"", b"oops", b"[]", b'{"a":1,"a":2}'])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert isinstance(_ended(Call(MESSAGES, body)).error, BadRequest)


def test_an_endpoint_without_a_body_reads_none() -> None:
    exchange = _ended(Call(MODELS, b"not read", {b"x-seawall-feature": b"list"}, target=target())).exchange

    assert exchange.body is None
    assert exchange.labels == Labels(feature="list")
    assert exchange.traffic_class == "automation"


BOUND = Principal("key_1", user="from the key", feature="bound")


@pytest.mark.parametrize(
    ("principal", "headers", "body", "labels"),
    [
        pytest.param(OWNER, {}, {}, NO_LABELS, id="nothing"),
        pytest.param(None, {b"x-seawall-user": b"u"}, {}, Labels("u"), id="nobody's"),
        pytest.param(OWNER, {b"x-seawall-user": b""}, {}, NO_LABELS, id="an empty header"),
        pytest.param(
            OWNER,
            {b"x-seawall-user": b"u", b"x-seawall-feature": b"f", b"x-seawall-conversation": b"c"},
            {},
            Labels("u", "f", "c"),
            id="headers",
        ),
        pytest.param(
            BOUND,
            {b"x-seawall-user": b"u", b"x-seawall-feature": b"f"},
            {"user": "b"},
            Labels("from the key", "bound"),
            id="what the key is bound to goes first",
        ),
        pytest.param(
            BOUND, {b"x-seawall-user": b"\xff", b"x-seawall-feature": b"\xff"}, {}, Labels("from the key", "bound")
        ),
        pytest.param(
            OWNER, {b"x-seawall-user": b"u"}, {"metadata": {"user_id": "b"}}, Labels("u"), id="a header before the body"
        ),
        pytest.param(OWNER, {}, {"metadata": {"user_id": "b"}}, Labels("b"), id="Anthropic's field"),
        pytest.param(OWNER, {}, {"safety_identifier": "s", "user": "b"}, Labels("s"), id="OpenAI's newer field"),
        pytest.param(OWNER, {}, {"user": "b"}, Labels("b"), id="OpenAI's older field"),
        pytest.param(OWNER, {}, {"user": "b" * 9999}, Labels("b" * 512), id="a long one is cut"),
        pytest.param(OWNER, {}, {"user": ["b"], "metadata": "x"}, NO_LABELS, id="odd types say nothing"),
    ],
)
def test_labels_come_from_the_key_the_headers_and_the_body(
    principal: Principal | None, headers: dict[bytes, bytes], body: dict[str, Any], labels: Labels
) -> None:
    assert _ended(Call(MESSAGES, body, headers, principal)).exchange.labels == labels


@pytest.mark.parametrize("name", CLASSES)
def test_the_class_can_be_named(name: str) -> None:
    exchange = _ended(Call(MESSAGES, {}, {b"x-seawall-class": name.encode()})).exchange

    assert exchange.traffic_class == name
    assert exchange.labels == Labels(traffic_class=name)


def test_an_unknown_class_is_refused_with_the_known_ones() -> None:
    error = _ended(Call(MESSAGES, {}, {b"x-seawall-class": b"urgent"})).error

    assert isinstance(error, BadRequest)
    assert all(name in str(error) for name in CLASSES)


@pytest.mark.parametrize("name", [b"x-seawall-user", b"x-seawall-feature", b"x-seawall-conversation"])
@pytest.mark.parametrize("value", [b"x" * 129, b"caf\xc3\xa9", b"a\tb", b"\x00"])
def test_a_label_that_is_no_label_is_refused_by_its_name(name: bytes, value: bytes) -> None:
    error = _ended(Call(MESSAGES, {}, {name: value})).error

    assert isinstance(error, BadRequest)
    assert error.param == name.decode()
    assert value.decode("latin-1") not in str(error)


@given(
    st.dictionaries(
        st.sampled_from(["model", "stream", "metadata", "user", "safety_identifier", "messages"]), JSON, max_size=6
    )
)
def test_any_object_is_taken_in_or_refused(body: dict[str, Any]) -> None:
    ended = _ended(Call(MESSAGES, body))

    if isinstance(ended.error, BadRequest):
        assert ended.error.status == 400
    else:
        assert len(ended.exchange.model_asked) <= MAX_MODEL
        assert len(ended.exchange.labels.user) <= 512
