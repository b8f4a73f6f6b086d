import json
from collections.abc import Callable
from typing import Any

import pytest

from seawall.sandbox.call import Call
from seawall.sandbox.fault import parse
from seawall.sandbox.openai.reply import REFUSAL
from seawall.sandbox.openai.responses import responses
from seawall.sandbox.problem import Problem
from seawall.sandbox.reply import Reply
from seawall.sandbox.setting import Settings

TOOL = {"type": "function", "name": "clock", "parameters": {"type": "object"}}
LONG_TEXT = "harbour light " * 800


def _body(model: str = "gpt-6-sol", **change: Any) -> dict[str, Any]:
    return {"model": model, "input": "hi"} | change


def _told(reply: Reply) -> dict[str, Any]:
    """Give the whole answer, which a stream's last event has, too."""
    data = reply.events[-1].data
    if not reply.is_stream:
        return dict(json.loads(data))
    return dict(json.loads(data.partition(b"\ndata: ")[2])["response"])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="text"),
        pytest.param({"tools": [TOOL], "input": "use tools"}, id="tools"),
        pytest.param({"max_output_tokens": 30}, id="cut short"),
        pytest.param({"max_output_tokens": 3, "tools": [TOOL], "tool_choice": "required"}, id="a call cut short"),
    ],
)
def test_streaming_changes_how_an_answer_is_sent_and_not_what_it_is(
    make_call: Callable[..., Call], change: dict[str, Any]
) -> None:
    whole, stream = responses(make_call(_body(**change))), responses(make_call(_body(**change, stream=True)))

    assert _told(whole) == _told(stream)
    assert whole.charge == stream.charge
    assert sum(event.tokens for event in stream.events) == _told(whole)["usage"]["output_tokens"]


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_tokens_are_counted_inside_the_output(make_call: Callable[..., Call], stream: bool) -> None:
    told = _told(responses(make_call(_body(stream=stream), settings=Settings(thinking_tokens=7, output_tokens=5))))

    assert told["usage"]["output_tokens"] == 12
    assert told["usage"]["output_tokens_details"] == {"reasoning_tokens": 7}
    assert [item["type"] for item in told["output"]] == ["reasoning", "message"]
    assert "encrypted_content" not in told["output"][0]


def test_thoughts_can_be_had_sealed_and_sent_back(make_call: Callable[..., Call]) -> None:
    include = ["reasoning.encrypted_content"]
    first = _told(responses(make_call(_body(include=include))))
    items = [{"role": "user", "content": "hi"}, *first["output"], {"role": "user", "content": "and then?"}]

    assert first["output"][0]["encrypted_content"]
    assert _told(responses(make_call(_body(input=items))))["status"] == "completed"


@pytest.mark.parametrize(
    ("model", "writes"),
    [pytest.param("gpt-6-sol", True, id="with a fee"), pytest.param("gpt-5.5", False, id="without")],
)
def test_a_shared_beginning_is_read_from_the_cache(make_call: Callable[..., Call], model: str, writes: bool) -> None:
    def details(question: str) -> dict[str, Any]:
        reply = responses(make_call(_body(model, instructions=LONG_TEXT, input=question)))
        reply.begun()
        found: dict[str, Any] = _told(reply)["usage"]["input_tokens_details"]
        return found

    first, second = details("one"), details("two")

    assert (first["cached_tokens"], second["cached_tokens"]) == (0, 1_536)
    assert (first["cache_write_tokens"] > 0) is writes


def test_both_lifetimes_of_the_cache_are_told(make_call: Callable[..., Call]) -> None:
    mark = {"mode": "explicit", "ttl": "12h"}
    parts = [{"type": "input_text", "text": LONG_TEXT, "prompt_cache_breakpoint": mark}]
    parts.append({"type": "input_text", "text": LONG_TEXT})
    told = _told(responses(make_call(_body(input=[{"role": "user", "content": parts}]))))
    details = told["usage"]["input_tokens_details"]

    split = details["cache_write_tokens_details"]
    assert min(split["ttl_30m_tokens"], split["ttl_12h_tokens"]) > 0
    assert details["cache_write_tokens"] == split["ttl_30m_tokens"] + split["ttl_12h_tokens"]


def test_a_tier_is_told_and_charged(make_call: Callable[..., Call]) -> None:
    reply = responses(make_call(_body(service_tier="fast")))

    assert _told(reply)["service_tier"] == "priority"
    assert reply.charge is not None
    assert reply.charge.permille == 2_000


def test_models_that_take_tools_here_alone_take_them(make_call: Callable[..., Call]) -> None:
    body = _body("gpt-6.1-sol", tools=[TOOL], tool_choice={"type": "function", "name": "clock"})
    told = _told(responses(make_call(body)))

    assert [item["type"] for item in told["output"]] == ["reasoning", "function_call"]
    assert told["output"][1]["name"] == "clock"


@pytest.mark.parametrize(
    ("refusal", "status", "reason"), [("before", "completed", None), ("midway", "incomplete", "content_filter")]
)
def test_a_refusal_is_told(make_call: Callable[..., Call], refusal: Any, status: str, reason: str | None) -> None:
    told = _told(responses(make_call(_body(stream=True), settings=Settings(refusal=refusal))))

    assert told["status"] == status
    assert (told["incomplete_details"] or {"reason": None})["reason"] == reason
    if refusal == "before":
        assert told["output"][-1]["content"] == [{"type": "refusal", "refusal": "".join(REFUSAL)}]


@pytest.mark.parametrize(("fault", "factor"), [("usage=double", 2), ("usage=zero", 0), ("usage=missing", None)])
def test_what_is_told_of_the_usage_may_be_wrong(make_call: Callable[..., Call], fault: str, factor: int | None) -> None:
    right = _told(responses(make_call(_body())))["usage"]
    reply = responses(make_call(_body(), faults=parse(fault)))
    told = _told(reply)["usage"]

    assert told is None if factor is None else told["input_tokens"] == factor * right["input_tokens"]
    assert reply.charge is not None
    assert reply.charge.usage.prompt == right["input_tokens"]


def test_an_unknown_model_is_not_found(make_call: Callable[..., Call]) -> None:
    with pytest.raises(Problem) as caught:
        responses(make_call(_body("gpt-none")))

    assert (caught.value.status, caught.value.code) == (404, "model_not_found")


def test_a_prompt_beyond_the_context_is_refused(make_call: Callable[..., Call]) -> None:
    with pytest.raises(Problem) as caught:
        responses(make_call(_body("gpt-4o", input="word " * 200_000)))

    assert caught.value.code == "context_length_exceeded"


def test_unknown_fields_are_refused_unless_the_sandbox_is_told_otherwise(make_call: Callable[..., Call]) -> None:
    with pytest.raises(Problem, match="Unknown parameter: 'novel'"):
        responses(make_call(_body(novel=1)))

    assert responses(make_call(_body(novel=1), settings=Settings(accept_unknown_fields=True))).status == 200
